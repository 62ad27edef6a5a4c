//! `up --private`: rounds that settle with a liar, with a node that states wrong sums and with one
//! that goes silent, and updates that are with nobody but their nodes.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::harness::{Process, directory, net};

const NODES: usize = 13;
const ROUNDS: usize = 2;

fn list(value: &Value) -> Vec<u64> {
    value.as_array().expect("a list").iter().map(|one| one.as_u64().expect("a node")).collect()
}

#[test]
fn a_private_job_trains_and_shows_no_update() {
    let root = directory();
    let rounds = ROUNDS.to_string();
    let args =
        ["--private", "--false-sum", "--rounds", &rounds, "--exit", "--json", "--port", "9400"];
    let json = Process::up(root.path(), &args).finish().json();
    let settled = json["rounds"].as_array().expect("rounds");
    assert_eq!(settled.len(), ROUNDS);
    for round in settled {
        check(round, json["liar"].as_u64().expect("a node"));
        who_lies_is_convicted(round, json["wrong"].as_u64().expect("a node"));
    }
    let losses: Vec<f64> =
        settled.iter().map(|one| one["loss"].as_f64().expect("a loss")).collect();
    assert!(losses.iter().all(|loss| loss.is_finite() && *loss < 10.0), "{losses:?}");
    no_update_is_elsewhere(&net(root.path()));
}

/// Buckets partition the nodes that committed; a row with the liar's update is rejected, and pay is
/// for the others that were summed.
fn check(round: &Value, liar: u64) {
    let buckets = round["buckets"].as_array().expect("buckets");
    let mut seen = BTreeSet::new();
    let mut paid = BTreeSet::new();
    for bucket in buckets {
        let (trainers, summed) = (list(&bucket["trainers"]), list(&bucket["summed"]));
        assert!(trainers.iter().all(|node| seen.insert(*node)), "twice in a bucket: {round}");
        assert!(list(&bucket["members"]).iter().all(|member| !trainers.contains(member)));
        match bucket["accepted"].as_bool() {
            None => assert!(summed.is_empty(), "{bucket}"),
            Some(accepted) => {
                assert!(summed.len() >= 3, "{bucket}");
                assert!(!accepted || !summed.contains(&liar), "the liar's row counts: {round}");
                paid.extend(summed.into_iter().filter(|_| accepted));
            }
        }
    }
    let pay = round["pay"].as_object().expect("pay by node");
    let got: BTreeSet<u64> = pay.keys().map(|node| node.parse().expect("a node")).collect();
    assert_eq!(got, paid, "{round}");
    let total: f64 = pay.values().map(|tokens| tokens.as_f64().expect("tokens")).sum();
    assert!(total > 99.0 && total <= 100.0, "{total}");
}

/// Nobody else is, and it is wherever both of its sums had another holder that stated its own.
fn who_lies_is_convicted(round: &Value, wrong: u64) {
    let (lied, gone) = (list(&round["lied"]), list(&round["gone"]));
    assert!(lied.iter().all(|node| *node == wrong), "{round}");
    for bucket in round["buckets"].as_array().expect("buckets") {
        let members = list(&bucket["members"]);
        let had_a_row = !list(&bucket["summed"]).is_empty();
        if had_a_row && members.contains(&wrong) && !members.iter().any(|one| gone.contains(one)) {
            assert!(!lied.is_empty(), "{round}");
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn has(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// The last update of each node is in its own database, and in no other file of the network: not
/// with another node, not on the chain.
fn no_update_is_elsewhere(net: &Path) {
    let all: Vec<(PathBuf, Vec<u8>)> = files(net)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(&path).expect("readable")))
        .collect();
    let dir = |node: usize| net.join(format!("node-{node}"));
    // An honest update's first coordinates are bytes that nothing else has by chance.
    let mut kept = 0;
    for node in (0..NODES).filter(|node| *node != 3) {
        // One that came too late for every round has made none.
        let Ok(update) = node::private_update(&dir(node)) else { continue };
        kept += 1;
        let needle = &update[..update.len().min(64)];
        assert!(needle.len() >= 16 && needle.iter().any(|byte| *byte != 0));
        let holders: Vec<&PathBuf> =
            all.iter().filter(|(_, bytes)| has(bytes, needle)).map(|(path, _)| path).collect();
        assert!(!holders.is_empty(), "what is looked for is what is kept");
        assert!(holders.iter().all(|path| path.starts_with(dir(node))), "{node}: {holders:?}");
    }
    assert!(kept >= 6, "a round has six trainers at least: {kept}");
}
