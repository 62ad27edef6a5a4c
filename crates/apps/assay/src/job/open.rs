//! Open jobs: public data, and whole runs that anybody can make, claim, and run again.
//!
//! `example` writes one to begin with, `open` puts one on the chain, `run` trains and stands by
//! what it claimed until it is paid, `check` runs another's again and, where it differs, disputes
//! it to the end. The data are files named by their roots; whoever has them needs nobody's word.
//!
//! *Invariant: nothing is staked before data and Program are here and fit each other.*

use std::{path::Path, str::FromStr, sync::Arc};

use alloy::primitives::{B256, U256};
use anyhow::{Context as _, bail, ensure};
use chain::{Client, contracts::runs::IRuns};
use round::runs;
use tensor::{Hash, Op, Program, Tensor};

use crate::{money, program::type_name};

pub(super) mod check;
mod dispute;
pub(super) mod example;
pub(super) mod make;
pub(crate) mod read;
pub(super) mod run;
pub(super) mod store;
mod train;

/// A job's number; those of open jobs are written with an `o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// Trained in rounds, on data that stay where they are.
    Private(u64),
    /// Trained in runs, on public data.
    Open(u64),
}

impl FromStr for Number {
    type Err = String;

    fn from_str(word: &str) -> Result<Number, String> {
        let wrong = |_| "a job is named by its number, 0, or, if it is open, o0".to_owned();
        match word.strip_prefix('o') {
            Some(number) => Ok(Number::Open(number.parse().map_err(wrong)?)),
            None => Ok(Number::Private(word.parse().map_err(wrong)?)),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Private(number) => write!(f, "{number}"),
            Number::Open(number) => write!(f, "o{number}"),
        }
    }
}

impl Number {
    /// Returns the number of an open job.
    pub(super) fn open(self) -> anyhow::Result<u64> {
        match self {
            Number::Open(number) => Ok(number),
            Number::Private(number) => bail!(
                "job {number} trains on private data, in rounds; open jobs are named o0, o1, …"
            ),
        }
    }

    /// Returns the number of a job that is trained in rounds.
    pub(super) fn private(self) -> anyhow::Result<u64> {
        match self {
            Number::Private(number) => Ok(number),
            Number::Open(number) => bail!(
                "o{number} is an open job: it has no rounds, notices or fees; see `assay job show \
                 o{number}`"
            ),
        }
    }

    /// Fails with one sentence where there is no such job.
    pub(super) async fn known(self, client: &Client) -> anyhow::Result<()> {
        let (number, count, kind) = match self {
            Number::Private(number) => (number, client.job_count().await?, "job"),
            Number::Open(number) => (number, client.open_job_count().await?, "open job"),
        };
        let (are, s) = if count == 1 { ("is", "") } else { ("are", "s") };
        ensure!(
            number < count,
            "there is no job {self}; there {are} {count} {kind}{s} (`assay job list`)"
        );
        Ok(())
    }
}

/// An open job with its Program.
pub(super) struct Known {
    pub(super) number: u64,
    pub(super) job: IRuns::Job,
    /// Roots of the first state, then of the data.
    pub(super) roots: Vec<Hash>,
    pub(super) program: Arc<Program>,
}

impl Known {
    /// Reads a job and checks that its Program can be repeated.
    pub(super) async fn read(client: &Client, number: u64) -> anyhow::Result<Known> {
        Number::Open(number).known(client).await?;
        let at = U256::from(number);
        let job = client.open_job(at).await?;
        let roots = client.open_inputs(at).await?.into_iter().map(|root| Hash(root.0)).collect();
        let hash = job.terms.program;
        let encoding = client.registered_encoding(hash).await?;
        ensure!(
            !encoding.is_empty(),
            "the Program of job o{number}, {hash}, is not registered, so nobody can train it"
        );
        let program = Program::decode(&encoding).context("what was registered is no Program")?;
        ensure!(B256::from(program.hash().0) == hash, "what was registered is another Program");
        fits(&program, state_count(&job)?)?;
        Ok(Known { number, job, roots, program: Arc::new(program) })
    }

    /// Returns a run's inputs: state and data from the files, then the seed.
    pub(super) async fn inputs(
        &self,
        client: &Client,
        data: &Path,
        seed: B256,
    ) -> anyhow::Result<Vec<Tensor>> {
        let mut inputs = match store::tensors(data, &self.program, &self.roots) {
            Ok(inputs) => inputs,
            Err(error) => {
                let said = client.open_description(U256::from(self.number)).await?;
                return Err(error.context(format!("the sponsor says of the data: {said}")));
            }
        };
        inputs.push(Tensor::i32(&[2], runs::key(Hash(seed.0)).to_vec())?);
        Ok(inputs)
    }
}

fn state_count(job: &IRuns::Job) -> anyhow::Result<usize> {
    Ok(usize::try_from(job.stateCount)?)
}

/// Fails where a Program's outputs are not its first inputs, its loss and its seed of their types.
pub(super) fn fits(program: &Program, state_count: usize) -> anyhow::Result<()> {
    let inputs = program.inputs();
    ensure!(
        program.outputs().len() == state_count && inputs.len() > state_count,
        "the Program has {} outputs and {} inputs; a run needs {state_count} outputs, which come \
         back as its first inputs, and a seed",
        program.outputs().len(),
        inputs.len()
    );
    for (place, output) in program.outputs().iter().enumerate() {
        let (node, (dtype, shape)) = (&program.nodes()[*output], &inputs[place]);
        let (got, wanted) = (type_name(node.dtype, &node.shape), type_name(*dtype, shape));
        ensure!(
            got == wanted,
            "output {place} is {got}, but comes back as input {place}, {wanted}"
        );
    }
    let named = |place: usize| inputs.get(place).map(|(dtype, shape)| type_name(*dtype, shape));
    let loss = state_count.checked_sub(1).and_then(named);
    ensure!(loss.as_deref() == Some("f32[1]"), "the last output is to be the loss, f32[1]");
    let seed = named(inputs.len() - 1);
    ensure!(seed.as_deref() == Some("i32[2]"), "the last input is to be the seed, i32[2]");
    Ok(())
}

/// Whether the model depends on the seed, so that another's outputs are wrong for one's own run.
pub(super) fn is_seeded(program: &Program) -> bool {
    let last = program.inputs().len().saturating_sub(1);
    let mut seeded = vec![false; program.nodes().len()];
    for (place, node) in program.nodes().iter().enumerate() {
        let is_seed = matches!(node.op, Op::Input { index, .. } if index == last);
        seeded[place] = is_seed || node.op.operands().iter().any(|operand| seeded[*operand]);
    }
    program.outputs().first().is_some_and(|output| seeded[*output])
}

/// Fails where the key has fewer tokens than something takes.
pub(super) async fn ensure_tokens(client: &Client, wei: U256, what: &str) -> anyhow::Result<()> {
    let held = client.tokens(client.address()).await?;
    ensure!(
        held >= wei,
        "{what} takes {} tokens, {} holds {}; have more sent to it (`assay node faucet` on a \
         network of your own)",
        money::plain(wei),
        client.address(),
        money::plain(held)
    );
    Ok(())
}

/// Returns the loss that a state ends with.
pub(super) fn loss(state: &[Tensor]) -> f32 {
    let last = state.last().and_then(Tensor::as_f32);
    last.and_then(|loss| loss.first()).copied().unwrap_or(f32::NAN)
}

#[cfg(test)]
mod tests {
    use tensor::{Builder, Dtype};

    use super::*;

    fn program(seeded: bool, loss: Dtype) -> Program {
        let mut b = Builder::new();
        let params = b.input(Dtype::F32, &[2]).expect("a type");
        b.input(loss, &[1]).expect("a type");
        let data = b.input(Dtype::F32, &[2]).expect("a type");
        let seed = b.input(Dtype::I32, &[2]).expect("a type");
        let noise = b.random_bits(seed, 0, &[2]).expect("a key");
        let noise = b.convert(noise, Dtype::F32).expect("a dtype");
        let moved = b.add(params, if seeded { noise } else { data }).expect("alike");
        let sum = b.sum(noise, 0).expect("an axis");
        let sum = b.reshape(sum, &[1]).expect("one");
        let sum = b.convert(sum, loss).expect("a dtype");
        b.finish(&[moved, sum]).expect("outputs")
    }

    #[test]
    fn a_program_that_cannot_be_repeated_is_refused() {
        assert!(fits(&program(true, Dtype::F32), 2).is_ok());
        let wrong = |program: &Program, count, what: &str| {
            let error = fits(program, count).expect_err(what).to_string();
            assert!(error.contains(what), "{error}");
        };
        wrong(&program(true, Dtype::F32), 1, "a run needs 1 outputs");
        wrong(&program(true, Dtype::F64), 2, "is to be the loss");
        let mut b = Builder::new();
        let x = b.input(Dtype::F32, &[2]).expect("a type");
        let sum = b.sum(x, 0).expect("an axis");
        wrong(&b.finish(&[sum]).expect("an output"), 1, "a run needs 1 outputs");
    }

    #[test]
    fn the_models_seed_is_what_counts() {
        assert!(is_seeded(&program(true, Dtype::F32)));
        assert!(!is_seeded(&program(false, Dtype::F32)), "the loss alone depends on it");
    }

    #[test]
    fn jobs_of_two_kinds_have_two_names() {
        assert_eq!("o7".parse(), Ok(Number::Open(7)));
        assert_eq!("7".parse(), Ok(Number::Private(7)));
        assert_eq!(Number::Open(7).to_string(), "o7");
        assert!("x".parse::<Number>().is_err() && "o".parse::<Number>().is_err());
        assert!(Number::Private(1).open().is_err() && Number::Open(1).private().is_err());
    }
}
