// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Arithmetic} from "./Arithmetic.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {IReferee} from "./interfaces/IReferee.sol";
import {Code} from "./lib/Code.sol";
import {Places} from "./lib/Places.sol";
import {Tree} from "./lib/Tree.sol";

/// @title The referee
/// @notice Decodes one op, works out on which elements the disputed one depends, reads them from
///         their openings, and executes the step as docs/numerics.md defines it.
/// @dev Deliberately absent: storage, and any check of what registration already settled: that
///      dtypes, shapes and payloads of an op agree with its operands'.
contract Referee is IReferee {
    using Code for Code.Op;

    uint256 private constant CHUNK = 32;
    uint256 private constant LANES = 32;

    /// @notice Computes the scalar.
    Arithmetic public immutable arithmetic;

    /// @dev The op, its operands' types, and the openings that are still to be used.
    struct Bench {
        Code.Op op;
        Code.Op[] operands;
        bytes32[] roots;
        ICourt.Opening[] openings;
        uint256 used;
        bytes32 chain;
        bytes chunk;
        uint256 element;
        uint256 step;
    }

    /// @param arithmetic_ computes the scalar
    constructor(Arithmetic arithmetic_) {
        arithmetic = arithmetic_;
    }

    /// @inheritdoc IReferee
    function element(
        ICourt.Brief calldata brief,
        bytes32 trace,
        uint256 opCount,
        uint256 element_,
        ICourt.Opening[] calldata openings
    ) external view returns (uint64 value) {
        Bench memory bench = _open(brief, openings);
        uint256 code = bench.op.code;
        if (code == Code.IOTA) value = uint64(Places.counted(bench.op, element_));
        else if (code == Code.RANDOM_BITS) value = _randomBits(bench, element_);
        else if (code == Code.CONCAT) value = _concat(bench, trace, opCount, element_);
        else if (code == Code.GATHER) value = _gather(bench, element_);
        else if (code >= Code.RESHAPE && code <= Code.PAD) value = _copy(bench, element_);
        else value = _elementwise(bench, element_);
        _close(bench);
    }

    /// @inheritdoc IReferee
    function step(
        ICourt.Brief calldata brief,
        bytes32 chain,
        uint256 element_,
        uint256 step_,
        bytes calldata chunk,
        ICourt.Opening[] calldata openings
    ) external view returns (uint64 value) {
        Bench memory bench = _open(brief, openings);
        bench.chain = chain;
        bench.chunk = chunk;
        bench.element = element_;
        bench.step = step_;
        uint256 code = bench.op.code;
        if (Code.isChain(code) && step_ >= _steps(bench)) value = 0;
        else if (code == Code.SUM) value = _sum(bench);
        else if (code == Code.MATMUL) value = _matmul(bench);
        else if (code == Code.SCATTER_ADD) value = _scatterAdd(bench);
        else if (code == Code.MAX_AXIS) value = _max(bench);
        else if (code == Code.ARGMAX) value = _argmax(bench);
        else revert NotJudged(code);
        _close(bench);
    }

    /// @inheritdoc IReferee
    function ending(ICourt.Brief calldata brief, bytes32 chain, ICourt.Opening[] calldata last)
        external
        view
        returns (uint64 value, uint256 steps, bytes32[] memory children)
    {
        Bench memory bench = _open(brief, last);
        steps = _steps(bench);
        uint256 dtype = bench.op.dtype;
        uint256 final_ = (steps - 1) / CHUNK;
        bytes memory chunk;
        (chunk, children) = _show(bench, chain, dtype, steps, final_);
        if (bench.op.code != Code.SUM) {
            value = Code.element(chunk, (steps - 1) % CHUNK * Code.size(dtype), dtype);
        } else {
            bytes memory previous;
            if (final_ > 0 && steps % CHUNK != 0) {
                (previous,) = _show(bench, chain, dtype, steps, final_ - 1);
            }
            value = _fold(chunk, previous, dtype, steps);
        }
        _close(bench);
    }

    // Ops without a chain.

    function _elementwise(Bench memory bench, uint256 element_) private view returns (uint64) {
        Code.Op memory op = bench.op;
        require(op.code >= Code.ADD && op.code <= Code.REQUANTISE, NotJudged(op.code));
        uint64[3] memory x;
        for (uint256 i = 0; i < bench.operands.length; ++i) {
            x[i] = _take(bench, i, element_);
        }
        if (op.code == Code.SELECT) return x[0] != 0 ? x[1] : x[2];
        if (op.code == Code.REQUANTISE) {
            int32 r = arithmetic.requantise(
                _i32(x[0]),
                _i32(uint64(op.payload(0))),
                uint32(op.payload(1)),
                _i32(uint64(op.payload(2))),
                _i32(uint64(op.payload(3)))
            );
            return uint32(r);
        }
        return arithmetic.compute(
            uint8(op.code), uint8(bench.operands[0].dtype), uint8(op.dtype), x[0], x[1], x[2]
        );
    }

    function _copy(Bench memory bench, uint256 element_) private pure returns (uint64) {
        (bool inside, uint256 index) = Places.source(bench.op, bench.operands[0].dims, element_);
        return inside ? _take(bench, 0, index) : 0;
    }

    function _concat(Bench memory bench, bytes32 trace, uint256 opCount, uint256 element_)
        private
        pure
        returns (uint64)
    {
        Code.Op memory op = bench.op;
        (uint256 piece, uint256[] memory x, uint256 index) = Places.piece(op, element_);
        ICourt.Opening memory shown = _next(bench);
        bytes32 hash = _leaf(shown.chunk, op.dtype);
        uint256 leaves = (Code.count(x) + CHUNK - 1) / CHUNK;
        uint256 used;
        (hash, used) = Tree.climbFrom(hash, index / CHUNK, leaves, shown.siblings, 0);
        (hash, used) = Tree.climbFrom(hash, op.operand(piece), opCount, shown.siblings, used);
        require(used == shown.siblings.length, Tree.SiblingCount(shown.siblings.length, used));
        require(hash == trace, NotUnder(trace, hash));
        return Code.element(shown.chunk, index % CHUNK * Code.size(op.dtype), op.dtype);
    }

    function _gather(Bench memory bench, uint256 element_) private pure returns (uint64) {
        uint256[] memory x = bench.operands[0].dims;
        uint256[] memory indices = bench.operands[1].dims;
        int32 position = _i32(_take(bench, 1, Places.lookup(bench.op, indices, element_)));
        uint256 extent = x[bench.op.payload(0)];
        if (position < 0 || uint256(uint32(position)) >= extent) return 0;
        uint256 count = Code.count(indices);
        uint256 at = uint256(uint32(position));
        return _take(bench, 0, Places.gathered(bench.op, x, count, element_, at));
    }

    function _randomBits(Bench memory bench, uint256 element_) private view returns (uint64) {
        ICourt.Opening memory shown = _next(bench);
        bytes32 hash = _leaf(shown.chunk, Code.I32);
        require(hash == bench.roots[0], NotUnder(bench.roots[0], hash));
        uint32 key0 = uint32(Code.word(shown.chunk, 0));
        uint32 key1 = uint32(Code.word(shown.chunk, 4));
        uint32 stream = uint32(bench.op.payload(0));
        return arithmetic.random(key0, key1, uint64(element_), stream);
    }

    // Steps of chains.

    function _sum(Bench memory bench) private view returns (uint64) {
        uint64 added = _take(bench, 0, _along(bench, bench.step));
        uint64 lane = bench.step < LANES ? 0 : _stateAt(bench, bench.step - LANES);
        return _scalar(Code.ADD, bench.op.dtype, lane, added, 0);
    }

    function _matmul(Bench memory bench) private view returns (uint64) {
        uint256 dtype = bench.op.dtype;
        (uint256 i, uint256 j) = Places.factors(bench.op, _steps(bench), bench.element, bench.step);
        uint64 a = _take(bench, 0, i);
        uint64 b = _take(bench, 1, j);
        uint64 c = bench.step == 0 ? 0 : _before(bench);
        return _scalar(Code.FMA, dtype, a, b, c);
    }

    function _scatterAdd(Bench memory bench) private view returns (uint64) {
        (uint256 position, uint256 update) =
            Places.scattered(bench.op, _steps(bench), bench.element, bench.step);
        bool added = _take(bench, 1, bench.step) == position;
        uint64 term = added ? _take(bench, 0, update) : 0;
        uint64 sum = bench.step == 0 ? 0 : _before(bench);
        return added ? _scalar(Code.ADD, bench.op.dtype, sum, term, 0) : sum;
    }

    function _max(Bench memory bench) private view returns (uint64) {
        uint256 dtype = bench.op.dtype;
        uint64 next = _take(bench, 0, _along(bench, bench.step));
        if (bench.step == 0) return _scalar(Code.CONVERT, dtype, next, 0, 0);
        return _scalar(Code.MAX, dtype, _before(bench), next, 0);
    }

    function _argmax(Bench memory bench) private view returns (uint64) {
        uint64 next = _take(bench, 0, _along(bench, bench.step));
        if (bench.step == 0) return 0;
        ICourt.Opening memory shown = _next(bench);
        uint64 index = _before(bench);
        Code.Op memory x = bench.operands[0];
        uint64 greatest =
            _under(shown, bench.roots[0], x.dtype, Code.count(x.dims), _along(bench, index));
        return arithmetic.comesAfter(uint8(x.dtype), next, greatest) ? uint64(bench.step) : index;
    }

    /// @dev The element of the operand that a step of a reduction takes in.
    function _along(Bench memory bench, uint256 step_) private pure returns (uint256) {
        return Places.along(bench.op, bench.operands[0].dims, bench.element, step_);
    }

    /// @dev The sum's lanes as they end, folded pairwise: lane l += lane l + 16, then 8, 4, 2, 1.
    function _fold(bytes memory chunk, bytes memory previous, uint256 dtype, uint256 steps)
        private
        view
        returns (uint64)
    {
        uint64[LANES] memory lanes;
        uint256 size = Code.size(dtype);
        uint256 full = steps % LANES == 0 ? LANES : steps % LANES;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            if (lane < full) lanes[lane] = Code.element(chunk, lane * size, dtype);
            else if (previous.length > 0) lanes[lane] = Code.element(previous, lane * size, dtype);
        }
        return arithmetic.fold(uint8(dtype), lanes);
    }

    /// @dev An elementwise op on operands of one dtype, whose result has it too.
    function _scalar(uint256 code, uint256 dtype, uint64 a, uint64 b, uint64 c)
        private
        view
        returns (uint64)
    {
        return arithmetic.compute(uint8(code), uint8(dtype), uint8(dtype), a, b, c);
    }

    function _steps(Bench memory bench) private pure returns (uint256) {
        uint256[] memory y = bench.operands.length > 1 ? bench.operands[1].dims : new uint256[](0);
        return Places.steps(bench.op, bench.operands[0].dims, y);
    }

    /// @dev The state before a step that is not the first.
    function _before(Bench memory bench) private pure returns (uint64) {
        if (bench.step % CHUNK == 0) return _stateAt(bench, bench.step - 1);
        uint256 dtype = bench.op.dtype;
        return Code.element(bench.chunk, (bench.step % CHUNK - 1) * Code.size(dtype), dtype);
    }

    function _stateAt(Bench memory bench, uint256 entry) private pure returns (uint64) {
        return _under(_next(bench), bench.chain, bench.op.dtype, _steps(bench), entry);
    }

    // Openings.

    function _open(ICourt.Brief calldata brief, ICourt.Opening[] calldata openings)
        private
        pure
        returns (Bench memory bench)
    {
        bench.op = Code.parse(brief.op);
        bench.operands = new Code.Op[](brief.operands.length);
        for (uint256 i = 0; i < brief.operands.length; ++i) {
            bench.operands[i] = Code.parse(brief.operands[i]);
        }
        bench.roots = brief.roots;
        bench.openings = openings;
    }

    function _close(Bench memory bench) private pure {
        require(bench.used == bench.openings.length, Openings(bench.used, bench.openings.length));
    }

    function _next(Bench memory bench) private pure returns (ICourt.Opening memory) {
        require(bench.used < bench.openings.length, Openings(bench.used + 1, bench.openings.length));
        return bench.openings[bench.used++];
    }

    /// @dev An element of an operand.
    function _take(Bench memory bench, uint256 operand, uint256 index)
        private
        pure
        returns (uint64)
    {
        Code.Op memory x = bench.operands[operand];
        return _under(_next(bench), bench.roots[operand], x.dtype, Code.count(x.dims), index);
    }

    /// @dev The element at `index` of a tensor of `count` elements under `root`.
    function _under(
        ICourt.Opening memory shown,
        bytes32 root,
        uint256 dtype,
        uint256 count,
        uint256 index
    ) private pure returns (uint64) {
        uint256 leaves = (count + CHUNK - 1) / CHUNK;
        bytes32 got = Tree.climb(_leaf(shown.chunk, dtype), index / CHUNK, leaves, shown.siblings);
        require(got == root, NotUnder(root, got));
        return Code.element(shown.chunk, index % CHUNK * Code.size(dtype), dtype);
    }

    /// @dev A whole chunk under `root`, and the children of the root.
    function _show(Bench memory bench, bytes32 root, uint256 dtype, uint256 count, uint256 chunk)
        private
        pure
        returns (bytes memory, bytes32[] memory children)
    {
        ICourt.Opening memory shown = _next(bench);
        bytes32 got;
        uint256 leaves = (count + CHUNK - 1) / CHUNK;
        (got, children) = Tree.crown(_leaf(shown.chunk, dtype), chunk, leaves, shown.siblings);
        require(got == root, NotUnder(root, got));
        return (shown.chunk, children);
    }

    function _leaf(bytes memory chunk, uint256 dtype) private pure returns (bytes32) {
        uint256 expected = CHUNK * Code.size(dtype);
        require(chunk.length == expected, ChunkSize(expected, chunk.length));
        return Tree.leaf(chunk);
    }

    function _i32(uint64 bits) private pure returns (int32) {
        return int32(uint32(bits));
    }
}
