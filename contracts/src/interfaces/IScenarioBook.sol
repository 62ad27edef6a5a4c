// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Scenarios} from "../lib/Scenarios.sol";
import {ICourt} from "./ICourt.sol";

/// @title What a gate asks of a market's positions; `RiskGate` and `PanelGate` answer it
interface IInitialMargin {
    /// @notice Returns the initial margin as a fraction of notional, WAD.
    function initialMargin(bytes32 market) external view returns (uint256);
}

/// @title Instruments, their scenario arrays, and what they settle at
/// @notice A provider claims, with a bond, what one Program returned on the terms this contract
///         keeps and the market data in its call: f64[rows, 32]. A row is one instrument and one
///         chunk, so an array comes with its way up to the claim's output and nobody stores any. A
///         grid counts when its claim is final.
/// @dev The Program and every term are fixed here; price, width and age are checked here; the
///      forwards and volatilities are the provider's word. Deliberately absent: positions, money,
///      an owner, a way to take an instrument back.
interface IScenarioBook {
    /// @notice What a row can be; as the Program numbers them.
    enum Kind {
        Put,
        Call,
        Perpetual
    }

    /// @param name as the price feed knows the market
    /// @param gate whose initial margin is the least half-width, or none
    /// @param halfMin least half-width of the grid's prices, as a fraction, WAD
    /// @param upMin least rise of the volatility of 30 days, as a fraction, WAD
    /// @param downMin least fall of it
    struct Market {
        bytes32 name;
        IInitialMargin gate;
        uint128 halfMin;
        uint128 upMin;
        uint128 downMin;
    }

    /// @param strike bits of an f64 that is a whole number of ticks; of a perpetual 1
    /// @param expiry of an option, or when a perpetual is delisted, 0 for never
    struct Listing {
        uint8 market;
        Kind kind;
        uint64 strike;
        uint64 expiry;
    }

    /// @param row in the market's grid
    /// @param version of the market's terms that had it first
    /// @param expiry chain time from which it settles, 0 for never
    /// @param strike bits of an f64
    struct Instrument {
        uint8 market;
        Kind kind;
        uint32 row;
        uint32 version;
        uint64 expiry;
        uint64 strike;
    }

    /// @param root list root of the claim's outputs, which is its one tensor's
    /// @param price it was made at, ticks
    /// @param time it was made at, by the provider's word; at most the time of its call
    /// @param version of the terms it was made with
    /// @param claim behind it, 0 where there is none
    struct Grid {
        bytes32 root;
        uint128 price;
        uint64 time;
        uint32 version;
        uint128 claim;
    }

    /// @param head f64[6]: time, price, half-width, rise and fall of the volatility, band
    /// @param forwards f64[rows]: each row's forward as a multiple of the price
    /// @param volatilities f64[rows]: each row's mark volatility a year
    struct Data {
        bytes head;
        bytes forwards;
        bytes volatilities;
    }

    /// @notice One instrument's array, brought by whoever needs it.
    /// @param opening its row as a chunk with its way up; nothing for an instrument that has
    ///        settled
    struct Reading {
        uint32 instrument;
        ICourt.Opening opening;
    }

    /// @param index the feed's last good price, ticks
    /// @param priceFresh whether it is the price now
    /// @param gridFresh whether the grid is young enough and the price within its band
    /// @param known whether a reading was of this market, otherwise all is zero
    struct State {
        uint256 index;
        bool priceFresh;
        bool gridFresh;
        bool known;
    }

    event Listed(uint32 indexed instrument, Instrument terms);
    event Posted(uint8 indexed market, uint256 indexed claim, Grid grid, Data data);
    event Settled(uint8 indexed market, uint256 indexed claim);
    /// @param average of the index, WAD
    /// @param value of a unit, ticks
    event Fixed(uint32 indexed instrument, uint256 average, uint256 value);
    event Delisted(uint32 indexed instrument, uint64 expiry);

    /// @notice Thrown at deployment; names what cannot be.
    error BadConfig(string field);
    /// @notice Thrown for anybody but the provider.
    error NotProvider(address sender);
    /// @notice Thrown when a listing's terms cannot be.
    error BadListing(string field);
    /// @notice Thrown when every row of the market has an instrument that has not settled.
    error NoRow(uint8 market);
    /// @notice Thrown when posted data have the wrong length, or a head that cannot be; names what.
    error BadData(string field);
    /// @notice Thrown by `post` while too many grids wait for their claims.
    error TooManyWaiting(uint256 maximum);
    /// @notice Thrown for a number that is no instrument's.
    error UnknownInstrument(uint32 instrument);
    /// @notice Thrown when readings are not in ascending order of instruments, each once.
    error NotAscending(uint32 instrument);
    /// @notice Thrown when no final grid has this instrument yet.
    error NotInGrid(uint32 instrument);
    /// @notice Thrown when an array is not that of its row.
    error NotTheArray(uint32 instrument, bytes32 expected, bytes32 got);
    /// @notice Thrown by `fix` and `delist` before their time.
    error NotYet(uint32 instrument);

    /// @notice Lists instruments, by the provider, who has to value them. A row is free again when
    ///         its instrument has settled.
    /// @return first number of the first; the others follow it
    function list(Listing[] calldata listings) external returns (uint32 first);

    /// @notice Claims a grid; the provider's allowance to the court pays the bond.
    /// @param root of what the Program returned
    function post(uint8 market, Data calldata data, bytes32 root) external returns (uint256 claim);

    /// @notice Makes the newest grid count whose claim is final or can be made so; anybody may.
    function settle(uint8 market) external;

    /// @notice Fixes what an instrument settles at: the mean of the index in the 30 minutes before
    ///         its expiry if at least 20 of them are good, otherwise of the next 30 good ones;
    ///         anybody may.
    function fix(uint32 instrument) external returns (uint256 value);

    /// @notice Lets a perpetual end an hour from now, whose market has had no grid for a week;
    ///         anybody may.
    function delist(uint32 instrument) external;

    /// @notice Returns what the arrays say, in the order of `readings`, and the state of each
    ///         market read.
    /// @dev A settled instrument needs no array: it has its value and no risk.
    function read(Reading[] calldata readings)
        external
        view
        returns (Scenarios.Sheet[] memory sheets, State[] memory states);

    /// @notice Returns the grid that counts.
    function gridOf(uint8 market) external view returns (Grid memory);

    /// @notice Returns an instrument's terms.
    function instrumentOf(uint32 instrument) external view returns (Instrument memory);

    /// @notice Returns what a unit settled at in ticks, and whether it has.
    function settlementOf(uint32 instrument) external view returns (uint256 value, bool settled);

    /// @notice Returns the list root of the Program's inputs with the terms as they are.
    function inputsOf(uint8 market, Data calldata data) external view returns (bytes32);

    /// @notice Returns how many instruments there are.
    function instrumentCount() external view returns (uint32);

    /// @notice Returns how many markets there are.
    function marketCount() external view returns (uint256);
}
