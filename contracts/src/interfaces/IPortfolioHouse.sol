// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Auction} from "../lib/Auction.sol";
import {Funding} from "../lib/Funding.sol";
import {Ledger} from "../lib/Ledger.sol";
import {Legs} from "../lib/Legs.sol";
import {Scenarios} from "../lib/Scenarios.sol";
import {Sizes} from "../lib/Sizes.sol";
import {IOrderDesk} from "./IOrderDesk.sol";
import {IScenarioBook} from "./IScenarioBook.sol";

/// @title What a collateral is worth less than its face
interface IHaircut {
    /// @notice Returns the haircut as a fraction, WAD.
    function haircutOf(address token) external view returns (uint256);
}

/// @title Options and perpetuals, cleared with portfolio margin
/// @notice Money is wei of a collateral with 18 decimals; prices are ticks of 10^-12 dollars, sizes
///         lots of 10^-6 units, so size times price is wei and nothing is rounded. Positions of an
///         instrument sum to zero. Whoever calls brings the scenario arrays of the legs of the
///         accounts it touches, in ascending order of instruments.
/// @dev docs/clearing.md says what is kept of an account and why the sums hold. Deliberately
///      absent: an owner, a pause, offsets between markets.
interface IPortfolioHouse {
    /// @notice A trade that two sides have signed.
    /// @param instruments ascending
    /// @param lots that `left` buys of each; negative: sells
    /// @param price wei that `left` pays `right` in all
    struct Novation {
        address left;
        address right;
        uint32[] instruments;
        int64[] lots;
        int256 price;
    }

    /// @param charges of portfolio margin
    /// @param funding of perpetuals
    /// @param lotsMin least leg
    /// @param band farthest a package's price may be from its mark, millionths of the index times
    ///        all its lots
    /// @param fee of both sides to the insurance, of the same
    /// @param penalty of a liquidated account to the insurance, millionths of the margin of what
    ///        went over
    /// @param haircutMax most that the collateral may be worth less, millionths
    /// @param stress what it may be worth less in a depeg, which initial margin has to outlast,
    ///        millionths; docs/clearing.md says what stablecoins have done
    /// @param auctionSeconds length of each phase of an auction
    struct Terms {
        Scenarios.Charges charges;
        Funding.Rules funding;
        uint64 lotsMin;
        uint32 band;
        uint32 fee;
        uint32 penalty;
        uint32 haircutMax;
        uint32 stress;
        uint32 auctionSeconds;
    }

    /// @notice What an account has and what is asked of it, at the marks now; wei.
    /// @param equity collateral after haircut, plus profit
    /// @param secured what counts towards initial margin: collateral after the stress, or the
    ///        haircut where that is more, and profit after its share of the shortfall
    /// @param initial margin, half as much again where a grid is stale
    /// @param maintenance margin
    /// @param opening initial margin and what is asked for the share of open interest: of new risk
    ///        and withdrawals
    struct Standing {
        int256 equity;
        int256 secured;
        uint256 initial;
        uint256 maintenance;
        uint256 opening;
    }

    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);
    event InsuranceFunded(address indexed from, uint256 amount);
    /// @param profit that was given up
    /// @param received of it
    event Taken(address indexed account, uint256 profit, uint256 received);
    event Traded(
        address indexed left,
        address indexed right,
        uint32[] instruments,
        int64[] lots,
        int256 price
    );
    /// @param passed seconds in which the account was shown under maintenance margin
    event AuctionRan(address indexed account, int256 equity, uint256 maintenance, uint64 passed);
    event AuctionEnded(address indexed account);
    /// @param share of the positions, WAD
    /// @param paid discount on it, wei
    event Liquidated(address indexed account, address indexed bidder, uint256 share, uint256 paid);
    /// @param debt by which an account's losses exceeded all it had
    /// @param covered by the insurance
    event BadDebt(address indexed account, uint256 debt, uint256 covered);
    event HaircutMoved(uint256 millionths);

    /// @notice Thrown at deployment; names the term that cannot be.
    error BadTerms(string field);
    /// @notice Thrown when the collateral moved another amount than asked.
    error NotExact(uint256 asked, uint256 moved);
    /// @notice Thrown by `novate` for anybody but the desk.
    error OnlyDesk();
    /// @notice Thrown when an account would have less than the margin asked of it.
    error MarginMissing(address account, int256 equity, uint256 needed);
    /// @notice Thrown when a price or a grid is stale that has to be fresh.
    error Stale();
    /// @notice Thrown by `novate` for an account under maintenance margin: it closes through the
    ///         auction.
    error UnderMaintenance(address account, int256 equity, uint256 needed);
    /// @notice Thrown for a leg whose array nobody brought.
    error NoReading(uint32 instrument);
    /// @notice Thrown by `novate` in an instrument that has expired.
    error Expired(uint32 instrument);
    /// @notice Thrown by `novate` for a trade that adds to a market's open interest, beyond its
    ///         most; lots.
    error InterestFull(uint256 market, uint256 interest, uint256 most);
    /// @notice Thrown when a price is farther from the mark than the band.
    error OutsideBand(int256 price, int256 mark);
    /// @notice Thrown by a withdrawal of more cash than there is.
    error NoCash(uint256 amount, uint256 cash);
    /// @notice Thrown when an account has its maintenance margin.
    error Healthy(address account, int256 equity, uint256 needed);
    /// @notice Thrown by `endAuction` when an account has it not.
    error NotHealthy(address account, int256 equity, uint256 needed);
    /// @notice Thrown for an account that has no auction.
    error NoAuction();
    /// @notice Thrown by a bid for less discount than the bidder asks, or for no share.
    error BadBid(uint256 discount, uint256 share);
    /// @notice Thrown by a bid that would leave more of the initial margin missing than before: legs
    ///         of the least size go whole, and may be hedges. A bid for all is never refused so.
    error MoreMissing(address account, int256 before, int256 left);
    /// @notice Thrown by a bid for one's own account.
    error OwnAccount();
    /// @notice Thrown by `moveHaircut` within an hour of the last.
    error TooSoon();

    /// @notice Pays collateral in, to the sender's account; a debt is paid first.
    function deposit(uint256 amount) external;

    /// @notice Pays cash out; an account with legs keeps what opening them would need.
    function withdraw(uint256 amount, IScenarioBook.Reading[] calldata readings) external;

    /// @notice Turns profit into cash: less its share of a shortfall, and no more than losers have
    ///         paid in.
    /// @param amount of profit
    function take(uint256 amount, IScenarioBook.Reading[] calldata readings)
        external
        returns (uint256 received);

    /// @notice Gives collateral to the insurance; it ends a shortfall first.
    function fundInsurance(uint256 amount) external;

    /// @notice Stands between the two sides of a trade, by the desk that has their signatures.
    /// @dev Every leg shrinks and less maintenance margin is asked: that is closing, and needs no
    ///      margin beyond maintenance, whatever the grid; with a stale price both sides
    ///      have to close, at the last mark. Everything else needs fresh prices and grids, and the
    ///      initial margin with what is asked for the share of open interest. What adds to a
    ///      market's open interest keeps it within its most; closing and auctions never add to it.
    function novate(Novation calldata made, IScenarioBook.Reading[] calldata readings) external;

    /// @notice Counts an account's gains and losses up to the marks, and what has settled; anybody
    ///         may.
    function touch(address account, IScenarioBook.Reading[] calldata readings) external;

    /// @notice Shows that an account is under maintenance margin; anybody may. The first time
    ///         begins its auction, every further one lets it run on by the time since the last, at
    ///         most two minutes.
    function runAuction(address account, IScenarioBook.Reading[] calldata readings) external;

    /// @notice Ends the auction of an account that has its maintenance margin again; anybody may.
    function endAuction(address account, IScenarioBook.Reading[] calldata readings) external;

    /// @notice Takes over, at the marks, the share of an account's positions that brings the rest
    ///         back to its initial margin, or less; the account pays the discount. The sender needs
    ///         the initial margin.
    /// @dev No bid leaves more of the initial margin missing than before. Where the share that is
    ///      due would, since least legs go whole, a bid for all takes all.
    /// @param shareMax most of the account, WAD
    /// @param discountMin least discount on the whole account, wei
    function bid(
        address account,
        uint256 shareMax,
        uint256 discountMin,
        IScenarioBook.Reading[] calldata readings
    ) external returns (uint256 share, uint256 paid);

    /// @notice Reads the collateral's haircut: a fall holds at once, a rise by a hundredth an hour.
    function moveHaircut() external;

    /// @notice Returns an account's standing.
    function standingOf(address account, IScenarioBook.Reading[] calldata readings)
        external
        view
        returns (Standing memory);

    /// @notice Returns an account's cash and profit as last counted, the time its auction began,
    ///         and its legs.
    function accountOf(address account)
        external
        view
        returns (Ledger.Purse memory purse, Auction.Clock memory auction, Legs.Leg[] memory legs);

    /// @notice Returns the sums over all accounts.
    function books() external view returns (Ledger.Books memory);

    /// @notice Returns a perpetual's basis and funding as last counted.
    function swapOf(uint32 instrument) external view returns (Funding.Swap memory);

    /// @notice Returns what a market's positions are measured by, and its open interest.
    function sizeOf(uint8 market) external view returns (Sizes.Size memory);

    /// @notice Returns the contract that orders are signed for.
    function desk() external view returns (IOrderDesk);

    /// @notice Returns the terms fixed at deployment.
    function terms() external view returns (Terms memory);
}
