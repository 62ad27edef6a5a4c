//! A bundle that would make our margins hers, inside her own limits: for a Safe, or through a
//! timelock.
//!
//! *Invariant: a proposal is within the gate's floor, ceiling and steps, and its maintenance margin
//! is not above its initial one.* Absent: sending it. Her owners read it and sign it, or do not.

use std::str::FromStr;

use alloy::dyn_abi::DynSolValue;
use alloy::json_abi::Function;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ours::Margins;
use crate::source::{Reading, SourceError, Target, Unit};

mod timelock {
    #![allow(missing_docs, reason = "generated from the declaration below")]
    alloy::sol! {
        // As TimelockController of OpenZeppelin 4 and 5 has them.
        function scheduleBatch(
            address[] targets,
            uint256[] values,
            bytes[] payloads,
            bytes32 predecessor,
            bytes32 salt,
            uint256 delay
        );
        function executeBatch(
            address[] targets,
            uint256[] values,
            bytes[] payloads,
            bytes32 predecessor,
            bytes32 salt
        );
    }
}

/// What a proposal may not leave; shares of a position's value, and of what holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// The least initial margin.
    pub floor: f64,
    /// The largest initial margin.
    pub ceiling: f64,
    /// How much a proposal may raise a margin, as a share of it.
    pub step_up: f64,
    /// How much it may lower one.
    pub step_down: f64,
}

/// One market's change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// The market, as she calls it.
    pub market: String,
    /// What holds: initial, maintenance.
    pub now: [f64; 2],
    /// What we would set without a gate.
    pub ours: [f64; 2],
    /// What is proposed.
    pub proposed: [f64; 2],
    /// The limits that made it differ from ours.
    pub held_by: Vec<&'static str>,
}

impl Proposal {
    /// Returns what is proposed for a market.
    #[must_use]
    pub fn new(market: &Target, now: &Reading, ours: &Margins, gate: &Gate) -> Proposal {
        let mut held_by = Vec::new();
        let mut within = |value: f64, now: f64, bounds: Option<(f64, f64)>| {
            let mut hold = |held: f64, why| {
                if held.to_bits() != value.to_bits() && !held_by.contains(&why) {
                    held_by.push(why);
                }
                held
            };
            let (mut least, mut most) = (now * (1.0 - gate.step_down), now * (1.0 + gate.step_up));
            if let Some((floor, ceiling)) = bounds {
                // Her limits hold, also where what holds now is outside of them.
                (least, most) = (least.clamp(floor, ceiling), most.clamp(floor, ceiling));
            }
            if value < least {
                let floor = bounds.is_some_and(|(floor, _)| least <= floor);
                hold(least, if floor { "floor" } else { "step down" })
            } else if value > most {
                let ceiling = bounds.is_some_and(|(_, ceiling)| most >= ceiling);
                hold(most, if ceiling { "ceiling" } else { "step up" })
            } else {
                value
            }
        };
        let initial = within(ours.initial, now.initial, Some((gate.floor, gate.ceiling)));
        let maintenance = within(ours.maintenance, now.maintenance, None).min(initial);
        Proposal {
            market: market.name.clone(),
            now: [now.initial, now.maintenance],
            ours: [ours.initial, ours.maintenance],
            proposed: [initial, maintenance],
            held_by,
        }
    }
}

/// The function of her contract that sets a market's margins: its first parameter is the market,
/// the other two are initial and maintenance margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setter(Function);

impl FromStr for Setter {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Setter, SourceError> {
        let refuse = |reason: String| SourceError::Call { text: text.to_owned(), reason };
        let function = Function::parse(text).map_err(|error| refuse(error.to_string()))?;
        let types: Vec<&str> = function.inputs.iter().map(|input| input.ty.as_str()).collect();
        let number = |ty: &str| ty.starts_with("uint");
        match types[..] {
            [_, initial, maintenance] if number(initial) && number(maintenance) => {}
            _ => {
                let reason = "it should take the market and two unsigned numbers, initial and \
                              maintenance margin, like setMargins(bytes32,uint256,uint256)";
                return Err(refuse(reason.to_owned()));
            }
        }
        Ok(Setter(function))
    }
}

impl Setter {
    /// Returns the bytes of a call that sets a market's margins.
    ///
    /// # Errors
    ///
    /// [`SourceError::Argument`] if the market's argument or a number does not fit.
    pub fn input(
        &self,
        market: &Target,
        unit: Unit,
        [initial, maintenance]: [f64; 2],
    ) -> Result<Bytes, SourceError> {
        let mut values = vec![market.argument(&self.0.inputs[0].ty)?];
        for (share, input) in [initial, maintenance].into_iter().zip(&self.0.inputs[1..]) {
            let bits = input.ty.trim_start_matches("uint").parse().unwrap_or(256);
            let raw = unit.raw(share);
            if raw.bit_len() > bits {
                return Err(SourceError::Argument {
                    market: market.name.clone(),
                    ty: input.ty.clone(),
                    reason: format!("{raw} does not fit; check --unit"),
                });
            }
            values.push(DynSolValue::Uint(raw, bits));
        }
        let mut bytes = self.0.selector().to_vec();
        bytes.extend(DynSolValue::Tuple(values).abi_encode_params());
        Ok(bytes.into())
    }
}

/// One call of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// What it is called with.
    pub data: Bytes,
}

/// Calls that are made together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The chain.
    pub chain_id: u64,
    /// The calls, in order.
    pub calls: Vec<Call>,
}

impl Bundle {
    /// Returns the bundle as a file that the transaction builder of a Safe opens. `created_ms` is
    /// when, Unix milliseconds; it is not signed.
    #[must_use]
    pub fn safe(&self, (name, description): (&str, &str), created_ms: u64) -> Value {
        let transactions: Vec<Value> = self
            .calls
            .iter()
            .map(|call| {
                json!({
                    "to": call.to.to_checksum(None),
                    "value": "0",
                    "data": call.data,
                    "contractMethod": null,
                    "contractInputsValues": null,
                })
            })
            .collect();
        json!({
            "version": "1.0",
            "chainId": self.chain_id.to_string(),
            "createdAt": created_ms,
            "meta": { "name": name, "description": description, "txBuilderVersion": "1.18.0" },
            "transactions": transactions,
        })
    }
}

/// A timelock between her Safe and her contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timelock {
    /// Its address.
    pub address: Address,
    /// Seconds between scheduling and executing.
    pub delay_s: u64,
}

impl Timelock {
    /// Returns the bundle that schedules `inner`, the one that executes it after the delay, and the
    /// operation's id, by which the timelock knows it.
    #[must_use]
    pub fn wrap(&self, inner: &Bundle) -> (Bundle, Bundle, B256) {
        let targets: Vec<Address> = inner.calls.iter().map(|call| call.to).collect();
        let values = vec![U256::ZERO; targets.len()];
        let payloads: Vec<Bytes> = inner.calls.iter().map(|call| call.data.clone()).collect();
        let predecessor = B256::ZERO;
        // The same bundle has the same salt, so that it cannot be scheduled twice by mistake.
        let salt = keccak256((payloads.clone(), U256::from(self.delay_s)).abi_encode());
        let operation = (targets.clone(), values.clone(), payloads.clone(), predecessor, salt);
        let id = keccak256(operation.abi_encode_params());
        let schedule = timelock::scheduleBatchCall {
            targets: targets.clone(),
            values: values.clone(),
            payloads: payloads.clone(),
            predecessor,
            salt,
            delay: U256::from(self.delay_s),
        };
        let execute = timelock::executeBatchCall { targets, values, payloads, predecessor, salt };
        let bundle = |data: Vec<u8>| Bundle {
            chain_id: inner.chain_id,
            calls: vec![Call { to: self.address, data: data.into() }],
        };
        (bundle(schedule.abi_encode()), bundle(execute.abi_encode()), id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(initial: f64, maintenance: f64) -> Margins {
        Margins { initial, maintenance, ..Margins::sample() }
    }

    const GATE: Gate = Gate { floor: 0.02, ceiling: 0.2, step_up: 0.5, step_down: 0.1 };

    fn proposed(now: [f64; 2], wanted: [f64; 2]) -> Proposal {
        let market = "X".parse().expect("a market");
        let [initial, maintenance] = now;
        let reading = Reading { block: 1, block_hash: B256::ZERO, initial, maintenance };
        Proposal::new(&market, &reading, &ours(wanted[0], wanted[1]), &GATE)
    }

    #[test]
    fn what_is_inside_the_gate_is_proposed_as_it_is() {
        let inside = proposed([0.05, 0.025], [0.06, 0.03]);
        assert_eq!((inside.proposed, inside.held_by), ([0.06, 0.03], vec![]));
    }

    #[test]
    fn a_gate_holds_and_says_so() {
        let up = proposed([0.05, 0.025], [0.5, 0.2]);
        assert_eq!((up.proposed, up.held_by), ([0.05 * 1.5, 0.025 * 1.5], vec!["step up"]));
        let down = proposed([0.05, 0.025], [0.01, 0.005]);
        assert_eq!((down.proposed, down.held_by), ([0.05 * 0.9, 0.025 * 0.9], vec!["step down"]));
        let ceiling = proposed([0.19, 0.1], [0.5, 0.11]);
        assert_eq!((ceiling.proposed, ceiling.held_by), ([0.2, 0.11], vec!["ceiling"]));
        let floor = proposed([0.021, 0.0105], [0.001, 0.01]);
        assert_eq!((floor.proposed, floor.held_by), ([0.02, 0.01], vec!["floor"]));
        let outside = proposed([0.5, 0.1], [0.4, 0.1]);
        assert_eq!(outside.proposed, [0.2, 0.1]);
        let crossed = proposed([0.05, 0.05], [0.02, 0.05]);
        assert!(crossed.proposed[1] <= crossed.proposed[0]);
    }

    #[test]
    fn calls_are_encoded_as_solidity_has_them() {
        let setter: Setter = "setMargins(bytes32,uint256,uint256)".parse().expect("a setter");
        let market: Target = "BTC".parse().expect("a market");
        let data = setter.input(&market, Unit::Share(1e18), [0.05, 0.025]).expect("it fits");
        assert_eq!(data.len(), 4 + 3 * 32);
        assert_eq!(data[..4], keccak256("setMargins(bytes32,uint256,uint256)")[..4]);
        assert_eq!(U256::from_be_slice(&data[36..68]), U256::from(50_000_000_000_000_000_u64));
        let narrow: Setter = "set(bytes32,uint16,uint16)".parse().expect("a setter");
        assert!(narrow.input(&market, Unit::Share(1e4), [0.05, 0.025]).is_ok());
        assert!(narrow.input(&market, Unit::Share(1e18), [0.05, 0.025]).is_err());
        assert!("set(bytes32,uint256)".parse::<Setter>().is_err());
    }

    #[test]
    fn a_timelock_knows_the_operation_by_its_id() {
        let call = Call { to: Address::repeat_byte(1), data: vec![1, 2, 3].into() };
        let inner = Bundle { chain_id: 5, calls: vec![call.clone(), call] };
        let timelock = Timelock { address: Address::repeat_byte(9), delay_s: 3_600 };
        let (schedule, execute, id) = timelock.wrap(&inner);
        // The selectors of TimelockController.
        assert_eq!(schedule.calls[0].data[..4], [0x8f, 0x2a, 0x0b, 0xb0]);
        assert_eq!(execute.calls[0].data[..4], [0xe3, 0x83, 0x35, 0xe5]);
        assert_eq!(schedule.calls[0].to, timelock.address);
        // hashOperationBatch hashes the arguments of executeBatch.
        assert_eq!(id, keccak256(&execute.calls[0].data[4..]));
        let safe = schedule.safe(("name", "why"), 7);
        assert_eq!((safe["chainId"].as_str(), safe["version"].as_str()), (Some("5"), Some("1.0")));
    }
}
