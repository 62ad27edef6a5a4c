// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {OrderDesk} from "./OrderDesk.sol";
import {Portfolios} from "./base/Portfolios.sol";
import {IOrderDesk} from "./interfaces/IOrderDesk.sol";
import {IHaircut, IPortfolioHouse} from "./interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "./interfaces/IScenarioBook.sol";
import {Auction} from "./lib/Auction.sol";
import {Funding} from "./lib/Funding.sol";
import {Ledger} from "./lib/Ledger.sol";
import {Legs} from "./lib/Legs.sol";
import {Scenarios} from "./lib/Scenarios.sol";
import {Sizes} from "./lib/Sizes.sol";

/// @title Options and perpetuals, cleared
/// @dev Every function reads a scene (sheets, states, books), opens the accounts it touches, which
///      counts their gains and losses up to the marks, changes them in memory, checks, and writes
///      all back. So the books are linear in what is counted, and who is touched first changes
///      nothing.
contract PortfolioHouse is Portfolios, ReentrancyGuard {
    using Ledger for Ledger.Books;
    using Ledger for Ledger.Purse;
    using Legs for Legs.Leg[];
    using Legs for Legs.List;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using Scenarios for Scenarios.Sum;

    /// @dev What a trade is, at the marks.
    /// @param mark wei of all packages
    /// @param notional wei of the indices times all lots
    /// @param shrinks whether every leg of each side does
    /// @param fresh whether every price is
    struct Exchange {
        int256 mark;
        uint256 notional;
        bool[2] shrinks;
        bool fresh;
    }

    /// @dev What a bid takes, and what it costs.
    /// @param share of the positions, WAD
    /// @param missing from the initial margin before it, wei
    struct Sale {
        uint256 share;
        uint256 discount;
        uint256 penalty;
        int256 missing;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant MILLION = 1e6;
    uint256 private constant HAIRCUT_STEP = 10_000;
    /// @notice Where the collateral's haircut is read, and nothing else.
    IHaircut public immutable haircutSource;
    /// @inheritdoc IPortfolioHouse
    IOrderDesk public immutable desk;
    /// @notice When the haircut was last moved.
    uint256 public haircutTime;

    /// @param collateral_ an ERC-20 of 18 decimals without fees on transfers
    /// @param sizes of the book's markets, without open interest
    constructor(
        IERC20 collateral_,
        IScenarioBook book_,
        IHaircut haircut_,
        Terms memory terms_,
        Sizes.Size[] memory sizes
    ) Portfolios(collateral_, book_, terms_, sizes) {
        haircutSource = haircut_;
        desk = new OrderDesk(this);
    }

    // Money in and out.

    /// @inheritdoc IPortfolioHouse
    function deposit(uint256 amount) external nonReentrant {
        Account storage account = _accounts[msg.sender];
        Ledger.Books memory all = _books;
        Ledger.Purse memory purse = account.purse;
        all.pay(purse, amount.toUint128());
        (account.purse, _books) = (purse, all);
        emit Deposited(msg.sender, amount);
        _pull(amount);
    }

    /// @inheritdoc IPortfolioHouse
    function withdraw(uint256 amount, IScenarioBook.Reading[] calldata readings)
        external
        nonReentrant
    {
        Scene memory scene = _begin(readings);
        Held memory held = _open(msg.sender, scene, 0);
        require(amount <= held.purse.cash, NoCash(amount, held.purse.cash));
        held.purse.cash -= uint128(amount);
        scene.books.cash -= uint128(amount);
        _checkSecured(held, scene, _priced(held, scene).opening);
        Auction.end(held.auction);
        _close(held, scene);
        _end(scene);
        emit Withdrawn(msg.sender, amount);
        collateral.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IPortfolioHouse
    function take(uint256 amount, IScenarioBook.Reading[] calldata readings)
        external
        nonReentrant
        returns (uint256 received)
    {
        Scene memory scene = _begin(readings);
        Held memory held = _open(msg.sender, scene, 0);
        _priced(held, scene);
        received = scene.books.take(held.purse, amount.toUint128());
        _close(held, scene);
        _end(scene);
        emit Taken(msg.sender, amount, received);
    }

    /// @inheritdoc IPortfolioHouse
    function fundInsurance(uint256 amount) external nonReentrant {
        Ledger.Books memory all = _books;
        all.insure(amount.toUint128());
        _books = all;
        emit InsuranceFunded(msg.sender, amount);
        _pull(amount);
    }

    // Trades.

    /// @inheritdoc IPortfolioHouse
    function novate(Novation calldata made, IScenarioBook.Reading[] calldata readings)
        external
        nonReentrant
    {
        require(msg.sender == address(desk), OnlyDesk());
        Scene memory scene = _begin(readings);
        uint256 more = made.instruments.length;
        Held[2] memory sides = [_open(made.left, scene, more), _open(made.right, scene, more)];
        uint256[2] memory before =
            [_checkMaintenance(sides[0], scene), _checkMaintenance(sides[1], scene)];
        Exchange memory done = _exchange(made, sides, scene);
        _pay(made.price, done, sides, scene.books);
        require(done.fresh || (done.shrinks[0] && done.shrinks[1]), Stale());
        for (uint256 i = 0; i < 2; ++i) {
            int256 gain = i == 0 ? done.mark - made.price : made.price - done.mark;
            _checkAfter(sides[i], scene, done.shrinks[i], before[i], gain);
            _close(sides[i], scene);
        }
        _show(made, scene, done.fresh);
        _end(scene);
        emit Traded(made.left, made.right, made.instruments, made.lots, made.price);
    }

    /// @inheritdoc IPortfolioHouse
    function touch(address account, IScenarioBook.Reading[] calldata readings)
        external
        nonReentrant
    {
        Scene memory scene = _begin(readings);
        Held memory held = _open(account, scene, 0);
        _close(held, scene);
        _end(scene);
    }

    // Liquidation.

    /// @inheritdoc IPortfolioHouse
    function runAuction(address account, IScenarioBook.Reading[] calldata readings) external {
        _mark(account, readings, true);
    }

    /// @inheritdoc IPortfolioHouse
    function endAuction(address account, IScenarioBook.Reading[] calldata readings) external {
        _mark(account, readings, false);
    }

    /// @inheritdoc IPortfolioHouse
    function bid(
        address account,
        uint256 shareMax,
        uint256 discountMin,
        IScenarioBook.Reading[] calldata readings
    ) external nonReentrant returns (uint256 share, uint256 paid) {
        require(account != msg.sender, OwnAccount());
        Scene memory scene = _begin(readings);
        Held memory fallen = _open(account, scene, 0);
        Held memory bidder = _open(msg.sender, scene, fallen.list.count);
        require(fallen.auction.shown > 0, NoAuction());
        Sale memory sale = _price(fallen, scene, shareMax, discountMin);
        uint256 maintenance = _sell(sale, [fallen, bidder], scene, shareMax);
        (share, paid) = (sale.share, sale.discount);
        scene.books.credit(fallen.purse, -int256(paid));
        scene.books.credit(bidder.purse, int256(paid));
        scene.books.charge(fallen.purse, sale.penalty);
        _checkSecured(bidder, scene, _priced(bidder, scene).initial);
        if (fallen.purse.equity(scene.haircut) >= int256(maintenance)) {
            Auction.end(fallen.auction);
            emit AuctionEnded(account);
        }
        Auction.end(bidder.auction);
        _close(fallen, scene);
        _close(bidder, scene);
        _end(scene);
        emit Liquidated(account, msg.sender, share, paid);
    }

    /// @inheritdoc IPortfolioHouse
    function moveHaircut() external {
        require(block.timestamp >= haircutTime + 1 hours, TooSoon());
        uint256 said = haircutSource.haircutOf(address(collateral)) / 1e12;
        uint256 most = Math.min(haircut + HAIRCUT_STEP, _terms.haircutMax);
        haircut = Math.min(said, most);
        haircutTime = block.timestamp;
        emit HaircutMoved(haircut);
    }

    // Views.

    /// @inheritdoc IPortfolioHouse
    function standingOf(address account, IScenarioBook.Reading[] calldata readings)
        external
        view
        returns (Standing memory standing)
    {
        Scene memory scene = _begin(readings);
        Held memory held = _open(account, scene, 0);
        Margins memory asked = _margins(held, scene);
        (standing.initial, standing.maintenance) = (asked.initial, asked.maintenance);
        standing.opening = asked.opening;
        standing.equity = held.purse.equity(scene.haircut);
        standing.secured = scene.books.secured(held.purse, scene.stress);
    }

    /// @inheritdoc IPortfolioHouse
    function accountOf(address account)
        external
        view
        returns (Ledger.Purse memory, Auction.Clock memory, Legs.Leg[] memory)
    {
        Account storage known = _accounts[account];
        return (known.purse, known.auction, known.legs);
    }

    /// @inheritdoc IPortfolioHouse
    function books() external view returns (Ledger.Books memory) {
        return _books;
    }

    /// @inheritdoc IPortfolioHouse
    function swapOf(uint32 instrument) external view returns (Funding.Swap memory) {
        return _swaps[instrument];
    }

    /// @inheritdoc IPortfolioHouse
    function sizeOf(uint8 market) external view returns (Sizes.Size memory) {
        return _sizes[market];
    }

    /// @inheritdoc IPortfolioHouse
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    // Trading.

    /// @dev Moves a trade's lots between two accounts, at the marks.
    function _exchange(Novation calldata trade, Held[2] memory sides, Scene memory scene)
        private
        view
        returns (Exchange memory made)
    {
        made.shrinks = [true, true];
        made.fresh = true;
        for (uint256 i = 0; i < trade.instruments.length; ++i) {
            _move(made, sides, scene, trade.instruments[i], trade.lots[i]);
        }
        for (uint256 m = 0; m < scene.sizes.length; ++m) {
            (uint64 interest, uint64 most) = (scene.sizes[m].interest, scene.sizes[m].interestMax);
            require(interest <= most, InterestFull(m, interest, most));
        }
    }

    /// @dev Moves lots of one instrument, to the first side from the second.
    function _move(
        Exchange memory made,
        Held[2] memory sides,
        Scene memory scene,
        uint32 instrument,
        int256 lots
    ) private view {
        uint256 row = _find(scene, instrument, 0);
        Scenarios.Sheet memory sheet = scene.sheets[row];
        bool lives = !sheet.settled && (sheet.expiry == 0 || block.timestamp < sheet.expiry);
        require(lives, Expired(instrument));
        for (uint256 i = 0; i < 2; ++i) {
            int256 more = i == 0 ? lots : -lots;
            (bool shrinks, int256 longer) =
                sides[i].list.change(instrument, more, scene.values[row], _terms.lotsMin);
            made.shrinks[i] = made.shrinks[i] && shrinks;
            _widen(scene, row, longer);
        }
        made.mark += lots * sheet.mark;
        IScenarioBook.State memory state = scene.states[sheet.market];
        made.notional += SignedMath.abs(lots) * state.index;
        made.fresh = made.fresh && state.priceFresh;
    }

    /// @dev Pays a price against the mark, and the fees.
    function _pay(int256 paid, Exchange memory made, Held[2] memory sides, Ledger.Books memory all)
        private
        view
    {
        uint256 distance = SignedMath.abs(made.mark - paid);
        bool near = distance <= Math.mulDiv(made.notional, _terms.band, MILLION);
        require(near && (made.fresh || distance == 0), OutsideBand(paid, made.mark));
        all.credit(sides[0].purse, made.mark - paid);
        all.credit(sides[1].purse, paid - made.mark);
        uint256 fee = Math.mulDiv(made.notional, _terms.fee, MILLION, Math.Rounding.Ceil);
        all.charge(sides[0].purse, fee);
        all.charge(sides[1].purse, fee);
    }

    /// @dev Keeps the basis that a trade in one perpetual shows.
    function _show(Novation calldata trade, Scene memory scene, bool fresh) private view {
        if (trade.instruments.length != 1 || !fresh) return;
        uint256 row = _find(scene, trade.instruments[0], 0);
        Scenarios.Sheet memory sheet = scene.sheets[row];
        if (sheet.kind != uint8(IScenarioBook.Kind.Perpetual)) return;
        int256 price = trade.price / int256(trade.lots[0]);
        uint256 index = scene.states[sheet.market].index;
        Funding.show(scene.swaps[row], _terms.funding, price, index);
    }

    // Auctions.

    /// @dev Lets an auction run on, or ends it.
    function _mark(address account, IScenarioBook.Reading[] calldata readings, bool runs)
        private
        nonReentrant
    {
        Scene memory scene = _begin(readings);
        Held memory held = _open(account, scene, 0);
        require(runs || held.auction.shown > 0, NoAuction());
        uint256 maintenance = _priced(held, scene).maintenance;
        int256 equity = held.purse.equity(scene.haircut);
        bool under = equity < int256(maintenance);
        require(under || !runs, Healthy(account, equity, maintenance));
        require(!under || runs, NotHealthy(account, equity, maintenance));
        if (runs) {
            Auction.show(held.auction, uint64(block.timestamp));
            emit AuctionRan(account, equity, maintenance, held.auction.passed);
        } else {
            Auction.end(held.auction);
            emit AuctionEnded(account);
        }
        _close(held, scene);
        _end(scene);
    }

    /// @dev Returns what a bid takes, and what it would cost for the whole account.
    function _price(Held memory fallen, Scene memory scene, uint256 shareMax, uint256 discountMin)
        private
        view
        returns (Sale memory sale)
    {
        Margins memory asked = _priced(fallen, scene);
        int256 equity = fallen.purse.equity(scene.haircut);
        bool under = equity < int256(asked.maintenance);
        require(under, Healthy(fallen.who, equity, asked.maintenance));
        Auction.Lot memory lot = Auction.Lot({
            equity: equity,
            secured: fallen.purse.equity(scene.stress),
            initial: asked.initial,
            sized: asked.sized,
            insurance: scene.books.insurance,
            length: _terms.auctionSeconds
        });
        Auction.show(fallen.auction, uint64(block.timestamp));
        uint256 discount = Auction.discount(lot, fallen.auction.passed);
        if (equity > int256(discount)) {
            sale.penalty = Math.mulDiv(asked.initial, _terms.penalty, MILLION);
            sale.penalty = Math.min(sale.penalty, uint256(equity) - discount);
        }
        sale.share = Math.min(Auction.share(lot, discount + sale.penalty), shareMax);
        sale.discount = discount;
        sale.missing = int256(asked.initial) - lot.secured;
        require(sale.share > 0 && discount >= discountMin, BadBid(discount, sale.share));
    }

    /// @dev Moves a bid's share to the second side, or all where that would leave more margin
    ///      missing and the bid is for all; then scales what it costs. The cost never exceeds the
    ///      initial margin of what goes, so with legs that can be cut nothing more is missing.
    /// @return maintenance margin of the rest
    function _sell(Sale memory sale, Held[2] memory sides, Scene memory scene, uint256 shareMax)
        private
        view
        returns (uint256 maintenance)
    {
        Held memory fallen = sides[0];
        _handOver(fallen.list, sides[1].list, scene, sale.share);
        if (fallen.list.count > 0) {
            Margins memory asked = _margins(fallen, scene);
            maintenance = asked.maintenance;
            uint256 cost = Math.mulDiv(sale.discount + sale.penalty, sale.share, WAD);
            int256 left = int256(asked.initial + cost) - fallen.purse.equity(scene.stress);
            if (left > sale.missing) {
                require(shareMax >= WAD, MoreMissing(fallen.who, sale.missing, left));
                _handOver(fallen.list, sides[1].list, scene, WAD);
            }
        }
        if (fallen.list.count == 0) (sale.share, maintenance) = (WAD, 0);
        sale.discount = Math.mulDiv(sale.discount, sale.share, WAD);
        sale.penalty = Math.mulDiv(sale.penalty, sale.share, WAD);
    }

    /// @dev Moves a share of every leg, at the marks.
    function _handOver(
        Legs.List memory from,
        Legs.List memory to,
        Scene memory scene,
        uint256 share
    ) private view {
        uint256 least = _terms.lotsMin;
        uint256 row = 0;
        for (uint256 i = from.count; i > 0; --i) {
            Legs.Leg memory leg = from.legs[i - 1];
            row = _find(scene, leg.instrument, 0);
            int256 lots = leg.lots;
            uint256 part = Auction.slice(SignedMath.abs(lots), share, least);
            int256 moved = lots < 0 ? -int256(part) : int256(part);
            _add(to, scene, row, moved);
            _add(from, scene, row, -moved);
        }
    }

    /// @dev Adds lots of a sheet's instrument to an account's, whatever is left.
    function _add(Legs.List memory list, Scene memory scene, uint256 row, int256 lots)
        private
        pure
    {
        (, int256 longer) = list.change(scene.sheets[row].instrument, lots, scene.values[row], 0);
        _widen(scene, row, longer);
    }

    function _pull(uint256 amount) private {
        uint256 before = collateral.balanceOf(address(this));
        collateral.safeTransferFrom(msg.sender, address(this), amount);
        uint256 moved = collateral.balanceOf(address(this)) - before;
        require(moved == amount, NotExact(amount, moved));
    }
}
