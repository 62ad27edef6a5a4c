// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Evidence} from "../../src/lib/Evidence.sol";
import {Base} from "../support/Base.sol";

contract EvidenceTest is Base {
    using Evidence for Evidence.Trial;

    uint256 internal constant RATE = 0.005e18;

    function total(Evidence.Trial memory trial) internal pure returns (uint256 sum) {
        for (uint256 k = 0; k < 3; ++k) {
            sum += trial.wealth[k];
        }
    }

    function copyOf(Evidence.Trial memory trial) internal pure returns (Evidence.Trial memory) {
        return abi.decode(abi.encode(trial), (Evidence.Trial));
    }

    /// @notice What Ville's inequality asks: at the rate that is said, or below it, no outcome is expected to
    ///         raise the wealth; and at twice the rate, or above, none that of the way back.
    function test_fuzz_noDrift(uint256 rate, uint256 truth, uint128[3] memory wealth, bool lost)
        public
        pure
    {
        rate = bound(rate, 1e12, 0.1e18);
        truth = lost ? bound(truth, 2 * rate, 1e18) : bound(truth, 0, rate);
        Evidence.Trial memory trial;
        (trial.outcomes, trial.lost) = (5, lost);
        for (uint256 k = 0; k < 3; ++k) {
            trial.wealth[k] = uint128(bound(wealth[k], 0, 10e18));
        }
        uint256 before = total(trial);
        uint256 missed = total(copyOf(trial).add(true, rate));
        uint256 hit = total(copyOf(trial).add(false, rate));
        vm.assertLe((truth * missed + (1e18 - truth) * hit) / 1e18, before);
    }

    /// @notice Outcome number `i` of a walk.
    function draw(uint256 seed, uint256 i, uint256 rate) internal pure returns (bool) {
        return uint256(keccak256(abi.encode(seed, i))) % 1e18 < rate;
    }

    /// @notice Outcomes until the trust of somebody who misses at `truth` is lost, at most `most`.
    function untilLost(uint256 seed, uint256 truth, uint256 most)
        external
        pure
        returns (uint256 i)
    {
        Evidence.Trial memory trial;
        for (; i < most && !trial.lost; ++i) {
            trial = trial.add(draw(seed, i, truth), RATE);
        }
        if (trial.lost) --i;
    }

    /// @notice Of a thousand who are just as good as they said, at most ten lose trust in 600 outcomes.
    function test_falseAlarms() public view {
        uint256 alarms = 0;
        for (uint256 seed = 0; seed < 1000; ++seed) {
            if (this.untilLost(seed, RATE, 600) < 600) ++alarms;
        }
        vm.assertLe(alarms, 10);
    }

    /// @notice Power: who misses ten times as often is found, in the mean, within 160 outcomes, and of
    ///         fifty all within 600; at five times as often, most within 1,500.
    function test_power() public view {
        uint256 sum = 0;
        uint256 found = 0;
        for (uint256 seed = 0; seed < 50; ++seed) {
            uint256 took = this.untilLost(seed, 10 * RATE, 600);
            vm.assertTrue(took < 600);
            sum += took;
            if (this.untilLost(seed + 1000, 5 * RATE, 1500) < 1500) ++found;
        }
        vm.assertLe(sum / 50, 160);
        vm.assertGe(found, 45);
    }

    /// @notice A long good record hides a later lie for a while, not for ever.
    function test_power_afterAGoodRecord() public pure {
        Evidence.Trial memory trial;
        for (uint256 i = 0; i < 3000; ++i) {
            trial = trial.add(false, RATE);
        }
        vm.assertFalse(trial.lost);
        uint256 took = 0;
        for (; took < 4000 && !trial.lost; ++took) {
            trial = trial.add(draw(7, took, 10 * RATE), RATE);
        }
        vm.assertLe(took, 1300);
    }

    /// @notice Trust comes back by hits alone, after some 840 of them, and not to who goes on as before.
    function test_return() public pure {
        Evidence.Trial memory trial;
        trial.lost = true;
        uint256 took = 0;
        for (; trial.lost; ++took) {
            trial = trial.add(false, RATE);
        }
        vm.assertTrue(took > 700 && took < 900);
        Evidence.Trial memory liar;
        liar.lost = true;
        for (uint256 i = 0; i < 3000; ++i) {
            liar = liar.add(draw(3, i, 2 * RATE), RATE);
        }
        vm.assertTrue(liar.lost);
    }

    /// @notice Whoever went on missing can still come back: what wealth the misses ate is put in again.
    function test_return_afterALongBadRecord() public pure {
        Evidence.Trial memory trial;
        trial.lost = true;
        for (uint256 i = 0; i < 400; ++i) {
            trial = trial.add(true, RATE);
        }
        vm.assertTrue(trial.lost);
        uint256 took = 0;
        for (; trial.lost && took < 4000; ++took) {
            trial = trial.add(false, RATE);
        }
        vm.assertTrue(took < 1400);
    }

    /// @notice What is put in never sums to more than one, however many outcomes there are.
    function test_capital_isAtMostOne() public pure {
        uint256 capital = 0.5e18;
        for (uint256 j = 1; j <= 32; ++j) {
            capital += 1e18 >> (j + 1);
        }
        vm.assertTrue(capital < 1e18);
        Evidence.Trial memory trial;
        (trial.outcomes, trial.doublings) = (2 ** 40, 32);
        trial = trial.add(false, RATE);
        vm.assertEq(total(trial), 0); // nothing more is put in
    }

    /// @notice To the wei what `market::Trial` comes to; `the_walk_is_the_contracts` has the same numbers.
    function test_walk_isRusts() public pure {
        Evidence.Trial memory trial;
        for (uint256 i = 0; i < 600; ++i) {
            trial = trial.add(i % 97 == 5, RATE);
        }
        vm.assertEq(trial.wealth[0], 4_100_138_534_790_125_406);
        vm.assertEq(trial.wealth[1], 505_238_925_245_482_544);
        vm.assertEq(trial.wealth[2], 1_495_733_602_266_679);
        for (uint256 i = 0; i < 3000; ++i) {
            bool before = trial.lost;
            trial = trial.add(i < 12 || i % 331 == 0, RATE);
            vm.assertEq(trial.lost != before, i == 3 || i == 2210);
        }
        vm.assertEq(trial.wealth[0], 209_225_953_034_912_853);
        vm.assertEq(trial.wealth[1], 2_501_770_223_252_884);
        vm.assertEq(trial.wealth[2], 214_166_073);
    }

    /// @notice No outcomes make it overflow.
    function test_extremes() public pure {
        Evidence.Trial memory trial;
        for (uint256 i = 0; i < 1000; ++i) {
            trial = trial.add(i % 3 == 0, 1e12);
        }
        for (uint256 i = 0; i < 1000; ++i) {
            trial = trial.add(true, 0.1e18);
        }
    }
}
