// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Code} from "./Code.sol";

/// @title Which elements an element depends on
/// @notice Index arithmetic of every op that is not elementwise, docs/numerics.md, "Ops". Tensors
///         are row-major; an element is its flat index.
/// @dev The types are those of a registered Program: extents agree with each other, counts are
///      below 2^31. Deliberately absent: values; of `gather` the caller reads the index itself.
library Places {
    using Code for Code.Op;

    /// @notice Returns the element of the operand that `element` of a movement op copies; not
    ///         `inside` where it is padding.
    /// @param x extents of the operand; not read for `reshape` and `concat`
    function source(Code.Op memory op, uint256[] memory x, uint256 element)
        internal
        pure
        returns (bool inside, uint256 index)
    {
        if (op.code == Code.RESHAPE) return (true, element);
        uint256[] memory coords = coordinates(op.dims, element);
        uint256[] memory from = new uint256[](x.length);
        if (op.code == Code.TRANSPOSE) {
            for (uint256 axis = 0; axis < coords.length; ++axis) {
                from[op.payload(axis)] = coords[axis];
            }
        } else if (op.code == Code.BROADCAST) {
            uint256 added = coords.length - x.length;
            for (uint256 axis = 0; axis < x.length; ++axis) {
                from[axis] = x[axis] == 1 ? 0 : coords[axis + added];
            }
        } else if (op.code == Code.SLICE) {
            for (uint256 axis = 0; axis < coords.length; ++axis) {
                from[axis] = coords[axis] + op.payload(axis);
            }
        } else {
            for (uint256 axis = 0; axis < coords.length; ++axis) {
                uint256 lo = op.payload(axis);
                if (coords[axis] < lo || coords[axis] - lo >= x[axis]) return (false, 0);
                from[axis] = coords[axis] - lo;
            }
        }
        return (true, flat(x, from));
    }

    /// @notice Returns which operand of `concat` the element comes from, that operand's extents,
    ///         and the element of it.
    function piece(Code.Op memory op, uint256 element)
        internal
        pure
        returns (uint256 operand, uint256[] memory x, uint256 index)
    {
        uint256 axis = op.payload(0);
        uint256[] memory coords = coordinates(op.dims, element);
        uint256 extent;
        (operand, extent, coords[axis]) = _within(op.raw, op.payloadAt + 4, coords[axis]);
        x = new uint256[](coords.length);
        for (uint256 i = 0; i < coords.length; ++i) {
            x[i] = i == axis ? extent : op.dims[i];
        }
        index = flat(x, coords);
    }

    /// @dev Goes through up to 256 extents, which is why it is written like this. Is
    ///      `while (left >= (extent = Code.word(raw, from + 4 * operand))) { left -= extent; ++operand; }`
    ///      for a position that is within them.
    function _within(bytes memory raw, uint256 from, uint256 position)
        private
        pure
        returns (uint256 operand, uint256 extent, uint256 left)
    {
        left = position;
        assembly ("memory-safe") {
            for { let coords := add(add(raw, 32), from) } 1 { coords := add(coords, 4) } {
                extent := shr(224, mload(coords))
                extent := or(shr(8, and(extent, 0xff00ff00)), shl(8, and(extent, 0x00ff00ff)))
                extent := or(shr(16, extent), shl(16, and(extent, 0xffff)))
                if lt(left, extent) { break }
                left := sub(left, extent)
                operand := add(operand, 1)
            }
        }
    }

    /// @notice Returns the element of the indices by which `element` of a gather is looked up.
    /// @param indices extents of the indices
    function lookup(Code.Op memory op, uint256[] memory indices, uint256 element)
        internal
        pure
        returns (uint256)
    {
        uint256 axis = op.payload(0);
        uint256 afterwards = Code.span(op.dims, axis + indices.length, op.dims.length);
        return element / afterwards % Code.count(indices);
    }

    /// @notice Returns the element of the source that a gather copies, given the position read.
    /// @param x extents of the source
    function gathered(
        Code.Op memory op,
        uint256[] memory x,
        uint256 indexCount,
        uint256 element,
        uint256 position
    ) internal pure returns (uint256) {
        uint256 axis = op.payload(0);
        uint256 afterwards = Code.span(x, axis + 1, x.length);
        uint256 block_ = element / (afterwards * indexCount);
        return (block_ * x[axis] + position) * afterwards + element % afterwards;
    }

    /// @notice Returns how many steps the chain of each element has.
    /// @param x extents of the first operand
    /// @param y extents of the second, if there is one
    function steps(Code.Op memory op, uint256[] memory x, uint256[] memory y)
        internal
        pure
        returns (uint256)
    {
        if (op.code == Code.MATMUL) return x[x.length - 1];
        if (op.code == Code.SCATTER_ADD) return Code.count(y);
        return x[op.payload(0)];
    }

    /// @notice Returns the elements of both factors of a step of `matmul`.
    function factors(Code.Op memory op, uint256 extent, uint256 element, uint256 step)
        internal
        pure
        returns (uint256 a, uint256 b)
    {
        uint256 columns = op.dims[op.dims.length - 1];
        uint256 row = element / columns;
        uint256 batch = row / op.dims[op.dims.length - 2];
        a = row * extent + step;
        b = (batch * extent + step) * columns + element % columns;
    }

    /// @notice Returns the element that a step of `sum`, `max_axis` or `argmax` takes in.
    function along(Code.Op memory op, uint256[] memory x, uint256 element, uint256 step)
        internal
        pure
        returns (uint256)
    {
        uint256 axis = op.payload(0);
        uint256 afterwards = Code.span(x, axis + 1, x.length);
        return (element / afterwards * x[axis] + step) * afterwards + element % afterwards;
    }

    /// @notice Returns the position along its axis of an element of `scatter_add`, and the element
    ///         of the updates that a step may add.
    function scattered(Code.Op memory op, uint256 indexCount, uint256 element, uint256 step)
        internal
        pure
        returns (uint256 position, uint256 update)
    {
        uint256 axis = op.payload(0);
        uint256 extent = op.payload(1);
        uint256 afterwards = Code.span(op.dims, axis + 1, op.dims.length);
        uint256 row = element / afterwards;
        position = row % extent;
        update = (row / extent * indexCount + step) * afterwards + element % afterwards;
    }

    /// @notice Returns the position of an element along the axis of `iota`.
    function counted(Code.Op memory op, uint256 element) internal pure returns (uint256) {
        uint256 axis = op.payload(0);
        return element / Code.span(op.dims, axis + 1, op.dims.length) % op.dims[axis];
    }

    /// @notice Returns the index of an element by axis.
    function coordinates(uint256[] memory dims, uint256 element)
        internal
        pure
        returns (uint256[] memory coords)
    {
        coords = new uint256[](dims.length);
        for (uint256 axis = dims.length; axis > 0; --axis) {
            coords[axis - 1] = element % dims[axis - 1];
            element /= dims[axis - 1];
        }
    }

    /// @notice Returns the element at an index by axis.
    function flat(uint256[] memory dims, uint256[] memory coords)
        internal
        pure
        returns (uint256 element)
    {
        for (uint256 axis = 0; axis < dims.length; ++axis) {
            element = element * dims[axis] + coords[axis];
        }
    }
}
