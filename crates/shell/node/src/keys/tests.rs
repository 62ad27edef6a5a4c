//! Keys that are made, found again, and refused.

use alloy::primitives::B256;
use serde_json::Value;

use super::*;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("the system has a place for temporary files")
}

#[test]
fn keys_are_made_once_and_found_again() {
    let dir = dir();
    let node = dir.path().join("node-0");
    let made = Keys::open(&node, "password", Cost::Light).expect("a fresh directory can be used");
    let found = Keys::open(&node, "password", Cost::Light).expect("the keys are there");
    assert_eq!(found.chain.address(), made.chain.address());
    assert_eq!(found.peer, made.peer);
    let other = Keys::open(&dir.path().join("node-1"), "password", Cost::Light).expect("fresh");
    assert_ne!(other.chain.address(), made.chain.address());
    assert_ne!(other.peer, made.peer);
    assert!(!format!("{made:?}").contains(&hex::encode(made.peer)));
}

#[test]
fn a_wrong_password_is_one_sentence() {
    let dir = dir();
    let path = dir.path().join("chain.json");
    create_keystore(&path, "right", Cost::Light).expect("a fresh directory can be used");
    let error = open_keystore(&path, "wrong").expect_err("the password is wrong");
    assert_eq!(error.to_string(), format!("wrong password for {}", path.display()));
    open_keystore(&path, "right").expect("the file is unharmed");
}

#[test]
fn a_key_is_never_replaced() {
    let dir = dir();
    let path = dir.path().join("chain.json");
    let first = create_keystore(&path, "password", Cost::Light).expect("fresh");
    let error = create_keystore(&path, "password", Cost::Light).expect_err("one is there");
    assert!(matches!(error, KeyError::Io { .. }), "{error}");
    let kept = open_keystore(&path, "password").expect("the first one is there still");
    assert_eq!(kept.address(), first.address());
    let left: Vec<_> = fs::read_dir(dir.path()).expect("listable").collect();
    assert_eq!(left.len(), 1, "nothing is left beside it");
}

/// The example of the format's own definition, which others' wallets wrote.
#[test]
fn a_foreign_keystore_opens() {
    let dir = dir();
    let path = dir.path().join("foreign.json");
    let text = r#"{"crypto":{"cipher":"aes-128-ctr",
        "cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
        "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
        "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;
    fs::write(&path, text).expect("writable");
    let signer = open_keystore(&path, "testpassword").expect("the definition's own example");
    let secret = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    assert_eq!(hex::encode(signer.to_bytes()), secret);
}

#[test]
fn damaged_and_absurd_keystores_are_refused_before_they_are_opened() {
    let dir = dir();
    let path = dir.path().join("chain.json");
    create_keystore(&path, "password", Cost::Light).expect("fresh");
    let good: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
    let cases: [(&str, Value); 8] = [
        ("/version", 4.into()),
        ("/crypto/cipher", "aes-256-gcm".into()),
        ("/crypto/cipherparams/iv", "00".into()),
        ("/crypto/ciphertext", "zz".into()),
        ("/crypto/kdf", "argon2".into()),
        ("/crypto/kdfparams/dklen", 16.into()),
        ("/crypto/kdfparams/n", 4095.into()),
        ("/crypto/kdfparams/n", (1u64 << 31).into()),
    ];
    for (field, value) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(field).expect("the field is there") = value;
        fs::write(&path, bad.to_string()).expect("writable");
        let error = open_keystore(&path, "password").expect_err(field);
        assert!(matches!(error, KeyError::NotKeystore { .. }), "{field}: {error}");
    }
    fs::write(&path, "not JSON").expect("writable");
    let error = Keys::open(dir.path(), "password", Cost::Light).expect_err("not JSON");
    assert!(matches!(error, KeyError::NotKeystore { .. }), "{error}");
}

#[test]
fn each_cost_is_written_into_the_file_that_it_protects() {
    for (cost, n) in [(Cost::Light, 4_096), (Cost::Standard, 262_144)] {
        let text = keystore::encrypt(&B256::repeat_byte(1), [2; 20].into(), "p", cost);
        let file: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(file["crypto"]["kdfparams"]["n"], n, "{cost:?}");
        assert_eq!(file["address"], hex::encode([2; 20]));
        assert_eq!(keystore::check(&text), Ok(()));
    }
}

#[cfg(unix)]
#[test]
fn secrets_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = dir();
    Keys::open(dir.path(), "password", Cost::Light).expect("fresh");
    for name in ["chain.json", "peer.key"] {
        let mode = fs::metadata(dir.path().join(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let path = dir.path().join("peer.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permitted");
    let error = peer_key(&path).expect_err("others can read it");
    assert!(matches!(error, KeyError::Exposed { .. }), "{error}");
}

#[test]
fn a_damaged_peer_key_is_refused_and_kept() {
    let dir = dir();
    let path = dir.path().join("peer.key");
    peer_key(&path).expect("fresh");
    let text = fs::read_to_string(&path).expect("readable");
    let mut file = OpenOptions::new().write(true).open(&path).expect("writable");
    file.set_len(20).expect("writable");
    file.flush().expect("writable");
    let error = peer_key(&path).expect_err("half of it is gone");
    assert!(matches!(error, KeyError::NotPeerKey { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("readable"), text[..20]);
}
