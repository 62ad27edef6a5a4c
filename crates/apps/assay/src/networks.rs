//! Which chains `--rpc` may be pointed at.
//!
//! The contracts are unaudited, so a chain whose coins are worth money is refused by its id,
//! whatever flags are given. Known test networks and ids used by local chains pass; an unknown id
//! must be named by the user.

/// Chains whose coins are worth money, by chain id (chainlist's registry of main networks, the
/// larger ones).
#[rustfmt::skip]
const MAIN: &[u64] = &[
    1, 10, 14, 19, 24, 25, 30, 40, 50, 56, 57, 61, 66, 82, 88, 100, 106, 108, 109, 122, 128, 130,
    137, 143, 146, 148, 169, 177, 196, 199, 204, 225, 232, 239, 248, 250, 252, 255, 288, 314, 321,
    324, 336, 360, 369, 388, 416, 463, 480, 529, 570, 592, 686, 747, 787, 820, 841, 888, 957, 964,
    988, 996, 999, 1024, 1030, 1088, 1101, 1111, 1116, 1135, 1231, 1284, 1285, 1329, 1480, 1514,
    1559, 1625, 1729, 1750, 1776, 1818, 1868, 1890, 1907, 1923, 1975, 1989, 1996, 2000, 2001,
    2020, 2040, 2222, 2332, 2345, 2358, 2415, 2525, 2649, 2741, 2818, 3073, 3338, 3637, 3776,
    4158, 4200, 4326, 4337, 4352, 4653, 4689, 5000, 5031, 5112, 5330, 5464, 5545, 6001, 6900,
    7000, 7070, 7171, 7518, 7560, 7700, 7777777, 8008, 8217, 8329, 8333, 8453, 8822, 9001, 9070,
    9745, 11235, 11820, 12553, 13371, 16661, 17777, 18888, 21000000, 22776, 25327, 32520, 32659,
    32769, 33139, 34443, 36888, 41455, 41923, 42161, 42170, 42220, 42262, 42766, 42793, 43111,
    43114, 45056, 47763, 47805, 48900, 50104, 52014, 53935, 55244, 55555, 55930, 57073, 59144,
    60808, 61166, 65536, 71402, 80094, 81457, 88888, 98866, 98881, 105105, 167000, 190415, 200901,
    210425, 245022934, 510003, 534352, 543210, 613419, 660279, 747474, 810180, 888888888,
    1313161554, 1380012617, 1666600000, 11297108109, 728126428,
];

/// Test networks and ids that local chains use.
#[rustfmt::skip]
const TEST: &[u64] = &[
    chain::embedded::CHAIN_ID, 1337, 31337, 11_155_111, 17_000, 560_048, 421_614, 84_532,
    11_155_420, 80_002, 97, 43_113, 300, 59_141, 534_351, 10_200, 1_442, 2_442, 4_002, 5_003,
    44_787, 168_587_773, 919, 1_301, 10_143,
];

/// Whether the contracts may be deployed to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A known test network or a local chain.
    Test,
    /// A network whose coins are worth money.
    Main,
    /// Neither list has it.
    Unknown,
}

/// Returns which kind of network a chain id belongs to.
pub(crate) fn classify(chain_id: u64) -> Verdict {
    if TEST.contains(&chain_id) {
        Verdict::Test
    } else if MAIN.contains(&chain_id) {
        Verdict::Main
    } else {
        Verdict::Unknown
    }
}

/// Refuses main networks always, and unknown ones unless the user named the id.
pub(crate) fn check(chain_id: u64, allowed: Option<u64>) -> anyhow::Result<()> {
    match classify(chain_id) {
        Verdict::Test => Ok(()),
        Verdict::Main => anyhow::bail!(
            "chain {chain_id} is a main network; the contracts are unaudited and are not deployed \
             where coins are worth money"
        ),
        Verdict::Unknown if allowed == Some(chain_id) => Ok(()),
        Verdict::Unknown => anyhow::bail!(
            "chain {chain_id} is not a test network known here; if its coins are worth nothing, \
             add --allow-chain-id {chain_id}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_networks_are_refused_even_when_named() {
        for id in [1, 10, 56, 137, 8453, 42161] {
            assert!(check(id, Some(id)).is_err(), "chain {id}");
        }
    }

    #[test]
    fn test_networks_pass_and_unknown_ones_must_be_named() {
        assert!(check(31337, None).is_ok());
        assert!(check(11_155_111, None).is_ok());
        assert!(check(123_456_789, None).is_err());
        assert!(check(123_456_789, Some(5)).is_err());
        assert!(check(123_456_789, Some(123_456_789)).is_ok());
    }

    #[test]
    fn no_id_is_on_both_lists() {
        let both: Vec<_> = TEST.iter().filter(|id| MAIN.contains(id)).collect();
        assert!(both.is_empty(), "{both:?}");
    }
}
