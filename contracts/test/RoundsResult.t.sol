// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Court} from "../src/Court.sol";
import {Rounds} from "../src/Rounds.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {Header} from "../src/lib/Header.sol";
import {Tree} from "../src/lib/Tree.sol";
import {World} from "./support/World.sol";

/// @notice The aggregator, its claim, and what settling does.
contract RoundsResultTest is World {
    uint64 internal round;
    Result internal result;

    function setUp() public {
        deploy(4);
        round = toAggregate(4);
        mine(2);
        result = resultOf(4, equalPay(4, 25e9), "right");
    }

    /// @notice The aggregator claims something wrong, and the node `ahead` of it convicts it.
    function strike(bytes32 outputsRoot, uint32 ahead) internal returns (uint256 claim) {
        uint32 node = rounds.aggregator();
        claim = postAs(node, outputsRoot);
        convictAs((node + ahead) % 4, claim);
    }

    function settle() internal {
        rounds.settle(round, result.roots, result.acceptedChunk);
    }

    function test_aggregator_turns() public {
        IRounds.Round memory current = rounds.current();
        bytes32 seed = keccak256(
            abi.encode(
                keccak256("assay/seed/elect/v1"),
                keccak256("job"),
                round,
                uint256(0),
                blockhash(current.commitsClosedBlock + 1),
                bytes32(0)
            )
        );
        vm.assertEq(current.electSeed, seed);
        for (uint256 late = 0; late < 6; ++late) {
            vm.roll(current.revealsClosedBlock + 4 * late + 3);
            vm.assertEq(rounds.aggregator(), addmod(uint256(seed), late, 4));
        }
    }

    function test_aggregator_waitsForItsBlock() public {
        postAndSettle();
        openRound();
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
        }
        for (uint32 i = 0; i < 4; ++i) {
            revealDataAs(i);
        }
        bytes memory refusal =
            abi.encodeWithSelector(IRounds.SeedPending.selector, block.number + 1);
        vm.expectRevert(refusal);
        rounds.aggregator();
        mine(1);
        vm.expectRevert(refusal);
        rounds.aggregator();
        mine(1);
        rounds.aggregator();
    }

    /// @notice With nobody there for a day, the electing block is out of reach and the one a multiple
    ///         of 256 later takes its place, the same for 256 blocks.
    function test_aggregator_outOfReach() public {
        postAndSettle();
        openRound();
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
        }
        for (uint32 i = 0; i < 4; ++i) {
            revealDataAs(i);
        }
        uint256 elects = block.number + 1;
        vm.roll(elects + 3 * 256 + 1);
        bytes32 seed = rounds.current().electSeed;
        vm.assertTrue(seed != 0);
        vm.assertTrue(blockhash(elects + 3 * 256) != 0);
        vm.roll(elects + 3 * 256 + 256);
        vm.assertEq(rounds.current().electSeed, seed);
        rounds.poke();
        vm.roll(elects + 9 * 256);
        vm.assertEq(rounds.current().electSeed, seed);
    }

    function postAndSettle() internal {
        postAs(rounds.aggregator(), outputsRootOf(result.roots));
        mine(WINDOW + 1);
        settle();
    }

    function test_postResult_refuses() public {
        uint32 elected = rounds.aggregator();
        uint32 other = (elected + 1) % 4;
        vm.prank(vm.addr(keys[other]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotAggregator.selector, elected, other));
        rounds.postResult(round, "x");
        uint256 claim = postAs(elected, "x");
        vm.prank(vm.addr(keys[elected]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.ClaimPending.selector, claim));
        rounds.postResult(round, "y");
    }

    /// @notice The claim names the program for four rows and inputs hashed here by hand.
    function test_postResult_derivesTheClaim() public {
        uint256 id = postAs(rounds.aggregator(), "x");
        ICourt.Claim memory claim = court.claim(id);
        vm.assertEq(claim.program, Header.hash(headerOf(4)));

        bytes memory members = new bytes(128);
        bytes memory budget = new bytes(256);
        bytes32[] memory inputs = new bytes32[](8);
        (inputs[0], inputs[1]) = (keccak256("model"), keccak256("cumulative"));
        for (uint32 i = 0; i < 4; ++i) {
            members[4 * i] = bytes1(uint8(i));
            inputs[4 + i] = updateRootOf(i);
        }
        // 100e9 as a double is 0x4237_4876_e800_0000.
        bytes memory bits = hex"000000e876483742";
        for (uint256 i = 0; i < 8; ++i) {
            budget[i] = bits[i];
        }
        inputs[2] = keccak256(bytes.concat(hex"00", budget));
        inputs[3] = keccak256(bytes.concat(hex"00", members));
        vm.assertEq(claim.inputsRoot, Tree.nodeOf(inputs));
        vm.assertEq(rounds.inputsRoot(), claim.inputsRoot);
    }

    /// @notice While a claim is disputed the round waits for it.
    function test_challenge_roundWaits() public {
        uint32 node = rounds.aggregator();
        uint256 claim = postAs(node, outputsRootOf(result.roots));
        challengeAs((node + 1) % 4, claim);
        mine(WINDOW + 1);
        IRounds.Round memory current = rounds.current();
        vm.assertEq(current.claim, claim);
        vm.assertEq(current.attempt, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.ClaimNotFinal.selector, claim));
        settle();
        node = rounds.aggregator();
        vm.prank(vm.addr(keys[node]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.ClaimPending.selector, claim));
        rounds.postResult(round, "x");
    }

    /// @notice A challenge that fails delays the round and changes nothing else.
    function test_challenge_failedOne() public {
        uint32 node = rounds.aggregator();
        uint256 claim = postAs(node, outputsRootOf(result.roots));
        (uint256 dispute, ICourt.Dispute memory record) = challengeAs((node + 1) % 4, claim);
        vm.recordLogs();
        vm.prank(vm.addr(keys[node]));
        court.reveal(dispute, record, result.roots);
        record = lastRecord();
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        settle();
        vm.assertEq(uint256(court.claim(claim).state), uint256(ICourt.State.Final));
        vm.assertEq(token.balanceOf(vm.addr(keys[node])), 100e18 + BOND / 2);
        vm.assertEq(token.balanceOf(address(court)), 0);
    }

    function test_strike_convictorComesFirst() public {
        uint32 first = rounds.aggregator();
        uint256 struck = strike("wrong", 1);
        IRounds.Round memory current = rounds.current();
        vm.assertEq(current.attempt, 1);
        vm.assertEq(current.claim, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.ClaimNotFinal.selector, 0));
        settle();
        uint32 convictor = (first + 1) % 4;
        vm.assertEq(rounds.aggregator(), convictor);
        mine(3);
        vm.assertEq(rounds.aggregator(), convictor);
        vm.expectEmit();
        emit IRounds.ResultStruck(round, struck, 1);
        uint256 claim = postAs(convictor, outputsRootOf(result.roots));
        mine(WINDOW + 1);
        settle();
        vm.assertEq(uint256(court.claim(claim).state), uint256(ICourt.State.Final));
        vm.assertEq(uint256(court.claim(struck).state), uint256(ICourt.State.Struck));
        vm.assertEq(token.balanceOf(address(court)), 0);
    }

    /// @notice After the convictor's turn they rotate, counted from the block of the fall.
    function test_strike_turnsAfterwards() public {
        uint32 first = rounds.aggregator();
        strike("wrong", 1);
        uint256 fell = block.number;
        uint256 seed = uint256(rounds.current().electSeed);
        for (uint256 late = 1; late < 6; ++late) {
            vm.roll(fell + 4 * late);
            vm.assertEq(rounds.aggregator(), addmod(seed, late, 4));
            vm.roll(fell + 4 * late + 3);
            vm.assertEq(rounds.aggregator(), addmod(seed, late, 4));
        }
        vm.roll(fell + 4);
        vm.assertEq(rounds.aggregator(), (first + 1) % 4);
    }

    /// @notice Whoever convicts without a seat leaves the turn to the next.
    function test_strike_strangerConvicts() public {
        uint32 first = rounds.aggregator();
        uint256 claim = postAs(first, "wrong");
        uint32 stranger = join(0xE, STAKE);
        convictAs(stranger, claim);
        vm.assertEq(rounds.aggregator(), (first + 1) % 4);
    }

    /// @notice However many claims fell, the round settles.
    function test_strike_twelveTimes() public {
        for (uint256 i = 0; i < 4; ++i) {
            token.transfer(vm.addr(keys[i]), 40 * BOND);
        }
        for (uint256 i = 0; i < 12; ++i) {
            strike(keccak256(abi.encode(i)), 1 + uint32(i % 3));
            rounds.poke();
        }
        vm.assertEq(rounds.current().attempt, 12);
        postAs(rounds.aggregator(), outputsRootOf(result.roots));
        mine(WINDOW + 1);
        settle();
        vm.assertEq(token.balanceOf(address(court)), 0);
    }

    function test_settle_waitsForTheWindow() public {
        uint256 claim = postAs(rounds.aggregator(), outputsRootOf(result.roots));
        mine(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IRounds.ClaimNotFinal.selector, claim));
        settle();
        mine(1);
        court.finalise(claim); // somebody was quicker
        settle();
        vm.assertEq(rounds.settledCount(), 1);
    }

    function test_settle_otherOutputs() public {
        bytes32 posted = outputsRootOf(result.roots);
        postAs(rounds.aggregator(), posted);
        mine(WINDOW + 1);
        bytes32[] memory roots = result.roots;
        bytes32 kept = roots[3];
        roots[3] = "more pay";
        bytes32 got = outputsRootOf(roots);
        vm.expectRevert(abi.encodeWithSelector(IRounds.OutputsMismatch.selector, posted, got));
        rounds.settle(round, roots, result.acceptedChunk);
        roots[3] = kept;

        bytes memory chunk = new bytes(128);
        vm.expectRevert(
            abi.encodeWithSelector(IRounds.AcceptedMismatch.selector, roots[1], Tree.leaf(chunk))
        );
        rounds.settle(round, roots, chunk);
        vm.expectRevert(abi.encodeWithSelector(Tree.ChunkLength.selector, 127, 128));
        rounds.settle(round, roots, new bytes(127));
    }

    /// @notice A list of one is its element, so the count must be checked before the root.
    function test_settle_countOfOutputs() public {
        bytes32 posted = outputsRootOf(result.roots);
        postAs(rounds.aggregator(), posted);
        mine(WINDOW + 1);
        bytes32[] memory one = new bytes32[](1);
        one[0] = posted;
        vm.expectRevert(abi.encodeWithSelector(IRounds.OutputCount.selector, 1, 4));
        rounds.settle(round, one, result.acceptedChunk);
    }

    function test_settle_onceAndInItsPhase() public {
        postAndSettle();
        vm.expectRevert(
            abi.encodeWithSelector(
                IRounds.WrongPhase.selector, IRounds.Phase.Aggregate, IRounds.Phase.Idle
            )
        );
        settle();
    }

    function test_settle_burnsWhatWasNotRevealed() public {
        postAndSettle();
        round = openRound();
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
        }
        for (uint32 i = 0; i < 3; ++i) {
            revealDataAs(i);
        }
        mine(9);
        uint256 supply = token.totalSupply();
        result = resultOf(3, equalPay(4, 50e9), "second");
        postAndSettle();
        vm.assertEq(registry.stakeOf(3), STAKE - PENALTY);
        vm.assertEq(registry.stakeOf(0), STAKE);
        vm.assertEq(token.totalSupply(), supply - PENALTY);
    }

    function test_open_needsFunds() public {
        postAndSettle();
        // Funded for ten thousand rounds; pretend that nearly all of it was never paid in.
        vm.etch(address(rewards), address(new Funded(150e18)).code);
        vm.expectRevert(abi.encodeWithSelector(IRounds.Unfunded.selector, 150e18, 200e18));
        rounds.open();
    }

    function test_config_isKept() public view {
        vm.assertEq(keccak256(abi.encode(rounds.config())), keccak256(abi.encode(configuration())));
    }

    function expectBad(string memory field, IRounds.Config memory config) internal {
        vm.expectRevert(abi.encodeWithSelector(IRounds.BadConfig.selector, field));
        new Rounds(registry, court, rewards, config);
    }

    function test_constructor_refuses() public {
        IRounds.Config memory config = configuration();
        config.capacity = 33;
        expectBad("capacity", config);
        config.capacity = 0;
        expectBad("capacity", config);
        config = configuration();
        config.nodes = 0;
        expectBad("nodes", config);
        config = configuration();
        config.quorum = 0;
        expectBad("quorum", config);
        config.quorum = CAPACITY + 2;
        expectBad("quorum", config);
        config.quorum = QUORUM + 1;
        expectBad("aggregatePrograms", config);
        config = configuration();
        config.cumulativeLength = LENGTH + 1;
        expectBad("cumulativeLength", config);
        config = configuration();
        config.commitBlocks = 0;
        expectBad("commitBlocks", config);
        config = configuration();
        config.revealBlocks = 0;
        expectBad("revealBlocks", config);
        config = configuration();
        config.aggregateBlocks = 0;
        expectBad("aggregateBlocks", config);
        config = configuration();
        config.updateLength = 0;
        expectBad("updateLength", config);
        config = configuration();
        config.budgetGwei = 2 ** 46 + 1;
        expectBad("budgetGwei", config);
        config.budgetGwei = 2 ** 46;
        expectBad("court", config); // all of it is sound, but this court serves another contract
    }

    /// @notice Nobody may leave with its stake before a round in which it could be penalised ends.
    function test_constructor_unbonding() public {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        address[] memory consumers = new address[](1);
        consumers[0] = predicted;
        Court served = new Court(token, programs, referee, termsOf(), consumers);
        IRounds.Config memory config = configuration();
        config.commitBlocks = UNBOND - 8 - 4 * CAPACITY - WINDOW - 2 * CLOCK;
        vm.expectRevert(abi.encodeWithSelector(IRounds.BadConfig.selector, "unbondBlocks"));
        new Rounds(registry, served, rewards, config);
    }
}

/// @notice Stands in for `Rewards` where only what was paid in matters.
contract Funded {
    uint256 public immutable funded;

    constructor(uint256 funded_) {
        funded = funded_;
    }
}
