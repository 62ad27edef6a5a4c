//! What the fuzzer has found is fed again, and its list of targets is this one.

use std::path::{Path, PathBuf};

use hostile::{feed, targets};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn every_input_of_the_corpus_keeps_every_promise() {
    for (name, _) in targets() {
        let inputs = std::fs::read_dir(folder().join(name));
        let inputs = inputs.unwrap_or_else(|error| panic!("corpus/{name}: {error}"));
        let mut count = 0;
        for input in inputs {
            let path = input.expect("an entry of a folder").path();
            println!("{}", path.display());
            feed(name, &std::fs::read(&path).expect("a file of the corpus"));
            count += 1;
        }
        assert!(count > 0, "corpus/{name} is empty, so nothing is fed");
    }
}

/// A seed that no longer decodes would leave the fuzzer knocking at a closed door.
#[test]
fn the_corpus_reaches_behind_the_first_check() {
    let read = |path: &str| std::fs::read(folder().join(path)).expect("a seed");
    assert!(tensor::Program::decode(&read("program/seed-one-step-of-gradient-descent")).is_ok());
    let listing = String::from_utf8(read("listing/seed-small")).expect("text");
    assert!(listing.parse::<tensor::Program>().is_ok());
    let update = read("packed/seed-uneven");
    assert_eq!(round::packed::decode(&update[2..], 65).map(|update| update[64]), Ok(3));
    assert!(net::Request::decode(&read("message/seed-request")).is_ok());
    assert!(net::Request::decode(&read("message/seed-piece")).is_ok());
    assert!(net::Response::decode(&read("message/seed-piece-answer")).is_ok());
    let greeting = read("greeting/seed-hello");
    let greeting = greeting.first_chunk().expect("as long as a greeting");
    assert!(net::Greeting::decode(greeting).is_some());
    let update = read("wire/seed-okx-update");
    let venue = feeds::Venue::ALL[usize::from(update[0])];
    assert_eq!(venue.parse(&update[1..]).map(|messages| messages.len()), Ok(1));
    let keystore = String::from_utf8(read("keystore/seed-light")).expect("text");
    assert_eq!(node::keys::check_keystore(&keystore), Ok(()));
}

#[test]
fn the_fuzzer_has_every_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).expect("dev/fuzz is there");
    for (name, _) in targets() {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} has no entry");
        let source = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs")));
        let source = source.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(source.contains(&format!("hostile::feed(\"{name}\"")), "{name} feeds another");
    }
}
