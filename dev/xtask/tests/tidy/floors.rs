//! The floors: who may depend on whom, read from the manifests.
//!
//! The table is docs/architecture.md's code map in one place. A new edge is a reviewed diff here.
//!
//! *Invariant: the pure floor sees no socket, disk, clock or thread, not even through a library.*

use std::process::Command;

use serde_json::Value;

use super::{files, report};

/// Each crate with the crates of the house it may use in what ships.
const FLOORS: &[(&str, &str, &[&str])] = &[
    ("pure", "tensor", &[]),
    ("pure", "court", &["tensor"]),
    ("pure", "learn", &["tensor"]),
    ("pure", "onnx", &["tensor"]),
    ("pure", "round", &["tensor", "court", "learn"]),
    ("pure", "market", &["tensor", "learn"]),
    ("shell", "kernels", &["tensor"]),
    ("shell", "feeds", &["tensor", "learn", "market"]),
    ("shell", "chain", &["tensor", "court", "learn", "round", "market"]),
    ("shell", "net", &["tensor", "court", "round"]),
    ("shell", "node", &[PURE, "kernels", "feeds", "chain", "net"]),
    ("apps", "explorer", &["tensor"]),
    ("apps", "backtest", &[PURE, "kernels", "feeds", "chain", "explorer"]),
    ("apps", "shadow", &[PURE, "feeds", "chain", "backtest"]),
    (
        "apps",
        "assay",
        &[PURE, "kernels", "feeds", "chain", "net", "node", "explorer", "backtest", "shadow"],
    ),
    ("dev", "attacks", &[PURE, "kernels", "laws"]),
    ("dev", "exact", &[PURE, "kernels"]),
    ("dev", "hostile", &[PURE, "feeds", "net", "node", "laws"]),
    ("dev", "laws", &[PURE, "kernels"]),
    ("dev", "sim", &[PURE, "kernels"]),
    ("dev", "xtask", &[]),
];

/// Stands for every crate of the pure floor.
const PURE: &str = "pure/*";

/// All that the pure floor may buy: nothing that opens, waits, or rolls dice.
const PURE_MAY_BUY: &[&str] =
    &["thiserror", "serde", "serde_json", "sha3", "blake3", "hex", "prost"];

/// What tests may use besides: the house's own suites, data and fast kernels.
const TESTS_MAY_USE: &[&str] = &["laws", "sim", "feeds", "kernels"];

struct Edge {
    to: String,
    in_house: bool,
    in_tests: bool,
}

struct Member {
    name: String,
    manifest: String,
    edges: Vec<Edge>,
}

#[test]
fn dependencies_point_down() {
    let mut findings = Vec::new();
    for member in members() {
        let Some((floor, _, allowed)) = FLOORS.iter().find(|(_, name, _)| *name == member.name)
        else {
            findings.push(format!("{} is in no floor: add it to the table", member.name));
            continue;
        };
        let home = if *floor == "dev" { "dev/".to_owned() } else { format!("crates/{floor}/") };
        if !member.manifest.contains(&home) {
            findings.push(format!("{} belongs in {home}", member.name));
        }
        for edge in &member.edges {
            if !may_use(floor, allowed, edge) {
                findings.push(format!("{} must not use {}", member.name, edge.to));
            }
        }
    }
    report("dependencies point down; docs/architecture.md has the map", findings);
}

fn may_use(floor: &str, allowed: &[&str], edge: &Edge) -> bool {
    let to = edge.to.as_str();
    if !edge.in_house {
        return floor != "pure" || edge.in_tests || PURE_MAY_BUY.contains(&to);
    }
    let pure = FLOORS.iter().any(|(floor, name, _)| *floor == "pure" && *name == to);
    let listed = allowed.contains(&to) || (pure && allowed.contains(&PURE));
    listed || (edge.in_tests && (pure || floor != "pure" || TESTS_MAY_USE.contains(&to)))
}

#[test]
fn every_crate_takes_the_lints() {
    let mut findings = Vec::new();
    for member in members() {
        let text = std::fs::read_to_string(&member.manifest).expect("cargo just read it");
        if !text.contains("[lints]\nworkspace = true") {
            findings.push(format!("{}: add `[lints] workspace = true`", member.name));
        }
        let own = member.manifest.replace("Cargo.toml", "clippy.toml");
        if std::fs::exists(&own).unwrap_or(false) {
            findings.push(format!("{own} would replace the floor's"));
        }
    }
    report("lints are set once, for everybody", findings);
}

#[test]
fn the_lock_file_names_only_what_is_committed() {
    let lock = std::fs::read_to_string(files::root().join("Cargo.lock")).expect("cargo wrote it");
    let tracked = files::tracked();
    let mut findings = Vec::new();
    for package in lock.split("[[package]]").skip(1).filter(|p| !p.contains("\nsource = ")) {
        let name = package.split('"').nth(1).unwrap_or_default();
        if !tracked.iter().any(|path| path.ends_with(&format!("/{name}/Cargo.toml"))) {
            findings.push(format!("Cargo.lock: {name}"));
        }
    }
    for line in lock.lines().filter(|line| line.starts_with("source = ")) {
        if !line.starts_with("source = \"registry+https://github.com/rust-lang/") {
            findings.push(format!("Cargo.lock: {line}"));
        }
    }
    report("a fresh clone must be able to use Cargo.lock as it is", findings);
}

/// Returns the workspace's crates that git tracks or would commit.
fn members() -> Vec<Member> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(files::root())
        .output()
        .expect("cargo runs this test, so it is there");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("cargo lists packages");
    let member = |package: &Value| Member {
        name: text(&package["name"]),
        manifest: text(&package["manifest_path"]).replace('\\', "/"),
        edges: package["dependencies"].as_array().into_iter().flatten().map(edge).collect(),
    };
    let tracked = files::tracked();
    let root = text(&metadata["workspace_root"]).replace('\\', "/");
    let committed = |m: &Member| tracked.iter().any(|path| m.manifest == format!("{root}/{path}"));
    packages.iter().map(member).filter(committed).collect()
}

fn edge(dependency: &Value) -> Edge {
    Edge {
        to: text(&dependency["name"]),
        in_house: dependency["path"].is_string(),
        in_tests: dependency["kind"] == "dev",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
