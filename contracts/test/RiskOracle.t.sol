// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {Amount} from "../src/lib/Amount.sol";
import {F64} from "../src/lib/F64.sol";
import {Header} from "../src/lib/Header.sol";
import {Tree} from "../src/lib/Tree.sol";
import {Wad} from "../src/lib/Wad.sol";
import {Desk} from "./support/Desk.sol";

/// @notice Bundles before the first settled round, and prices.
contract RiskOracleTest is Desk {
    address internal provider = vm.addr(PROVIDER_KEY);

    function setUp() public {
        deployDesk();
    }

    function marginOf(address who) internal view returns (IRiskOracle.Report memory) {
        return oracle.latest(who, MARKET, 1);
    }

    function expectRefused(Draft memory made, bytes memory refusal) internal {
        bytes memory signed = sign(made, PROVIDER_KEY);
        vm.expectRevert(refusal);
        oracle.post(made.bundle, made.basis, made.readings, signed);
    }

    function test_post_opensAClaimOfTheProviders() public {
        uint256 before = token.balanceOf(provider);
        Draft memory made = draft(50e18, 0.25e18);
        uint256 id = send(made, PROVIDER_KEY);
        ICourt.Claim memory claim = court.claim(id);
        vm.assertEq(claim.program, Header.hash(reportHeaderOf(0)));
        vm.assertEq(claim.asserter, provider);
        vm.assertEq(claim.consumer, address(oracle));
        vm.assertEq(claim.outputsRoot, made.bundle.outputsRoot);
        vm.assertEq(uint256(claim.state), uint256(ICourt.State.Open));
        vm.assertEq(claim.depth, 0);
        vm.assertEq(token.balanceOf(provider), before - BOND);
        vm.assertEq(oracle.nonceOf(provider), made.bundle.nonce);

        // The inputs by hand: the model, features of one chunk, anchors of two.
        bytes memory features = bytes.concat(made.basis.data[0], new bytes(128 - 24));
        bytes memory anchors = bytes.concat(made.basis.data[1], new bytes(512 - 320));
        bytes32[] memory list = new bytes32[](3);
        list[0] = keccak256("model");
        list[1] = keccak256(bytes.concat(hex"00", features));
        list[2] = Tree.nodeOf(
            pair(
                keccak256(bytes.concat(hex"00", part(anchors, 0))),
                keccak256(bytes.concat(hex"00", part(anchors, 256)))
            )
        );
        vm.assertEq(claim.inputsRoot, Tree.nodeOf(list));
    }

    function part(bytes memory all, uint256 from) internal pure returns (bytes memory piece) {
        piece = new bytes(256);
        for (uint256 i = 0; i < 256; ++i) {
            piece[i] = all[from + i];
        }
    }

    /// @notice Value and upper bound are rounded up, the lower bound down.
    function test_post_readsTheOutputs() public {
        uint256 id = send(draft(50e18, 0.3e18), PROVIDER_KEY);
        IRiskOracle.Report memory report_ = marginOf(provider);
        vm.assertEq(report_.claim, id);
        vm.assertEq(report_.value, Wad.up(doubleOf(0.27e18)));
        vm.assertEq(report_.lower, Wad.down(doubleOf(0.24e18)));
        vm.assertEq(report_.upper, Wad.up(doubleOf(0.3e18)));
        vm.assertTrue(report_.upper >= 0.3e18 && report_.upper < 0.3e18 + 60);
        vm.assertEq(oracle.latest(provider, MARKET, 2).upper, 0.5e18);
        IRiskOracle.Report memory price = oracle.latest(provider, MARKET, 0);
        vm.assertEq(price.value, 50e18);
        vm.assertEq(price.claim, 0);
        vm.assertEq(marginOf(address(this)).expiry, 0);
        vm.assertEq(oracle.latest(provider, MARKET, 3).expiry, 0);
    }

    /// @notice Outputs may be f32: chunks of half the length, the first element in the first four bytes.
    function test_post_readsF32() public {
        Draft memory made = draft(50e18, 0.3e18);
        // 0.25, 0.125, 0.5 as f32, little-endian.
        bytes memory chunk = bytes.concat(hex"0000803e0000003e0000003f", new bytes(116));
        made.readings[0].chunk = chunk;
        made.readings[1].siblings[0] = Tree.leaf(chunk);
        made.bundle.outputsRoot = outputsOf(chunk, made.readings[1].chunk);
        send(made, PROVIDER_KEY);
        IRiskOracle.Report memory report_ = marginOf(provider);
        vm.assertEq(report_.value, 0.25e18);
        vm.assertEq(report_.lower, 0.125e18);
        vm.assertEq(report_.upper, 0.5e18);
    }

    /// @notice The digest is the one any EIP-712 library computes from the types.
    function test_digests_byHand() public {
        Draft memory made = draft(50e18, 0.25e18);
        bytes32 bundleType = keccak256(
            "Bundle(bytes32 market,uint256 price,bytes32 outputsRoot,uint64 marketTime,uint64 validFrom,uint64 expiry,uint64 nonce,bytes32 program,bytes32 inputsRoot)"
        );
        bytes32 hash = keccak256(
            bytes.concat(
                abi.encode(bundleType, MARKET, 50e18, made.bundle.outputsRoot),
                abi.encode(NOW, NOW, NOW + HOLDS, made.bundle.nonce),
                abi.encode(keccak256("program"), keccak256("inputs"))
            )
        );
        vm.assertEq(
            oracle.digestOf(made.bundle, keccak256("program"), keccak256("inputs")),
            keccak256(abi.encodePacked(hex"1901", domain(), hash))
        );
        IRiskOracle.Price memory price = priceOf(51e18);
        bytes32 priceType = keccak256(
            "Price(bytes32 market,uint256 price,uint64 marketTime,uint64 validFrom,uint64 expiry,uint64 nonce)"
        );
        hash = keccak256(abi.encode(priceType, MARKET, 51e18, NOW, NOW, NOW + HOLDS, price.nonce));
        vm.assertEq(
            oracle.digestOfPrice(price), keccak256(abi.encodePacked(hex"1901", domain(), hash))
        );
    }

    function domain() internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Assay RiskOracle"),
                keccak256("2"),
                block.chainid,
                address(oracle)
            )
        );
    }

    // Readings that are not the claim's.

    function test_post_wrongChunk() public {
        Draft memory made = draft(50e18, 0.25e18);
        made.readings[0].chunk = chunkOf(0.05e18);
        bytes32 got = outputsOf(made.readings[0].chunk, made.readings[1].chunk);
        expectRefused(
            made,
            abi.encodeWithSelector(
                IRiskOracle.OutputsMismatch.selector, 0, made.bundle.outputsRoot, got
            )
        );
    }

    /// @notice The volatility's chunk is no margin, though it is under the same root.
    function test_post_chunkOfAnotherOutput() public {
        Draft memory made = draft(50e18, 0.25e18);
        made.readings[0] = made.readings[1];
        bytes32 got =
            Tree.root(pair(Tree.leaf(made.readings[1].chunk), made.readings[1].siblings[0]));
        expectRefused(
            made,
            abi.encodeWithSelector(
                IRiskOracle.OutputsMismatch.selector, 0, made.bundle.outputsRoot, got
            )
        );
    }

    function pair(bytes32 first, bytes32 second) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](2);
        (list[0], list[1]) = (first, second);
    }

    /// @notice The opening of one claim says nothing about the next.
    function test_post_replayedOpening() public {
        Draft memory old = draft(50e18, 0.05e18);
        send(old, PROVIDER_KEY);
        Draft memory made = draft(50e18, 0.25e18);
        made.readings = old.readings;
        expectRefused(
            made,
            abi.encodeWithSelector(
                IRiskOracle.OutputsMismatch.selector,
                0,
                made.bundle.outputsRoot,
                old.bundle.outputsRoot
            )
        );
    }

    function test_post_wrongWayUp() public {
        Draft memory made = draft(50e18, 0.25e18);
        made.readings[1].siblings = new bytes32[](0);
        expectRefused(made, abi.encodeWithSelector(Tree.SiblingCount.selector, 0, 1));
        made = draft(50e18, 0.25e18);
        made.readings[1].siblings = pair(made.readings[1].siblings[0], 0);
        expectRefused(made, abi.encodeWithSelector(Tree.SiblingCount.selector, 2, 1));
        made = draft(50e18, 0.25e18);
        made.readings[0].chunk = new bytes(255);
        expectRefused(made, abi.encodeWithSelector(Tree.ChunkLength.selector, 255, 256));
        made = draft(50e18, 0.25e18);
        made.readings = new ICourt.Opening[](1);
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.ReadingCount.selector, 1, 2));
    }

    function withMargin(bytes memory chunk) internal returns (Draft memory made) {
        made = draft(50e18, 0.25e18);
        made.readings[0].chunk = chunk;
        made.readings[1].siblings[0] = Tree.leaf(chunk);
        made.bundle.outputsRoot = outputsOf(chunk, made.readings[1].chunk);
    }

    function test_post_outputsThatAreNoNumbers() public {
        bytes memory nan = chunkOf(0.25e18);
        (nan[7], nan[6]) = (bytes1(0x7f), bytes1(0xf8));
        uint64 bits = Amount.swap(
            uint64(
                bytes8(
                    abi.encodePacked(nan[0], nan[1], nan[2], nan[3], nan[4], nan[5], nan[6], nan[7])
                )
            )
        );
        vm.assertTrue(F64.isNan(bits));
        expectRefused(withMargin(nan), abi.encodeWithSelector(Wad.NotAWad.selector, bits));
        bytes memory negative = chunkOf(0.25e18);
        negative[7] |= 0x80;
        bits = doubleOf(0.225e18) | uint64(1 << 63);
        expectRefused(withMargin(negative), abi.encodeWithSelector(Wad.NotAWad.selector, bits));
        expectRefused(
            withMargin(chunkOf(0.25e18, 0.5e18, 0.75e18)),
            abi.encodeWithSelector(IRiskOracle.BoundsCrossed.selector, 1, 0.5e18, 0.25e18, 0.75e18)
        );
        expectRefused(
            withMargin(chunkOf(0.25e18, 0.125e18, 0.1875e18)),
            abi.encodeWithSelector(
                IRiskOracle.BoundsCrossed.selector, 1, 0.125e18, 0.25e18, 0.1875e18
            )
        );
    }

    // Inputs that are not the Program's.

    function test_post_dataOfOtherShapes() public {
        Draft memory made = draft(50e18, 0.25e18);
        bytes memory signed = sign(made, PROVIDER_KEY);
        bytes[] memory data = made.basis.data;
        data[1] = new bytes(328);
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.DataLength.selector, 1, 328, 320));
        oracle.post(made.bundle, made.basis, made.readings, signed);
        made.basis.data = new bytes[](1);
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.BasisCount.selector, 1, 2));
        oracle.post(made.bundle, made.basis, made.readings, signed);
    }

    function test_post_aBasisBeforeTheFirstRound() public {
        Draft memory made = draft(50e18, 0.25e18);
        bytes memory signed = sign(made, PROVIDER_KEY);
        made.basis.inputs = pair(keccak256("model"), 0);
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.BasisCount.selector, 2, 0));
        oracle.post(made.bundle, made.basis, made.readings, signed);
    }

    // What is signed.

    function test_post_refusesWords() public {
        Draft memory made = draft(50e18, 0.25e18);
        made.bundle.validFrom = NOW + 1;
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.FromTheFuture.selector, NOW + 1));
        made = draft(50e18, 0.25e18);
        made.bundle.marketTime = NOW + 2;
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.FromTheFuture.selector, NOW + 2));
        made = draft(50e18, 0.25e18);
        made.bundle.expiry = NOW;
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.Expired.selector, NOW));
        made = draft(0, 0.25e18);
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.BadPrice.selector, 0));
        made = draft(2 ** 128, 0.25e18);
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.BadPrice.selector, 2 ** 128));
    }

    function test_post_replay() public {
        Draft memory made = draft(50e18, 0.25e18);
        send(made, PROVIDER_KEY);
        expectRefused(made, abi.encodeWithSelector(IRiskOracle.NonceUsed.selector, 1, 1));
    }

    function test_price_noncesAndTimeRise() public {
        reportPrice(50e18);
        IRiskOracle.Price memory price = priceOf(51e18);
        price.nonce = 1;
        expectPriceRefused(price, abi.encodeWithSelector(IRiskOracle.NonceUsed.selector, 1, 1));
        price = priceOf(51e18);
        price.marketTime = NOW - 1;
        expectPriceRefused(
            price, abi.encodeWithSelector(IRiskOracle.MarketTimeBackwards.selector, NOW - 1, NOW)
        );
        price.marketTime = NOW;
        price.expiry = NOW;
        expectPriceRefused(price, abi.encodeWithSelector(IRiskOracle.Expired.selector, NOW));
        price.expiry = NOW + 1;
        oracle.postPrice(price, signPrice(price, PROVIDER_KEY));
        vm.assertEq(oracle.latest(provider, MARKET, 0).value, 51e18);
        vm.assertEq(marginOf(provider).expiry, 0);
    }

    function expectPriceRefused(IRiskOracle.Price memory price, bytes memory refusal) internal {
        bytes memory signed = signPrice(price, PROVIDER_KEY);
        vm.expectRevert(refusal);
        oracle.postPrice(price, signed);
    }

    /// @notice A bundle changed on its way is a stranger's, who has no bond, or nobody's; the provider's
    ///         reports stay as they were.
    function test_fuzz_post_changedBundle(uint256 margin, uint8 byte_, bytes memory garbage)
        public
    {
        claimMargin(0.25e18);
        bytes32 before = keccak256(abi.encode(marginOf(provider)));
        Draft memory made = draft(50e18, 0.25e18);
        bytes memory signed = sign(made, PROVIDER_KEY);
        vm.expectRevert();
        oracle.post(made.bundle, made.basis, made.readings, garbage);
        made.basis.data[1][byte_] ^= 0x01;
        vm.expectRevert();
        oracle.post(made.bundle, made.basis, made.readings, signed);
        Draft memory other = draft(50e18, bound(margin, 0.01e18, 0.24e18));
        vm.expectRevert();
        oracle.post(other.bundle, other.basis, other.readings, signed);
        vm.assertEq(keccak256(abi.encode(marginOf(provider))), before);
    }

    function test_post_refusesNoSignature() public {
        Draft memory made = draft(50e18, 0.25e18);
        vm.expectRevert(IRiskOracle.BadSignature.selector);
        oracle.post(made.bundle, made.basis, made.readings, "");
        vm.expectRevert(IRiskOracle.BadSignature.selector);
        oracle.post(made.bundle, made.basis, made.readings, new bytes(65));
    }

    /// @notice A signature over another Program, or for another chain, is not the provider's.
    function test_post_otherProgramOrChain() public {
        Draft memory made = draft(50e18, 0.25e18);
        IRiskOracle.Ground memory ground = oracle.groundOf(made.basis);
        bytes32 digest = oracle.digestOf(made.bundle, keccak256("mine"), ground.inputsRoot);
        bytes memory signed = signature(PROVIDER_KEY, digest);
        vm.expectRevert();
        oracle.post(made.bundle, made.basis, made.readings, signed);
        signed = sign(made, PROVIDER_KEY);
        vm.chainId(block.chainid + 1);
        vm.expectRevert();
        oracle.post(made.bundle, made.basis, made.readings, signed);
        vm.assertEq(marginOf(provider).expiry, 0);
    }

    function test_post_needsABond() public {
        Draft memory made = draft(50e18, 0.25e18);
        bytes memory signed = sign(made, 0xBEE);
        vm.expectRevert();
        oracle.post(made.bundle, made.basis, made.readings, signed);
    }

    // Claims.

    /// @notice A report whose claim is struck counts no more; the one before it is in force again.
    function test_struck_theOneBeforeHolds() public {
        uint256 good = claimMargin(0.25e18);
        uint256 bad = claimMargin(0.0625e18);
        vm.assertEq(marginOf(provider).claim, bad);
        strike(bad);
        vm.assertEq(marginOf(provider).claim, good);
        vm.assertEq(marginOf(provider).upper, 0.25e18);
        oracle.settle(provider, MARKET);
        vm.assertEq(uint256(court.stateOf(good)), uint256(ICourt.State.Final));
        strike(claimMargin(0.125e18));
        vm.assertEq(marginOf(provider).claim, good);
    }

    function test_struck_theFirst() public {
        strike(claimMargin(0.125e18));
        vm.assertEq(marginOf(provider).expiry, 0);
        vm.assertEq(oracle.latest(provider, MARKET, 2).expiry, 0);
        vm.assertEq(oracle.latest(provider, MARKET, 0).value, 50e18);
        check(0, 0, 0);
        oracle.settle(provider, MARKET);
        check(0, 0, 0);
    }

    function test_standing_finalHighestNewest() public {
        uint256 first = claimMargin(0.25e18);
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET);
        uint256 high = claimMargin(0.5e18);
        uint256 low = claimMargin(0.125e18);
        check(first, high, low);
        (uint256 dispute, ICourt.Dispute memory record) = disputeOf(high, reportHeaderOf(0));
        check(first, high, low);
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET); // the later one is final: the disputed one is of the past
        check(low, 0, 0);
        mine(CLOCK);
        court.timeout(dispute, record);
        check(low, 0, 0);
    }

    function check(uint256 settled, uint256 highest, uint256 newest) internal view {
        (IRiskOracle.Report memory a, IRiskOracle.Report memory b, IRiskOracle.Report memory c) =
            oracle.standing(provider, MARKET, 1);
        vm.assertEq(a.claim, settled, "final");
        vm.assertEq(b.claim, highest, "highest");
        vm.assertEq(c.claim, newest, "newest");
    }

    function test_settle_saysWhich() public {
        claimMargin(0.25e18);
        uint256 last = claimMargin(0.125e18);
        mine(WINDOW + 1);
        uint256 before = token.balanceOf(provider);
        vm.expectEmit();
        emit IRiskOracle.Settled(provider, MARKET, last, 2);
        oracle.settle(provider, MARKET);
        vm.assertEq(token.balanceOf(provider), before + 2 * BOND);
    }

    /// @notice A claim that somebody else finalised counts the same.
    function test_settle_byAnybody() public {
        uint256 claim = claimMargin(0.25e18);
        mine(WINDOW + 1);
        court.finalise(claim);
        check(claim, 0, 0);
        oracle.settle(provider, MARKET);
        check(claim, 0, 0);
    }

    function test_waiting_hasALimit() public {
        claimMargin(0.5e18);
        (uint256 dispute, ICourt.Dispute memory record) = disputeOf(1, reportHeaderOf(0));
        for (uint256 i = 1; i < 64; ++i) {
            claimMargin(0.25e18);
        }
        expectRefused(
            draft(50e18, 0.25e18), abi.encodeWithSelector(IRiskOracle.TooManyWaiting.selector, 64)
        );
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        claimMargin(0.25e18);
    }
}

/// @notice Bundles after a settled round: their inputs are the round's.
contract RiskOracleRoundTest is Desk {
    Result internal result;

    function setUp() public {
        deployDesk(4);
        result = play("first");
    }

    function play(bytes32 salt) internal returns (Result memory played) {
        uint64 round = toAggregate(4);
        mine(2);
        played = resultOf(4, equalPay(4, 25e9 * uint64(round)), salt);
        postAs(rounds.aggregator(), outputsRootOf(played.roots));
        mine(WINDOW + 1);
        rounds.settle(round, played.roots, played.acceptedChunk);
    }

    /// @notice What the round was given, as anybody reads it off the chain.
    function inputsOf(bytes32 model, bytes32 cumulative)
        internal
        view
        returns (bytes32[] memory inputs)
    {
        inputs = new bytes32[](8);
        bytes memory members = new bytes(128);
        for (uint32 i = 0; i < 4; ++i) {
            members[4 * i] = bytes1(uint8(i));
            inputs[4 + i] = updateRootOf(i);
        }
        inputs[0] = model;
        inputs[1] = cumulative;
        inputs[2] = Tree.leaf(bytes.concat(hex"000000e876483742", new bytes(248)));
        inputs[3] = Tree.leaf(members);
    }

    function drafted() internal returns (Draft memory made) {
        made = draft(50e18, 0.25e18);
        made.basis.inputs = inputsOf(keccak256("model"), keccak256("cumulative"));
        made.basis.outputs = result.roots;
    }

    function test_post_derivesTheInputs() public {
        Draft memory made = drafted();
        uint256 id = send(made, PROVIDER_KEY);
        ICourt.Claim memory claim = court.claim(id);
        vm.assertEq(claim.program, Header.hash(reportHeaderOf(4)));
        bytes32[] memory list = new bytes32[](9);
        list[0] = result.roots[0];
        list[1] = rootOf(made.basis.data[0], 128);
        list[2] = rootOf(made.basis.data[1], 256);
        list[3] = keccak256("model");
        list[4] = result.roots[1];
        for (uint32 i = 0; i < 4; ++i) {
            list[5 + i] = updateRootOf(i);
        }
        vm.assertEq(claim.inputsRoot, Tree.nodeOf(list));
        IRiskOracle.Ground memory ground = oracle.groundOf(made.basis);
        vm.assertEq(ground.modelRoot, rounds.modelRoot());
        vm.assertEq(ground.roundClaim, rounds.settledClaim());
        vm.assertEq(court.claim(ground.roundClaim).consumer, address(rounds));
    }

    function rootOf(bytes memory data, uint256 chunk) internal view returns (bytes32) {
        return this.hashData(data, chunk);
    }

    function hashData(bytes calldata data, uint256 chunk) external pure returns (bytes32) {
        return Tree.tensorRoot(data, chunk);
    }

    function expectGround(Draft memory made, bytes4 selector) internal {
        vm.expectPartialRevert(selector);
        oracle.groundOf(made.basis);
    }

    function test_basis_isTheRounds() public {
        for (uint256 i = 0; i < 8; ++i) {
            Draft memory made = drafted();
            made.basis.inputs[i] ^= bytes32(uint256(1));
            expectGround(made, IRiskOracle.BasisMismatch.selector);
        }
        for (uint256 i = 0; i < 4; ++i) {
            Draft memory made = drafted();
            bytes32[] memory outputs = new bytes32[](4);
            for (uint256 j = 0; j < 4; ++j) {
                outputs[j] = i == j ? keccak256("another") : made.basis.outputs[j];
            }
            made.basis.outputs = outputs;
            expectGround(made, IRiskOracle.BasisMismatch.selector);
        }
    }

    /// @notice A list stated as its root, or with absent entries, has another length.
    function test_basis_isAsLongAsTheRounds() public {
        Draft memory made = drafted();
        bytes32[] memory longer = new bytes32[](9);
        for (uint256 i = 0; i < 8; ++i) {
            longer[i] = made.basis.inputs[i];
        }
        made.basis.inputs = longer;
        expectGround(made, IRiskOracle.BasisCount.selector);
        made = drafted();
        made.basis.inputs = single(court.claim(rounds.settledClaim()).inputsRoot);
        expectGround(made, IRiskOracle.BasisCount.selector);
        made = drafted();
        made.basis.outputs = single(court.claim(rounds.settledClaim()).outputsRoot);
        expectGround(made, IRiskOracle.BasisCount.selector);
        made = draft(50e18, 0.25e18);
        expectGround(made, IRiskOracle.BasisCount.selector);
    }

    /// @notice The signed bundle of one round cannot be posted after the next: neither its own basis nor
    ///         the new one leads to what was signed.
    function test_post_afterTheNextRound() public {
        Draft memory made = drafted();
        bytes memory signed = sign(made, PROVIDER_KEY);
        Result memory second = play("second");
        vm.expectPartialRevert(IRiskOracle.BasisMismatch.selector);
        oracle.post(made.bundle, made.basis, made.readings, signed);
        made.basis.inputs = inputsOf(result.roots[0], result.roots[3]);
        made.basis.outputs = second.roots;
        oracle.groundOf(made.basis);
        vm.expectRevert();
        oracle.post(made.bundle, made.basis, made.readings, signed);
        send(made, PROVIDER_KEY);
        vm.assertEq(oracle.groundOf(made.basis).modelRoot, second.roots[0]);
    }

    /// @notice A result that is claimed and not settled is nobody's basis.
    function test_basis_notTheOpenClaims() public {
        uint64 round = toAggregate(4);
        mine(2);
        Result memory open_ = resultOf(4, equalPay(4, 50e9), "open");
        postAs(rounds.aggregator(), outputsRootOf(open_.roots));
        Draft memory made = drafted();
        made.basis.inputs = inputsOf(result.roots[0], result.roots[3]);
        made.basis.outputs = open_.roots;
        expectGround(made, IRiskOracle.BasisMismatch.selector);
        vm.assertEq(round, 2);
        send(drafted(), PROVIDER_KEY);
    }
}
