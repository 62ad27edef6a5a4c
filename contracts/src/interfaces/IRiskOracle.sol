// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "./ICourt.sol";

/// @title Reports of risk parameters, each with a claim behind it that the court can judge
/// @notice Anybody is a provider: reports are kept by who signed them, and a consumer chooses whom it
///         reads. A bundle is one market's reports of one moment and one claim about the job's report
///         Program; it is taken whole or not at all, so coupled parameters never come apart. A price
///         may also come alone, since it moves more often than margins are worth a bond. The
///         contract fixes the claim's Program and derives its inputs: the model, the updates and who
///         was accepted are those of the last settled round, the market's data is in the call. Margin
///         and volatility are read out of the claim's outputs. The price is data: the provider's word.
/// @dev The model's claim is final when its round has settled, so the claim of a report has no parents.
interface IRiskOracle {
    /// @dev Output k of the report Program is kind k + 1: value, lower and upper bound.
    enum Kind {
        Price,
        Margin,
        Volatility
    }

    /// @notice What a provider says and signs.
    /// @param market keccak-256 of the market's name
    /// @param price dollars a unit, WAD (10^18 is one)
    /// @param outputsRoot list root of what the report Program returned
    /// @param marketTime the market's own clock, Unix seconds: of the data, not of the chain
    /// @param validFrom chain time in Unix seconds, not in the future
    /// @param expiry chain time from which the report is no longer fresh
    /// @param nonce above every earlier one of this provider
    struct Bundle {
        bytes32 market;
        uint256 price;
        bytes32 outputsRoot;
        uint64 marketTime;
        uint64 validFrom;
        uint64 expiry;
        uint64 nonce;
    }

    /// @notice A price alone, as a provider signs it.
    /// @param market keccak-256 of the market's name
    /// @param price dollars a unit, WAD
    /// @param marketTime see `Bundle`
    /// @param validFrom see `Bundle`
    /// @param expiry see `Bundle`
    /// @param nonce see `Bundle`
    struct Price {
        bytes32 market;
        uint256 price;
        uint64 marketTime;
        uint64 validFrom;
        uint64 expiry;
        uint64 nonce;
    }

    /// @notice What the claim's inputs are made of. Before the first settled round the two lists are
    ///         empty.
    /// @param inputs tensor roots of the inputs of the last settled round's claim
    /// @param outputs tensor roots of its outputs
    /// @param data the market's data: the bytes of each tensor, elements little-endian, in the order
    ///        and of the lengths of `postedLengths`
    struct Basis {
        bytes32[] inputs;
        bytes32[] outputs;
        bytes[] data;
    }

    /// @notice What the contract fixes of a claim.
    /// @param program hash of the report Program
    /// @param inputsRoot list root of its inputs: the model, the posted tensors, and of the settled round
    ///        the model before, who was accepted, and the updates
    /// @param modelRoot tensor root of the model
    /// @param roundClaim claim of the settled round, 0 before the first
    struct Ground {
        bytes32 program;
        bytes32 inputsRoot;
        bytes32 modelRoot;
        uint256 roundClaim;
    }

    /// @notice A tensor whose bytes are in the call.
    /// @param length bytes
    /// @param wide whether its elements have eight bytes, not four
    struct Posted {
        uint32 length;
        bool wide;
    }

    /// @param market keccak-256 of the market's name
    /// @dev docs/model.md, "The report". A margin's three numbers are three things: the quantile of
    ///      the loss, the expected shortfall beyond it, and the margin that a gate applies. A
    ///      volatility's bounds are a predictive interval of what the day will measure, not the
    ///      doubt about its mean.
    /// @param kind `Kind` as a number: price in dollars a unit, margin as a fraction of notional, or
    ///        standard deviation of the day's return
    /// @param value WAD, rounded up, from `lower` to `upper`; of a margin the expected shortfall, of a
    ///        volatility the forecast
    /// @param lower WAD, rounded down; of a margin the 99.5 % quantile of the loss
    /// @param upper WAD, rounded up; of a margin what is asked as initial margin
    /// @param claim in the court, of which this is an output; 0 for a price
    /// @param marketTime see `Bundle`
    /// @param validFrom see `Bundle`
    /// @param expiry see `Bundle`
    /// @param nonce see `Bundle`
    struct Report {
        bytes32 market;
        uint8 kind;
        uint256 value;
        uint256 lower;
        uint256 upper;
        uint256 claim;
        uint64 marketTime;
        uint64 validFrom;
        uint64 expiry;
        uint64 nonce;
    }

    event Reported(
        address indexed provider, bytes32 indexed market, uint8 indexed kind, Report report
    );
    /// @notice Makes the inputs of a report's claim available, so that anybody can recompute it.
    /// @param roundClaim claim of the settled round, 0 before the first; its inputs and outputs hold
    ///        the rest
    /// @param modelRoot tensor root of the params: what that round settled on
    /// @param data the tensors whose bytes were in the call
    event Based(
        uint256 indexed claim,
        address indexed provider,
        bytes32 indexed market,
        uint256 roundClaim,
        bytes32 modelRoot,
        bytes[] data
    );
    /// @notice The newest report of a market whose claim is final is now that of `claim`.
    event Settled(address indexed provider, bytes32 indexed market, uint256 claim, uint64 nonce);

    /// @notice Thrown by the constructor; names what cannot be.
    error BadConfig(string field);
    /// @notice Thrown when `signature` signs no bundle; a wrong one that does signs for a stranger.
    error BadSignature();
    /// @notice Thrown when the price is 0 or above 2^128 - 1.
    error BadPrice(uint256 price);
    /// @notice Thrown when a nonce is not above the provider's last one.
    error NonceUsed(uint64 got, uint64 last);
    /// @notice Thrown when `validFrom` or `marketTime` is after this block's time.
    error FromTheFuture(uint64 time);
    /// @notice Thrown when a bundle has expired, or would before it begins.
    error Expired(uint64 expiry);
    /// @notice Thrown when the market's clock is behind that of the provider's last price.
    error MarketTimeBackwards(uint64 got, uint64 last);
    /// @notice Thrown when a list of the basis has not as many entries as the round's claim, or the
    ///         data not as many tensors as the report Program takes.
    error BasisCount(uint256 got, uint256 expected);
    /// @notice Thrown when a list of the basis is not that of the last settled round's claim.
    error BasisMismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown when a posted tensor has not the Program's number of bytes.
    error DataLength(uint256 tensor, uint256 got, uint256 expected);
    /// @notice Thrown unless there is one reading for each kind but the price.
    error ReadingCount(uint256 got, uint256 expected);
    /// @notice Thrown when a chunk is not that of its output under the bundle's outputs.
    error OutputsMismatch(uint256 output, bytes32 expected, bytes32 got);
    /// @notice Thrown unless lower <= value <= upper.
    error BoundsCrossed(uint8 kind, uint256 lower, uint256 value, uint256 upper);
    /// @notice Thrown when as many bundles of a market wait for their claims as may.
    error TooManyWaiting(uint256 maximum);

    /// @notice Stores a bundle and posts its claim; anybody may send it. The bond is taken from the
    ///         provider's allowance to the court.
    /// @param readings for each kind but the price, in order, the only chunk of its output with its way
    ///        up to the bundle's `outputsRoot`
    /// @param signature of the provider over `digestOf`, 65 bytes r ‖ s ‖ v
    /// @return provider who signed
    /// @return claim its claim in the court
    function post(
        Bundle calldata bundle,
        Basis calldata basis,
        ICourt.Opening[] calldata readings,
        bytes calldata signature
    ) external returns (address provider, uint256 claim);

    /// @notice Stores a price; anybody may send it.
    /// @param signature of the provider over `digestOfPrice`, 65 bytes r ‖ s ‖ v
    /// @return provider who signed
    function postPrice(Price calldata price, bytes calldata signature)
        external
        returns (address provider);

    /// @notice Makes final whatever claims of a provider's reports on a market can be, and remembers
    ///         the newest; anybody may send it.
    function settle(address provider, bytes32 market) external;

    /// @notice Returns a provider's newest report whose claim has not fallen (of a price the newest);
    ///         all zero (and so expired) when there is none.
    function latest(address provider, bytes32 market, uint8 kind)
        external
        view
        returns (Report memory);

    /// @notice Returns what a provider's reports on a market say with their claims counted: the newest
    ///         whose claim is final; among those after it whose claims have not fallen the one with the
    ///         highest upper bound, and the newest. All zero where there is none.
    function standing(address provider, bytes32 market, uint8 kind)
        external
        view
        returns (Report memory final_, Report memory highest, Report memory newest);

    /// @notice Returns how many bundles a provider ever posted on a market, fallen ones counted.
    function bundleCount(address provider, bytes32 market) external view returns (uint256);

    /// @notice Returns what a provider's bundle said, whether or not its claim stands: the court knows.
    ///         All zero where there is none, and for a price, of which only the last is kept.
    /// @param index 0 for the first bundle; nonces rise with it
    function bundleAt(address provider, bytes32 market, uint256 index, uint8 kind)
        external
        view
        returns (Report memory);

    /// @notice Returns what a claim made now on this basis would be about.
    function groundOf(Basis calldata basis) external view returns (Ground memory);

    /// @notice Returns the last nonce a provider used, 0 before the first.
    function nonceOf(address provider) external view returns (uint64);

    /// @notice Returns the EIP-712 digest a provider signs for a price alone.
    function digestOfPrice(Price calldata price) external view returns (bytes32);

    /// @notice Returns the EIP-712 digest a provider signs for a bundle.
    function digestOf(Bundle calldata bundle, bytes32 program, bytes32 inputsRoot)
        external
        view
        returns (bytes32);

    /// @notice Returns the tensors whose bytes a bundle brings.
    function postedLengths() external view returns (Posted[] memory);

    /// @notice Keeps the claims behind the reports.
    function court() external view returns (ICourt);
}
