//! The reference interpreter obeys the laws, and the committed vectors are what it gives.

laws::evaluator!(tensor::eval);

#[test]
fn hashes_and_roots_are_golden() {
    laws::vectors::check_commitments();
}

#[test]
fn committed_vectors_are_up_to_date() {
    for (name, text) in laws::vectors::generate() {
        let committed = std::fs::read_to_string(laws::vectors::folder().join(name));
        let same = committed.is_ok_and(|committed| committed == text);
        assert!(same, "{name} differs; `cargo xtask vectors` writes it anew");
    }
}

#[test]
fn margins() {
    laws::vectors::check_margins();
    laws::vectors::check_surfaces();
}
