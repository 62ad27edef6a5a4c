//! A stranger's node in a running network: made, staked, run, watched, and home again.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use serde_json::Value;

use crate::harness::{Process, assay, directory, net, run, text, wait_for};

/// Rounds that the stranger has to be in.
const ROUNDS: u64 = 2;

fn made(root: &Path) -> String {
    root.join("own").display().to_string()
}

fn status(root: &Path) -> Value {
    run(root, &["node", "status", "--dir", &made(root), "--json"]).json()
}

/// One metric, off the page that Prometheus reads.
fn metric(address: &str, name: &str) -> Option<f64> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    let line = page.lines().find(|line| line.starts_with(&format!("{name} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// What a node that came late says of how it began.
fn check_checkpoint(root: &Path, now: &Value) {
    // It came when the state was another than the first, so it had to fetch it, and says so.
    let log = std::fs::read_to_string(root.join("own-node.err")).expect("its log");
    assert!(log.contains("the checkpoint is here, every piece checked"), "{log}");
    let state = &now["checkpoint"];
    assert_eq!((&state["stage"], &state["here"]), (&"complete".into(), &state["pieces"]), "{now}");
    assert!(state["given"].as_object().is_some_and(|given| !given.is_empty()), "{now}");
    let shown = run(root, &["node", "status", "--dir", &made(root)]);
    assert!(shown.stdout.contains("state     round"), "{}", shown.stdout);
}

#[test]
fn a_stranger_joins_is_paid_and_leaves() {
    let root = directory();
    let root = root.path();
    let network = net(root).join("network.json");
    let _up = Process::up(root, &["--no-liar", "--port", "19550"]);
    wait_for("the network's description", || network.exists().then_some(()));

    // The second round begins once the first has settled: the state is another by then.
    let settled = || {
        std::fs::read_dir(net(root))
            .ok()?
            .flatten()
            .find_map(|entry| entry.path().join("rounds").join("2.json").exists().then_some(()))
    };
    wait_for("the second round of the others", settled);

    let payee = "0x00000000000000000000000000000000000C01d5";
    let own = made(root);
    // Noise far too small to hide anything, which leaves the update fit to be accepted.
    let noise = ["--noise", "0.02", "--budget", "1000000"];
    let init = ["node", "init", "--network", text(&network), "--dir", &own, "--payee", payee];
    let init = [&init[..], &noise].concat();
    let shy = [&init[..6], &["--noise", "1", "--budget", "0.1"]].concat();
    let refused = run(root, &shy);
    assert!(refused.error().contains("one update tells"), "{}", refused.error());
    let made = run(root, &init);
    assert!(made.status.success(), "{}", made.stderr);
    let again = run(root, &init);
    assert!(again.error().contains("holds a node already"), "{}", again.error());

    let join = ["node", "join", "--dir", &own];
    let poor = run(root, &join);
    assert!(poor.error().contains("has no gas"), "{}", poor.error());
    let before = status(root);
    assert!(before["index"].is_null(), "{before}");
    let key = before["key"].as_str().expect("an address").to_owned();
    let given = run(root, &["node", "faucet", &key, "--dir", text(&net(root))]);
    assert!(given.status.success(), "{}", given.stderr);
    let joined = run(root, &join);
    assert!(joined.stdout.contains("node 4 joined"), "{}{}", joined.stdout, joined.stderr);

    let node = assay(&["node", "run", "--dir", &own, "--metrics", "127.0.0.1:0"]);
    let node = Process::start(node, &root.join("own-node"));
    let metrics = wait_for("the address of the metrics", || {
        let log = std::fs::read_to_string(root.join("own-node.err")).ok()?;
        log.split("metrics address=").nth(1)?.split_whitespace().next().map(str::to_owned)
    });
    let finished = || metric(&metrics, "assay_rounds_finished_total").filter(|n| *n >= 1.0);
    wait_for("metrics of a round that ended", finished);
    let third = "assay_concentration_nakamoto_third{of=\"stake\",over=\"all\"}";
    // Five nodes with one stake: two of them hold more than a third.
    wait_for("who holds what", || metric(&metrics, third).filter(|nodes| *nodes == 2.0));
    let paid = |status: &Value| {
        let paid = status["paid"].as_str().and_then(|paid| paid.parse::<f64>().ok());
        paid.is_some_and(|paid| paid > 0.0)
    };
    let kept = |status: &Value| status["rounds_kept"].as_u64() >= Some(ROUNDS);
    let now = wait_for("pay", || Some(status(root)).filter(|now| paid(now) && kept(now)));
    assert_eq!((&now["index"], &now["active"]), (&4.into(), &true.into()), "{now}");
    let told = &now["privacy"];
    assert!(told["releases"].as_u64() >= Some(1), "{now}");
    assert!(told["epsilon"].as_f64() > Some(1_000.0), "{now}");
    assert_eq!(now["payee"].as_str().map(str::to_lowercase), Some(payee.to_lowercase()));

    check_checkpoint(root, &now);

    let leave = ["node", "leave", "--dir", &own];
    let left = run(root, &leave);
    assert!(left.stdout.contains("no further seats"), "{}{}", left.stdout, left.stderr);
    let early = run(root, &leave);
    assert!(early.error().contains("is bound until block"), "{}", early.error());
    let after = status(root);
    assert_eq!(after["active"], false, "{after}");
    assert!(after["unbond_block"].as_u64() > after["block"].as_u64(), "{after}");
    drop(node);
}

#[test]
fn what_is_missing_is_said() {
    let root = directory();
    let root = root.path();
    let own = made(root);
    let none = run(root, &["node", "status", "--dir", &own]);
    assert!(none.error().contains("run `assay node init` first"), "{}", none.error());
    let absent = root.join("network.json");
    let unknown = run(root, &["node", "init", "--network", text(&absent), "--dir", &own]);
    assert!(unknown.error().contains("no such file"), "{}", unknown.error());
}
