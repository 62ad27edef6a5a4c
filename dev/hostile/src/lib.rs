//! What strangers' bytes are fed to: one function a decoder.
//!
//! Each takes any bytes, and panics only where a promise is broken: a decoder panicked, decoded
//! what it does not encode back to, or a verifier took a proof that is not the one that was made.
//! `cargo xtask fuzz` runs them under libFuzzer; the bytes it has found stand in `corpus/`, and
//! `tests/corpus.rs` feeds them again on every run of the tests.
//!
//! To add a decoder, write its function, name it in [`targets`], and give it a file of three lines
//! in `dev/fuzz/fuzz_targets` and an entry in `dev/fuzz/Cargo.toml`; a test compares the lists.
//!
//! *Invariant: a target is a function of its bytes alone.*
//! Absent: what a contract alone decodes; forge's fuzzer feeds that.

mod choices;
mod judge;
mod opening;
#[cfg(feature = "shell")]
mod piece;
mod report;

#[cfg(feature = "shell")]
use feeds::{Book, Message, Venue};
#[cfg(feature = "shell")]
use net::{Greeting, Request, Response};
use tensor::Program;

/// A target's name, and what is fed.
pub type Target = (&'static str, fn(&[u8]));

/// Returns every target that this build has.
#[must_use]
pub fn targets() -> Vec<Target> {
    let pure: [Target; 6] = [
        ("program", program),
        ("listing", listing),
        ("opening", opening::opening),
        ("judge", judge::judge),
        ("report", report::report),
        ("packed", packed),
    ];
    #[cfg(feature = "shell")]
    let shell: [Target; 5] = [
        ("message", message),
        ("piece", piece::piece),
        ("greeting", greeting),
        ("keystore", keystore),
        ("wire", wire),
    ];
    #[cfg(not(feature = "shell"))]
    let shell: [Target; 0] = [];
    pure.into_iter().chain(shell).collect()
}

/// Feeds one target by its name.
///
/// # Panics
///
/// If there is no such target, or the bytes break a promise of its decoder.
pub fn feed(name: &str, bytes: &[u8]) {
    let found = targets().into_iter().find(|(target, _)| *target == name);
    let (_, target) = found.unwrap_or_else(|| panic!("{name} is no target"));
    target(bytes);
}

/// The encoding of a Program: what decodes is the one encoding of what it decoded to.
fn program(bytes: &[u8]) {
    if let Ok(program) = Program::decode(bytes) {
        assert_eq!(program.encode(), bytes, "two encodings of one Program");
    }
}

/// The listing of a Program: what parses is listed as what it is.
fn listing(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(program) = text.parse::<Program>() {
        let again = format!("{program:#}").parse::<Program>();
        assert_eq!(again, Ok(program), "a listing that reads as another Program");
    }
}

/// An update between nodes, the first two bytes telling how many elements it has: what decodes is
/// the one form of what it decoded to, and no longer than it may be.
fn packed(bytes: &[u8]) {
    let Some((count, bytes)) = bytes.split_first_chunk() else { return };
    let count = usize::from(u16::from_le_bytes(*count));
    if let Ok(update) = round::packed::decode(bytes, count) {
        assert_eq!(update.len(), count, "an update of another length");
        assert_eq!(round::packed::encode(&update), bytes, "two forms of one update");
        assert!(bytes.len() <= round::packed::size_max(count), "longer than it may be");
    }
}

/// A message between nodes: what decodes encodes, and decodes to the same again.
#[cfg(feature = "shell")]
fn message(bytes: &[u8]) {
    // A frame begins with the length, which is not part of the message.
    const PREFIX_SIZE: usize = 4;
    if let Ok(message) = Request::decode(bytes) {
        let frame = message.encode().expect("its fields were checked");
        assert_eq!(Request::decode(&frame[PREFIX_SIZE..]), Ok(message));
    }
    if let Ok(message) = Response::decode(bytes) {
        let frame = message.encode().expect("its fields were checked");
        assert_eq!(Response::decode(&frame[PREFIX_SIZE..]), Ok(message));
    }
}

/// What two nodes say first: what decodes is the one encoding of what it decoded to.
#[cfg(feature = "shell")]
fn greeting(bytes: &[u8]) {
    if let Some((bytes, _)) = bytes.split_first_chunk()
        && let Some(greeting) = Greeting::decode(bytes)
    {
        assert_eq!(greeting.encode(), *bytes, "two encodings of one greeting");
    }
}

/// A keystore file, up to where a password would be tried.
#[cfg(feature = "shell")]
fn keystore(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Refused or not: what it says of a stranger's file is a sentence, never a panic.
        let _ = node::keys::check_keystore(text);
    }
}

/// A venue's raw message, the first byte telling the venue: what is read goes into a book, and its
/// prices print as what they are.
#[cfg(feature = "shell")]
fn wire(bytes: &[u8]) {
    let Some((first, raw)) = bytes.split_first() else { return };
    let venue = Venue::ALL[usize::from(*first) % Venue::ALL.len()];
    let Ok(messages) = venue.parse(raw) else { return };
    let mut book = Book::new();
    for message in &messages {
        book.apply(message);
        let (Message::BookDelta(feeds::message::BookDelta { bids, asks, .. })
        | Message::BookSnapshot(feeds::message::BookSnapshot { bids, asks, .. })) = message
        else {
            continue;
        };
        for level in bids.iter().chain(asks) {
            assert_eq!(level.price.to_string().parse(), Ok(level.price), "a price changed");
        }
    }
}
