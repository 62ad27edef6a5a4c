// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title What a market's margins rest on: accounts that a Program can be run over
/// @notice The consuming protocol keeps it.
interface IAccounts {
    /// @notice Returns the tensor root of f64[n, 2], for each account its equity and the notional that
    ///         margin is asked on, dollars at the mark.
    function accountsRoot() external view returns (bytes32);
}

/// @title Whether a provider's record still lets it be heard
interface IAuthority {
    /// @notice Returns false once a provider missed more often on a market than it said it would.
    function trusted(address provider, bytes32 market) external view returns (bool);
}

/// @title The margins a consuming protocol lets through of several providers' reports
/// @notice Fractions are WAD. Of the providers that count (switched on, trusted, with a report that has not
///         expired) the one with the median upper bound of margin is followed, and the bundle of that one
///         alone: coupled parameters come from one report and move by one share, so a limit that holds one
///         back holds the other. Initial margin is never delayed; maintenance margin, which liquidates,
///         rises by a quarter an hour at most, and in steps whose consequence was claimed and not
///         disputed.
interface IPanelGate {
    /// @param floor least value, above 0
    /// @param ceiling most value
    /// @param stepUp most that one move raises it by, as a fraction of itself
    /// @param stepDown most that one move lowers it by, likewise, above 0 and below 1
    struct Limits {
        uint128 floor;
        uint128 ceiling;
        uint128 stepUp;
        uint128 stepDown;
    }

    /// @param margin of initial margin; its ceiling at most 1
    /// @param volatility of the upper end of what the day's standard deviation is predicted to be
    /// @param staticInitial initial margin before the first move and while the gate is shut
    /// @param staticMaintenance maintenance margin likewise, at most `staticInitial`
    /// @param staticVolatility likewise, within its limits
    /// @param delay seconds between two moves of what is settled
    /// @param patience blocks after which maintenance rises without a claim about the consequence
    /// @param countMax most accounts that one step may make liquidatable; with the largest number steps
    ///        need no claim
    /// @param notionalMax most of their notional in dollars, WAD
    struct Policy {
        Limits margin;
        Limits volatility;
        uint128 staticInitial;
        uint128 staticMaintenance;
        uint128 staticVolatility;
        uint64 delay;
        uint64 patience;
        uint256 countMax;
        uint256 notionalMax;
    }

    event MarketSet(bytes32 indexed market, Policy policy);
    event Switched(address indexed provider, bool on);
    event ShutSet(bool shut);
    /// @notice What holds was moved towards the median report.
    /// @param provider whose bundle it is
    /// @param share of the way that limits allow, WAD: of both parameters the same
    event Moved(
        bytes32 indexed market,
        address indexed provider,
        uint256 margin,
        uint256 volatility,
        uint256 share
    );
    /// @notice Maintenance margin wants to rise to `wanted`, and may from `since` on: with claims at once,
    ///         without after the policy's patience.
    event RiseWanted(bytes32 indexed market, uint256 wanted, uint64 since);
    /// @param claim about the consequence; 0 where none was needed, or patience ran out
    event MaintenanceMoved(bytes32 indexed market, uint256 level, uint256 claim);
    /// @notice A step of maintenance margin to `level` was claimed to make `count` accounts with
    ///         `notional` dollars liquidatable.
    /// @param bits of the f64 that is the claim's second input
    event StepProposed(
        bytes32 indexed market,
        uint256 indexed claim,
        uint256 level,
        uint64 bits,
        bytes32 accountsRoot,
        uint256 count,
        uint256 notional
    );

    /// @notice Thrown for a market the owner never set.
    error UnknownMarket(bytes32 market);
    /// @notice Thrown by `setMarket`; names what cannot be.
    error BadPolicy(string field);
    /// @notice Thrown when more providers would be on than a median is taken of.
    error TooManyProviders(uint256 maximum);
    /// @notice Thrown when a provider is switched to what it is.
    error AlreadySo(address provider);
    /// @notice Thrown by `proposeStep` for a level that is not above what holds, or above what may hold
    ///         in this hour.
    error BadLevel(uint256 level, uint256 above, uint256 most);
    /// @notice Thrown by `proposeStep` when the consequence exceeds what one step may have.
    error TooMuch(uint256 count, uint256 notional);
    /// @notice Thrown by `takeStep` for a claim that is not final, or was made for another rise.
    error NoStep(uint256 claim);
    /// @notice Thrown by `takeStep` in the block of another step.
    error OneAStep(uint64 blockNumber);

    /// @notice Reads what the providers' reports say, finalising what claims can be, and moves what may
    ///         move; anybody may send it, at any time.
    function applyReports(bytes32 market) external;

    /// @notice Claims what raising maintenance margin to a level would do, with a bond of the sender's;
    ///         anybody may. The Program, the accounts and the level are the gate's; only the outcome is
    ///         the sender's word.
    /// @param level bits of an f64
    /// @param chunk of the outcome f64[2], count and notional in dollars: 256 bytes
    function proposeStep(bytes32 market, uint64 level, bytes calldata chunk)
        external
        returns (uint256 claim);

    /// @notice Takes a step whose claim is final, or can be made so; anybody may send it.
    function takeStep(uint256 claim) external;

    /// @notice Sets a market's policy. Owner only.
    function setMarket(bytes32 market, Policy calldata policy) external;

    /// @notice Switches a provider on or off, at once and for every market. Owner only: no provider, and
    ///         not who made this contract, is asked.
    function setProvider(address provider, bool on) external;

    /// @notice Shuts the gate (what is static holds) or opens it. Owner only.
    function setShut(bool shut) external;

    /// @notice Returns the initial margin as a fraction of notional: the settled one, raised at once by the
    ///         median of what providers say beyond it, claims that still stand counted, by one step at most;
    ///         half as much again, and at most 1, when no provider counts.
    function initialMargin(bytes32 market) external view returns (uint256);

    /// @notice Returns the maintenance margin as a fraction of notional. It does not move by silence.
    function maintenanceMargin(bytes32 market) external view returns (uint256);

    /// @notice Returns the settled volatility of a day, by reports' upper bounds: the upper end of
    ///         what the day's standard deviation is predicted to be. It bounds risk; whoever prices
    ///         reads the forecast itself, a report's `value`.
    function volatility(bytes32 market) external view returns (uint256);

    /// @notice Returns whether at least one provider counts, or the gate is shut: new risk may be taken.
    function fresh(bytes32 market) external view returns (bool);

    /// @notice Returns to what maintenance margin may rise now, and since which block it waits; 0 when it
    ///         does not.
    function rise(bytes32 market) external view returns (uint256 most, uint64 since);

    /// @notice Returns the providers that are on.
    function providers() external view returns (address[] memory);

    /// @notice Returns a market's policy.
    function policyOf(bytes32 market) external view returns (Policy memory);
}
