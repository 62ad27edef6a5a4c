//! The hashes of a round: commitments, what holders sign, seeds (docs/protocol.md §2).
//!
//! Each is the keccak-256 of a Solidity `abi.encode` whose arguments are all static, so of 32-byte
//! words one after the other, the first of which separates the domains.
//!
//! Invariant: equal to what the contract `Rounds` computes; the golden values below pin them.
//! Deliberately absent: the EIP-191 prefix around [`availability`], which is part of signing.

use tensor::Hash;

use crate::{Domain, chain::Block};

fn word(number: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

fn account(domain: &Domain) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&domain.rounds.0);
    word
}

fn tag(text: &str) -> Hash {
    Hash::of(&[text.as_bytes()])
}

/// Returns the commitment of registry index `node` to an update in a round.
#[must_use]
pub fn commitment(domain: &Domain, place: (u64, u32), update_root: Hash, salt: Hash) -> Hash {
    let (round, node) = place;
    Hash::of(&[
        &tag("assay/commit/v1").0,
        &word(domain.chain_id),
        &account(domain),
        &domain.job.0,
        &word(round),
        &word(u64::from(node)),
        &update_root.0,
        &salt.0,
    ])
}

/// Returns what a holder signs, as an EIP-191 message over these 32 bytes, once it keeps the update
/// of registry index `node`.
#[must_use]
pub fn availability(domain: &Domain, place: (u64, u32), update_root: Hash, blob: Hash) -> Hash {
    let (round, node) = place;
    Hash::of(&[
        &tag("assay/available/v1").0,
        &word(domain.chain_id),
        &account(domain),
        &word(round),
        &word(u64::from(node)),
        &update_root.0,
        &blob.0,
    ])
}

/// Returns the seed of data order and initialisation: from the opening block's hash and the salts
/// revealed before it.
#[must_use]
pub fn train_seed(job: Hash, round: u64, open_block_hash: Hash, salts: Hash) -> Hash {
    seed("assay/seed/train/v1", (job, round), open_block_hash, salts)
}

/// Returns the seed by which seats are drawn: from the opening block's hash and the salts revealed
/// before it.
#[must_use]
pub fn seats_seed(job: Hash, round: u64, open_block_hash: Hash, salts: Hash) -> Hash {
    seed("assay/seed/seats/v1", (job, round), open_block_hash, salts)
}

/// Returns what one lot draws its point by.
#[must_use]
pub fn lot(seats_seed: Hash, lot: u128) -> Hash {
    let lot = u64::try_from(lot).expect("at most 32 lots");
    Hash::of(&[&seats_seed.0, &word(lot)])
}

/// Returns the seed that elects the aggregator: from the hash of the block after the commits
/// closed.
#[must_use]
pub fn elect_seed(job: Hash, round: u64, block_hash: Hash, salts: Hash) -> Hash {
    seed("assay/seed/elect/v1", (job, round), block_hash, salts)
}

fn seed(text: &str, (job, round): (Hash, u64), block_hash: Hash, salts: Hash) -> Hash {
    Hash::of(&[&tag(text).0, &job.0, &word(round), &word(0), &block_hash.0, &salts.0])
}

/// Returns the running hash of revealed salts after one more reveal.
#[must_use]
pub fn fold_salts(salts: Hash, node: u32, salt: Hash) -> Hash {
    Hash::of(&[&salts.0, &word(u64::from(node)), &salt.0])
}

/// Returns the block whose hash a seed takes: `target` or, where block `now` no longer reaches back
/// to it, the block a multiple of 256 later. `None` while it is to come.
#[must_use]
pub fn seed_block(target: Block, now: Block) -> Option<Block> {
    /// How far back a block sees the hashes of others.
    const REACH: Block = 256;
    let passed = now.checked_sub(1)?.checked_sub(target)?;
    Some(target + passed / REACH * REACH)
}

/// Returns the row of the aggregator among `rows` revealed seats, ascending.
///
/// `turn` is the number of fallen claims plus the number of turns that passed unused.
#[must_use]
pub fn elected_row(elect_seed: Hash, turn: u64, rows: usize) -> usize {
    let rows = rows as u128;
    let mut rest = 0_u128;
    for byte in elect_seed.0 {
        rest = (rest << 8 | u128::from(byte)) % rows;
    }
    usize::try_from((rest + u128::from(turn)) % rows).expect("less than the number of rows")
}

#[cfg(test)]
mod tests {
    use super::{
        availability, commitment, elect_seed, elected_row, fold_salts, seed_block, train_seed,
    };
    use crate::{Address, Domain};
    use tensor::Hash;

    fn domain() -> Domain {
        Domain { chain_id: 31337, rounds: Address([0xaa; 20]), job: Hash([0xbb; 32]) }
    }

    fn golden(hex: &str) -> Hash {
        hex.parse().expect("64 hex digits")
    }

    /// Values that the contract answered on an embedded chain, where the suite of the crate `chain`
    /// asks for them again.
    #[test]
    fn the_contract_computes_the_same() {
        let rounds = golden("0x000000000000000000000000ba96d2c5b8a99f21ad676234e48378219a67b614");
        let rounds = Address(rounds.0[12..].try_into().expect("twenty bytes are left"));
        let job = golden("0x5215306f9054ac36e458f583692c266e06ff1f335c1e70f99525c0471a2fa9bc");
        let domain = Domain { chain_id: 31_337, rounds, job };
        let (root, salt) = (Hash([0x11; 32]), Hash([0x22; 32]));
        assert_eq!(
            commitment(&domain, (3, 7), root, salt),
            golden("0xc83ab5da5431d3e4ed956f4592634e2c4911ad659ed0616a88f64f2e3a7e4098")
        );
        assert_eq!(
            availability(&domain, (3, 7), root, salt),
            golden("0x2b94435a8c847ff0ab5485f1ee449101f71f9252eeb3564359e6561ab3e91d58")
        );
        let opened = golden("0xbec94d1f125dc8ee0e422736531f7fa46417e39677244d67823ef0a9d9c8b8af");
        assert_eq!(
            train_seed(job, 1, opened, Hash::ZERO),
            golden("0x758b41d78f642388bd7cc02d220041fa545e619657f9518c1200d729c831aa77")
        );
        let elects = golden("0x57a83b26a993af802aeae494e779930379285976cb79711a2b2fd44257a62441");
        assert_eq!(
            elect_seed(job, 1, elects, Hash::ZERO),
            golden("0xac8331d52f3863833bbd1477bfae4f216c9516ed15f868208b95641b6745eaae")
        );
        let first = golden("0x97d51ff0f5f6a23171cec35cc16d79ae9c7464f7f722463543187f32021e7778");
        let second = golden("0x86ffad5023109a05f6ddcf35b8b7e1bdc79a643352d1b584fc10815a9c738c72");
        assert_eq!(
            fold_salts(fold_salts(Hash::ZERO, 0, first), 1, second),
            golden("0x162b37fb340901a2bf180148c66a57539f2806bcf2e1db663419bdc41acf3b93")
        );
    }

    #[test]
    fn every_argument_separates() {
        let base = commitment(&domain(), (1, 2), Hash([3; 32]), Hash([4; 32]));
        let mut other = domain();
        other.chain_id += 1;
        let others = [
            commitment(&other, (1, 2), Hash([3; 32]), Hash([4; 32])),
            commitment(&domain(), (2, 2), Hash([3; 32]), Hash([4; 32])),
            commitment(&domain(), (1, 3), Hash([3; 32]), Hash([4; 32])),
            commitment(&domain(), (1, 2), Hash([4; 32]), Hash([4; 32])),
            commitment(&domain(), (1, 2), Hash([3; 32]), Hash([3; 32])),
            availability(&domain(), (1, 2), Hash([3; 32]), Hash([4; 32])),
        ];
        assert!(others.iter().all(|hash| *hash != base));
        assert_ne!(fold_salts(base, 1, base), fold_salts(base, 2, base));
        assert_ne!(train_seed(base, 1, base, base), train_seed(base, 2, base, base));
    }

    #[test]
    fn the_block_of_a_seed_stays_within_reach() {
        assert_eq!(seed_block(11, 11), None);
        assert_eq!(seed_block(11, 12), Some(11));
        assert_eq!(seed_block(11, 267), Some(11));
        assert_eq!(seed_block(11, 268), Some(267));
        assert_eq!(seed_block(0, 0), None);
    }

    #[test]
    fn rows_take_turns() {
        let seed = Hash([0xff; 32]);
        // 2^256 - 1 is 0 mod 3 and mod 5 (2 is a root of order 2 and 4), and 1 mod 7.
        assert_eq!([elected_row(seed, 0, 3), elected_row(seed, 0, 5)], [0, 0]);
        assert_eq!(elected_row(seed, 0, 7), 1);
        assert_eq!([0, 1, 2, 3, 4].map(|turn| elected_row(seed, turn, 3)), [0, 1, 2, 0, 1]);
    }
}
