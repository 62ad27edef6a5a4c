// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {Desk} from "./support/Desk.sol";

contract RiskOracleTest is Desk {
    address internal provider = vm.addr(PROVIDER_KEY);

    function setUp() public {
        deployDesk();
    }

    function one(IRiskOracle.Report memory report_)
        internal
        pure
        returns (IRiskOracle.Report[] memory bundle)
    {
        bundle = new IRiskOracle.Report[](1);
        bundle[0] = report_;
    }

    function price(uint256 value) internal returns (IRiskOracle.Report memory) {
        return reportOf(IRiskOracle.Kind.Price, value, value);
    }

    function expectRefused(IRiskOracle.Report memory report_, bytes memory refusal) internal {
        IRiskOracle.Report[] memory bundle = one(report_);
        bytes memory signed = sign(bundle, PROVIDER_KEY);
        vm.expectRevert(refusal);
        oracle.post(bundle, signed);
    }

    function test_post_storesByProvider() public {
        IRiskOracle.Report[] memory bundle = one(price(50e18));
        vm.assertEq(oracle.post(bundle, sign(bundle, PROVIDER_KEY)), provider);
        bytes32 stored = keccak256(abi.encode(oracle.latest(provider, MARKET, 0)));
        vm.assertEq(stored, keccak256(abi.encode(bundle[0])));
        vm.assertEq(oracle.nonceOf(provider), bundle[0].nonce);
        vm.assertEq(oracle.latest(address(this), MARKET, 0).expiry, 0);
        vm.assertEq(oracle.latest(provider, MARKET, 1).expiry, 0);
    }

    /// @notice The digest is the one any EIP-712 library computes from the types.
    function test_digest_byHand() public {
        IRiskOracle.Report memory report_ = price(50e18);
        bytes32 reportType = keccak256(
            "Report(bytes32 market,uint8 kind,uint256 value,uint256 lower,uint256 upper,bytes32 program,bytes32 modelRoot,bytes32 inputsRoot,uint64 marketTime,uint64 validFrom,uint64 expiry,uint64 nonce)"
        );
        bytes32 bundleType = keccak256(
            "Bundle(Report[] reports)Report(bytes32 market,uint8 kind,uint256 value,uint256 lower,uint256 upper,bytes32 program,bytes32 modelRoot,bytes32 inputsRoot,uint64 marketTime,uint64 validFrom,uint64 expiry,uint64 nonce)"
        );
        bytes32 hash = keccak256(
            bytes.concat(
                abi.encode(reportType, report_.market, report_.kind, report_.value),
                abi.encode(report_.lower, report_.upper, report_.program, report_.modelRoot),
                abi.encode(report_.inputsRoot, report_.marketTime, report_.validFrom),
                abi.encode(report_.expiry, report_.nonce)
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Assay RiskOracle"),
                keccak256("1"),
                block.chainid,
                address(oracle)
            )
        );
        bytes32 message = keccak256(abi.encode(bundleType, keccak256(abi.encodePacked(hash))));
        vm.assertEq(
            oracle.digestOf(one(report_)), keccak256(abi.encodePacked(hex"1901", domain, message))
        );
    }

    /// @notice One bad report keeps the whole bundle out.
    function test_post_isAtomic() public {
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](2);
        bundle[0] = price(50e18);
        bundle[1] = price(51e18);
        bundle[1].lower = 52e18;
        bytes memory signed = sign(bundle, PROVIDER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(IRiskOracle.BoundsCrossed.selector, 1, 52e18, 51e18, 51e18)
        );
        oracle.post(bundle, signed);
        vm.assertEq(oracle.nonceOf(provider), 0);
    }

    function test_post_refusesReports() public {
        IRiskOracle.Report memory report_ = price(50e18);
        report_.kind = 3;
        expectRefused(report_, abi.encodeWithSelector(IRiskOracle.UnknownKind.selector, 0, 3));
        report_ = price(50e18);
        report_.upper = 49e18;
        expectRefused(
            report_,
            abi.encodeWithSelector(IRiskOracle.BoundsCrossed.selector, 0, 45e18, 50e18, 49e18)
        );
        report_ = price(50e18);
        report_.upper = 2 ** 128;
        expectRefused(
            report_, abi.encodeWithSelector(IRiskOracle.ValueTooLarge.selector, 0, 2 ** 128)
        );
        report_ = price(50e18);
        report_.validFrom = NOW + 1;
        expectRefused(
            report_, abi.encodeWithSelector(IRiskOracle.FromTheFuture.selector, 0, NOW + 1)
        );
        report_ = price(50e18);
        report_.marketTime = NOW + 2;
        expectRefused(
            report_, abi.encodeWithSelector(IRiskOracle.FromTheFuture.selector, 0, NOW + 2)
        );
        report_ = price(50e18);
        report_.expiry = NOW;
        expectRefused(report_, abi.encodeWithSelector(IRiskOracle.Expired.selector, 0, NOW));
    }

    function test_post_noncesRise() public {
        reportPrice(50e18);
        IRiskOracle.Report memory report_ = price(50e18);
        report_.nonce = 1;
        expectRefused(report_, abi.encodeWithSelector(IRiskOracle.NonceUsed.selector, 0, 1, 1));

        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](2);
        bundle[0] = price(50e18);
        bundle[1] = price(50e18);
        bundle[1].nonce = bundle[0].nonce;
        bytes memory signed = sign(bundle, PROVIDER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRiskOracle.NonceUsed.selector, 1, bundle[0].nonce, bundle[0].nonce
            )
        );
        oracle.post(bundle, signed);
    }

    function test_post_replay() public {
        IRiskOracle.Report[] memory bundle = one(price(50e18));
        bytes memory signed = sign(bundle, PROVIDER_KEY);
        oracle.post(bundle, signed);
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.NonceUsed.selector, 0, 1, 1));
        oracle.post(bundle, signed);
    }

    function test_post_marketTimeNeverFalls() public {
        reportPrice(50e18);
        IRiskOracle.Report memory report_ = price(50e18);
        report_.marketTime = NOW - 1;
        expectRefused(
            report_,
            abi.encodeWithSelector(IRiskOracle.MarketTimeBackwards.selector, 0, NOW - 1, NOW)
        );
    }

    function test_post_bundleSize() public {
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.BundleSize.selector, 0, 32));
        oracle.post(new IRiskOracle.Report[](0), "");
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.BundleSize.selector, 33, 32));
        oracle.post(new IRiskOracle.Report[](33), "");
    }

    /// @notice A bundle changed on its way is a stranger's, or nobody's; the provider's stays as it was.
    function test_fuzz_post_changedBundle(uint256 value, bytes memory garbage) public {
        reportPrice(50e18);
        bytes32 before = keccak256(abi.encode(oracle.latest(provider, MARKET, 0)));
        IRiskOracle.Report[] memory bundle = one(price(60e18));
        bytes memory signed = sign(bundle, PROVIDER_KEY);
        bundle[0].value = bound(value, 54e18, 60e18 - 1);
        try oracle.post(bundle, signed) returns (address stranger) {
            vm.assertTrue(stranger != provider);
        } catch {}
        try oracle.post(bundle, garbage) returns (address stranger) {
            vm.assertTrue(stranger != provider);
        } catch {}
        vm.assertEq(keccak256(abi.encode(oracle.latest(provider, MARKET, 0))), before);
    }

    function test_post_refusesNoSignature() public {
        IRiskOracle.Report[] memory bundle = one(price(50e18));
        vm.expectRevert(IRiskOracle.BadSignature.selector);
        oracle.post(bundle, "");
        vm.expectRevert(IRiskOracle.BadSignature.selector);
        oracle.post(bundle, new bytes(65));
    }

    /// @notice A report signed for one chain is nobody's on another.
    function test_post_otherChain() public {
        IRiskOracle.Report[] memory bundle = one(price(50e18));
        bytes memory signed = sign(bundle, PROVIDER_KEY);
        vm.chainId(block.chainid + 1);
        vm.assertTrue(oracle.post(bundle, signed) != provider);
    }
}
