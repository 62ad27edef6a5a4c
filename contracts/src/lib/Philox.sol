// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Random words that depend on their place alone
/// @notice Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// @dev Deliberately absent: state, seeding, floats.
library Philox {
    uint256 private constant WORD = 0xffffffff;
    uint256 private constant MULTIPLIER_0 = 0xd2511f53;
    uint256 private constant MULTIPLIER_1 = 0xcd9e8d57;
    uint256 private constant WEYL_0 = 0x9e3779b9;
    uint256 private constant WEYL_1 = 0xbb67ae85;

    /// @notice Returns word `element` of a stream under a key of two words: output word
    ///         `element mod 4` of the block with the counter
    ///         `(element div 4 low word, element div 4 high word, stream, 0)`.
    function word(uint32 key0, uint32 key1, uint64 element, uint32 stream)
        internal
        pure
        returns (uint32)
    {
        uint32[4] memory counter = [uint32(element >> 2), uint32(element >> 34), stream, 0];
        return words(counter, key0, key1)[element & 3];
    }

    /// @notice Returns the four words of one block.
    function words(uint32[4] memory counter, uint256 key0, uint256 key1)
        internal
        pure
        returns (uint32[4] memory)
    {
        unchecked {
            (uint256 c0, uint256 c1) = (counter[0], counter[1]);
            (uint256 c2, uint256 c3) = (counter[2], counter[3]);
            for (uint256 i = 0; i < 10; ++i) {
                uint256 product0 = MULTIPLIER_0 * c0;
                uint256 product1 = MULTIPLIER_1 * c2;
                c0 = (product1 >> 32) ^ c1 ^ key0;
                c1 = product1 & WORD;
                c2 = (product0 >> 32) ^ c3 ^ key1;
                c3 = product0 & WORD;
                key0 = (key0 + WEYL_0) & WORD;
                key1 = (key1 + WEYL_1) & WORD;
            }
            return [uint32(c0), uint32(c1), uint32(c2), uint32(c3)];
        }
    }
}
