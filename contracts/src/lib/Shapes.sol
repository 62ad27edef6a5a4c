// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Code} from "./Code.sol";

/// @title Well-formedness of ops
/// @notice For every op, how its operands must agree and what type comes out: docs/numerics.md,
///         "Ops", and the crate `tensor`, module `check`, of which this is the twin.
/// @dev A function here answers and never reverts on an op that parses. Deliberately absent: values.
library Shapes {
    using Code for Code.Op;

    uint256 private constant COUNT_MAX = 2 ** 31 - 1;
    uint256 private constant CONCAT_MAX = 256;
    uint256 private constant SHIFT_MAX = 62;
    uint256 private constant KEY_WORDS = 2;
    /// @dev The sign bit of an i32 payload.
    uint256 private constant NEGATIVE = 2 ** 31;

    /// @notice Whether an op is what its operands make it.
    /// @param x the operands in order; of `concat` the one that `shown` names
    function isWellFormed(Code.Op memory op, Code.Op[] memory x, uint256 shown)
        internal
        pure
        returns (bool)
    {
        if (!hasForm(op)) return false;
        uint256 code = op.code;
        if (code == Code.CONCAT) return _concat(op, x[0], shown);
        if (code <= Code.RANDOM_BITS) return _source(op, x);
        if (code <= Code.REQUANTISE) return _elementwise(op, x);
        if (code <= Code.PAD) return _movement(op, x[0]);
        if (code == Code.GATHER) return _gather(op, x);
        if (code == Code.SCATTER_ADD) return _scatterAdd(op, x);
        if (code == Code.MATMUL) return _matmul(op, x);
        return _reduction(op, x[0]);
    }

    /// @notice Whether an op has what every op of its code has: a tensor's type, as many operands,
    ///         as much payload. What lacks it is ill-formed whatever its operands are.
    function hasForm(Code.Op memory op) internal pure returns (bool) {
        if (!isCode(op.code) || !isType(op)) return false;
        uint256 size = payloadSize(op.code, op.dims.length, op.operandCount);
        return takes(op.code, op.operandCount) && op.raw.length == op.payloadAt + size;
    }

    /// @notice Whether dtype and extents are those of a tensor: every extent at least 1, at most
    ///         2^31 - 1 elements.
    function isType(Code.Op memory op) internal pure returns (bool) {
        if (op.dtype > Code.I32) return false;
        uint256 count = 1;
        for (uint256 i = 0; i < op.dims.length; ++i) {
            count *= op.dims[i];
            if (count == 0 || count > COUNT_MAX) return false;
        }
        return true;
    }

    /// @notice Whether there is an op with this code.
    function isCode(uint256 code) internal pure returns (bool) {
        return (code >= Code.INPUT && code <= Code.RANDOM_BITS)
            || (code >= Code.ADD && code <= Code.CONVERT) || (code >= Code.DIV && code <= Code.ERFC)
            || (code >= Code.AND && code <= Code.REQUANTISE)
            || (code >= Code.RESHAPE && code <= Code.SCATTER_ADD)
            || (code >= Code.MATMUL && code <= Code.ARGMAX);
    }

    /// @notice Whether an op with this code takes so many operands.
    function takes(uint256 code, uint256 operands) internal pure returns (bool) {
        if (code == Code.CONCAT) return operands > 0 && operands <= CONCAT_MAX;
        return operands == _arity(code);
    }

    /// @dev How many operands an op takes; not for `concat`, and 0 for no op at all.
    function _arity(uint256 code) private pure returns (uint256) {
        if (code <= Code.IOTA) return 0;
        if (code == Code.SELECT || code == Code.FMA) return 3;
        bool two = code <= Code.MUL && code >= Code.ADD || code >= Code.MIN && code <= Code.EQ
            || code == Code.DIV || code >= Code.AND && code <= Code.SAR || code == Code.GATHER
            || code == Code.SCATTER_ADD || code == Code.MATMUL;
        return two ? 2 : 1;
    }

    /// @notice Returns the bytes of an op's payload.
    /// @param rank of the result
    function payloadSize(uint256 code, uint256 rank, uint256 operands)
        internal
        pure
        returns (uint256)
    {
        if (code == Code.CONSTANT) return 32;
        if (code <= Code.RANDOM_BITS || code == Code.GATHER) return 4;
        if (code == Code.REQUANTISE) return 16;
        if (code == Code.TRANSPOSE) return 4 * rank;
        if (code == Code.SLICE || code == Code.PAD) return 8 * rank;
        if (code == Code.CONCAT) return 4 + 4 * operands;
        if (code == Code.SCATTER_ADD) return 8;
        return code >= Code.SUM ? 4 : 0;
    }

    function _source(Code.Op memory op, Code.Op[] memory x) private pure returns (bool) {
        if (op.code == Code.IOTA) {
            return op.dtype == Code.I32 && op.payload(0) < op.dims.length;
        }
        if (op.code != Code.RANDOM_BITS) return true;
        return op.dtype == Code.I32 && x[0].dtype == Code.I32 && x[0].dims.length == 1
            && x[0].dims[0] == KEY_WORDS;
    }

    function _elementwise(Code.Op memory op, Code.Op[] memory x) private pure returns (bool) {
        uint256 code = op.code;
        uint256 first = code == Code.SELECT ? 1 : 0;
        for (uint256 i = 0; i < x.length; ++i) {
            if (!_same(op.dims, x[i].dims)) return false;
            if (i > first && x[i].dtype != x[first].dtype) return false;
        }
        if (code == Code.CONVERT) return true;
        if (code >= Code.LT && code <= Code.EQ) return op.dtype == Code.I32;
        if (op.dtype != x[first].dtype) return false;
        if (code == Code.SELECT) return x[0].dtype == Code.I32;
        if (code >= Code.DIV && code <= Code.ERFC) return op.dtype != Code.I32;
        if (code >= Code.AND && op.dtype != Code.I32) return false;
        return code != Code.REQUANTISE || _requantise(op);
    }

    function _requantise(Code.Op memory op) private pure returns (bool) {
        int32 lo = int32(uint32(op.payload(2)));
        int32 hi = int32(uint32(op.payload(3)));
        return op.payload(0) < NEGATIVE && op.payload(1) <= SHIFT_MAX && lo <= hi;
    }

    function _movement(Code.Op memory op, Code.Op memory x) private pure returns (bool) {
        if (op.dtype != x.dtype) return false;
        if (op.code == Code.RESHAPE) return Code.count(op.dims) == Code.count(x.dims);
        if (op.code == Code.BROADCAST) return _broadcast(op.dims, x.dims);
        if (op.dims.length != x.dims.length) return false;
        uint256 rank = op.dims.length;
        uint256 seen = 0;
        for (uint256 axis = 0; axis < rank; ++axis) {
            uint256 given = op.payload(axis);
            if (op.code == Code.TRANSPOSE) {
                if (given >= rank || op.dims[axis] != x.dims[given]) return false;
                seen |= 2 ** given;
                continue;
            }
            uint256 second = op.payload(rank + axis);
            bool fits = op.code == Code.SLICE
                ? given < second && second <= x.dims[axis] && op.dims[axis] == second - given
                : op.dims[axis] == x.dims[axis] + given + second;
            if (!fits) return false;
        }
        return op.code != Code.TRANSPOSE || seen == 2 ** rank - 1;
    }

    function _broadcast(uint256[] memory to, uint256[] memory from) private pure returns (bool) {
        if (from.length > to.length) return false;
        uint256 added = to.length - from.length;
        for (uint256 axis = 0; axis < from.length; ++axis) {
            if (from[axis] != 1 && from[axis] != to[axis + added]) return false;
        }
        return true;
    }

    /// @dev One operand against the extents that the op states of all of them.
    function _concat(Code.Op memory op, Code.Op memory x, uint256 shown)
        private
        pure
        returns (bool)
    {
        uint256 axis = op.payload(0);
        uint256 count = op.operandCount;
        if (axis >= op.dims.length) return false;
        uint256 sum = 0;
        for (uint256 i = 0; i < count; ++i) {
            sum += op.payload(1 + i);
        }
        if (sum != op.dims[axis]) return false;
        if (x.dtype != op.dtype || x.dims.length != op.dims.length) return false;
        for (uint256 i = 0; i < x.dims.length; ++i) {
            uint256 expected = i == axis ? op.payload(1 + shown) : op.dims[i];
            if (x.dims[i] != expected) return false;
        }
        return true;
    }

    function _gather(Code.Op memory op, Code.Op[] memory x) private pure returns (bool) {
        if (op.dtype != x[0].dtype || x[1].dtype != Code.I32) return false;
        return _isGathered(op.dims, x[0].dims, x[1].dims, op.payload(0));
    }

    function _scatterAdd(Code.Op memory op, Code.Op[] memory x) private pure returns (bool) {
        uint256 axis = op.payload(0);
        if (op.dtype != x[0].dtype || x[1].dtype != Code.I32) return false;
        if (axis >= op.dims.length || op.dims[axis] != op.payload(1)) return false;
        return _isGathered(x[0].dims, op.dims, x[1].dims, axis);
    }

    /// @dev Whether `rows` is `from` with the axes of the indices in the place of `axis`.
    function _isGathered(
        uint256[] memory rows,
        uint256[] memory from,
        uint256[] memory indices,
        uint256 axis
    ) private pure returns (bool) {
        if (axis >= from.length || rows.length + 1 != from.length + indices.length) return false;
        for (uint256 i = 0; i < rows.length; ++i) {
            uint256 expected = i < axis
                ? from[i]
                : i < axis + indices.length ? indices[i - axis] : from[i + 1 - indices.length];
            if (rows[i] != expected) return false;
        }
        return true;
    }

    function _matmul(Code.Op memory op, Code.Op[] memory x) private pure returns (bool) {
        uint256 rank = op.dims.length;
        if (rank < 2 || x[0].dims.length != rank || x[1].dims.length != rank) return false;
        if (op.dtype != x[0].dtype || op.dtype != x[1].dtype) return false;
        for (uint256 axis = 0; axis + 2 < rank; ++axis) {
            bool batch = op.dims[axis] == x[0].dims[axis] && op.dims[axis] == x[1].dims[axis];
            if (!batch) return false;
        }
        return op.dims[rank - 2] == x[0].dims[rank - 2] && op.dims[rank - 1] == x[1].dims[rank - 1]
            && x[0].dims[rank - 1] == x[1].dims[rank - 2];
    }

    function _reduction(Code.Op memory op, Code.Op memory x) private pure returns (bool) {
        uint256 axis = op.payload(0);
        uint256 dtype = op.code == Code.ARGMAX ? Code.I32 : x.dtype;
        if (op.dtype != dtype || axis >= x.dims.length) return false;
        if (op.dims.length + 1 != x.dims.length) return false;
        for (uint256 i = 0; i < op.dims.length; ++i) {
            if (op.dims[i] != x.dims[i < axis ? i : i + 1]) return false;
        }
        return true;
    }

    function _same(uint256[] memory a, uint256[] memory b) private pure returns (bool) {
        if (a.length != b.length) return false;
        for (uint256 i = 0; i < a.length; ++i) {
            if (a[i] != b[i]) return false;
        }
        return true;
    }
}
