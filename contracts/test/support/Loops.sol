// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../../src/Arithmetic.sol";
import {Code} from "../../src/lib/Code.sol";

/// @notice docs/numerics.md, "Ops", as plain loops over whole tensors: what the referee's step is
///         compared with. Scalars are the contract's own; everything about places is done anew here,
///         by counting indices up where `Places` divides, and by writing where it reads.
library Loops {
    using Code for Code.Op;

    uint256 internal constant LANES = 32;

    /// @notice A wrong state of one element's chain; none if nothing is flipped.
    struct Slip {
        uint256 element;
        uint256 step;
        uint64 flip;
    }

    /// @notice Returns the tensor of an op that is neither input nor constant.
    /// @param x the operands, `data` their elements
    function eval(
        Arithmetic arithmetic,
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        Slip memory slip
    ) internal pure returns (uint64[] memory out) {
        out = new uint64[](Code.count(op.dims));
        if (Code.isChain(op.code)) {
            for (uint256 e = 0; e < out.length; ++e) {
                uint64[] memory states = chain(arithmetic, op, x, data, e, slip);
                out[e] = ending(arithmetic, op, states);
            }
            return out;
        }
        if (op.code == Code.CONCAT) _concat(op, x, data, out);
        else if (op.code == Code.GATHER) _gather(op, x, data, out);
        else if (op.code >= Code.RESHAPE) _move(op, x[0].dims, data[0], out);
        else _elementwise(arithmetic, op, x, data, out);
        if (slip.flip != 0) out[slip.element] ^= slip.flip;
    }

    /// @notice Returns every state of an element's chain.
    function chain(
        Arithmetic arithmetic,
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint256 element,
        Slip memory slip
    ) internal pure returns (uint64[] memory states) {
        uint64[][3] memory along = _along(op, x, data, element);
        states = new uint64[](along[0].length);
        uint8 dtype = uint8(op.code == Code.ARGMAX ? x[0].dtype : op.dtype);
        for (uint256 k = 0; k < states.length; ++k) {
            uint64 before = k == 0 ? 0 : states[k - 1];
            if (op.code == Code.SUM) {
                before = k < LANES ? 0 : states[k - LANES];
                states[k] =
                    arithmetic.compute(uint8(Code.ADD), dtype, dtype, before, along[0][k], 0);
            } else if (op.code == Code.MATMUL) {
                states[k] = arithmetic.compute(
                    uint8(Code.FMA), dtype, dtype, along[0][k], along[1][k], before
                );
            } else if (op.code == Code.SCATTER_ADD) {
                states[k] = along[1][k] == 0
                    ? before
                    : arithmetic.compute(uint8(Code.ADD), dtype, dtype, before, along[0][k], 0);
            } else {
                uint64 best = op.code == Code.ARGMAX ? along[0][before] : before;
                bool replaces = k == 0 || arithmetic.comesAfter(dtype, along[0][k], best);
                uint64 value = op.code == Code.ARGMAX
                    ? uint64(k)
                    : arithmetic.compute(uint8(Code.CONVERT), dtype, dtype, along[0][k], 0, 0);
                states[k] = replaces ? value : before;
            }
            if (slip.flip != 0 && slip.element == element && slip.step == k) {
                states[k] ^= slip.flip;
            }
        }
    }

    /// @notice Returns the element that a chain of these states gives.
    function ending(Arithmetic arithmetic, Code.Op memory op, uint64[] memory states)
        internal
        pure
        returns (uint64)
    {
        if (op.code != Code.SUM) return states[states.length - 1];
        uint64[32] memory lanes;
        for (uint256 k = 0; k < states.length; ++k) {
            lanes[k % LANES] = states[k];
        }
        return arithmetic.fold(uint8(op.dtype), lanes);
    }

    /// @dev What an element's chain takes in, in order: the elements along the axis; the factors of
    ///      both sides; the updates and whether each is added.
    function _along(Code.Op memory op, Code.Op[] memory x, uint64[][] memory data, uint256 element)
        private
        pure
        returns (uint64[][3] memory along)
    {
        uint256[] memory coords = find(op.dims, element);
        if (op.code == Code.MATMUL) return _factors(x, data, coords);
        uint256 axis = op.payload(0);
        if (op.code == Code.SCATTER_ADD) return _updates(x, data, coords, axis);
        uint256[] memory from = new uint256[](coords.length + 1);
        for (uint256 i = 0; i < from.length; ++i) {
            if (i != axis) from[i] = coords[i < axis ? i : i - 1];
        }
        along[0] = new uint64[](x[0].dims[axis]);
        for (uint256 k = 0; k < along[0].length; ++k) {
            from[axis] = k;
            along[0][k] = data[0][flat(x[0].dims, from)];
        }
    }

    function _factors(Code.Op[] memory x, uint64[][] memory data, uint256[] memory coords)
        private
        pure
        returns (uint64[][3] memory along)
    {
        uint256 rank = coords.length;
        uint256 steps = x[0].dims[rank - 1];
        along[0] = new uint64[](steps);
        along[1] = new uint64[](steps);
        for (uint256 k = 0; k < steps; ++k) {
            uint256 column = coords[rank - 1];
            coords[rank - 1] = k;
            along[0][k] = data[0][flat(x[0].dims, coords)];
            coords[rank - 1] = column;
            uint256 row = coords[rank - 2];
            coords[rank - 2] = k;
            along[1][k] = data[1][flat(x[1].dims, coords)];
            coords[rank - 2] = row;
        }
    }

    function _updates(
        Code.Op[] memory x,
        uint64[][] memory data,
        uint256[] memory coords,
        uint256 axis
    ) private pure returns (uint64[][3] memory along) {
        along[0] = new uint64[](data[1].length);
        along[1] = new uint64[](data[1].length);
        uint256[] memory from = new uint256[](x[0].dims.length);
        uint256[] memory index = new uint256[](x[1].dims.length);
        for (uint256 k = 0; k < along[0].length; ++k) {
            for (uint256 i = 0; i < axis; ++i) {
                from[i] = coords[i];
            }
            for (uint256 i = 0; i < index.length; ++i) {
                from[axis + i] = index[i];
            }
            for (uint256 i = axis + 1; i < coords.length; ++i) {
                from[index.length + i - 1] = coords[i];
            }
            along[0][k] = data[0][flat(x[0].dims, from)];
            along[1][k] = data[1][k] == coords[axis] ? 1 : 0;
            next(x[1].dims, index);
        }
    }

    function _elementwise(
        Arithmetic arithmetic,
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint64[] memory out
    ) private pure {
        uint256[] memory coords = new uint256[](op.dims.length);
        for (uint256 e = 0; e < out.length; ++e) {
            if (op.code == Code.IOTA) {
                out[e] = uint64(coords[op.payload(0)]);
            } else if (op.code == Code.RANDOM_BITS) {
                out[e] = arithmetic.random(
                    uint32(data[0][0]), uint32(data[0][1]), uint64(e), uint32(op.payload(0))
                );
            } else if (op.code == Code.SELECT) {
                out[e] = data[0][e] != 0 ? data[1][e] : data[2][e];
            } else if (op.code == Code.REQUANTISE) {
                out[e] = uint32(
                    arithmetic.requantise(
                        int32(uint32(data[0][e])),
                        int32(uint32(op.payload(0))),
                        uint32(op.payload(1)),
                        int32(uint32(op.payload(2))),
                        int32(uint32(op.payload(3)))
                    )
                );
            } else {
                out[e] = arithmetic.compute(
                    uint8(op.code),
                    uint8(x[0].dtype),
                    uint8(op.dtype),
                    data[0][e],
                    x.length > 1 ? data[1][e] : 0,
                    x.length > 2 ? data[2][e] : 0
                );
            }
            next(op.dims, coords);
        }
    }

    /// @dev Every element of the operand is put where it belongs; broadcast alone reads.
    function _move(Code.Op memory op, uint256[] memory x, uint64[] memory data, uint64[] memory out)
        private
        pure
    {
        uint256[] memory coords = new uint256[](x.length);
        uint256 written = 0;
        if (op.code == Code.BROADCAST) return _broadcast(op, x, data, out);
        for (uint256 e = 0; e < data.length; ++e) {
            if (op.code == Code.RESHAPE) {
                out[e] = data[e];
            } else if (op.code == Code.SLICE) {
                bool inside = true;
                for (uint256 i = 0; i < x.length; ++i) {
                    bool fits = coords[i] >= op.payload(i) && coords[i] < op.payload(x.length + i);
                    inside = inside && fits;
                }
                if (inside) out[written++] = data[e];
            } else {
                uint256[] memory to = new uint256[](x.length);
                for (uint256 i = 0; i < x.length; ++i) {
                    uint256 given = op.payload(i);
                    to[i] = op.code == Code.TRANSPOSE ? coords[given] : coords[i] + given;
                }
                out[flat(op.dims, to)] = data[e];
            }
            next(x, coords);
        }
    }

    function _broadcast(
        Code.Op memory op,
        uint256[] memory x,
        uint64[] memory data,
        uint64[] memory out
    ) private pure {
        uint256[] memory coords = new uint256[](op.dims.length);
        for (uint256 e = 0; e < out.length; ++e) {
            uint256[] memory from = new uint256[](x.length);
            for (uint256 i = 0; i < x.length; ++i) {
                uint256 place = coords[coords.length - x.length + i];
                from[i] = place < x[i] ? place : 0;
            }
            out[e] = data[flat(x, from)];
            next(op.dims, coords);
        }
    }

    function _concat(
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint64[] memory out
    ) private pure {
        uint256 axis = op.payload(0);
        uint256 before = 0;
        for (uint256 i = 0; i < x.length; ++i) {
            uint256[] memory coords = new uint256[](op.dims.length);
            for (uint256 e = 0; e < data[i].length; ++e) {
                coords[axis] += before;
                out[flat(op.dims, coords)] = data[i][e];
                coords[axis] -= before;
                next(x[i].dims, coords);
            }
            before += x[i].dims[axis];
        }
    }

    function _gather(
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint64[] memory out
    ) private pure {
        uint256 axis = op.payload(0);
        uint256 rank = x[1].dims.length;
        uint256[] memory coords = new uint256[](op.dims.length);
        uint256[] memory index = new uint256[](rank);
        uint256[] memory from = new uint256[](x[0].dims.length);
        for (uint256 e = 0; e < out.length; ++e) {
            for (uint256 i = 0; i < rank; ++i) {
                index[i] = coords[axis + i];
            }
            for (uint256 i = 0; i < from.length; ++i) {
                if (i != axis) from[i] = coords[i < axis ? i : i + rank - 1];
            }
            int32 position = int32(uint32(data[1][flat(x[1].dims, index)]));
            if (position >= 0 && uint256(uint32(position)) < x[0].dims[axis]) {
                from[axis] = uint32(position);
                out[e] = data[0][flat(x[0].dims, from)];
            }
            next(op.dims, coords);
        }
    }

    // Indices.

    /// @notice Moves an index on to the next element, the last axis first.
    function next(uint256[] memory dims, uint256[] memory coords) internal pure {
        for (uint256 i = dims.length; i > 0; --i) {
            if (++coords[i - 1] < dims[i - 1]) return;
            coords[i - 1] = 0;
        }
    }

    /// @notice Returns the index of an element, counted up from the first.
    function find(uint256[] memory dims, uint256 element)
        internal
        pure
        returns (uint256[] memory coords)
    {
        coords = new uint256[](dims.length);
        for (uint256 e = 0; e < element; ++e) {
            next(dims, coords);
        }
    }

    /// @notice Returns the element at an index.
    function flat(uint256[] memory dims, uint256[] memory coords)
        internal
        pure
        returns (uint256 e)
    {
        uint256 stride = 1;
        for (uint256 i = dims.length; i > 0; --i) {
            e += coords[i - 1] * stride;
            stride *= dims[i - 1];
        }
    }
}
