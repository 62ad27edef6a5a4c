// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Campaign} from "../support/Campaign.sol";
import {World} from "../support/World.sol";

/// @notice Plays nodes of every kind: each step is one call that is allowed at that moment, or none, so
///         nothing here reverts but a fault. It keeps what the contracts must agree with.
contract TrainingPlay is World {
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint32 internal constant NODES = 6;

    uint64[] internal due; // gwei by node, as the last settled result says
    uint64[] internal next; // as the posted one says
    Result internal result;
    mapping(uint256 claim => bool) internal wrong;
    uint256[] internal disputes; // undecided, with their records
    mapping(uint256 dispute => bytes) internal records;
    uint256 public burnt;
    uint256 public decided;
    uint256 public settled;
    uint256 public struck;
    uint256 public defended;
    uint256 public paidClaims;
    uint256 public penalties;
    uint256 public left;

    constructor() {
        deploy(NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            token.transfer(vm.addr(keys[i]), 100_000e18);
        }
        due = new uint64[](NODES);
        next = new uint64[](NODES);
    }

    /// @notice One step; the choice of call is weighted towards what moves a round on.
    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        uint32 node = uint32(seed % NODES);
        if (choice < 25) _act(node);
        else if (choice < 50) _act(uint32(seed % NODES));
        else if (choice < 60) _pass(1 + seed % 3);
        else if (choice < 65) _pass(seed % 12);
        else if (choice < 75) _post(seed);
        else if (choice < 78) _challenge(node);
        else if (choice < 83) _decide(seed);
        else if (choice < 88) _settle();
        else if (choice < 93) _claim(node);
        else if (choice < 95) rounds.poke();
        else if (choice < 96) _leave(node);
        else if (choice < 97) _withdraw(node);
        else if (choice < 98) _addStake(node, seed);
        else _finalise();
        _countPenalties();
    }

    /// @notice Blocks pass, and as the court assumes, somebody honest challenged what is wrong before.
    function _pass(uint256 blocks) internal {
        uint256 id = rounds.current().claim;
        if (id != 0 && wrong[id] && court.claim(id).state == ICourt.State.Open) {
            _challenge(court.claim(id).asserter == vm.addr(keys[0]) ? 1 : 0);
        }
        mine(blocks);
    }

    /// @notice A seat outlives its node's stake where a round outlives unbonding; its turn passes.
    function _joined(uint32 node) internal view returns (bool joined) {
        (joined,) = registry.find(vm.addr(keys[node]));
    }

    function _act(uint32 node) internal {
        IRounds.Round memory round = rounds.current();
        if (round.phase == IRounds.Phase.Idle) {
            if (registry.activeCount() >= NEEDED) rounds.open();
            return;
        }
        for (uint256 place = 0; place < round.seats.length; ++place) {
            IRounds.Seat memory seat = round.seats[place];
            if (seat.index != node || !_joined(node)) continue;
            bool commits = round.phase == IRounds.Phase.Commit && seat.commitment == 0;
            bool reveals =
                round.phase == IRounds.Phase.Reveal && !seat.revealed && seat.commitment != 0;
            if (commits) commitAs(node);
            if (reveals) revealDataAs(node);
        }
    }

    function _elected() internal view returns (bool known, uint32 node) {
        try rounds.aggregator() returns (uint32 elected) {
            return (true, elected);
        } catch {
            return (false, 0);
        }
    }

    function _post(uint256 seed) internal {
        (bool known, uint32 node) = _elected();
        IRounds.Round memory round = rounds.current();
        if (!known || round.claim != 0 || !_joined(node)) return;
        if (token.balanceOf(vm.addr(keys[node])) < BOND) return;
        uint256 rows = 0;
        for (uint256 i = 0; i < round.seats.length; ++i) {
            if (round.seats[i].revealed) rows += round.seats[i].rows;
        }
        for (uint256 i = 0; i < NODES; ++i) {
            next[i] = due[i];
        }
        for (uint256 i = 0; i < round.seats.length; ++i) {
            IRounds.Seat memory seat = round.seats[i];
            if (seat.revealed) next[seat.index] += seat.rows * (BUDGET_GWEI / uint64(rows));
        }
        result = resultOf(rows, next, bytes32(seed));
        bool lies = seed % 3 == 0;
        bytes32 root = lies ? bytes32(seed) : outputsRootOf(result.roots);
        wrong[postAs(node, root)] = lies;
    }

    /// @notice Whoever sees a wrong result challenges it; some challenge right ones, whose asserter
    ///         answers at once.
    function _challenge(uint32 node) internal {
        uint256 id = rounds.current().claim;
        if (id == 0) return;
        ICourt.Claim memory claim = court.claim(id);
        address key = vm.addr(keys[node]);
        bool open = claim.state == ICourt.State.Open || claim.state == ICourt.State.Disputed;
        bool can = open && block.number <= claim.deadline && claim.asserter != key
            && token.balanceOf(key) >= BOND;
        if (!can) return;
        (uint256 dispute, ICourt.Dispute memory record) = challengeAs(node, id);
        if (!wrong[id]) {
            vm.recordLogs();
            vm.prank(claim.asserter);
            court.reveal(dispute, record, result.roots);
            record = lastRecord();
        }
        disputes.push(dispute);
        records[dispute] = abi.encode(record);
    }

    /// @notice Whoever was silent for too long loses; a dispute whose claim fell by another is closed.
    function _decide(uint256 seed) internal {
        if (disputes.length == 0) return;
        uint256 place = seed % disputes.length;
        uint256 dispute = disputes[place];
        ICourt.Dispute memory record = abi.decode(records[dispute], (ICourt.Dispute));
        if (court.claim(record.claim).state == ICourt.State.Struck) {
            court.close(dispute, record);
        } else {
            uint256 end = record.since + CLOCK;
            if (block.number <= end) _pass(end + 1 - block.number);
            court.timeout(dispute, record);
            ++decided;
            if (wrong[record.claim]) ++struck;
            else ++defended;
        }
        disputes[place] = disputes[disputes.length - 1];
        disputes.pop();
    }

    function _finalise() internal {
        uint256 id = rounds.current().claim;
        if (id == 0) return;
        ICourt.Claim memory claim = court.claim(id);
        if (claim.state == ICourt.State.Open && block.number > claim.deadline) court.finalise(id);
    }

    function _settle() internal {
        IRounds.Round memory round = rounds.current();
        if (round.phase != IRounds.Phase.Aggregate) return;
        if (round.claim == 0 || wrong[round.claim]) return;
        ICourt.Claim memory claim = court.claim(round.claim);
        if (claim.state == ICourt.State.Disputed) return;
        if (claim.state == ICourt.State.Open && block.number <= claim.deadline) return;
        rounds.settle(round.number, result.roots, result.acceptedChunk);
        ++settled;
        for (uint256 i = 0; i < NODES; ++i) {
            due[i] = next[i];
        }
    }

    function _claim(uint32 node) internal {
        if (rewards.root() == 0 || rewards.root() != result.roots[3]) return;
        if (rewards.paid(node) >= uint256(due[node]) * 1e9) return;
        rewards.claim(node, result.cumulativeChunk, result.siblings);
        ++paidClaims;
    }

    function _leave(uint32 node) internal {
        if (registry.node(node).unbondBlock != 0 || left >= NODES - NEEDED) return;
        ++left;
        vm.prank(vm.addr(keys[node]));
        registry.leave();
    }

    function _withdraw(uint32 node) internal {
        uint64 unbondBlock = registry.node(node).unbondBlock;
        if (unbondBlock == 0 || !_joined(node)) return;
        if (block.number < unbondBlock) _pass(unbondBlock - block.number);
        vm.prank(vm.addr(keys[node]));
        registry.withdraw();
    }

    function _addStake(uint32 node, uint256 seed) internal {
        if (registry.node(node).unbondBlock != 0) return;
        uint256 amount = bound(seed, 0, 5e18);
        if (token.balanceOf(vm.addr(keys[node])) < amount + 2 * BOND) return;
        vm.prank(vm.addr(keys[node]));
        registry.addStake(amount);
    }

    function _countPenalties() internal {
        burnt = SUPPLY - token.totalSupply();
        penalties = (burnt - decided * BOND / 2) / PENALTY;
    }

    // What must hold.

    function checkStakes() external view {
        uint256 sum = 0;
        for (uint32 i = 0; i < NODES; ++i) {
            sum += registry.stakeOf(i);
        }
        vm.assertEq(token.balanceOf(address(registry)), sum, "registry holds the stakes");
    }

    function checkBonds() external view {
        uint256 bonds = 0;
        for (uint256 id = 1; id <= court.claimCount(); ++id) {
            ICourt.State state = court.claim(id).state;
            if (state == ICourt.State.Open || state == ICourt.State.Disputed) bonds += BOND;
        }
        bonds += disputes.length * BOND;
        vm.assertEq(token.balanceOf(address(court)), bonds, "court holds the bonds");
    }

    function checkRewards() external view {
        uint256 paid = 0;
        for (uint32 i = 0; i < NODES; ++i) {
            vm.assertLe(rewards.paid(i), uint256(due[i]) * 1e9, "paid no more than settled");
            paid += rewards.paid(i);
        }
        vm.assertLe(paid, rounds.settledCount() * uint256(BUDGET_GWEI) * 1e9, "within budget");
        vm.assertEq(
            token.balanceOf(address(rewards)), rewards.funded() - paid, "rewards hold the rest"
        );
    }

    function checkBurnt() external view {
        vm.assertEq(token.totalSupply() + burnt, SUPPLY, "only penalties and lost bonds burn");
        vm.assertGe(burnt, decided * BOND / 2, "half of every lost bond");
        vm.assertEq((burnt - decided * BOND / 2) % PENALTY, 0, "and whole penalties");
    }

    function checkPhase() external view {
        IRounds.Round memory round = rounds.current();
        uint256 seats = 0;
        uint256 committed = 0;
        uint256 revealed = 0;
        for (uint256 i = 0; i < round.seats.length; ++i) {
            uint256 rows = round.seats[i].rows;
            seats += rows;
            if (round.seats[i].commitment != 0) committed += rows;
            if (round.seats[i].revealed) revealed += rows;
            vm.assertTrue(!round.seats[i].revealed || round.seats[i].commitment != 0);
        }
        if (seats != 0) vm.assertEq(seats, CAPACITY, "every seat is drawn");
        if (round.phase == IRounds.Phase.Reveal) vm.assertTrue(committed >= QUORUM);
        if (round.phase == IRounds.Phase.Aggregate) vm.assertTrue(revealed >= QUORUM);
        if (round.claim != 0) {
            ICourt.State state = court.claim(round.claim).state;
            bool stands = state != ICourt.State.Struck && state != ICourt.State.Void;
            vm.assertTrue(stands, "a claim that fell is not relied on");
        }
    }
}

contract TrainingInvariants is Campaign {
    TrainingPlay internal play;

    function setUp() public {
        play = new TrainingPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    function invariant_books() external view {
        check();
    }

    function check() internal view {
        play.checkStakes();
        play.checkBonds();
        play.checkRewards();
        play.checkBurnt();
        play.checkPhase();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 6000; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("play", i)));
            play.step(seed >> 128, seed);
            if (i % 50 == 0) check();
        }
        check();
        vm.assertGt(play.settled(), 5);
        vm.assertGt(play.struck(), 5);
        vm.assertGt(play.defended(), 5);
        vm.assertGt(play.paidClaims(), 5);
        vm.assertGt(play.penalties(), 0);
        vm.assertGt(play.left(), 0);
    }
}
