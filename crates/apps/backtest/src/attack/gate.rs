//! The gate of one market, the contract itself in memory, before an oracle whose words are stated.
//!
//! *Invariant: every margin here is read from `RiskGate`.* Absent: claims; a report is open, and
//! then it is final, as one that nobody disputes.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolValue as _;
use chain::contracts::gate::{IRiskGate, RiskGate};
use chain::contracts::stated::StatedOracle;
use chain::local::{Local, LocalError};

use crate::error::Error;

/// The limits that `up` deploys a gate with: margins from 2 % to 60 %, at most twice as much with
/// one report, and at least four fifths.
pub const LIMITS: Limits = Limits { floor: 0.02, ceiling: 0.6, step_up: 1.0, step_down: 0.2 };
const WAD: f64 = 1e18;

/// What a gate's owner lets one report do, as shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The least initial margin.
    pub floor: f64,
    /// The greatest.
    pub ceiling: f64,
    /// How much of itself one report may add to it.
    pub step_up: f64,
    /// How much of itself one report may take from it.
    pub step_down: f64,
}

/// What a gate asks after a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Initial margin while the report's claim is open: what binds new risk at once.
    pub raised: f64,
    /// Initial margin once it is final.
    pub initial: f64,
    /// Maintenance margin once it is final.
    pub maintenance: f64,
}

/// A gate with its oracle.
#[derive(Debug)]
pub struct Gate {
    local: Local,
    oracle: Address,
    gate: Address,
    reports: u64,
}

impl Gate {
    /// Deploys one whose market starts at this initial margin and two thirds of it.
    ///
    /// # Errors
    ///
    /// [`Error::Contracts`] if the contracts cannot be deployed so.
    pub fn open(limits: Limits, initial: f64) -> Result<Gate, Error> {
        let owner = Address::with_last_byte(1);
        let mut local = Local::new(31_337, 1);
        let code = StatedOracle::BYTECODE.clone();
        let oracle = local.create(owner, ("StatedOracle", code)).map_err(refused)?;
        let arguments = (oracle, owner, owner).abi_encode_params();
        let code: Bytes = [RiskGate::BYTECODE.as_ref(), &arguments].concat().into();
        let gate = local.create(owner, ("RiskGate", code)).map_err(refused)?;
        let initial = initial.clamp(limits.floor, limits.ceiling);
        let limits = IRiskGate::Limits {
            floor: wad(limits.floor),
            ceiling: wad(limits.ceiling),
            stepUp: wad(limits.step_up),
            stepDown: wad(limits.step_down),
            priceStep: wad(0.5),
            staticInitial: wad(initial),
            staticMaintenance: wad(initial * 2.0 / 3.0),
        };
        let call = RiskGate::setMarketCall { market: B256::ZERO, limits };
        local.send((owner, gate), &call).map_err(refused)?;
        Ok(Gate { local, oracle, gate, reports: 0 })
    }

    /// Has it read a report, first with its claim open and then final.
    ///
    /// # Errors
    ///
    /// [`Error::Contracts`] if the gate refuses it.
    pub fn report(&mut self, upper: f64) -> Result<Asked, Error> {
        self.reports += 1;
        self.state(upper, false)?;
        let raised = self.initial()?;
        self.state(upper, true)?;
        let call = RiskGate::maintenanceMarginCall { market: B256::ZERO };
        let maintenance = self.local.view(self.gate, &call).map_err(refused)?;
        Ok(Asked { raised, initial: self.initial()?, maintenance: share(maintenance) })
    }

    fn state(&mut self, upper: f64, is_final: bool) -> Result<(), Error> {
        let anybody = Address::with_last_byte(2);
        let call =
            StatedOracle::stateCall { upper: wad(upper), nonce: self.reports, isFinal: is_final };
        self.local.send((anybody, self.oracle), &call).map_err(refused)?;
        let call = RiskGate::applyReportsCall { market: B256::ZERO };
        match self.local.send((anybody, self.gate), &call) {
            Ok(_) => Ok(()),
            // An open report that raises nothing and is already known.
            Err(error) if error.reverted_with() == Some("NothingToApply") => Ok(()),
            Err(error) => Err(refused(error)),
        }
    }

    fn initial(&mut self) -> Result<f64, Error> {
        let call = RiskGate::initialMarginCall { market: B256::ZERO };
        Ok(share(self.local.view(self.gate, &call).map_err(refused)?))
    }
}

fn refused(error: LocalError) -> Error {
    Error::Attack(error.to_string())
}

/// A share in WAD, rounded up as the oracle rounds upper bounds.
fn wad(share: f64) -> U256 {
    market::Wad::from_f64_up(share).map_or(U256::ZERO, |wad| U256::from(wad.0))
}

fn share(wad: U256) -> f64 {
    u128::try_from(wad).map_or(f64::INFINITY, |wad| wad as f64 / WAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_raise_binds_at_once_and_a_reduction_when_final() {
        let mut gate = Gate::open(LIMITS, 0.1).expect("a gate");
        let up = gate.report(0.15).expect("it is read");
        assert!((up.raised - 0.15).abs() < 1e-12 && (up.initial - 0.15).abs() < 1e-12);
        assert!((up.maintenance - 0.25_f64.mul_add(0.1, 0.1) * 2.0 / 3.0).abs() < 1e-9, "{up:?}");
        let down = gate.report(0.01).expect("it is read");
        assert!((down.raised - 0.15).abs() < 1e-12, "{down:?}");
        assert!((down.initial - 0.12).abs() < 1e-12, "{down:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn no_report_moves_it_beyond_its_limits(
            uppers in prop::collection::vec(0.0_f64..2.0, 1..8),
        ) {
            let mut gate = Gate::open(LIMITS, 0.1).expect("a gate");
            let (mut initial, mut maintenance) = (0.1, 0.1 * 2.0 / 3.0);
            for upper in uppers {
                let asked = gate.report(upper).expect("it is read");
                let most = f64::min(initial * (1.0 + LIMITS.step_up), LIMITS.ceiling);
                let least = f64::max(initial * (1.0 - LIMITS.step_down), LIMITS.floor);
                prop_assert!(asked.raised <= most + 1e-12);
                prop_assert!(asked.initial <= most + 1e-12 && asked.initial >= least - 1e-12);
                prop_assert!(asked.maintenance <= maintenance * 1.25 + 1e-12);
                prop_assert!(asked.maintenance <= asked.initial + 1e-12);
                (initial, maintenance) = (asked.initial, asked.maintenance);
            }
        }
    }
}
