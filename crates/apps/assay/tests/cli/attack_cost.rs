//! `assay attack-cost`: a small simulation, twice, and what it refuses.

use crate::harness::{directory, run};

const SMALL: [&str; 7] = ["attack-cost", "--seats", "4", "--rounds", "1", "--repeats", "1"];

#[test]
fn the_table_comes_again_to_the_digit_and_honest_seats_move_little() {
    let folder = directory();
    let root = folder.path();
    let json = [&SMALL[..], &["--json"]].concat();
    let report = run(root, &json).json();
    assert_eq!(report, run(root, &json).json());
    let rows = report["poison"].as_array().expect("rows");
    assert_eq!(rows.len(), 6, "1, 2 and 3 of 4 seats, both ways");
    for row in rows {
        let moved = row["report"]["most"].as_f64().expect("a share");
        assert!(moved * if row["way"] == "down" { -1.0 } else { 1.0 } >= 0.0, "{row}");
        assert!(row["cost"].as_f64().expect("dollars") > 0.0, "{row}");
    }
    let alone = &report["panel"][0];
    assert_eq!((alone["providers"].as_u64(), alone["down"].as_u64()), (Some(1), Some(1)));

    let told = run(root, &SMALL);
    assert!(told.status.success(), "{}", told.stderr);
    assert!(told.stdout.contains("pays above $"), "{}", told.stdout);
}

#[test]
fn what_cannot_be_is_refused_in_one_sentence() {
    let folder = directory();
    let root = folder.path();
    for (option, value, said) in [
        ("--seats", "13", "--seats is from 4 to 12"),
        ("--rounds", "0", "--rounds is at least 1"),
        ("--by", "0", "--by is a number above zero"),
        ("--rounds", "900", "fewer --rounds"),
    ] {
        let refused = run(root, &["attack-cost", option, value]);
        assert!(refused.error().contains(said), "{}", refused.error());
    }
}
