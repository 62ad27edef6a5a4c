//! Adds up what test runners print: cargo's, forge's and node's closing lines.
//!
//! *Invariant: a line is counted only if it is a runner's closing line, so a test that prints such
//! words inside a sentence changes nothing.*
//! Absent: any say in whether the tests passed; that is the runner's exit status.

use std::fmt;

/// How many tests passed, failed and were skipped so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Takes in one line of a runner's output.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if line.starts_with("test result: ") {
            self.add(line, ["passed;", "failed;", "ignored;"]);
        } else if line.starts_with("Ran ") && line.contains(" test suite") {
            self.add(line, ["tests passed,", "failed,", "skipped ("]);
        } else if let Some((name, count)) = node_count(line) {
            match name {
                "pass" => self.passed += count,
                "fail" => self.failed += count,
                "skipped" => self.skipped += count,
                _ => {}
            }
        }
    }

    fn add(&mut self, line: &str, units: [&str; 3]) {
        let [passed, failed, skipped] = units.map(|unit| number_before(line, unit).unwrap_or(0));
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Returns the number that stands before `unit` in a line.
fn number_before(line: &str, unit: &str) -> Option<u64> {
    let before = line.get(..line.find(&format!(" {unit}"))?)?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Reads node's `# pass 12` (or with its information sign in place of `#`).
fn node_count(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split(' ');
    let (sign, name, count) = (words.next()?, words.next()?, words.next()?);
    if !matches!(sign, "#" | "\u{2139}") || words.next().is_some() {
        return None;
    }
    Some((name, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn adds_up_the_closing_lines_of_three_runners() {
        let read = tally(&[
            "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out; in 0.1s",
            "Ran 1 test suite in 3.2ms (2.1ms CPU time): 5 tests passed, 0 failed, 0 skipped",
            "Ran 9 test suites in 1.52s (3.1s CPU time): 80 tests passed, 2 failed, 1 skipped (83)",
            "# pass 7",
            "\u{2139} fail 1",
            "# skipped 3",
        ]);
        assert_eq!(read, Tally { passed: 104, failed: 4, skipped: 6 });
    }

    #[test]
    fn other_lines_count_nothing() {
        let read = tally(&[
            "12 passed; 1 failed",
            "# pass the salt",
            "# pass 7 of 9",
            "Suite result: ok. 5 passed; 0 failed; 0 skipped; finished in 1.2ms",
            "Ran into 3 test suites",
        ]);
        assert_eq!(read, Tally::default());
    }
}
