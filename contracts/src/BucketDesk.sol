// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPrivateRounds} from "./interfaces/IPrivateRounds.sol";
import {Buckets} from "./lib/Buckets.sol";
import {Inputs} from "./lib/Inputs.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Who is in which bucket, and what the sums are put into
/// @notice The same draw as the crate `round`, module `sums`: docs/private.md says it to the byte.
///         Deployed by its `PrivateRounds`, which has no room for it.
/// @dev Holds nothing, and every function is pure.
contract BucketDesk {
    /// @dev Inputs of the aggregation before the sums.
    uint256 private constant FIXED = 7;
    bytes32 private constant ORDER = keccak256("assay/sums/order/v1");
    bytes32 private constant MEMBER = keccak256("assay/sums/member/v1");

    /// @notice Draws the buckets of the nodes that committed, at least twice `size` of them.
    /// @return trainers masks of places
    /// @return members places
    function draw(IPrivateRounds.Seat[] memory seats, bytes32 seed, uint256 size)
        external
        pure
        returns (uint32[] memory trainers, uint8[3][] memory members)
    {
        uint256[] memory order = _ordered(seats, seed);
        uint256 count = order.length / size;
        trainers = new uint32[](count);
        members = new uint8[3][](count);
        for (uint256 i = 0; i < order.length; ++i) {
            trainers[i % count] |= uint32(1 << order[i]);
        }
        for (uint256 bucket = 0; bucket < count; ++bucket) {
            uint256 taken = trainers[bucket];
            for (uint256 j = 0; j < Buckets.SHARES; ++j) {
                uint256 point = uint256(keccak256(abi.encode(MEMBER, seed, bucket, j)));
                uint256 place = _drawn(seats, taken, point);
                members[bucket][j] = uint8(place);
                taken |= 1 << place;
            }
        }
    }

    /// @notice Returns the mask of the trainers whose every share a member that reported holds; 0
    ///         with fewer than two such members, or too few trainers.
    function roll(IPrivateRounds.Bucket memory bucket) external pure returns (uint32 summed) {
        uint256 present = 0;
        uint32[3] memory held;
        for (uint256 j = 0; j < Buckets.SHARES; ++j) {
            if (!Buckets.isSet(bucket.reported, j)) continue;
            ++present;
            held[(j + 1) % Buckets.SHARES] |= bucket.held[j][0];
            held[(j + 2) % Buckets.SHARES] |= bucket.held[j][1];
        }
        summed = held[0] & held[1] & held[2];
        if (present < 2 || Buckets.countOf(summed) < Buckets.TRAINERS_MIN) summed = 0;
    }

    /// @notice Returns the inputs root of a share's sum: the roots committed to by those on the roll.
    function sharesRoot(IPrivateRounds.Seat[] memory seats, uint32 summed, uint256 share)
        external
        pure
        returns (bytes32)
    {
        bytes32[] memory roots = new bytes32[](Buckets.countOf(summed));
        uint256 at = 0;
        for (uint256 place = 0; place < seats.length; ++place) {
            if (Buckets.isSet(summed, place)) roots[at++] = seats[place].shares[share];
        }
        return Tree.root(roots);
    }

    /// @notice Returns the inputs root of the aggregation of the buckets with a roll.
    /// @param head roots of params and cumulative pay, and of the budget
    /// @param rows how many they are
    function inputsRoot(
        IPrivateRounds.Seat[] memory seats,
        IPrivateRounds.Bucket[] memory buckets,
        bytes32[3] memory head,
        uint256 rows
    ) external pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](FIXED + Buckets.SHARES * rows);
        bytes[4] memory lists;
        for (uint256 i = 0; i < lists.length; ++i) {
            lists[i] = new bytes(Tree.CHUNK_4);
        }
        (uint256 row, uint256 trainer) = (0, 0);
        for (uint256 i = 0; i < buckets.length; ++i) {
            uint32 summed = buckets[i].roll;
            if (summed == 0) continue;
            for (uint256 place = 0; place < seats.length; ++place) {
                if (!Buckets.isSet(summed, place)) continue;
                Inputs.writeI32(lists[0], trainer, seats[place].index);
                Inputs.writeI32(lists[1], trainer, seats[place].rows);
                Inputs.writeI32(lists[2], trainer++, row);
            }
            Inputs.writeI32(lists[3], row, Buckets.countOf(summed));
            for (uint256 share = 0; share < Buckets.SHARES; ++share) {
                (, roots[FIXED + Buckets.SHARES * row + share]) = Buckets.sumOf(buckets[i], share);
            }
            ++row;
        }
        for (uint256 i = 0; i < FIXED; ++i) {
            roots[i] = i < head.length ? head[i] : Tree.leaf(lists[i - head.length]);
        }
        return Tree.root(roots);
    }

    /// @dev Places of the nodes that committed, by hash, of equals the lower node first.
    function _ordered(IPrivateRounds.Seat[] memory seats, bytes32 seed)
        private
        pure
        returns (uint256[] memory order)
    {
        uint256 count = 0;
        for (uint256 place = 0; place < seats.length; ++place) {
            if (seats[place].shares[0] != 0) ++count;
        }
        order = new uint256[](count);
        bytes32[] memory keys = new bytes32[](count);
        uint256 sorted = 0;
        for (uint256 place = 0; place < seats.length; ++place) {
            if (seats[place].shares[0] == 0) continue;
            bytes32 key = keccak256(abi.encode(ORDER, seed, seats[place].index));
            uint256 to = sorted++;
            for (; to > 0 && keys[to - 1] > key; --to) {
                (keys[to], order[to]) = (keys[to - 1], order[to - 1]);
            }
            (keys[to], order[to]) = (key, place);
        }
    }

    /// @dev The place in whose seats `point` falls, of the nodes that committed and are not `taken`.
    function _drawn(IPrivateRounds.Seat[] memory seats, uint256 taken, uint256 point)
        private
        pure
        returns (uint256 place)
    {
        uint256 laid = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i].shares[0] != 0 && !Buckets.isSet(taken, i)) laid += seats[i].rows;
        }
        uint256 left = point % laid;
        for (;; ++place) {
            if (seats[place].shares[0] == 0 || Buckets.isSet(taken, place)) continue;
            if (left < seats[place].rows) return place;
            left -= seats[place].rows;
        }
    }
}
