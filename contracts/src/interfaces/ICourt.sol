// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Optimistic claims about the result of a Program, and the disputes that decide them
/// @notice docs/court.md. The consumer that relies on a claim fixes its program and inputs; only
///         `outputsRoot` is the asserter's word. Unchallenged until its deadline a claim is final.
///         Every challenge is a dispute of its own: a walk down the trees of the asserter's
///         execution to one scalar step, which the contract executes. Whoever was wrong loses its
///         bond.
/// @dev A dispute is stored as the hash of its record: every move states the whole record, so a
///      move that was made on a branch which was reorganised away is refused, never misapplied.
interface ICourt {
    /// @notice `Open` can be challenged, `Disputed` has disputes that are not decided, `Final` can
    ///         be relied on, `Struck` was convicted, `Void` fell with a claim it was built on.
    enum State {
        None,
        Open,
        Disputed,
        Final,
        Struck,
        Void
    }

    /// @notice The tree that a dispute walks: the states after each iteration, the list of output
    ///         roots, the list of op roots, the tensor of one op, the states of one chain.
    enum Stage {
        Iterations,
        Outputs,
        Trace,
        Tensor,
        Chain
    }

    /// @notice What the next move is. `Root`, `Children` and `Chunk` are the asserter's: post the
    ///         root of the stage's tree, reveal the children of the node, reveal the bytes of the
    ///         chunk. `Child` and `Element` are the challenger's: name the first that is wrong.
    enum Turn {
        Root,
        Children,
        Chunk,
        Child,
        Element
    }

    /// @param program hash of the Program that was run
    /// @param inputsRoot list root of its inputs, derived by the consumer
    /// @param outputsRoot list root of what the asserter says it returned
    /// @param asserter pays the bond and gets it back
    /// @param consumer contract that opened the claim and relies on it
    /// @param bond in wei of the token, taken from the asserter's allowance
    /// @param deadline last block in which the claim can be challenged
    /// @param iterations how often the Program was run, outputs becoming the first inputs
    /// @param depth claims below this one that are not final: 0 without parents, at most 8
    /// @param disputes disputes that are not decided
    /// @param state where the claim stands
    struct Claim {
        bytes32 program;
        bytes32 inputsRoot;
        bytes32 outputsRoot;
        address asserter;
        address consumer;
        uint256 bond;
        uint64 deadline;
        uint32 iterations;
        uint8 depth;
        uint32 disputes;
        State state;
    }

    /// @param opCount ops of the Program
    /// @param outputCount outputs of the Program
    /// @param inputCount inputs of the Program
    /// @param opsRoot root of the tree of op encodings
    struct Outline {
        uint32 opCount;
        uint32 outputCount;
        uint32 inputCount;
        bytes32 opsRoot;
    }

    /// @param claim what is disputed
    /// @param challenger whose bond stands against the asserter's
    /// @param challengerRoot the outputs root that the challenger stated
    /// @param stage the tree that is walked
    /// @param turn the next move
    /// @param moves moves made so far, both sides; the challenge is the first
    /// @param since block from which the clock of the side to move runs
    /// @param asserterBlocks what is left of the asserter's clock
    /// @param challengerBlocks what is left of the challenger's clock
    /// @param asserterGas wei advanced to the asserter out of the challenger's bond
    /// @param challengerGas wei advanced to the challenger out of the asserter's bond
    /// @param outline how large the Program is
    /// @param node the hash that is walked: the asserter's word, wrong according to the challenger
    /// @param index place of the node among the nodes of its height
    /// @param height levels between the node and the leaves
    /// @param leaves leaves of the stage's tree
    /// @param iteration the disputed iteration, 0 for the first
    /// @param before list root of the states it starts from; `inputsRoot` of the claim for the
    ///        first
    /// @param trace root of the tree of op roots of the disputed iteration
    /// @param op the disputed op
    /// @param brief hash of the op's `Brief`, once the op is named
    /// @param chain root of the states of the disputed element's chain
    /// @param element the disputed element of the op's tensor
    /// @param value its bits, as the asserter has them
    struct Dispute {
        uint256 claim;
        address challenger;
        bytes32 challengerRoot;
        Stage stage;
        Turn turn;
        uint32 moves;
        uint64 since;
        uint64 asserterBlocks;
        uint64 challengerBlocks;
        uint256 asserterGas;
        uint256 challengerGas;
        Outline outline;
        bytes32 node;
        uint64 index;
        uint32 height;
        uint64 leaves;
        uint32 iteration;
        bytes32 before;
        bytes32 trace;
        uint32 op;
        bytes32 brief;
        bytes32 chain;
        uint64 element;
        uint64 value;
    }

    /// @notice What is known of the disputed op: its encoding, those of its operands, and the
    ///         agreed roots of the operands' tensors. Of `concat` the operands are left out.
    struct Brief {
        bytes op;
        bytes[] operands;
        bytes32[] roots;
    }

    /// @notice A chunk with its way up: the present siblings of every level, from the lowest, left
    ///         to right, the node on the way left out.
    struct Opening {
        bytes chunk;
        bytes32[] siblings;
    }

    /// @notice One op of the Program with its way up to `opsRoot`, and where it is an operand the
    ///         root of its tensor with its way up to `trace`. For the operand of an input op `root`
    ///         is that of the input, with its way up to the list it stands in.
    struct OpOpening {
        bytes encoding;
        bytes32[] siblings;
        bytes32 root;
        bytes32[] rootSiblings;
    }

    /// @param by the consumer that vouches for it
    event Admitted(address indexed by, address indexed consumer);
    /// @param bond wei
    /// @param deadline last block in which the claim can be challenged
    event Claimed(
        uint256 indexed id,
        bytes32 indexed program,
        bytes32 inputsRoot,
        bytes32 outputsRoot,
        address indexed asserter,
        address consumer,
        uint256 bond,
        uint64 deadline,
        uint32 iterations,
        uint256[] parents
    );
    /// @param outputsRoot what the challenger says the Program returned
    /// @param bond wei
    event Challenged(
        uint256 indexed id,
        uint256 indexed dispute,
        address indexed challenger,
        bytes32 outputsRoot,
        uint256 bond
    );
    /// @param mover whose move it was; the challenger's is the challenge itself, too
    /// @param record the dispute after the move
    event Moved(uint256 indexed dispute, address indexed mover, Dispute record);
    /// @notice The children of `record.node`, by which the challenger chooses. Those of the top
    ///         level are stated with the root of a stage.
    event Revealed(uint256 indexed dispute, bytes32 node, bytes32[] children);
    /// @notice The bytes of a chunk whose leaf is `node`.
    event RevealedChunk(uint256 indexed dispute, bytes32 node, bytes chunk);
    /// @notice One scalar step was executed.
    /// @param code of the op
    /// @param step of the element's chain, 0 for an op without one
    /// @param dtype of the step's result: 0 f32, 1 f64, 2 i32
    /// @param asserted bits the asserter had; of a chunk that has not the bytes of 32 elements, its
    ///        length
    /// @param correct bits the contract computed, 0 after the last element; or the right length
    event Judged(
        uint256 indexed dispute,
        uint32 op,
        uint8 code,
        uint64 element,
        uint64 step,
        uint8 dtype,
        uint64 asserted,
        uint64 correct
    );
    /// @notice An input or a constant was compared with what it is a copy of.
    event Compared(
        uint256 indexed dispute, uint32 op, uint8 code, bytes32 asserted, bytes32 correct
    );
    /// @param asserterLost whether the claim fell
    /// @param byClock whether the loser's clock ran out
    /// @param bounty wei for the winner beyond its own bond and gas
    /// @param burnt wei
    event Decided(
        uint256 indexed id,
        uint256 indexed dispute,
        bool asserterLost,
        bool byClock,
        uint256 bounty,
        uint256 burnt
    );
    /// @notice A dispute ended without fault, since its claim fell by another one or with a parent.
    event Closed(uint256 indexed dispute, uint256 returned);
    event Finalised(uint256 indexed id);
    event Voided(uint256 indexed id, uint256 indexed parent);

    /// @notice Thrown for an id that no claim has.
    error UnknownClaim(uint256 id);
    /// @notice Thrown when a claim is not in a state in which the call makes sense.
    error NotOpen(uint256 id, State state);
    /// @notice Thrown by `finalise` while the claim can still be challenged.
    error WindowOpen(uint256 id, uint64 deadline);
    /// @notice Thrown by `challenge` after the deadline.
    error WindowClosed(uint256 id, uint64 deadline);
    /// @notice Thrown by `challenge` when the result stated is the claim's own.
    error SameOutputs(uint256 id);
    /// @notice Thrown by `challenge` when the asserter challenges itself.
    error OwnClaim(uint256 id);
    /// @notice Thrown by `post` and `admit` for a sender that is no consumer of this court.
    error OnlyConsumer();
    /// @notice Thrown by `post` for a Program that is not registered, or whose window is open.
    error NotRegistered(bytes32 program);
    /// @notice Thrown by `post` for parents that are struck, void or unknown, or more than 8 deep,
    ///         or more than 8.
    error BadParent(uint256 parent);
    /// @notice Thrown by `post` for no iterations.
    error BadIterations(uint32 iterations);
    /// @notice Thrown when the court is deployed with a bond below `bondFloor`.
    error BondTooSmall(uint256 bond, uint256 floor);
    /// @notice Thrown by `finalise` while a parent is not final.
    error ParentOpen(uint256 parent);
    /// @notice Thrown by `void` when the parent has not fallen, or is none.
    error ParentStands(uint256 parent);
    /// @notice Thrown when the record stated is not the dispute's: a stale move, or an unknown or
    ///         ended dispute (`expected` is then zero).
    error NotTheRecord(uint256 dispute, bytes32 expected, bytes32 got);
    /// @notice Thrown when the caller is not the side to move.
    error NotYourTurn(address mover);
    /// @notice Thrown when the move made is not the one that is due.
    error WrongMove(Stage stage, Turn turn);
    /// @notice Thrown for a move after the mover's clock ran out.
    error ClockRanOut(uint64 left, uint64 used);
    /// @notice Thrown by `timeout` while the clock of the side to move runs.
    error ClockRuns(uint64 left, uint64 used);
    /// @notice Thrown when bytes do not hash to what they must: a header, an op, children, a chunk,
    ///         a brief, a chain's end.
    error Mismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown when the node has no such child, the tensor no such element, the chain no
    ///         such step.
    error NoSuchPlace(uint64 place, uint64 count);
    /// @notice Thrown when the posted chain does not end in the element that is disputed.
    error ChainEnd(uint64 expected, uint64 got);
    /// @notice Thrown when a move brings another number of operands or openings than the op needs.
    error OpeningCount(uint256 expected, uint256 got);

    /// @notice Makes another contract a consumer; only a consumer can, and of those named at
    ///         deployment only `Jobs` has code that does, for contracts whose creation code it knows.
    function admit(address consumer) external;

    /// @notice Opens a claim; the caller is its consumer and names the asserter whose allowance
    ///         pays the bond. Only contracts this court was deployed for can call it: anybody else
    ///         could bind a stranger's bond.
    /// @param iterations 1 for a Program run once; else outputs become the first inputs of the next
    ///        run
    /// @param parents claims that are not yet final and whose outputs are among these inputs
    /// @return id 1 for the first claim
    function post(
        bytes32 program,
        bytes32 inputsRoot,
        bytes32 outputsRoot,
        address asserter,
        uint32 iterations,
        uint256[] calldata parents
    ) external returns (uint256 id);

    /// @notice Starts a dispute by stating another result, with a bond of the same size. Any number
    ///         of challengers may, each in a dispute of its own.
    /// @param header preimage of the Program's hash after its first byte
    /// @return dispute 1 for the first dispute
    function challenge(uint256 id, bytes32 outputsRoot, bytes calldata header)
        external
        returns (uint256 dispute);

    /// @notice The asserter posts the root of the states after each iteration, with the way up of
    ///         the last, which is the claim's `outputsRoot`.
    function postStates(
        uint256 dispute,
        Dispute calldata record,
        bytes32 root,
        bytes32[] calldata siblings
    ) external;

    /// @notice The asserter posts the root of the tree of op roots, with the way up of the disputed
    ///         output's op, whose root is `record.node`.
    function postTrace(
        uint256 dispute,
        Dispute calldata record,
        bytes32 root,
        bytes32[] calldata siblings
    ) external;

    /// @notice The asserter posts the root of the states of the disputed element's chain, with its
    ///         last chunk (for `sum` also the one before, if the last is not full), which must end
    ///         in the disputed value.
    function postChain(
        uint256 dispute,
        Dispute calldata record,
        Brief calldata brief,
        bytes32 root,
        Opening[] calldata last
    ) external;

    /// @notice The asserter reveals the present children of `record.node`.
    function reveal(uint256 dispute, Dispute calldata record, bytes32[] calldata children) external;

    /// @notice The asserter reveals the bytes of the chunk whose leaf is `record.node`.
    function revealChunk(uint256 dispute, Dispute calldata record, bytes calldata chunk) external;

    /// @notice The challenger names a child of an inner node that is at least two levels above the
    ///         leaves.
    /// @param children the revealed children once more
    /// @param child the first of them that is wrong
    function nameChild(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child
    ) external;

    /// @notice The challenger names the first iteration that went wrong.
    /// @param children empty when the tree has a single leaf, as in the two calls below
    /// @param before list root of the states the iteration starts from, ignored for the first
    /// @param siblings its way up to the root of the states, which is `record.trace`
    function nameIteration(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child,
        bytes32 before,
        bytes32[] calldata siblings
    ) external;

    /// @notice The challenger names an output that is wrong.
    function nameOutput(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child,
        bytes calldata header
    ) external;

    /// @notice The challenger names the first op whose tensor is wrong. An input or a constant is
    ///         compared at once, and the dispute is decided.
    /// @param op the op, then its operands in order; of `concat` the op alone
    function nameOp(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child,
        OpOpening[] calldata op
    ) external;

    /// @notice The challenger names a wrong element of the chunk, or the first wrong step of the
    ///         chain. An element of an op without a chain, and a step, are executed at once, and
    ///         the dispute is decided. After the last element, or step, there are zeros; a chunk of
    ///         another length than 32 elements have is wrong whatever is named.
    /// @param chunk the revealed bytes once more
    /// @param place within the chunk
    /// @param openings what the element or step is computed from, in the order of docs/court.md
    function nameElement(
        uint256 dispute,
        Dispute calldata record,
        bytes calldata chunk,
        uint64 place,
        Brief calldata brief,
        Opening[] calldata openings
    ) external;

    /// @notice Ends a dispute against the side whose clock ran out; open to anybody.
    function timeout(uint256 dispute, Dispute calldata record) external;

    /// @notice Gives the challenger of an undecided dispute its bond back once the claim has fallen
    ///         otherwise; open to anybody.
    function close(uint256 dispute, Dispute calldata record) external;

    /// @notice Makes a claim final after its deadline, with no dispute undecided and all parents
    ///         final, and gives the bond back.
    function finalise(uint256 id) external;

    /// @notice Ends a claim without fault because a parent fell; open to anybody.
    function void(uint256 id, uint256 parent) external;

    /// @notice Returns a claim; reverts with `UnknownClaim` for an id that none has.
    function claim(uint256 id) external view returns (Claim memory);

    /// @notice Returns where a claim stands; `None` for an id that no claim has.
    function stateOf(uint256 id) external view returns (State);

    /// @notice Returns the parents of a claim.
    function parentsOf(uint256 id) external view returns (uint256[] memory);

    /// @notice Returns by whom and in which block a claim fell, and the result the convicting
    ///         challenger stated; the challenger is zero for a claim that is void, all of it for
    ///         one that stands.
    function fallOf(uint256 id)
        external
        view
        returns (address challenger, bytes32 outputsRoot, uint64 blockNumber);

    /// @notice Returns the hash of a dispute's record; zero when there is none, or none any more.
    function recordHash(uint256 dispute) external view returns (bytes32);

    /// @notice Returns how many disputes were started.
    function disputeCount() external view returns (uint256);

    /// @notice Returns the bond of a claim, and of a challenge, in wei.
    function bondSize() external view returns (uint256);

    /// @notice Returns the least bond that covers, twice over, what both sides' gas can come to.
    function bondFloor() external view returns (uint256);

    /// @notice Returns for how many blocks after its own a claim can be challenged.
    function windowBlocks() external view returns (uint64);

    /// @notice Returns how many blocks each side of a dispute has for all its moves together.
    function clockBlocks() external view returns (uint64);

    /// @notice Returns whether a contract can open claims here.
    function isConsumer(address consumer) external view returns (bool);
}
