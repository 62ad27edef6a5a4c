//! What cannot be done is said in one sentence, with a non-zero exit, and nothing is left broken.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    harness::{self, Ended, Process, directory, net, run, text, wait_for},
    rounds::check,
};

/// Asserts that a start with these arguments is refused with a sentence that holds `what`.
fn refused(root: &Path, args: &[&str], what: &str) {
    let error = start(root, args);
    let error = error.error();
    assert!(error.contains(what), "{args:?}: {error}");
}

fn start(root: &Path, args: &[&str]) -> Ended {
    let dir = net(root);
    run(root, &[&["up", "--rounds", "1", "--exit", "--dir", text(&dir)], args].concat())
}

#[test]
fn choices_that_cannot_be_are_refused_and_not_kept() {
    let root = directory();
    let root = root.path();
    refused(root, &["--live"], "--live is not there yet");
    refused(root, &["--model", "oracle"], "--model");
    refused(root, &["--rpc", "http://127.0.0.1:1"], "--rpc needs --key");
    assert!(!net(root).join("up.json").exists(), "a refused choice was kept");
}

#[test]
fn an_account_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let root = directory();
    let root = root.path();
    let (key, password) = (root.join("key.json"), root.join("password"));
    node::keys::create_keystore(&key, "right", node::keys::Cost::Light).expect("a keystore");
    // A port that was free a moment ago and that nobody answers on.
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", closed.expect("a port"));
    let with = |key: &Path, more: &[&str], what: &str| {
        refused(root, &[&["--rpc", &url, "--key", text(key)], more].concat(), what);
    };
    let file = ["--password-file", text(&password)];
    with(&root.join("nowhere"), &file, "no such file");
    with(&key, &[], "no terminal to ask for the password");
    with(&key, &file, "--password-file");
    std::fs::write(&password, "wrong\n").expect("written");
    with(&key, &file, "password");
    std::fs::write(&password, "right\n").expect("written");
    with(&key, &file, "no chain answers at");
    std::fs::write(&key, "{}").expect("written");
    with(&key, &file, "key.json");
    assert!(!net(root).join("up.json").exists(), "a refused choice was kept");
}

/// The system's limit on the size of a file stands for a full disk: a write fails, and no signal
/// comes.
#[test]
fn a_full_disk_is_said_and_a_later_start_goes_on() {
    let root = directory();
    let root = root.path();
    let script = "trap '' XFSZ; ulimit -f 400; exec \"$@\"";
    let mut limited = Command::new("sh");
    let dir = net(root);
    limited.args(["-c", script, "sh", env!("CARGO_BIN_EXE_assay")]).stdin(Stdio::null());
    limited.args(["up", "--rounds", "1", "--exit", "--json", "--dir", text(&dir)]);
    let ended = Process::start(limited, &root.join("limited")).finish();
    assert!(ended.error().contains("the embedded chain does not start"), "{}", ended.error());
    assert!(ended.stderr.contains("File too large"), "{}", ended.stderr);
    check(&harness::up(root, &["--rounds", "1", "--port", "19250"]).json(), 1, 1);
}

#[test]
fn replay_of_nothing_says_so() {
    let root = directory();
    let dir = net(root.path());
    let nothing = run(root.path(), &["replay", "1", "--dir", text(&dir)]);
    assert!(nothing.error().contains("holds no network"), "{}", nothing.error());
    assert!(!dir.exists(), "replay made a directory");
}

/// Replaces a field of a JSON file and returns what was there.
fn change(path: &Path, field: &str, value: Value) -> Value {
    let bytes = std::fs::read(path).expect("a file of the network");
    let mut json: Value = serde_json::from_slice(&bytes).expect("it is JSON");
    let before = std::mem::replace(&mut json[field], value);
    std::fs::write(path, json.to_string()).expect("written");
    before
}

#[test]
fn a_directory_is_one_process_s_and_keeps_to_its_choices() {
    let root = directory();
    let root = root.path();
    let dir = net(root);
    // The explorer's port is in use, so another one is taken.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let first = Process::up(root, &["--rounds", "1", "--exit", "--json", "--port", &port]);
    wait_for("the lock", || dir.join("chain/pid").exists().then_some(()));
    refused(root, &[], "another assay works in");
    let json = first.finish().json();
    check(&json, 1, 1);
    let explorer = json["explorer"].as_str().expect("an address");
    assert!(!explorer.ends_with(&format!(":{port}")), "{explorer}");

    refused(root, &["--no-liar"], "was started with --model har");
    refused(root, &["--model", "mlp"], "was started with --model har");
    let settings = dir.join("up.json");
    let format = change(&settings, "format", 99.into());
    refused(root, &[], "was written by a newer assay (format 99");
    change(&settings, "format", format);
    let deployment = dir.join("deployment.json");
    let chain_id = change(&deployment, "chain_id", 5.into());
    refused(root, &[], "this directory's contracts are on chain 5");
    change(&deployment, "chain_id", chain_id);

    check(&harness::up(root, &["--rounds", "1", "--port", &port]).json(), 2, 1);
}
