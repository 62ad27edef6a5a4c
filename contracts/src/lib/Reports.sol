// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {ICourt} from "../interfaces/ICourt.sol";
import {IRiskOracle} from "../interfaces/IRiskOracle.sol";
import {Amount} from "./Amount.sol";
import {Tree} from "./Tree.sol";
import {Wad} from "./Wad.sol";

/// @title Signed reports, read by any contract on any chain
/// @notice The EIP-712 messages of `RiskOracle`, and the readings inside them. A consumer that gets a
///         report in calldata asks `providerOf` who signed it for which oracle, and `read` what it says.
/// @dev What a signature cannot say: whether the claim behind the report stands, and whether a newer
///      report exists. Only the court, and the oracle, on their chain know. So a report in calldata is
///      the provider's word, until it expires; a consumer keeps the last nonce to refuse older ones.
library Reports {
    /// @notice Name in the EIP-712 domain.
    string internal constant NAME = "Assay RiskOracle";
    /// @notice Version in the EIP-712 domain.
    string internal constant VERSION = "2";
    /// @notice Kinds that are outputs of the report Program.
    uint256 internal constant CLAIMED = 2;

    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant BUNDLE_TYPE = keccak256(
        "Bundle(bytes32 market,uint256 price,bytes32 outputsRoot,uint64 marketTime,uint64 validFrom,"
        "uint64 expiry,uint64 nonce,bytes32 program,bytes32 inputsRoot)"
    );
    bytes32 private constant PRICE_TYPE = keccak256(
        "Price(bytes32 market,uint256 price,uint64 marketTime,uint64 validFrom,uint64 expiry,"
        "uint64 nonce)"
    );

    /// @notice Where the oracle is that a report was signed for.
    /// @param chainId of its chain, whether or not this one
    /// @param oracle its address there
    struct Origin {
        uint256 chainId;
        address oracle;
    }

    /// @notice What the report Program says of one kind, WAD: rounded away from the value, and the value
    ///         itself up, since a margin errs on the side of the market.
    struct Bounds {
        uint128 value;
        uint128 lower;
        uint128 upper;
    }

    /// @notice Returns who signed a bundle for the oracle of `origin`; reverts with `BadSignature` for
    ///         bytes that sign nothing. Whether that is a provider to believe is the caller's to ask.
    /// @param program of the report's claim, as the oracle derived it
    /// @param inputsRoot of the report's claim, as the oracle derived it
    function providerOf(
        Origin memory origin,
        IRiskOracle.Bundle calldata bundle,
        bytes32 program,
        bytes32 inputsRoot,
        bytes calldata signature
    ) internal pure returns (address) {
        return signer(digest(origin, hashOf(bundle, program, inputsRoot)), signature);
    }

    /// @notice As above, of a price alone.
    function providerOf(
        Origin memory origin,
        IRiskOracle.Price calldata price,
        bytes calldata signature
    ) internal pure returns (address) {
        return signer(digest(origin, hashOf(price)), signature);
    }

    /// @notice Returns whether a bundle holds at this block's time.
    function holds(IRiskOracle.Bundle calldata bundle) internal view returns (bool) {
        return bundle.validFrom <= block.timestamp && block.timestamp < bundle.expiry;
    }

    /// @notice Returns value, lower and upper bound of one kind out of a bundle's outputs.
    /// @param kind from 1 on, as in `IRiskOracle.Kind`: its output is `kind - 1`
    /// @param reading that output's only chunk with its way up. Its length says the type: the Program,
    ///        which is fixed, returns f32 or f64.
    /// @param outputsRoot of the bundle
    function read(uint256 kind, ICourt.Opening calldata reading, bytes32 outputsRoot)
        internal
        pure
        returns (Bounds memory bounds)
    {
        uint256 output = kind - 1;
        bytes calldata chunk = reading.chunk;
        bool wide = chunk.length == Tree.CHUNK_8;
        require(wide || chunk.length == Tree.CHUNK_4, Tree.ChunkLength(chunk.length, Tree.CHUNK_8));
        bytes32 root = Tree.climb(Tree.leaf(chunk), output, CLAIMED, reading.siblings);
        require(root == outputsRoot, IRiskOracle.OutputsMismatch(output, outputsRoot, root));
        if (wide) {
            bounds.value = Wad.up(Amount.load(chunk, 0));
            bounds.lower = Wad.down(Amount.load(chunk, 1));
            bounds.upper = Wad.up(Amount.load(chunk, 2));
        } else {
            bounds.value = Wad.upOf32(_load32(chunk, 0));
            bounds.lower = Wad.downOf32(_load32(chunk, 1));
            bounds.upper = Wad.upOf32(_load32(chunk, 2));
        }
        require(
            bounds.lower <= bounds.value && bounds.value <= bounds.upper,
            IRiskOracle.BoundsCrossed(uint8(kind), bounds.lower, bounds.value, bounds.upper)
        );
    }

    /// @notice Returns the EIP-712 struct hash of a bundle.
    /// @dev Every field is one word, so the ABI encoding is the EIP-712 encoding.
    function hashOf(IRiskOracle.Bundle calldata bundle, bytes32 program, bytes32 inputsRoot)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(BUNDLE_TYPE, bundle, program, inputsRoot));
    }

    /// @notice Returns the EIP-712 struct hash of a price.
    function hashOf(IRiskOracle.Price calldata price) internal pure returns (bytes32) {
        return keccak256(abi.encode(PRICE_TYPE, price));
    }

    /// @notice Returns the EIP-712 digest of a struct hash for the oracle of `origin`.
    function digest(Origin memory origin, bytes32 hash) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPE,
                keccak256(bytes(NAME)),
                keccak256(bytes(VERSION)),
                origin.chainId,
                origin.oracle
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, hash));
    }

    /// @notice Returns who signed a digest; `signature` is 65 bytes r ‖ s ‖ v.
    function signer(bytes32 digest_, bytes calldata signature) internal pure returns (address who) {
        ECDSA.RecoverError fault;
        (who, fault,) = ECDSA.tryRecoverCalldata(digest_, signature);
        require(fault == ECDSA.RecoverError.NoError, IRiskOracle.BadSignature());
    }

    function _load32(bytes calldata chunk, uint256 index) private pure returns (uint32) {
        uint256 word = uint32(bytes4(chunk[4 * index:4 * index + 4]));
        return uint32(Amount.swap(uint64(word << 32)));
    }
}
