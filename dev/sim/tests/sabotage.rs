//! A check of the checkers: every mistake that is put in is found, and by the right property.

use sim::{Failure, Sabotage, Size, Violation, sabotaged};

/// Small worlds, of which many are quick.
const SIZE: Size = Size { nodes: Some(10), rounds: Some(8), scores: Some(false) };

/// Whether a failure is what a mistake ought to be found by.
fn fits(mistake: Sabotage, failure: &Failure) -> bool {
    let violation = match failure {
        Failure::Safety { violation, .. } => violation,
        Failure::Liveness { .. } => {
            return matches!(mistake, Sabotage::NoSettling | Sabotage::NoScoreSettling);
        }
        _ => return false,
    };
    match mistake {
        Sabotage::ForgottenLog => matches!(violation, Violation::DoubleCommitment { .. }),
        Sabotage::WrongBits => matches!(violation, Violation::Dispute { .. }),
        Sabotage::NoChallenge => matches!(violation, Violation::Result { .. }),
        Sabotage::NoReveal => matches!(violation, Violation::Penalty { .. }),
        Sabotage::NoSettling | Sabotage::NoScoreSettling => false,
        Sabotage::HiddenPay => matches!(violation, Violation::Balance { .. }),
        Sabotage::RepeatedPay => matches!(violation, Violation::Pay { .. }),
        Sabotage::HiddenPenalty => matches!(violation, Violation::Stake { .. }),
        Sabotage::RepeatedEnd => matches!(violation, Violation::Twice { .. }),
        Sabotage::NoScoreChallenge => matches!(violation, Violation::Score { .. }),
        Sabotage::RepeatedScore => matches!(violation, Violation::Scored { .. }),
        Sabotage::UnsaidBurn => matches!(violation, Violation::Burn { .. }),
    }
}

#[test]
fn every_mistake_is_found_by_its_property() {
    const SEEDS: u64 = 40;
    for mistake in Sabotage::ALL {
        let size = Size { scores: Some(mistake.is_of_scores()), ..SIZE };
        let mut failures = (0..SEEDS).filter_map(|seed| sabotaged(seed, size, mistake).err());
        let found = failures.find(|failure| fits(mistake, failure));
        println!("{mistake:?}: {found:?}");
        assert!(found.is_some(), "{mistake:?} went unnoticed in {SEEDS} seeds");
    }
}
