// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {Code} from "../../src/lib/Code.sol";
import {Places} from "../../src/lib/Places.sol";
import {Grove} from "./Grove.sol";

/// @notice What a step is computed from, by whoever holds every tensor: the table of docs/court.md,
///         "Openings".
library Openings {
    using Code for Code.Op;

    /// @notice Returns the chunk of one element with its way up.
    function at(uint64[] memory values, uint256 dtype, uint256 index)
        internal
        pure
        returns (ICourt.Opening memory)
    {
        bytes32[] memory leaves = Grove.leaves(values, dtype);
        uint256 chunk = index / Grove.CHUNK;
        return ICourt.Opening(Grove.chunk(values, dtype, chunk), Grove.siblings(leaves, chunk));
    }

    /// @notice Returns the openings of an element of an op that is neither a chain nor a concat.
    function element(Code.Op memory op, Code.Op[] memory x, uint64[][] memory data, uint256 index)
        internal
        pure
        returns (ICourt.Opening[] memory shown)
    {
        if (op.code == Code.IOTA) return shown;
        if (op.code == Code.RANDOM_BITS) return list(at(data[0], Code.I32, 0));
        if (op.code == Code.GATHER) {
            uint256 looked = Places.lookup(op, x[1].dims, index);
            shown = list(at(data[1], Code.I32, looked));
            int32 position = int32(uint32(data[1][looked]));
            uint256 extent = x[0].dims[op.payload(0)];
            if (position < 0 || uint256(uint32(position)) >= extent) return shown;
            uint256 from =
                Places.gathered(op, x[0].dims, data[1].length, index, uint256(uint32(position)));
            return append(shown, at(data[0], op.dtype, from));
        }
        if (op.code >= Code.RESHAPE) {
            (bool inside, uint256 from) = Places.source(op, x[0].dims, index);
            return inside ? list(at(data[0], op.dtype, from)) : shown;
        }
        shown = new ICourt.Opening[](x.length);
        for (uint256 i = 0; i < x.length; ++i) {
            shown[i] = at(data[i], x[i].dtype, index);
        }
    }

    /// @notice Returns the opening of an element of a concat, with the way on up the trace.
    /// @param trace roots of the tensors of every op
    function concat(
        Code.Op memory op,
        uint64[][] memory data,
        uint256 index,
        bytes32[] memory trace
    ) internal pure returns (ICourt.Opening[] memory shown) {
        (uint256 piece,, uint256 from) = Places.piece(op, index);
        shown = list(at(data[piece], op.dtype, from));
        bytes32[] memory on = Grove.siblings(trace, op.operand(piece));
        for (uint256 i = 0; i < on.length; ++i) {
            shown[0].siblings = Grove.append(shown[0].siblings, on[i]);
        }
    }

    /// @notice Returns the openings of step `k` of an element's chain.
    /// @param states of the whole chain
    function step(
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint256 index,
        uint256 k,
        uint64[] memory states
    ) internal pure returns (ICourt.Opening[] memory shown) {
        if (op.code == Code.MATMUL) {
            (uint256 a, uint256 b) = Places.factors(op, states.length, index, k);
            shown = append(list(at(data[0], op.dtype, a)), at(data[1], op.dtype, b));
        } else if (op.code == Code.SCATTER_ADD) {
            (uint256 position, uint256 update) = Places.scattered(op, states.length, index, k);
            shown = list(at(data[1], Code.I32, k));
            if (data[1][k] == position) shown = append(shown, at(data[0], op.dtype, update));
        } else {
            uint256 taken = Places.along(op, x[0].dims, index, k);
            shown = list(at(data[0], x[0].dtype, taken));
            if (op.code == Code.ARGMAX && k > 0) {
                taken = Places.along(op, x[0].dims, index, states[k - 1]);
                shown = append(shown, at(data[0], x[0].dtype, taken));
            }
        }
        if (op.code == Code.SUM) {
            return k < Grove.CHUNK ? shown : append(shown, at(states, op.dtype, k - Grove.CHUNK));
        }
        bool elsewhere = k > 0 && k % Grove.CHUNK == 0;
        return elsewhere ? append(shown, at(states, op.dtype, k - 1)) : shown;
    }

    /// @notice Returns the openings of the end of a chain.
    function ending(Code.Op memory op, uint64[] memory states)
        internal
        pure
        returns (ICourt.Opening[] memory shown)
    {
        uint256 last = states.length - 1;
        shown = list(at(states, op.dtype, last));
        bytes32[] memory leaves = Grove.leaves(states, op.dtype);
        shown[0].siblings = Grove.crownSiblings(leaves, last / Grove.CHUNK);
        bool two = op.code == Code.SUM && last >= Grove.CHUNK && states.length % Grove.CHUNK != 0;
        return two ? append(shown, at(states, op.dtype, last - Grove.CHUNK)) : shown;
    }

    function list(ICourt.Opening memory one) internal pure returns (ICourt.Opening[] memory shown) {
        shown = new ICourt.Opening[](1);
        shown[0] = one;
    }

    function append(ICourt.Opening[] memory shown, ICourt.Opening memory one)
        internal
        pure
        returns (ICourt.Opening[] memory more)
    {
        more = new ICourt.Opening[](shown.length + 1);
        for (uint256 i = 0; i < shown.length; ++i) {
            more[i] = shown[i];
        }
        more[shown.length] = one;
    }
}
