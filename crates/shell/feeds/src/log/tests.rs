//! Logs that are whole, cut off, changed, forged, and gone on with.

use std::fs;

use alloy::signers::local::PrivateKeySigner;
use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).expect("a key in range")
}

const MARKET: (&str, &str) = ("binance-usdm", "BTCUSDT");

/// A log of some lines under three seals, and three lines more.
fn written(folder: &Path) -> PathBuf {
    let path = folder.join("x.log");
    let mut log = LogWriter::open(&path, MARKET, key(1)).expect("a new log");
    for at in 0..10_u64 {
        log.append(1_000 + at, format!("{{\"n\":\n{at}}}").as_bytes()).expect("a disk");
        if matches!(at, 2 | 4 | 6) {
            log.seal().expect("a disk");
        }
    }
    drop(log);
    path
}

#[test]
fn a_log_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let text = fs::read_to_string(&path).expect("a log");
    assert!(text.starts_with("1000 {\"n\": 0}\n1001 {\"n\": 1}\n"), "{text}");
    let verified = verify(&path).expect("nobody touched it");
    assert_eq!((verified.lines, verified.sealed, verified.torn), (10, 7, 0));
    let who = (key(1).address(), "binance-usdm".to_owned(), "BTCUSDT".to_owned());
    assert_eq!(verified.signer, Some(who));
    let chain = text.lines().fold(B256::ZERO, |head, line| link(head, line.as_bytes()));
    assert_eq!(verified.head, chain);
}

#[test]
fn a_seal_comes_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/x.log");
    let mut log = LogWriter::open(&path, MARKET, key(1)).expect("a new log in a new folder");
    for at in 0..SEAL_LINES + 5 {
        log.append(at, b"{}").expect("a disk");
    }
    drop(log);
    let verified = verify(&path).expect("nobody touched it");
    assert_eq!((verified.lines, verified.sealed), (SEAL_LINES + 5, SEAL_LINES));
}

#[test]
fn what_was_cut_off_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let whole = fs::read(&path).expect("a log");
    fs::write(&path, &whole[..whole.len() - 4]).expect("a disk");
    let seals = seals_path(&path);
    let sealed = fs::read(&seals).expect("seals");
    fs::write(&seals, [&sealed[..], b"{\"venue\":\"bin"].concat()).expect("a disk");
    let verified = verify(&path).expect("a crash is no crime");
    assert_eq!((verified.lines, verified.torn > 0), (9, true));
    let mut log = LogWriter::open(&path, MARKET, key(1)).expect("gone on with");
    log.append(2_000, b"[]").expect("a disk");
    log.seal().expect("a disk");
    drop(log);
    let verified = verify(&path).expect("whole again");
    assert_eq!((verified.lines, verified.sealed, verified.torn), (10, 10, 0));
    assert!(fs::read_to_string(&path).expect("a log").ends_with("1008 {\"n\": 8}\n2000 []\n"));
}

#[test]
fn lines_under_a_seal_cannot_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let text = fs::read_to_string(&path).expect("a log");
    let six: String = text.lines().take(6).map(|line| format!("{line}\n")).collect();
    fs::write(&path, six).expect("a disk");
    assert!(matches!(verify(&path), Err(LogError::Short { have: 6, sealed: 7, .. })));
    assert!(LogWriter::open(&path, MARKET, key(1)).is_err());
}

#[test]
fn a_log_has_one_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let first = LogWriter::open(&path, MARKET, key(1)).expect("ours");
    let second = LogWriter::open(&path, MARKET, key(1));
    assert!(matches!(second, Err(LogError::Busy { .. })), "{second:?}");
    drop(first);
    assert!(LogWriter::open(&path, MARKET, key(1)).is_ok());
}

/// Wherever a crash cuts the log off after its last seal, whole lines stay and the rest goes.
#[test]
fn a_crash_anywhere_after_the_seal_costs_one_line_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let whole = fs::read(&path).expect("a log");
    let sealed: usize = whole.split_inclusive(|b| *b == b'\n').take(7).map(<[u8]>::len).sum();
    for end in sealed..whole.len() {
        fs::write(&path, &whole[..end]).expect("a disk");
        let lines = whole[..end].iter().filter(|byte| **byte == b'\n').count() as u64;
        let log = LogWriter::open(&path, MARKET, key(1)).expect("a crash is no crime");
        assert_eq!(log.lines(), lines, "cut at {end}");
        drop(log);
        let verified = verify(&path).expect("whole lines under good seals");
        assert_eq!((verified.lines, verified.sealed, verified.torn), (lines, 7, 0), "{end}");
    }
}

#[test]
fn another_hand_and_another_market_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let foreign =
        |market, key| matches!(LogWriter::open(&path, market, key), Err(LogError::Foreign { .. }));
    assert!(foreign(MARKET, key(2)));
    assert!(foreign(("binance-usdm", "ETHUSDT"), key(1)));
    let seals = seals_path(&path);
    let forged = fs::read_to_string(&seals).expect("seals").replace("BTCUSDT", "ETHUSDT");
    fs::write(&seals, forged).expect("a disk");
    assert!(matches!(verify(&path), Err(LogError::Forged { line: 1, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One changed byte under a seal is found, between the right seals.
    #[test]
    fn a_changed_byte_is_found(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = written(folder.path());
        let mut bytes = fs::read(&path).expect("a log");
        let sealed: usize = bytes.split_inclusive(|b| *b == b'\n').take(7).map(<[u8]>::len).sum();
        let at = at.index(sealed);
        let line = bytes[..at].iter().filter(|b| **b == b'\n').count() as u64 + 1;
        bytes[at] ^= flip;
        fs::write(&path, bytes).expect("a disk");
        match verify(&path) {
            Err(LogError::Changed { from, to, .. }) => prop_assert!((from..=to).contains(&line)),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// So is a changed byte of a seal.
    #[test]
    fn a_changed_seal_is_found(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = written(folder.path());
        let seals = seals_path(&path);
        let mut bytes = fs::read(&seals).expect("seals");
        let at = at.index(bytes.len() - 1);
        // The case of a hexadecimal digit says nothing.
        prop_assume!(!(bytes[at] ^ flip).eq_ignore_ascii_case(&bytes[at]));
        bytes[at] ^= flip;
        fs::write(&seals, bytes).expect("a disk");
        prop_assert!(verify(&path).is_err());
    }
}
