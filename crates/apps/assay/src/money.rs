//! Amounts as people read them.

use alloy::primitives::{I256, U256, utils::format_ether};

/// Wei of a cent.
const CENT: i64 = 10_000_000_000_000_000;

/// Whole units with as many decimals as there are.
pub(crate) fn plain(wei: U256) -> String {
    let text = format_ether(wei);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// Dollars with cents, rounded down, as what an account has.
pub(crate) fn had(wei: I256) -> String {
    let cent = I256::try_from(CENT).unwrap_or(I256::ONE);
    let cents = wei.div_euclid(cent);
    let (sign, size) = (if cents.is_negative() { "-" } else { "" }, cents.unsigned_abs());
    let hundred = U256::from(100);
    format!("{sign}{}.{:02}", size / hundred, (size % hundred).to::<u64>())
}

/// Dollars with cents, rounded up, as margins are.
pub(crate) fn asked(wei: U256) -> String {
    let cent = U256::from(CENT.unsigned_abs());
    let (cents, hundred) = (wei.div_ceil(cent), U256::from(100));
    format!("{}.{:02}", cents / hundred, (cents % hundred).to::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_had_is_rounded_down_and_what_is_asked_up() {
        let of = |wei: i128| had(I256::try_from(wei).expect("an i128"));
        assert_eq!(of(1_239_999_999_999_999_999), "1.23");
        assert_eq!(of(-1), "-0.01");
        assert_eq!(of(-2_500_000_000_000_000_000), "-2.50");
        assert_eq!(asked(U256::from(1_230_000_000_000_000_001_u64)), "1.24");
        assert_eq!(asked(U256::ZERO), "0.00");
    }

    #[test]
    fn amounts_have_no_zeros_at_the_end() {
        let ether = U256::from(10).pow(U256::from(18));
        assert_eq!(plain(ether * U256::from(20)), "20");
        assert_eq!(plain(ether / U256::from(4)), "0.25");
        assert_eq!(plain(U256::ZERO), "0");
    }
}
