// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IPriceFeed} from "./interfaces/IPriceFeed.sol";
import {IScenarioBook} from "./interfaces/IScenarioBook.sol";
import {Amount} from "./lib/Amount.sol";
import {Scenarios} from "./lib/Scenarios.sol";
import {Tree} from "./lib/Tree.sol";
import {Wad} from "./lib/Wad.sol";

/// @title Instruments and grids of one provider
/// @dev The Program's inputs are strikes f64[rows], expiries f64[rows], kinds i32[rows], all three
///      kept here as roots, then head, forwards and volatilities, whose bytes a call brings. This
///      contract is among the court's consumers. A row without an instrument is a perpetual.
contract ScenarioBook is IScenarioBook {
    using Scenarios for Scenarios.Sheet;

    /// @dev Roots of the three tensors of a market's terms.
    struct Terms {
        bytes32 strikes;
        bytes32 expiries;
        bytes32 kinds;
    }

    /// @param rows number of each row's instrument plus one, 0 for none
    /// @param waiting grids whose claims are not decided, from `first` on
    struct Shelf {
        uint32 version;
        uint32[] rows;
        Terms terms;
        Grid held;
        Grid[] waiting;
        uint256 first;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant MARKETS_MAX = 8;
    uint256 private constant ROWS_MAX = 256;
    uint256 private constant WAITING_MAX = 16;
    uint256 private constant HEAD = 48;
    uint64 private constant LAG_MAX = 15 minutes;
    uint64 private constant EXPIRY = 6 hours;
    uint64 private constant SILENCE = 7 days;
    uint64 private constant NOTICE = 1 hours;
    uint64 private constant AVERAGED = 30 minutes;
    uint64 private constant ONE = 0x3ff0000000000000;

    /// @notice Keeps the claims behind grids.
    ICourt public immutable court;
    /// @notice Where indices are read.
    IPriceFeed public immutable feed;
    /// @notice Who lists instruments and claims grids.
    address public immutable provider;
    /// @notice Program that a grid is the result of.
    bytes32 public immutable program;
    /// @notice Rows of a market's grid: a multiple of 32.
    uint32 public immutable rows;
    /// @notice Farthest the index may be from a grid's price, as a fraction, WAD.
    uint256 public immutable band;
    uint64 private immutable BAND_BITS;
    uint64 private immutable SLOT_SECONDS;

    Market[] private _markets;
    Shelf[] private _shelves;
    Instrument[] private _instruments;
    mapping(uint32 instrument => uint256) private _settled; // value in ticks plus one

    /// @param rows_ of the Program
    /// @param band_ bits of the f64 that the Program is given
    constructor(
        ICourt court_,
        IPriceFeed feed_,
        address provider_,
        bytes32 program_,
        uint32 rows_,
        uint64 band_,
        Market[] memory markets
    ) {
        require(court_.isConsumer(address(this)), BadConfig("court"));
        require(rows_ > 0 && rows_ <= ROWS_MAX && rows_ % 32 == 0, BadConfig("rows"));
        require(markets.length > 0 && markets.length <= MARKETS_MAX, BadConfig("markets"));
        (court, feed, provider) = (court_, feed_, provider_);
        (program, rows, BAND_BITS) = (program_, rows_, band_);
        SLOT_SECONDS = feed_.terms().slotSeconds;
        require(SLOT_SECONDS <= AVERAGED && AVERAGED % SLOT_SECONDS == 0, BadConfig("feed"));
        band = Wad.down(band_);
        require(band >= WAD / 1000 && band <= WAD / 2, BadConfig("band"));
        for (uint256 i = 0; i < markets.length; ++i) {
            bool wide = markets[i].halfMin > 0 && markets[i].halfMin < WAD;
            require(wide, BadConfig("halfMin"));
            _markets.push(markets[i]);
            Shelf storage shelf = _shelves.push();
            shelf.rows = new uint32[](rows_);
            _hashTerms(shelf);
        }
    }

    // Instruments.

    /// @inheritdoc IScenarioBook
    function list(Listing[] calldata listings) external returns (uint32 first) {
        require(msg.sender == provider, NotProvider(msg.sender));
        require(listings.length > 0, BadListing("listings"));
        first = uint32(_instruments.length);
        uint8 market = listings[0].market;
        require(market < _markets.length, BadListing("market"));
        Shelf storage shelf = _shelves[market];
        uint32 version = ++shelf.version;
        uint32 row = 0;
        for (uint32 i = 0; i < listings.length; ++i) {
            Listing calldata listing = listings[i];
            _checkListing(listing, market);
            row = _freeRow(shelf, market, row);
            uint32 id = first + i;
            shelf.rows[row] = id + 1;
            Instrument memory made =
                Instrument(market, listing.kind, row, version, listing.expiry, listing.strike);
            _instruments.push(made);
            emit Listed(id, made);
        }
        _hashTerms(shelf);
    }

    /// @inheritdoc IScenarioBook
    function fix(uint32 instrument) external returns (uint256 value) {
        Instrument memory fixed_ = instrumentOf(instrument);
        bool due = fixed_.expiry > 0 && block.timestamp >= fixed_.expiry;
        require(due && _settled[instrument] == 0, NotYet(instrument));
        uint64 to = fixed_.expiry / SLOT_SECONDS;
        uint64 count = AVERAGED / SLOT_SECONDS;
        bytes32 name = _markets[fixed_.market].name;
        uint256 average = feed.average(name, to - count, to, (2 * uint256(count) + 2) / 3);
        uint256 index = average / Scenarios.TICK;
        uint256 strike = Wad.down(fixed_.strike) / Scenarios.TICK;
        if (fixed_.kind == Kind.Perpetual) value = index;
        else if (fixed_.kind == Kind.Call) value = index > strike ? index - strike : 0;
        else value = strike > index ? strike - index : 0;
        _settled[instrument] = value + 1;
        emit Fixed(instrument, average, value);
    }

    /// @inheritdoc IScenarioBook
    function delist(uint32 instrument) external {
        Instrument memory silent = instrumentOf(instrument);
        uint64 last = _shelves[silent.market].held.time;
        bool due = silent.kind == Kind.Perpetual && silent.expiry == 0 && last > 0
            && block.timestamp >= last + SILENCE;
        require(due, NotYet(instrument));
        uint64 expiry = uint64(block.timestamp) + NOTICE;
        _instruments[instrument].expiry = expiry;
        emit Delisted(instrument, expiry);
    }

    // Grids.

    /// @inheritdoc IScenarioBook
    function post(uint8 market, Data calldata data, bytes32 root) external returns (uint256 claim) {
        require(msg.sender == provider, NotProvider(msg.sender));
        settle(market);
        Shelf storage shelf = _shelves[market];
        uint256 waiting = shelf.waiting.length - shelf.first;
        require(waiting < WAITING_MAX, TooManyWaiting(WAITING_MAX));
        bytes32 inputsRoot = inputsOf(market, data);
        Grid memory grid = _checkHead(market, data.head);
        grid.root = root;
        grid.version = shelf.version;
        claim = court.post(program, inputsRoot, root, provider, 1, new uint256[](0));
        grid.claim = uint128(claim);
        shelf.waiting.push(grid);
        emit Posted(market, claim, grid, data);
    }

    /// @inheritdoc IScenarioBook
    function settle(uint8 market) public {
        require(market < _markets.length, BadData("market"));
        Shelf storage shelf = _shelves[market];
        uint256 count = shelf.waiting.length;
        uint256 first = shelf.first;
        for (uint256 i = first; i < count; ++i) {
            Grid memory grid = shelf.waiting[i];
            ICourt.Claim memory claim = court.claim(grid.claim);
            if (claim.state == ICourt.State.Open && block.number > claim.deadline) {
                court.finalise(grid.claim);
                claim.state = ICourt.State.Final;
            }
            if (claim.state == ICourt.State.Final) {
                first = i + 1;
                if (grid.time < shelf.held.time) continue;
                shelf.held = grid;
                emit Settled(market, grid.claim);
            } else if (first == i && claim.state >= ICourt.State.Struck) {
                ++first;
            }
        }
        shelf.first = first;
    }

    // Views.

    /// @inheritdoc IScenarioBook
    function read(Reading[] calldata readings)
        external
        view
        returns (Scenarios.Sheet[] memory sheets, State[] memory states)
    {
        states = new State[](_markets.length);
        sheets = new Scenarios.Sheet[](readings.length);
        for (uint256 i = 0; i < readings.length; ++i) {
            Reading calldata reading = readings[i];
            uint32 id = reading.instrument;
            require(i == 0 || id > readings[i - 1].instrument, NotAscending(id));
            Instrument memory known = instrumentOf(id);
            Scenarios.Sheet memory sheet = sheets[i];
            sheet.instrument = id;
            sheet.market = known.market;
            sheet.kind = uint8(known.kind);
            sheet.expiry = known.expiry;
            uint256 settled = _settled[id];
            if (settled > 0) {
                sheet.settled = true;
                sheet.mark = int256(settled - 1);
                continue;
            }
            State memory state = states[known.market];
            if (!state.known) _look(state, known.market);
            _open(sheet, known, reading.opening, state.index);
        }
    }

    /// @inheritdoc IScenarioBook
    function gridOf(uint8 market) external view returns (Grid memory) {
        return _shelves[market].held;
    }

    /// @notice Returns the grids whose claims are not decided, oldest first.
    function waitingOf(uint8 market) external view returns (Grid[] memory grids) {
        Shelf storage shelf = _shelves[market];
        grids = new Grid[](shelf.waiting.length - shelf.first);
        for (uint256 i = 0; i < grids.length; ++i) {
            grids[i] = shelf.waiting[shelf.first + i];
        }
    }

    /// @inheritdoc IScenarioBook
    function instrumentOf(uint32 instrument) public view returns (Instrument memory) {
        require(instrument < _instruments.length, UnknownInstrument(instrument));
        return _instruments[instrument];
    }

    /// @inheritdoc IScenarioBook
    function settlementOf(uint32 instrument) external view returns (uint256 value, bool settled) {
        value = _settled[instrument];
        settled = value > 0;
        if (settled) --value;
    }

    /// @inheritdoc IScenarioBook
    function inputsOf(uint8 market, Data calldata data) public view returns (bytes32) {
        uint256 length = 8 * uint256(rows);
        require(data.head.length == HEAD, BadData("head"));
        require(data.forwards.length == length, BadData("forwards"));
        require(data.volatilities.length == length, BadData("volatilities"));
        Terms memory terms = _shelves[market].terms;
        bytes32[] memory roots = new bytes32[](6);
        (roots[0], roots[1], roots[2]) = (terms.strikes, terms.expiries, terms.kinds);
        roots[3] = Tree.tensorRoot(data.head, Tree.CHUNK_8);
        roots[4] = Tree.tensorRoot(data.forwards, Tree.CHUNK_8);
        roots[5] = Tree.tensorRoot(data.volatilities, Tree.CHUNK_8);
        return Tree.root(roots);
    }

    /// @inheritdoc IScenarioBook
    function instrumentCount() external view returns (uint32) {
        return uint32(_instruments.length);
    }

    /// @inheritdoc IScenarioBook
    function marketCount() external view returns (uint256) {
        return _markets.length;
    }

    /// @notice Returns a market's terms fixed at deployment.
    function marketOf(uint8 market) external view returns (Market memory) {
        return _markets[market];
    }

    // What the functions above are made of.

    /// @dev Reads the index, and whether price and grid hold.
    function _look(State memory state, uint8 market) private view {
        state.known = true;
        uint256 price;
        (price,, state.priceFresh) = feed.latest(_markets[market].name);
        state.index = price / Scenarios.TICK;
        Grid storage grid = _shelves[market].held;
        uint256 at = grid.price;
        uint256 distance = state.index > at ? state.index - at : at - state.index;
        bool near = distance <= Math.mulDiv(at, band, WAD);
        state.gridFresh = near && block.timestamp < grid.time + EXPIRY;
    }

    /// @dev Checks that an array is its row's, and writes it down.
    function _open(
        Scenarios.Sheet memory sheet,
        Instrument memory known,
        ICourt.Opening calldata opening,
        uint256 index
    ) private view {
        Grid memory grid = _shelves[known.market].held;
        require(grid.claim > 0 && known.version <= grid.version, NotInGrid(sheet.instrument));
        bytes calldata chunk = opening.chunk;
        require(chunk.length == Tree.CHUNK_8, Tree.ChunkLength(chunk.length, Tree.CHUNK_8));
        bytes32 got = Tree.climb(Tree.leaf(chunk), known.row, rows, opening.siblings);
        require(got == grid.root, NotTheArray(sheet.instrument, grid.root, got));
        int256 step = int256(Math.mulDiv(grid.price, band, 3 * WAD));
        sheet.open(chunk, int256(index) - int256(uint256(grid.price)), step);
    }

    function _checkHead(uint8 market, bytes calldata head) private view returns (Grid memory grid) {
        Market memory known = _markets[market];
        grid.time = Amount.toUint64(Amount.load(head, 0));
        bool timely = grid.time <= block.timestamp && grid.time + LAG_MAX >= block.timestamp;
        require(timely, BadData("time"));
        grid.price = uint128(Wad.down(Amount.load(head, 1)) / Scenarios.TICK);
        (uint256 price,, bool fresh) = feed.latest(known.name);
        uint256 index = price / Scenarios.TICK;
        uint256 distance = grid.price > index ? grid.price - index : index - grid.price;
        bool near = distance <= Math.mulDiv(index, band, 3 * WAD);
        require(fresh && near && grid.price * band >= 3 * WAD, BadData("price"));
        uint256 half = known.halfMin;
        if (address(known.gate) != address(0)) {
            half = Math.max(half, known.gate.initialMargin(known.name));
        }
        require(Wad.up(Amount.load(head, 2)) >= half, BadData("half"));
        require(Wad.up(Amount.load(head, 3)) >= known.upMin, BadData("up"));
        require(Wad.up(Amount.load(head, 4)) >= known.downMin, BadData("down"));
        require(Amount.load(head, 5) == BAND_BITS, BadData("band"));
    }

    function _checkListing(Listing calldata listing, uint8 market) private view {
        require(listing.market == market, BadListing("market"));
        uint256 strike = Wad.down(listing.strike);
        bool whole = strike > 0 && strike == Wad.up(listing.strike);
        require(whole && strike % Scenarios.TICK == 0, BadListing("strike"));
        bool perpetual = listing.kind == Kind.Perpetual;
        require(!perpetual || listing.strike == ONE, BadListing("strike"));
        bool later = listing.expiry >= block.timestamp + AVERAGED;
        require(later || (perpetual && listing.expiry == 0), BadListing("expiry"));
        require(listing.expiry % SLOT_SECONDS == 0, BadListing("expiry"));
    }

    function _freeRow(Shelf storage shelf, uint8 market, uint32 from)
        private
        view
        returns (uint32 row)
    {
        for (row = from; row < rows; ++row) {
            uint32 next = shelf.rows[row];
            if (next == 0 || _settled[next - 1] > 0) return row;
        }
        revert NoRow(market);
    }

    /// @dev Hashes a market's terms as tensors.
    function _hashTerms(Shelf storage shelf) private {
        uint256 chunks = shelf.rows.length / 32;
        bytes32[] memory strikes = new bytes32[](chunks);
        bytes32[] memory expiries = new bytes32[](chunks);
        bytes32[] memory kinds = new bytes32[](chunks);
        for (uint256 c = 0; c < chunks; ++c) {
            bytes memory strike;
            bytes memory expiry;
            bytes memory kind;
            for (uint256 i = 0; i < 32; ++i) {
                uint32 next = shelf.rows[32 * c + i];
                Instrument memory known = next == 0
                    ? Instrument(0, Kind.Perpetual, 0, 0, 0, ONE)
                    : _instruments[next - 1];
                strike = abi.encodePacked(strike, Amount.swap(known.strike));
                expiry = abi.encodePacked(expiry, Amount.swap(Amount.fromUint64(known.expiry)));
                kind = abi.encodePacked(kind, uint8(known.kind), uint24(0));
            }
            strikes[c] = Tree.leaf(strike);
            expiries[c] = Tree.leaf(expiry);
            kinds[c] = Tree.leaf(kind);
        }
        shelf.terms = Terms(Tree.root(strikes), Tree.root(expiries), Tree.root(kinds));
    }
}
