// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IRiskOracle} from "./interfaces/IRiskOracle.sol";

/// @title Risk reports by provider, market and kind
/// @notice The last report of each, its history in the events. A report never replaces a later one.
/// @dev Deliberately absent: an owner, a list of providers, an average over providers, money. Whom
///      to believe, and how far, is for `RiskGate`.
contract RiskOracle is IRiskOracle, EIP712 {
    bytes32 private constant REPORT_TYPE = keccak256(
        "Report(bytes32 market,uint8 kind,uint256 value,uint256 lower,uint256 upper,"
        "bytes32 program,bytes32 modelRoot,bytes32 inputsRoot,"
        "uint64 marketTime,uint64 validFrom,uint64 expiry,uint64 nonce)"
    );
    bytes32 private constant BUNDLE_TYPE = keccak256(
        "Bundle(Report[] reports)"
        "Report(bytes32 market,uint8 kind,uint256 value,uint256 lower,uint256 upper,"
        "bytes32 program,bytes32 modelRoot,bytes32 inputsRoot,"
        "uint64 marketTime,uint64 validFrom,uint64 expiry,uint64 nonce)"
    );
    uint256 private constant BUNDLE_SIZE_MAX = 32;

    /// @inheritdoc IRiskOracle
    mapping(address provider => uint64) public nonceOf;
    mapping(address provider => mapping(bytes32 market => mapping(uint8 kind => Report))) private
        _latest;

    constructor() EIP712("Assay RiskOracle", "1") {}

    /// @inheritdoc IRiskOracle
    function post(Report[] calldata bundle, bytes calldata signature)
        external
        returns (address provider)
    {
        uint256 size = bundle.length;
        require(size > 0 && size <= BUNDLE_SIZE_MAX, BundleSize(size, BUNDLE_SIZE_MAX));
        ECDSA.RecoverError fault;
        (provider, fault,) = ECDSA.tryRecoverCalldata(digestOf(bundle), signature);
        require(fault == ECDSA.RecoverError.NoError, BadSignature());

        uint64 nonce = nonceOf[provider];
        for (uint256 i = 0; i < size; ++i) {
            Report calldata report = bundle[i];
            Report storage last = _latest[provider][report.market][report.kind];
            _check(i, report);
            require(report.nonce > nonce, NonceUsed(i, report.nonce, nonce));
            require(
                report.marketTime >= last.marketTime,
                MarketTimeBackwards(i, report.marketTime, last.marketTime)
            );
            nonce = report.nonce;
            _latest[provider][report.market][report.kind] = report;
            emit Reported(provider, report.market, report.kind, report);
        }
        nonceOf[provider] = nonce;
    }

    /// @inheritdoc IRiskOracle
    function latest(address provider, bytes32 market, uint8 kind)
        external
        view
        returns (Report memory)
    {
        return _latest[provider][market][kind];
    }

    /// @inheritdoc IRiskOracle
    function digestOf(Report[] calldata bundle) public view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](bundle.length);
        for (uint256 i = 0; i < bundle.length; ++i) {
            // Every field is one word, so the struct's ABI encoding is its EIP-712 encoding.
            hashes[i] = keccak256(abi.encode(REPORT_TYPE, bundle[i]));
        }
        bytes32 reports = keccak256(abi.encodePacked(hashes));
        return _hashTypedDataV4(keccak256(abi.encode(BUNDLE_TYPE, reports)));
    }

    function _check(uint256 i, Report calldata report) private view {
        require(report.kind <= uint8(type(Kind).max), UnknownKind(i, report.kind));
        require(
            report.lower <= report.value && report.value <= report.upper,
            BoundsCrossed(i, report.lower, report.value, report.upper)
        );
        require(report.upper <= type(uint128).max, ValueTooLarge(i, report.upper));
        require(report.validFrom <= block.timestamp, FromTheFuture(i, report.validFrom));
        require(report.marketTime <= block.timestamp, FromTheFuture(i, report.marketTime));
        require(
            report.expiry > report.validFrom && report.expiry > block.timestamp,
            Expired(i, report.expiry)
        );
    }
}
