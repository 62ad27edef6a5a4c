// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Pay by what a row was worth on data that nobody could train on
/// @notice docs/protocol.md, "Scores". Stands between `Rounds` and `Rewards`: a settled round waits here
///         until later rounds have passed, the nodes that had its rows say what the market did
///         meanwhile, and a claim of the score Program says who is paid and whose stake is burnt.
interface IScores {
    /// @param programs score Program for quorum, quorum + 1, … capacity rows
    /// @param quorum fewest rows of a settled round
    /// @param models how many models before the round's own the Program takes
    /// @param windowLength bytes of a window, f64
    /// @param lag rounds that settle after one before its window is asked for
    /// @param windowBlocks blocks in which windows are taken, from that settlement on
    /// @param turnBlocks blocks each node has to post the claim before it is the next one's turn
    /// @param budgetGwei pay of one round at most, in gwei of the token, at most 2^46
    /// @param cumulativeLength elements of the cumulative tensor, as of `Rounds`
    /// @param initialCumulative tensor root of as many zeros in f64
    struct Terms {
        bytes32[] programs;
        uint32 quorum;
        uint32 models;
        uint32 windowLength;
        uint32 lag;
        uint64 windowBlocks;
        uint64 turnBlocks;
        uint64 budgetGwei;
        uint32 cumulativeLength;
        bytes32 initialCumulative;
    }

    /// @notice The rows of one node.
    /// @param index registry index
    /// @param rows how many
    /// @param stakeGwei stake behind each, rounded down: of when the seats were drawn, from the window's
    ///        opening on no more than is then held until the score
    /// @param window tensor root of what it says the market did, zero until it has
    struct Player {
        uint32 index;
        uint32 rows;
        uint64 stakeGwei;
        bytes32 window;
    }

    /// @notice A settled round.
    /// @param place how many rounds were settled before it
    /// @param rows revealed rows
    /// @param waiting rows whose window is missing
    /// @param attempt claims about its score that fell
    /// @param openBlock block from which windows are taken, 0 before
    /// @param fullBlock block in which the last window came, 0 before
    /// @param budgetGwei what the score's claim may pay, once there is one
    /// @param aggregation claim by which it was settled
    /// @param claim the score's claim, 0 for none
    /// @param fallen the last of its claims that fell, 0 for none
    /// @param seed its electing seed
    struct Past {
        uint64 place;
        uint32 rows;
        uint32 waiting;
        uint32 attempt;
        uint64 openBlock;
        uint64 fullBlock;
        uint64 budgetGwei;
        uint128 aggregation;
        uint128 claim;
        uint128 fallen;
        bytes32 seed;
        Player[] players;
    }

    /// @param lastBlock last in which a window is taken
    event WindowOpened(uint64 indexed round, uint64 lastBlock);
    /// @param data f64, little-endian
    event WindowPosted(uint64 indexed round, uint32 indexed node, bytes32 root, bytes data);
    event ScorePosted(
        uint64 indexed round,
        uint256 indexed claim,
        uint32 indexed node,
        bytes32 inputsRoot,
        bytes32 outputsRoot,
        uint64 budgetGwei
    );
    event ScoreStruck(uint64 indexed round, uint256 claim, uint32 attempt);
    /// @param burntGwei of each node's stake, in the order of `nodes`
    event Scored(
        uint64 indexed round,
        uint256 claim,
        bytes32 cumulativeRoot,
        uint32[] nodes,
        uint64[] burntGwei
    );

    error BadTerms(string field);
    /// @notice Thrown by `post` for any sender but the contract `Rounds`.
    error OnlyRounds();
    /// @notice The round was not settled, or its score is.
    error NotWaiting(uint64 round);
    /// @notice The round's window is not asked for yet, or no longer.
    error WindowShut(uint64 round);
    /// @notice The round's windows can still be posted.
    error WindowOpen(uint64 round);
    /// @notice The sender had no rows in the round; of `postScore`, is no node.
    error NoRows(address sender);
    error AlreadyPosted(uint32 node);
    error WindowLength(uint256 got, uint256 expected);
    /// @notice The score would be of other inputs than the sender took.
    error GroundMismatch(bytes32 expected, bytes32 got);
    /// @notice Rounds are scored in the order in which they were settled.
    error NotNext(uint64 next, uint64 round);
    error NotYourTurn(uint32 expected, uint32 got);
    error ClaimPending(uint256 claim);
    error ClaimNotFinal(uint256 claim);
    /// @notice The roots brought are not those of the claim by which the round was settled.
    error BasisMismatch(bytes32 expected, bytes32 got);
    error OutputCount(uint256 got, uint256 expected);
    error OutputsMismatch(bytes32 expected, bytes32 got);
    error ChunkMismatch(bytes32 expected, bytes32 got);

    /// @notice Takes over a round that was just settled. Only `Rounds` may; the root of its own pay is
    ///         not looked at.
    function post(uint64 round, bytes32 root) external;

    /// @notice Says, as a node that had rows in the round, what the market did since.
    /// @param data a window, f64[w, q] little-endian
    function postWindow(uint64 round, bytes calldata data) external;

    /// @notice Claims the round's score, on the sender's bond, when it is its turn. Once every row had
    ///         a turn any node may.
    /// @param inputs roots of the inputs of the round's aggregation
    /// @param outputs roots of its outputs
    /// @param inputsRoot what the sender took for the inputs, as `groundOf` says it: what is funded in
    ///        between would otherwise make its claim one about others
    function postScore(
        uint64 round,
        bytes32[] calldata inputs,
        bytes32[] calldata outputs,
        bytes32 inputsRoot,
        bytes32 outputsRoot
    ) external returns (uint256 claim);

    /// @notice Pays and burns by a score whose claim can no longer fall. Anybody may. Without a budget
    ///         nothing is burnt either.
    /// @param outputRoots roots of the outputs of the score Program
    /// @param burnChunk the only chunk of output 2
    /// @param payChunk the only chunk of output 3
    function settleScore(
        uint64 round,
        bytes32[] calldata outputRoots,
        bytes calldata burnChunk,
        bytes calldata payChunk
    ) external;

    function terms() external view returns (Terms memory);

    /// @notice Returns a settled round as of this block: a claim that fell is counted in `attempt`.
    function pastOf(uint64 round) external view returns (Past memory);

    /// @notice Returns the round that is scored next, 0 while none waits.
    function next() external view returns (uint64 round);

    /// @notice Returns whose turn it is to post the next round's score.
    /// @return node registry index
    /// @return free whether any node may besides
    function poster() external view returns (uint32 node, bool free);

    /// @notice Returns what a score of the next round is claimed of.
    function groundOf(uint64 round, bytes32[] calldata inputs, bytes32[] calldata outputs)
        external
        view
        returns (bytes32 program, bytes32 inputsRoot, uint64 budgetGwei);

    /// @notice Returns the root of the cumulative tensor after the last scored round.
    function cumulativeRoot() external view returns (bytes32);

    /// @notice Returns how many rounds were scored.
    function scoredCount() external view returns (uint64);

    /// @notice As of `Rewards`, whom `Rounds` asks when it is deployed.
    function length() external view returns (uint32);

    /// @notice Returns what scored rounds were paid in all, in wei.
    function paid() external view returns (uint256);

    /// @notice As of `Rewards`, whom `Rounds` asks when it opens: what was paid in, with a round's whole
    ///         budget for every scored one in place of what it was paid. So a `Rounds` of the same
    ///         budget opens while there is one for each round that waits and for its own, and what a
    ///         score leaves is there for later ones. A `Rounds` whose budget is 0 opens in any case.
    function funded() external view returns (uint256);
}
