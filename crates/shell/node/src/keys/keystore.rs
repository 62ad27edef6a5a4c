//! The Web3 Secret Storage format, version 3.
//!
//! Opening is alloy's; it fixes the cost of what it writes, so writing is here. A file is checked
//! before it is opened, since lengths and costs in it are trusted by what opens it.
//!
//! Invariant: what [`encrypt`] writes passes [`check`] and is opened by [`decrypt`].

use std::path::Path;

use aes::Aes128;
use alloy::{
    primitives::{Address, B256, keccak256},
    signers::local::{LocalSignerError, PrivateKeySigner},
};
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use serde_json::{Value, json};

use super::Cost;

/// The costliest scrypt that is opened, in bytes of memory: four times what wallets ask for.
const SCRYPT_MEMORY_MAX: u64 = 1 << 30;

/// The most rounds of PBKDF2 that are run; wallets ask for about 2^18.
const PBKDF2_ROUNDS_MAX: u64 = 10_000_000;

impl Cost {
    /// Returns the binary logarithm of scrypt's N; r is 8 and p is 1.
    fn log_n(self) -> u8 {
        match self {
            Cost::Light => 12,
            Cost::Standard => 18,
        }
    }
}

pub(super) enum DecryptError {
    Password,
    Other(String),
}

/// Returns the keystore's text for one secret.
pub(super) fn encrypt(secret: &B256, address: Address, password: &str, cost: Cost) -> String {
    let salt: [u8; 32] = rand::random();
    let iv: [u8; 16] = rand::random();
    let params = scrypt::Params::new(cost.log_n(), 8, 1).expect("both costs are scrypt's");
    let mut key = [0; 32];
    scrypt::scrypt(password.as_bytes(), &salt, &params, &mut key)
        .expect("32 bytes are a length that scrypt can make");
    let mut ciphertext = secret.0;
    let key_iv = (&key[..16], &iv[..]);
    ctr::Ctr128BE::<Aes128>::new_from_slices(key_iv.0, key_iv.1)
        .expect("both are 16 bytes")
        .apply_keystream(&mut ciphertext);
    let mac = keccak256([&key[16..], &ciphertext].concat());
    let text = json!({
        "address": hex::encode(address),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex::encode(iv) },
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 1u32 << cost.log_n(),
                "r": 8,
                "p": 1,
                "salt": hex::encode(salt),
            },
            "mac": hex::encode(mac),
        },
        "id": uuid(rand::random()),
        "version": 3,
    });
    format!("{text:#}\n")
}

/// Opens a keystore that passed [`check`].
pub(super) fn decrypt(path: &Path, password: &str) -> Result<PrivateKeySigner, DecryptError> {
    PrivateKeySigner::decrypt_keystore(path, password).map_err(|error| match error {
        // The library says so in no other way than by this text.
        LocalSignerError::EthKeystoreError(inner) if inner.to_string() == "Mac Mismatch" => {
            DecryptError::Password
        }
        other => DecryptError::Other(other.to_string()),
    })
}

/// Checks all that opening takes for granted.
pub(super) fn check(text: &str) -> Result<(), String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let crypto = &file["crypto"];
    let kdf = &crypto["kdfparams"];
    if file["version"] != 3 {
        return Err("it is not of version 3".to_owned());
    }
    if crypto["cipher"] != "aes-128-ctr" {
        return Err("its cipher is not aes-128-ctr".to_owned());
    }
    if kdf["dklen"] != 32 {
        return Err("its derived key is not 32 bytes long".to_owned());
    }
    for (name, value, size) in [
        ("iv", &crypto["cipherparams"]["iv"], 16),
        ("ciphertext", &crypto["ciphertext"], 32),
        ("mac", &crypto["mac"], 32),
    ] {
        let bytes = value.as_str().and_then(|digits| hex::decode(digits).ok());
        if bytes.is_none_or(|bytes| bytes.len() != size) {
            return Err(format!("its {name} is not {size} bytes in hexadecimal"));
        }
    }
    match crypto["kdf"].as_str() {
        Some("scrypt") => check_scrypt(kdf),
        Some("pbkdf2") if kdf["prf"] != "hmac-sha256" => Err("its prf is unknown".to_owned()),
        Some("pbkdf2") => match kdf["c"].as_u64() {
            Some(1..=PBKDF2_ROUNDS_MAX) => Ok(()),
            _ => Err("its number of PBKDF2 rounds is absurd".to_owned()),
        },
        _ => Err("its key derivation is neither scrypt nor pbkdf2".to_owned()),
    }
}

fn check_scrypt(kdf: &Value) -> Result<(), String> {
    let number = |name: &str| kdf[name].as_u64().unwrap_or(0);
    let (n, r, p) = (number("n"), number("r"), number("p"));
    let memory = n.checked_mul(r).and_then(|product| product.checked_mul(128));
    let sane = n.is_power_of_two()
        && n > 1
        && (1..=32).contains(&r)
        && (1..=16).contains(&p)
        && memory.is_some_and(|bytes| bytes <= SCRYPT_MEMORY_MAX);
    if sane { Ok(()) } else { Err("its scrypt parameters are absurd".to_owned()) }
}

/// Returns random bytes as the text of a version 4 UUID.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}
