// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {RiskGate} from "../../src/RiskGate.sol";
import {RiskOracle} from "../../src/RiskOracle.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IJobs} from "../../src/interfaces/IJobs.sol";
import {IRevenue} from "../../src/interfaces/IRevenue.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Campaign} from "../support/Campaign.sol";
import {JobsDesk} from "../support/JobsDesk.sol";

/// @notice Plays sponsors, nodes and consumers of several jobs at once: each step is one call that is
///         allowed at that moment, or none. It keeps what the contracts must agree with.
contract JobsPlay is JobsDesk {
    uint256 internal constant JOBS_MAX = 8;
    uint32 internal constant NODES = 4;

    struct Play {
        uint64[] due; // gwei by node, as the last settled round says
        bytes tensor; // the cumulative tensor of the last settled round
        uint256 funded;
        uint256 released;
        uint256 reclaimed;
        uint8 highest;
        Result last;
        Result[] fixedBy; // by epoch
        uint256 fees;
        uint256 shares;
    }

    Play[] internal plays;
    uint256 public retired;
    uint256 public deployed;
    uint256 public epochs;
    uint256 public sharesPaid;
    uint256 public reclaims;
    uint256 public struck;

    constructor() {
        deployJobs();
    }

    /// @notice One step; the choice of call is weighted towards what moves a job on.
    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        if (plays.length == 0 || (choice < 2 && plays.length < JOBS_MAX)) return _create();
        uint256 job = seed % plays.length;
        seed >>= 8;
        if (choice < 12) _fund(job, seed);
        else if (choice < 24) _release(job);
        else if (choice < 44) _round(job, seed);
        else if (choice < 58) _advance(job);
        else if (choice < 61) _reveal(job);
        else if (choice < 67) _validate(job, seed);
        else if (choice < 74) _deployGate(job);
        else if (choice < 75) _notice(job, seed);
        else if (choice < 77) mine(seed % 30);
        else if (choice < 79) _reclaim(job);
        else if (choice < 83) _fix(job);
        else if (choice < 90) _pay(job, seed);
        else if (choice < 96) _claimShare(job, seed);
        else _claimPay(job, uint32(seed % NODES));
        _noteStates();
    }

    function _create() internal {
        uint256 job = createJob();
        joinAll(job, NODES);
        Play storage play = plays.push();
        play.due = new uint64[](NODES);
        play.highest = uint8(IJobs.State.Draft);
    }

    function _alive(uint256 job) internal view returns (bool) {
        return jobs.due(job) != IJobs.State.Retired;
    }

    function _fund(uint256 job, uint256 seed) internal {
        if (!_alive(job)) return;
        uint256 amount = bound(seed, 0, 3 * PAY);
        jobs.fund(job, amount);
        plays[job].funded += amount;
    }

    function _release(uint256 job) internal {
        if (!_alive(job)) return;
        try jobs.release(job) returns (uint256 amount) {
            plays[job].released += amount;
        } catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            bool named = selector == IJobs.WrongState.selector
                || selector == IJobs.NothingToRelease.selector
                || selector == IJobs.TooEarly.selector || selector == IJobs.EscrowSpent.selector;
            vm.assertTrue(named, "one of the reasons");
        }
    }

    /// @notice A whole round, if it is paid for; retirement does not matter.
    function _round(uint256 job, uint256 seed) internal {
        use(job);
        uint256 needed = (uint256(rounds.settledCount()) + 1) * PAY;
        if (rewards.funded() < needed) return;
        Play storage play = plays[job];
        uint64[] memory gwei_ = play.due;
        uint256 left = BUDGET_GWEI;
        for (uint256 i = 0; i < NODES; ++i) {
            uint64 earned = uint64(bound(uint16(seed >> (16 * i)), 0, left / NODES));
            gwei_[i] += earned;
        }
        Result memory result = playRound(gwei_);
        play.due = gwei_;
        play.tensor = whole(result);
        play.last = result;
    }

    function _advance(uint256 job) internal {
        IJobs.State before = jobs.jobOf(job).state;
        uint256 claim = jobs.jobOf(job).claim;
        if (before == IJobs.State.Training && claim != 0) {
            ICourt.Claim memory posted = court.claim(claim);
            if (posted.state == ICourt.State.Open && block.number <= posted.deadline) {
                mine(WINDOW + 1);
            }
            if (court.stateOf(claim) == ICourt.State.Open) court.finalise(claim);
        }
        if (jobs.due(job) == before) return;
        if (jobs.advance(job) == IJobs.State.Retired) ++retired;
    }

    function _reveal(uint256 job) internal {
        if (!_alive(job) || jobs.jobOf(job).state != IJobs.State.Training) return;
        use(job);
        if (rounds.settledCount() == 0 || jobs.holdoutRoots(job).length > 0) return;
        revealHoldout(job);
    }

    /// @notice A claim; every third is convicted, as nobody defends it.
    function _validate(uint256 job, uint256 seed) internal {
        if (!_alive(job) || jobs.jobOf(job).state != IJobs.State.Training) return;
        uint256 last = jobs.jobOf(job).claim;
        bool waits = last != 0 && court.stateOf(last) != ICourt.State.Struck;
        if (jobs.holdoutRoots(job).length == 0 || waits) return;
        uint256 id = jobs.claimValidation(job, LOSS, BASELINE);
        if (seed % 3 != 0) return;
        convictValidation(id);
        ++struck;
    }

    function _deployGate(uint256 job) internal {
        if (!_alive(job) || jobs.jobOf(job).state != IJobs.State.Validated) return;
        use(job);
        address attached = jobs.jobOf(job).oracle;
        if (attached == address(0)) attached = attach(job);
        jobs.deploy(job, address(new RiskGate(RiskOracle(attached), SPONSOR, SPONSOR)));
        ++deployed;
    }

    function _notice(uint256 job, uint256 seed) internal {
        if (!_alive(job) || jobs.jobOf(job).sponsorLeaves) return;
        if (seed % 4 == 0) {
            vm.prank(SPONSOR);
            jobs.giveNotice(job);
            return;
        }
        try jobs.giveNotice(job) {}
        catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            bool named =
                selector == IJobs.OnlySponsor.selector || selector == IJobs.AlreadyDone.selector;
            vm.assertTrue(named, "one of the reasons");
        }
    }

    function _reclaim(uint256 job) internal {
        if (jobs.jobOf(job).state != IJobs.State.Retired) return;
        plays[job].reclaimed += jobs.reclaim(job);
        ++reclaims;
    }

    function _fix(uint256 job) internal {
        use(job);
        bytes32 root = rewards.root();
        uint256 count = revenue.epochCount(job);
        if (root == 0 || (count > 0 && revenue.epochOf(job, count - 1).root == root)) return;
        uint64 sum = 0;
        for (uint256 i = 0; i < NODES; ++i) {
            sum += plays[job].due[i];
        }
        if (sum == 0) return;
        uint256 epoch = revenue.fix(job, plays[job].tensor);
        if (epoch < plays[job].fixedBy.length) plays[job].fixedBy.pop();
        plays[job].fixedBy.push(plays[job].last);
        ++epochs;
    }

    function _pay(uint256 job, uint256 seed) internal {
        bool can = jobs.due(job) == IJobs.State.Deployed && revenue.epochCount(job) > 0;
        if (!can) return;
        uint256 amount = bound(seed, 0, 50e18);
        revenue.pay(job, amount);
        plays[job].fees += amount;
    }

    function _claimShare(uint256 job, uint256 seed) internal {
        if (plays[job].fixedBy.length == 0) return;
        uint256 epoch = seed % plays[job].fixedBy.length;
        Result memory split = plays[job].fixedBy[epoch];
        uint32 node = uint32((seed >> 64) % NODES);
        try revenue.claim(job, epoch, node, split.cumulativeChunk, split.siblings) returns (
            uint256 amount
        ) {
            plays[job].shares += amount;
            ++sharesPaid;
        } catch (bytes memory reason) {
            vm.assertEq(bytes4(reason), IRevenue.NothingDue.selector, "the one reason");
        }
    }

    function _claimPay(uint256 job, uint32 node) internal {
        use(job);
        if (rewards.root() == 0 || rewards.paid(node) >= uint256(plays[job].due[node]) * 1e9) {
            return;
        }
        rewards.claim(node, plays[job].last.cumulativeChunk, plays[job].last.siblings);
    }

    /// @notice States only go forward.
    function _noteStates() internal {
        for (uint256 job = 0; job < plays.length; ++job) {
            uint8 state = uint8(jobs.jobOf(job).state);
            vm.assertGe(state, plays[job].highest, "no state goes back");
            plays[job].highest = state;
        }
    }

    // What must hold.

    function checkEscrow() external view {
        uint256 held = 0;
        for (uint256 job = 0; job < plays.length; ++job) {
            Play storage play = plays[job];
            uint256 escrow = jobs.jobOf(job).escrow;
            vm.assertEq(play.funded, escrow + play.released + play.reclaimed, "in = out + held");
            held += escrow;
        }
        vm.assertEq(token.balanceOf(address(jobs)), held, "holds the escrows");
    }

    /// @notice Each job's pay comes out of its own escrow, and all that is settled is covered.
    function checkPay() external view {
        for (uint256 job = 0; job < plays.length; ++job) {
            IJobs.Job memory made = jobs.jobOf(job);
            Play storage play = plays[job];
            uint256 paid = 0;
            uint256 due = 0;
            for (uint32 i = 0; i < NODES; ++i) {
                paid += rewardsOf(made.rewards).paid(i);
                due += uint256(play.due[i]) * 1e9;
            }
            uint256 balance = token.balanceOf(made.rewards);
            vm.assertEq(balance, play.released - paid, "rewards hold what was released");
            vm.assertGe(balance, due - paid, "pay owed is there");
        }
    }

    function rewardsOf(address at) internal pure returns (IRewardsPaid) {
        return IRewardsPaid(at);
    }

    function checkRevenue() external view {
        uint256 held = 0;
        for (uint256 job = 0; job < plays.length; ++job) {
            uint256 fees = 0;
            uint256 paid = 0;
            for (uint256 epoch = 0; epoch < revenue.epochCount(job); ++epoch) {
                IRevenue.Epoch memory split = revenue.epochOf(job, epoch);
                vm.assertLe(split.paid, split.revenue, "no epoch pays more than came in");
                fees += split.revenue;
                paid += split.paid;
            }
            vm.assertEq(fees, plays[job].fees, "fees");
            vm.assertEq(paid, plays[job].shares, "shares");
            held += fees - paid;
        }
        vm.assertEq(token.balanceOf(address(revenue)), held, "holds what is not paid out");
    }
}

interface IRewardsPaid {
    function paid(uint32 node) external view returns (uint256);
}

contract JobsInvariants is Campaign {
    JobsPlay internal play;

    function setUp() public {
        play = new JobsPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    function invariant_books() external view {
        check();
    }

    function check() internal view {
        play.checkEscrow();
        play.checkPay();
        play.checkRevenue();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 3000; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("jobs", i)));
            play.step(seed >> 128, seed);
            if (i % 50 == 0) check();
        }
        check();
        vm.assertGt(play.retired(), 1);
        vm.assertGt(play.deployed(), 1);
        vm.assertGt(play.epochs(), 1);
        vm.assertGt(play.sharesPaid(), 3);
        vm.assertGt(play.reclaims(), 1);
        vm.assertGt(play.struck(), 0);
    }
}
