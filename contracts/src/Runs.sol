// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IRuns} from "./interfaces/IRuns.sol";
import {Code} from "./lib/Code.sol";
import {Header} from "./lib/Header.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Open jobs, their runs and their escrows
/// @notice Its balance of the token is at least the sum of the escrows, of what runs have reserved, and
///         of the deposits of runs that are enrolled or claimed.
/// @dev A seed is a run's own and an input of its claim, so another's outputs are wrong for it.
///      Deliberately absent: an owner, a fee, a way to change terms, a cap on runs by one trainer.
contract Runs is IRuns {
    using SafeERC20 for IERC20;

    bytes32 private constant SEED_DOMAIN = keccak256("assay/seed/run/v1");
    uint256 private constant INPUTS_MAX = 64;
    uint256 private constant DESCRIPTION_MAX = 1024;
    uint256 private constant BLOCKHASH_REACH = 256;
    /// @dev Bits of the infinite f32; what is above without its sign is no number.
    uint32 private constant INFINITY = 0x7f800000;
    uint32 private constant SIGN = 0x80000000;

    /// @notice The token of pay, deposits and bonds.
    IERC20 public immutable token;
    /// @notice Keeps the claims; this contract is one of its consumers.
    ICourt public immutable court;
    /// @notice Says which Programs are registered.
    IPrograms public immutable programs;

    Job[] private _jobs;
    mapping(uint256 job => bytes32[]) private _inputs;
    mapping(uint256 job => Run[]) private _runs;

    /// @param court_ deployed or to be, and having this address among its consumers
    constructor(IERC20 token_, ICourt court_, IPrograms programs_) {
        token = token_;
        court = court_;
        programs = programs_;
        require(court_.isConsumer(address(this)), BadTerms("court"));
    }

    /// @inheritdoc IRuns
    function create(
        Terms calldata terms,
        bytes calldata header,
        bytes32[] calldata inputs,
        uint32 stateCount,
        string calldata description
    ) external returns (uint256 job) {
        require(terms.iterations > 0, BadTerms("iterations"));
        require(terms.trainBlocks > 0, BadTerms("trainBlocks"));
        require(terms.endBlock > block.number, BadTerms("endBlock"));
        require(terms.pay > 0, BadTerms("pay"));
        require(terms.deposit > 0, BadTerms("deposit"));
        require(bytes(description).length <= DESCRIPTION_MAX, BadTerms("description"));
        require(stateCount > 1 && stateCount <= inputs.length, BadTerms("stateCount"));
        require(inputs.length <= INPUTS_MAX, BadTerms("inputs"));
        _checkHeader(terms.program, header, inputs.length, stateCount);

        job = _jobs.length;
        Job storage made = _jobs.push();
        made.sponsor = msg.sender;
        made.stateCount = stateCount;
        made.terms = terms;
        _inputs[job] = inputs;

        emit Created(job, msg.sender, terms, stateCount, inputs, description);
    }

    /// @inheritdoc IRuns
    function fund(uint256 job, uint256 amount) external {
        Job storage funded = _open(job);
        funded.escrow += amount;

        emit Funded(job, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRuns
    function enrol(uint256 job) external returns (uint256 run) {
        Job storage paying = _open(job);
        Terms storage terms = paying.terms;
        uint256 pay = terms.pay;
        require(paying.escrow >= pay, EscrowSpent(job, paying.escrow, pay));
        require(programs.ready(terms.program), NotReady(terms.program));

        paying.escrow -= pay;
        paying.reserved += pay;
        run = _runs[job].length;
        Run storage enrolled = _runs[job].push();
        enrolled.trainer = msg.sender;
        enrolled.enrolBlock = uint64(block.number);
        enrolled.state = State.Enrolled;

        emit Enrolled(job, run, msg.sender, _deadline(paying, enrolled));
        token.safeTransferFrom(msg.sender, address(this), terms.deposit);
    }

    /// @inheritdoc IRuns
    function draw(uint256 job, uint256 run) external returns (bytes32 seed) {
        Run storage drawn = _run(job, run);
        require(drawn.seed == 0, AlreadyDone(job, run));
        uint256 target = drawn.enrolBlock;
        require(block.number > target, SeedPending(job, run, drawn.enrolBlock));
        target += ((block.number - 1 - target) / BLOCKHASH_REACH) * BLOCKHASH_REACH;

        seed = keccak256(
            abi.encode(
                SEED_DOMAIN,
                block.chainid,
                address(this),
                job,
                run,
                drawn.trainer,
                blockhash(target)
            )
        );
        drawn.seed = seed;

        emit Drawn(job, run, seed);
    }

    /// @inheritdoc IRuns
    function claim(uint256 job, uint256 run, bytes32[] calldata outputs, uint32 loss)
        external
        returns (uint256 id)
    {
        Run storage claimed = _run(job, run);
        Job storage known = _jobs[job];
        require(msg.sender == claimed.trainer, OnlyTrainer(job, run));
        require(claimed.state == State.Enrolled, AlreadyDone(job, run));
        require(claimed.seed != 0, NotDrawn(job, run));
        uint64 deadline = _deadline(known, claimed);
        require(block.number <= deadline, TooLate(job, run, deadline));
        uint256 expected = known.stateCount - 1;
        require(outputs.length == expected, OutputCount(expected, outputs.length));

        claimed.state = State.Claimed;
        claimed.loss = loss;
        claimed.model = outputs[0];
        id = court.post(
            known.terms.program,
            _inputsRoot(job, claimed.seed),
            _outputsRoot(outputs, loss),
            msg.sender,
            known.terms.iterations,
            new uint256[](0)
        );
        claimed.claim = id;

        emit RunClaimed(job, run, id, outputs, loss);
    }

    /// @inheritdoc IRuns
    function settle(uint256 job, uint256 run) external returns (State) {
        Run storage ended = _run(job, run);
        Job storage known = _jobs[job];
        State state = ended.state;
        if (state == State.Claimed) {
            ICourt.State standing = _standing(ended.claim);
            if (standing == ICourt.State.Final) return _pay(job, run);
            bool fell = standing == ICourt.State.Struck || standing == ICourt.State.Void;
            require(fell, NotDue(job, run, state));
        } else {
            bool late = state == State.Enrolled && block.number > _deadline(known, ended);
            require(late, NotDue(job, run, state));
        }
        return _drop(job, run);
    }

    /// @inheritdoc IRuns
    function reclaim(uint256 job) external returns (uint256 amount) {
        Job storage over = _known(job);
        uint64 endBlock = over.terms.endBlock;
        require(block.number > endBlock, NotEnded(job, endBlock));
        amount = over.escrow;
        over.escrow = 0;

        emit Reclaimed(job, over.sponsor, amount);
        token.safeTransfer(over.sponsor, amount);
    }

    /// @inheritdoc IRuns
    function jobCount() external view returns (uint256) {
        return _jobs.length;
    }

    /// @inheritdoc IRuns
    function jobOf(uint256 job) external view returns (Job memory) {
        return _known(job);
    }

    /// @inheritdoc IRuns
    function inputsOf(uint256 job) external view returns (bytes32[] memory) {
        return _inputs[job];
    }

    /// @inheritdoc IRuns
    function runCount(uint256 job) external view returns (uint256) {
        return _runs[job].length;
    }

    /// @inheritdoc IRuns
    function runOf(uint256 job, uint256 run) external view returns (Run memory) {
        return _run(job, run);
    }

    // Ends of a run.

    function _pay(uint256 job, uint256 run) private returns (State) {
        Job storage paying = _jobs[job];
        Run storage paid = _runs[job][run];
        uint256 amount = paying.terms.pay + paying.terms.deposit;
        paying.reserved -= paying.terms.pay;
        paid.state = State.Paid;
        bool best = _isBest(paying, job, paid.loss);
        if (best) paying.best = uint32(run + 1);

        emit RunPaid(job, run, amount, best);
        token.safeTransfer(paid.trainer, amount);
        return State.Paid;
    }

    function _drop(uint256 job, uint256 run) private returns (State) {
        Job storage freed = _jobs[job];
        uint256 burnt = freed.terms.deposit;
        freed.reserved -= freed.terms.pay;
        freed.escrow += freed.terms.pay;
        _runs[job][run].state = State.Dropped;

        emit RunDropped(job, run, burnt);
        ERC20Burnable(address(token)).burn(burnt);
        return State.Dropped;
    }

    /// @dev Whether a loss is a number, and below that of the job's model; of equals the earlier stays.
    function _isBest(Job storage known, uint256 job, uint32 loss) private view returns (bool) {
        if (loss & ~SIGN > INFINITY) return false;
        if (known.best == 0) return true;
        return _rank(loss) < _rank(_runs[job][known.best - 1].loss);
    }

    /// @dev In the order of the numbers; -0 is below +0.
    function _rank(uint32 bits) private pure returns (uint32) {
        return bits & SIGN == 0 ? bits | SIGN : ~bits;
    }

    /// @dev Where a claim stands, made final on the way where only the call was missing.
    function _standing(uint256 id) private returns (ICourt.State) {
        ICourt.Claim memory posted = court.claim(id);
        if (posted.state != ICourt.State.Open || block.number <= posted.deadline) {
            return posted.state;
        }
        court.finalise(id);
        return ICourt.State.Final;
    }

    // The claim's two roots.

    function _inputsRoot(uint256 job, bytes32 seed) private view returns (bytes32) {
        bytes32[] memory inputs = _inputs[job];
        bytes32[] memory roots = new bytes32[](inputs.length + 1);
        for (uint256 i = 0; i < inputs.length; ++i) {
            roots[i] = inputs[i];
        }
        roots[inputs.length] = Tree.leaf(bytes.concat(bytes8(seed), new bytes(Tree.CHUNK_4 - 8)));
        return Tree.root(roots);
    }

    function _outputsRoot(bytes32[] calldata outputs, uint32 loss) private pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](outputs.length + 1);
        for (uint256 i = 0; i < outputs.length; ++i) {
            roots[i] = outputs[i];
        }
        bytes memory chunk = new bytes(Tree.CHUNK_4);
        for (uint256 i = 0; i < 4; ++i) {
            chunk[i] = bytes1(uint8(loss >> (8 * i)));
        }
        roots[outputs.length] = Tree.leaf(chunk);
        return Tree.root(roots);
    }

    // Small things.

    /// @dev As many inputs as roots and a seed, as many outputs as the state; loss and seed of their types.
    function _checkHeader(
        bytes32 program,
        bytes calldata header,
        uint256 inputCount,
        uint256 stateCount
    ) private pure {
        bytes memory raw = header;
        Header.Counts memory counts = Header.open(program, raw);
        require(counts.inputs == inputCount + 1, BadTerms("inputs"));
        require(counts.outputs == stateCount, BadTerms("stateCount"));
        uint256 at = counts.inputsAt;
        for (uint256 i = 0; i <= inputCount; ++i) {
            uint256 dtype = Code.byteAt(raw, at);
            uint256[] memory dims;
            (dims, at) = Code.dimsAt(raw, at + 1);
            if (i == stateCount - 1) require(_is(dtype, dims, Code.F32, 1), BadTerms("loss"));
            if (i == inputCount) require(_is(dtype, dims, Code.I32, 2), BadTerms("seed"));
        }
        require(at + 32 == raw.length, Code.Malformed(at, raw.length));
    }

    function _is(uint256 dtype, uint256[] memory dims, uint256 wanted, uint256 extent)
        private
        pure
        returns (bool)
    {
        return dtype == wanted && dims.length == 1 && dims[0] == extent;
    }

    function _deadline(Job storage known, Run storage run) private view returns (uint64) {
        return run.enrolBlock + known.terms.trainBlocks;
    }

    function _known(uint256 job) private view returns (Job storage) {
        require(job < _jobs.length, UnknownJob(job));
        return _jobs[job];
    }

    function _open(uint256 job) private view returns (Job storage found) {
        found = _known(job);
        require(block.number <= found.terms.endBlock, Ended(job, found.terms.endBlock));
    }

    function _run(uint256 job, uint256 run) private view returns (Run storage) {
        require(job < _jobs.length, UnknownJob(job));
        require(run < _runs[job].length, UnknownRun(job, run));
        return _runs[job][run];
    }
}
