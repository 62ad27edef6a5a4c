// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {IClearingHouse} from "./interfaces/IClearingHouse.sol";
import {IRiskGate} from "./interfaces/IRiskGate.sol";

/// @title One dated future, cleared
/// @notice Positions sum to zero, and the collateral held equals the sum of all cash plus insurance
///         less shortfall, exactly, after every call.
/// @dev Every function: state of the market, effect on the accounts, then the check of what each
///      account must have. Gains and losses stay in `cash` as what trades paid and cost; nothing is
///      paid between accounts until settlement, so a price move needs no transaction. Deliberately
///      absent: an owner, fees on trades, funding payments, a pause.
contract ClearingHouse is IClearingHouse, EIP712, ReentrancyGuard {
    using EnumerableSet for EnumerableSet.AddressSet;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @notice Every size is a multiple of a millionth of a unit.
    uint256 public constant LOT = 1e12;
    /// @notice Every price is a multiple of 10^-12 dollars.
    uint256 public constant TICK = 1e6;
    uint256 private constant WAD = 1e18;
    uint256 private constant SIZE_MAX = 2 ** 96;
    uint256 private constant DISCOUNT_MAX = 0.1e18;
    bytes32 private constant ORDER_TYPE =
        keccak256("Order(address trader,int256 size,uint256 price,uint64 expiry,uint256 salt)");

    /// @notice What accounts are kept in; 18 decimals.
    IERC20 public immutable collateral;
    /// @notice Where price and margins are read, and nowhere else.
    IRiskGate public immutable gate;
    Terms private _terms;

    /// @inheritdoc IClearingHouse
    mapping(address account => int256) public cash;
    /// @inheritdoc IClearingHouse
    mapping(address account => int256) public position;
    /// @notice Units of an order that were traded; the largest number once cancelled.
    mapping(bytes32 order => uint256) public filled;
    /// @inheritdoc IClearingHouse
    uint256 public insurance;
    /// @inheritdoc IClearingHouse
    uint256 public shortfall;
    /// @notice The price positions settle at, 0 until it is fixed.
    uint256 public settlementPrice;
    EnumerableSet.AddressSet private _open;

    /// @param collateral_ an ERC-20 of 18 decimals without fees on transfers
    /// @param gate_ knows `terms_.market`
    /// @param terms_ see `Terms`
    constructor(IERC20 collateral_, IRiskGate gate_, Terms memory terms_)
        EIP712("Assay ClearingHouse", "1")
    {
        require(terms_.band > 0 && terms_.band < WAD, BadTerms("band"));
        require(terms_.discount <= DISCOUNT_MAX, BadTerms("discount"));
        require(terms_.insuranceFee <= DISCOUNT_MAX, BadTerms("insuranceFee"));
        collateral = collateral_;
        gate = gate_;
        _terms = terms_;
    }

    // Money in and out.

    /// @inheritdoc IClearingHouse
    function deposit(uint256 amount) external nonReentrant {
        require(shortfall == 0, Shortfall(shortfall));
        cash[msg.sender] += amount.toInt256();
        emit Deposited(msg.sender, amount);
        _pull(amount);
    }

    /// @inheritdoc IClearingHouse
    function withdraw(uint256 amount) external nonReentrant {
        require(shortfall == 0, Shortfall(shortfall));
        _takeCash(amount);
        emit Withdrawn(msg.sender, amount, amount);
        _pay(amount);
    }

    /// @inheritdoc IClearingHouse
    function withdrawShare(uint256 amount, uint256 least)
        external
        nonReentrant
        returns (uint256 received)
    {
        uint256 held = _held();
        received = amount;
        require(amount <= held + shortfall, NotHeld(amount, held));
        if (shortfall > 0) {
            received = Math.mulDiv(amount, held, held + shortfall);
            shortfall -= amount - received;
        }
        require(received >= least, ShareTooSmall(received, least));
        _takeCash(amount);
        emit Withdrawn(msg.sender, amount, received);
        _pay(received);
    }

    /// @inheritdoc IClearingHouse
    function fundInsurance(uint256 amount) external nonReentrant {
        _insure(amount);
        emit InsuranceFunded(msg.sender, amount);
        _pull(amount);
    }

    // Trades.

    /// @inheritdoc IClearingHouse
    function trade(
        Order calldata buy,
        bytes calldata buySignature,
        Order calldata sell,
        bytes calldata sellSignature,
        uint256 size,
        uint256 price
    ) external nonReentrant {
        require(!_settling(), Settling());
        uint256 mark_ = mark();
        require(mark_ > 0, Stale());
        _checkTerms(size, price, mark_);
        require(buy.size > 0 && sell.size < 0 && buy.trader != sell.trader, NoMatch());
        require(price <= buy.price && price >= sell.price, NoMatch());
        _fill(buy, buySignature, size);
        _fill(sell, sellSignature, size);

        int256 buyerBefore = position[buy.trader];
        int256 sellerBefore = position[sell.trader];
        _move(buy.trader, sell.trader, size, price);

        emit Traded(buy.trader, sell.trader, size, price);
        bool bothReduce = _reduced(buy.trader, buyerBefore) && _reduced(sell.trader, sellerBefore);
        require(bothReduce || gate.fresh(_terms.market), Stale());
        _checkAfter(buy.trader, buyerBefore, price <= mark_);
        _checkAfter(sell.trader, sellerBefore, price >= mark_);
    }

    /// @inheritdoc IClearingHouse
    function cancel(Order calldata order) external {
        require(order.trader == msg.sender, BadSignature(order.trader));
        bytes32 hash = digestOf(order);
        filled[hash] = type(uint256).max;
        emit Cancelled(msg.sender, hash);
    }

    // Liquidation and settlement.

    /// @inheritdoc IClearingHouse
    function liquidate(address account, uint256 size) external nonReentrant {
        require(!_settling(), Settling());
        require(gate.priceFresh(_terms.market), Stale());
        require(account != msg.sender, OwnAccount());
        require(size > 0 && size % LOT == 0, BadSize(size));
        _checkUnderMaintenance(account);
        uint256 most = liquidatable(account);
        require(size <= most, TooMuch(size, most));

        int256 liquidatorBefore = position[msg.sender];
        (uint256 price, uint256 fee) = _liquidationPrice(account, size);
        bool long = position[account] > 0;
        if (long) _move(msg.sender, account, size, price);
        else _move(account, msg.sender, size, price);
        cash[account] -= fee.toInt256();
        _insure(fee);

        emit Liquidated(account, msg.sender, _signed(size, long), price, fee);
        if (position[account] == 0) _absorb(account);
        _checkAfter(msg.sender, liquidatorBefore, true);
    }

    /// @inheritdoc IClearingHouse
    function settle(uint256 count) external nonReentrant returns (uint256 left) {
        uint64 marketTime = gate.marketTime(_terms.market);
        require(_settling(), NotYet(marketTime, _terms.settlesAt));
        if (settlementPrice == 0) {
            settlementPrice = mark();
            emit PriceFixed(settlementPrice, marketTime);
        }
        left = _open.length();
        for (; count > 0 && left > 0; --count) {
            address account = _open.at(--left);
            int256 size = position[account];
            int256 gain = _value(size, settlementPrice);
            position[account] = 0;
            cash[account] += gain;
            _open.remove(account);
            emit AccountSettled(account, size, gain);
            _absorb(account);
        }
    }

    // Views.

    /// @inheritdoc IClearingHouse
    function equity(address account) public view returns (int256) {
        return cash[account] + _value(position[account], mark());
    }

    /// @inheritdoc IClearingHouse
    function requirement(address account)
        public
        view
        returns (uint256 initial, uint256 maintenance)
    {
        if (_settling()) return (0, 0);
        uint256 notional = SignedMath.abs(_value(position[account], mark()));
        initial = _part(notional, gate.initialMargin(_terms.market));
        maintenance = _part(notional, gate.maintenanceMargin(_terms.market));
    }

    /// @inheritdoc IClearingHouse
    function mark() public view returns (uint256) {
        if (settlementPrice > 0) return settlementPrice;
        uint256 price = gate.price(_terms.market);
        return price - price % TICK;
    }

    /// @inheritdoc IClearingHouse
    /// @dev With margin rate m, discount and fee together c, mark p, position s and equity e,
    ///      closing x leaves equity e - c p x and asks m p (s - x); equal at x = (m p s - e) / (p
    ///      (m - c)).
    function liquidatable(address account) public view returns (uint256 size) {
        (uint256 initial, uint256 maintenance) = requirement(account);
        int256 own = equity(account);
        if (own >= maintenance.toInt256()) return 0;
        size = SignedMath.abs(position[account]);
        uint256 rate = gate.initialMargin(_terms.market);
        uint256 cost = _terms.discount + _terms.insuranceFee;
        if (own <= 0 || rate <= cost) return size;
        uint256 missing = initial - uint256(own); // own < maintenance <= initial
        uint256 gainPerUnit = Math.mulDiv(mark(), rate - cost, WAD);
        if (gainPerUnit == 0) return size;
        uint256 enough = Math.mulDiv(missing, WAD, gainPerUnit, Math.Rounding.Ceil);
        enough = Math.ceilDiv(enough, LOT) * LOT;
        return Math.min(enough, size);
    }

    /// @inheritdoc IClearingHouse
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @inheritdoc IClearingHouse
    function openAccounts() external view returns (address[] memory) {
        return _open.values();
    }

    /// @inheritdoc IClearingHouse
    function digestOf(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPE, order)));
    }

    // What the functions above are made of.

    /// @dev Moves `size` units from seller to buyer against `size × price` dollars the other way.
    function _move(address buyer, address seller, uint256 size, uint256 price) private {
        int256 dollars = _value(size.toInt256(), price);
        _setPosition(buyer, position[buyer] + size.toInt256());
        _setPosition(seller, position[seller] - size.toInt256());
        cash[buyer] -= dollars;
        cash[seller] += dollars;
    }

    function _setPosition(address account, int256 size) private {
        require(SignedMath.abs(size) <= SIZE_MAX, BadSize(SignedMath.abs(size)));
        position[account] = size;
        if (size == 0) _open.remove(account);
        else _open.add(account);
    }

    function _fill(Order calldata order, bytes calldata signature, uint256 size) private {
        bytes32 hash = digestOf(order);
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(hash, signature);
        bool signed = fault == ECDSA.RecoverError.NoError && signer == order.trader;
        require(signed, BadSignature(order.trader));
        uint256 whole = SignedMath.abs(order.size);
        uint256 before = filled[hash];
        uint256 left = before < whole && block.timestamp < order.expiry ? whole - before : 0;
        require(size <= left, OrderSpent(hash, left));
        filled[hash] = before + size;
    }

    function _checkTerms(uint256 size, uint256 price, uint256 mark_) private view {
        require(size > 0 && size <= SIZE_MAX && size % LOT == 0, BadSize(size));
        require(price <= type(uint128).max && price % TICK == 0, BadPrice(price));
        uint256 distance = price > mark_ ? price - mark_ : mark_ - price;
        require(distance <= Math.mulDiv(mark_, _terms.band, WAD), OutsideBand(price, mark_));
    }

    /// @dev Requires what an account must have after its position went from `before` to what it is.
    ///      One that reduced at no worse than the mark is let through as it is, and its debt, if
    ///      that is all it has left, is recognised at once.
    /// @param atMark whether the price was not worse for it than the mark
    function _checkAfter(address account, int256 before, bool atMark) private {
        bool reduced = _reduced(account, before);
        if (!reduced || !atMark) {
            (uint256 initial, uint256 maintenance) = requirement(account);
            uint256 needed = reduced ? maintenance : initial;
            int256 own = equity(account);
            require(own >= needed.toInt256(), MarginMissing(account, own, needed));
        }
        if (position[account] == 0) _absorb(account);
    }

    /// @dev Returns whether an account's position is on the side it was on, or closed, and smaller.
    function _reduced(address account, int256 before) private view returns (bool) {
        int256 size = position[account];
        bool sameSide = size == 0 || (size > 0) == (before > 0);
        return sameSide && SignedMath.abs(size) < SignedMath.abs(before);
    }

    function _checkUnderMaintenance(address account) private view {
        (, uint256 maintenance) = requirement(account);
        int256 own = equity(account);
        require(own < maintenance.toInt256(), Healthy(account, own, maintenance));
    }

    /// @dev Returns the price a liquidator takes over at and the insurance's fee. Both come out of
    ///      what the account has: with no equity they are the mark and nothing.
    function _liquidationPrice(address account, uint256 size)
        private
        view
        returns (uint256 price, uint256 fee)
    {
        price = mark();
        int256 own = equity(account);
        if (own <= 0) return (price, 0);
        uint256 available = uint256(own);
        uint256 discount = Math.mulDiv(price, _terms.discount, WAD);
        discount = Math.min(discount, Math.mulDiv(available, WAD, size));
        discount -= discount % TICK;
        uint256 paid = Math.mulDiv(discount, size, WAD);
        fee = Math.mulDiv(Math.mulDiv(size, price, WAD), _terms.insuranceFee, WAD);
        fee = Math.min(fee, available - paid);
        price = position[account] > 0 ? price - discount : price + discount;
    }

    /// @dev Takes the debt of an account without a position over: insurance first, then shortfall.
    function _absorb(address account) private {
        int256 own = cash[account];
        if (own >= 0) return;
        uint256 debt = SignedMath.abs(own);
        uint256 covered = Math.min(debt, insurance);
        cash[account] = 0;
        insurance -= covered;
        shortfall += debt - covered;
        emit BadDebt(account, debt, covered);
    }

    /// @dev Counts collateral as insurance, after what it repays of a shortfall.
    function _insure(uint256 amount) private {
        uint256 repaid = Math.min(amount, shortfall);
        shortfall -= repaid;
        insurance += amount - repaid;
    }

    /// @dev Takes cash off the sender's account, which must keep its initial margin.
    function _takeCash(uint256 amount) private {
        cash[msg.sender] -= amount.toInt256();
        if (position[msg.sender] == 0) {
            int256 rest = cash[msg.sender];
            require(rest >= 0, MarginMissing(msg.sender, rest, 0));
            require(!_settling() || _open.length() == 0, Settling());
            return;
        }
        require(!_settling(), Settling());
        require(gate.fresh(_terms.market), Stale());
        (uint256 initial,) = requirement(msg.sender);
        int256 own = equity(msg.sender);
        require(own >= initial.toInt256(), MarginMissing(msg.sender, own, initial));
    }

    /// @dev Pays the sender out of what the accounts brought, never out of the insurance.
    function _pay(uint256 amount) private {
        uint256 held = _held();
        require(amount <= held, NotHeld(amount, held));
        collateral.safeTransfer(msg.sender, amount);
    }

    function _held() private view returns (uint256) {
        return collateral.balanceOf(address(this)) - insurance;
    }

    function _pull(uint256 amount) private {
        uint256 before = collateral.balanceOf(address(this));
        collateral.safeTransferFrom(msg.sender, address(this), amount);
        uint256 moved = collateral.balanceOf(address(this)) - before;
        require(moved == amount, NotExact(amount, moved));
    }

    function _settling() private view returns (bool) {
        return settlementPrice > 0 || gate.marketTime(_terms.market) >= _terms.settlesAt;
    }

    /// @dev Exact: a multiple of LOT times a multiple of TICK is a multiple of WAD.
    function _value(int256 size, uint256 price) private pure returns (int256) {
        return (size * price.toInt256()) / int256(WAD);
    }

    function _part(uint256 notional, uint256 rate) private pure returns (uint256) {
        return Math.mulDiv(notional, rate, WAD, Math.Rounding.Ceil);
    }

    function _signed(uint256 size, bool positive) private pure returns (int256) {
        return positive ? size.toInt256() : -size.toInt256();
    }
}
