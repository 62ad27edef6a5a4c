// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Evidence that somebody misses more often than it said
/// @notice Bets against the claim that each outcome, given all before it, is a miss with a probability of at
///         most r. A bet of l multiplies its wealth by 1 + l (1 - r) on a miss and by 1 - l r on a hit, so under
///         the claim wealth has no drift, and by Ville's inequality it ever reaches 1/a with a probability of
///         at most a: one may look after each outcome. (Waudby-Smith and Ramdas, Estimating means of bounded
///         random variables by betting, 2024.)
/// @dev Three bets, for small and large lies. A long good record would make wealth small and a later lie hard to
///      see, so half of the capital is put in at the start and half of what is left whenever the number of
///      outcomes has doubled: whatever is put in sums to less than 1, so wealth and rest together have no drift,
///      and the chance that wealth ever reaches 1/a is less than a, for ever. Everything is rounded down,
///      against the evidence. The way back is the same rule turned round: bets on hits, against the claim that
///      misses come at least twice as often as was said.
library Evidence {
    uint256 internal constant WAD = 1e18;
    /// @notice One over the chance of a false alarm, of a conviction or of a return: 1 %.
    uint256 internal constant ONE_OVER_ALPHA = 100;
    uint256 private constant BETS = 3;
    /// @dev Outcomes after which capital is put in again for the first time.
    uint256 private constant FIRST = 256;
    uint256 private constant DOUBLINGS_MAX = 32;
    /// @notice Mean wealth at which trust is lost, or comes back, WAD.
    uint256 internal constant THRESHOLD = ONE_OVER_ALPHA * WAD;

    /// @param wealth of each bet, WAD
    /// @param outcomes since the last conviction or return
    /// @param doublings how often capital was put in since
    /// @param lost whether trust is lost, and hits are bet on
    struct Trial {
        uint128[3] wealth;
        uint64 outcomes;
        uint8 doublings;
        bool lost;
    }

    /// @notice Adds an outcome; returns the trial after it.
    /// @param rate probability of a miss that was said, WAD, above 0 and at most a tenth
    function add(Trial memory trial, bool miss, uint256 rate) internal pure returns (Trial memory) {
        if (trial.outcomes == 0) _begin(trial);
        ++trial.outcomes;
        uint256 total = 0;
        for (uint256 k = 0; k < BETS; ++k) {
            uint256 factor = trial.lost ? _back(k, miss, rate) : _against(k, miss, rate);
            uint256 wealth = uint256(trial.wealth[k]) * factor / WAD;
            if (wealth > 1e36) wealth = 1e36;
            trial.wealth[k] = uint128(wealth);
            total += wealth;
        }
        if (total / BETS >= THRESHOLD) {
            trial.lost = !trial.lost;
            (trial.outcomes, trial.doublings) = (0, 0);
        } else if (trial.outcomes >= FIRST << trial.doublings && trial.doublings < DOUBLINGS_MAX) {
            ++trial.doublings;
            for (uint256 k = 0; k < BETS; ++k) {
                trial.wealth[k] += uint128(WAD >> (trial.doublings + 1));
            }
        }
        return trial;
    }

    function _begin(Trial memory trial) private pure {
        for (uint256 k = 0; k < BETS; ++k) {
            trial.wealth[k] = uint128(WAD / 2);
        }
    }

    /// @dev l = 0.005/r, 0.02/r and 0.08/r: best against twice, five times and seventeen times the rate.
    function _against(uint256 k, bool miss, uint256 rate) private pure returns (uint256) {
        uint256 stake = 0.005e18 << (2 * k); // l r
        if (!miss) return WAD - stake;
        return WAD - stake + stake * WAD / rate; // 1 + l (1 - r)
    }

    /// @dev l = 1/4, 1/2 and 3/4 against a rate of 2 r.
    function _back(uint256 k, bool miss, uint256 rate) private pure returns (uint256) {
        uint256 stake = (k + 1) * WAD / 4;
        uint256 gain = 2 * rate * stake / WAD;
        return miss ? WAD + gain - stake : WAD + gain;
    }
}
