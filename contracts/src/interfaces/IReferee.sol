// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "./ICourt.sol";

/// @title The referee: one scalar step of any Program, executed by a contract
/// @notice It holds nothing and decides nothing, it only computes from what it is shown.
///         Which openings a step needs, and in which order, is in docs/court.md, section 2.
///         Values are bits, those of f32 and i32 in the low half.
interface IReferee {
    /// @notice Thrown when an opening does not lead to the root it is to be under.
    error NotUnder(bytes32 root, bytes32 got);
    /// @notice Thrown when more, or fewer, openings are brought than the step needs.
    error Openings(uint256 expected, uint256 got);
    /// @notice Thrown for an op whose elements are judged otherwise: inputs, constants, chains.
    error NotJudged(uint256 code);

    /// @notice Thrown when a chunk has not the bytes of 32 elements.
    error ChunkSize(uint256 expected, uint256 got);

    /// @notice Returns an element of an op without a chain.
    /// @param trace root of the tree of op roots, under which the source of a `concat` is shown
    /// @param opCount leaves of that tree
    function element(
        ICourt.Brief calldata brief,
        bytes32 trace,
        uint256 opCount,
        uint256 element_,
        ICourt.Opening[] calldata openings
    ) external view returns (uint64);

    /// @notice Returns the state of an element's chain after one step; 0 after the last.
    /// @param chain root of the chain's states, under which the state before is shown
    /// @param chunk the chunk of the chain in which the step stands; the state before is read from
    ///        it where it stands there too
    function step(
        ICourt.Brief calldata brief,
        bytes32 chain,
        uint256 element_,
        uint256 step_,
        bytes calldata chunk,
        ICourt.Opening[] calldata openings
    ) external view returns (uint64);

    /// @notice Returns what a chain that ends in these chunks makes of its element.
    /// @param chain root of the chain's states
    /// @return value the element
    /// @return steps entries of the chain
    /// @return children those of the root; none when the chain is one chunk
    function ending(ICourt.Brief calldata brief, bytes32 chain, ICourt.Opening[] calldata last)
        external
        view
        returns (uint64 value, uint256 steps, bytes32[] memory children);
}
