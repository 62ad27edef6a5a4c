// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title One dated future, cleared
/// @notice Dollars, prices and sizes are WAD (10^18 is one). A long gains a dollar for each unit
///         and each dollar the price rises. The house is the counterparty of every trade, so
///         positions sum to zero. Every size is a multiple of `LOT` and every price of `TICK`, so
///         no product is rounded and what the house holds equals what it owes to the last wei.
interface IClearingHouse {
    /// @param trader whose order it is
    /// @param size units: positive buys, negative sells
    /// @param price worst price for the trader
    /// @param expiry chain time from which it no longer holds
    /// @param salt tells orders apart that are otherwise the same
    struct Order {
        address trader;
        int256 size;
        uint256 price;
        uint64 expiry;
        uint256 salt;
    }

    /// @param market keccak-256 of the market's name, as the gate knows it
    /// @param settlesAt the market's own clock from which it settles, Unix seconds
    /// @param band farthest a trade's price may be from the mark, as a fraction
    /// @param discount of the mark that a liquidator takes the position at, at most
    /// @param insuranceFee fraction of the notional liquidated that goes to the insurance, at most
    struct Terms {
        bytes32 market;
        uint64 settlesAt;
        uint256 band;
        uint256 discount;
        uint256 insuranceFee;
    }

    event Deposited(address indexed account, uint256 amount);
    /// @param amount taken off the account's cash
    /// @param received of it; less only where the account accepted a share of the shortfall
    event Withdrawn(address indexed account, uint256 amount, uint256 received);
    event InsuranceFunded(address indexed from, uint256 amount);
    event Traded(address indexed buyer, address indexed seller, uint256 size, uint256 price);
    event Cancelled(address indexed trader, bytes32 order);
    /// @param size of the account's position that went over, with its sign
    /// @param price it went over at
    /// @param fee to the insurance
    event Liquidated(
        address indexed account, address indexed liquidator, int256 size, uint256 price, uint256 fee
    );
    /// @param amount by which the account's losses exceeded all it had
    /// @param covered by the insurance; the rest is shortfall
    event BadDebt(address indexed account, uint256 amount, uint256 covered);
    event PriceFixed(uint256 price, uint64 marketTime);
    /// @param gain dollars, negative for a loss
    event AccountSettled(address indexed account, int256 size, int256 gain);

    /// @notice Thrown at deployment; names the term that cannot be.
    error BadTerms(string field);
    /// @notice Thrown when the collateral moved another amount than asked (a fee on transfers).
    error NotExact(uint256 asked, uint256 moved);
    /// @notice Thrown when the house owes more than it holds and the call would hide it: no
    ///         deposit, and no withdrawal but `withdrawShare`.
    error Shortfall(uint256 amount);
    /// @notice Thrown by a withdrawal of gains that no loser has paid in: a position with losses
    ///         beyond its collateral must be liquidated first.
    error NotHeld(uint256 amount, uint256 held);
    /// @notice Thrown by `withdrawShare` when less would be received than the sender accepts.
    error ShareTooSmall(uint256 received, uint256 least);
    /// @notice Thrown when an account would have less equity than the margin asked of it.
    error MarginMissing(address account, int256 equity, uint256 needed);
    /// @notice Thrown when new risk is asked for, or a position's money, while reports are stale.
    error Stale();
    /// @notice Thrown by `trade` from `settlesAt` on, and by `withdraw` until every position is
    ///         settled.
    error Settling();
    /// @notice Thrown by `settle` before that time.
    error NotYet(uint64 marketTime, uint64 settlesAt);
    /// @notice Thrown when an order's time is over, or it was cancelled or filled that far.
    error OrderSpent(bytes32 order, uint256 left);
    /// @notice Thrown when a signature is not the trader's.
    error BadSignature(address trader);
    /// @notice Thrown when two orders do not meet: same side, one trader, or a price beyond a
    ///         limit.
    error NoMatch();
    /// @notice Thrown when the price is farther from the mark than the band.
    error OutsideBand(uint256 price, uint256 mark);
    /// @notice Thrown when a size is zero, too large or no multiple of `LOT`.
    error BadSize(uint256 size);
    /// @notice Thrown when a price is no multiple of `TICK`, or too large.
    error BadPrice(uint256 price);
    /// @notice Thrown by `liquidate` for an account that has its maintenance margin.
    error Healthy(address account, int256 equity, uint256 needed);
    /// @notice Thrown by `liquidate` for more than restores the initial margin.
    error TooMuch(uint256 size, uint256 most);
    /// @notice Thrown by `liquidate` when an account would take over from itself.
    error OwnAccount();

    /// @notice Pays collateral in, to the sender's account.
    function deposit(uint256 amount) external;

    /// @notice Pays cash out as long as the account keeps its initial margin.
    function withdraw(uint256 amount) external;

    /// @notice As `withdraw`, while there is a shortfall: of `amount` the sender receives the share
    ///         that the house holds of what it owes, and gives up the rest, as everybody would.
    /// @param least what the sender accepts at least
    function withdrawShare(uint256 amount, uint256 least) external returns (uint256 received);

    /// @notice Gives collateral to the insurance; it repays a shortfall first.
    function fundInsurance(uint256 amount) external;

    /// @notice Trades two signed orders that meet, `size` units at `price`; anybody may send it.
    /// @dev New risk needs fresh reports and the initial margin. A reduction (same side, smaller)
    ///      is possible with stale reports too, at the last mark's band, and needs no margin when
    ///      its price is not worse than the mark; otherwise the account must keep its maintenance
    ///      margin.
    /// @param buy order with a positive size
    /// @param sell order with a negative size
    function trade(
        Order calldata buy,
        bytes calldata buySignature,
        Order calldata sell,
        bytes calldata sellSignature,
        uint256 size,
        uint256 price
    ) external;

    /// @notice Makes an order of the sender's unusable.
    function cancel(Order calldata order) external;

    /// @notice Takes `size` units over from an account under maintenance margin, at the mark less a
    ///         discount that never exceeds what the account has. The sender must have the initial
    ///         margin for what it then holds.
    function liquidate(address account, uint256 size) external;

    /// @notice Settles up to `count` positions at the price of the first call from `settlesAt` on;
    ///         anybody may send it.
    /// @return left positions that still are to be settled
    function settle(uint256 count) external returns (uint256 left);

    /// @notice Returns cash plus position at the mark.
    function equity(address account) external view returns (int256);

    /// @notice Returns the margins an account's position asks for, in dollars, rounded up.
    function requirement(address account)
        external
        view
        returns (uint256 initial, uint256 maintenance);

    /// @notice Returns an account's position in units, positive when long.
    function position(address account) external view returns (int256);

    /// @notice Returns an account's collateral and what its trades paid and cost; negative where an
    ///         open position owes it.
    function cash(address account) external view returns (int256);

    /// @notice Returns the price positions are valued at: the gate's, cut to a multiple of `TICK`,
    ///         or the settlement price once fixed.
    function mark() external view returns (uint256);

    /// @notice Returns how much of an account's position can be liquidated now; 0 when healthy.
    function liquidatable(address account) external view returns (uint256 size);

    /// @notice Returns what pays for accounts that lost more than they had.
    function insurance() external view returns (uint256);

    /// @notice Returns by how much the house owes more than it holds.
    function shortfall() external view returns (uint256);

    /// @notice Returns the terms fixed at deployment.
    function terms() external view returns (Terms memory);

    /// @notice Returns the accounts with an open position.
    function openAccounts() external view returns (address[] memory);

    /// @notice Returns the EIP-712 digest that an order's trader signs.
    function digestOf(Order calldata order) external view returns (bytes32);
}
