//! `assay job open`: a directory of files becomes an open job.

use std::path::{Path, PathBuf};

use alloy::primitives::{B256, U256, utils::Unit};
use anyhow::{Context as _, ensure};
use chain::{Client, client::OpenProposal, contracts::runs::IRuns};
use serde::{Deserialize, Serialize};
use tensor::{Program, Tensor};

use super::{ensure_tokens, fits, is_seeded, store};
use crate::{
    layout,
    program::{file, npy},
};

/// `IPrograms.State.Registered`.
const REGISTERED: u8 = 1;

/// What a job is made of, beside the file that says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// File of the step Program.
    pub(crate) program: PathBuf,
    /// How often a run executes it.
    pub(crate) iterations: u32,
    /// Files of the first state, .npy, the loss last.
    pub(crate) state: Vec<PathBuf>,
    /// Files of the data, .npy.
    pub(crate) data: Vec<PathBuf>,
    /// What the model is and where the data are, in words.
    pub(crate) description: String,
}

/// Of what, and for how much.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory with `job.json` and the files it names; `assay job example` makes one.
    recipe: PathBuf,
    /// Whole tokens a run pays.
    #[arg(long, default_value_t = 50, value_name = "TOKENS")]
    pay: u64,
    /// Whole tokens a trainer puts in, burnt if its run is late or convicted.
    #[arg(long, default_value_t = 10, value_name = "TOKENS")]
    deposit: u64,
    /// Runs to pay for; their pay goes into the escrow at once.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Blocks between enrolling and claiming at most.
    #[arg(long, default_value_t = 1_000, value_name = "BLOCKS")]
    train_blocks: u32,
    /// Blocks until it ends; then what no run used returns.
    #[arg(long, default_value_t = 10_000, value_name = "BLOCKS")]
    length: u64,
    /// Where to put the public data, files named by their roots; DIR/open otherwise.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Does it, and returns the job's number.
pub(crate) async fn run(client: &Client, args: &Args, own: PathBuf) -> anyhow::Result<u64> {
    let (recipe, program, tensors) = read(&args.recipe)?;
    let pay = U256::from(args.pay) * Unit::ETHER.wei();
    let hash = B256::from(program.hash().0);
    ensure!(args.pay > 0 && args.deposit > 0, "--pay and --deposit are at least 1 token");
    ensure_tokens(client, pay * U256::from(args.runs), "the pay of its runs").await?;
    let dir = args.data.clone().unwrap_or(own);
    let mut inputs = Vec::new();
    for tensor in &tensors {
        inputs.push(B256::from(store::put(&dir, tensor)?.0));
    }
    if client.program(hash).await?.state != REGISTERED {
        client.allow(client.deployment().programs).await?;
        client.register_program(hash, program.encode().into()).await?;
    }
    let end_block = client.block_number().await?.saturating_add(args.length.max(1));
    let terms = IRuns::Terms {
        program: hash,
        iterations: recipe.iterations,
        trainBlocks: args.train_blocks,
        endBlock: end_block,
        pay,
        deposit: U256::from(args.deposit) * Unit::ETHER.wei(),
    };
    let given = OpenProposal {
        terms,
        header: program.header(),
        inputs,
        state_count: u32::try_from(recipe.state.len())?,
        description: recipe.description,
    };
    let (job, _) = client.create_open_job(given).await?;
    if args.runs > 0 {
        client.allow(client.deployment().runs).await?;
        client.fund_open_job(job, pay * U256::from(args.runs)).await?;
    }
    Ok(job.saturating_to())
}

/// Reads a recipe and checks that its files fit each other.
fn read(dir: &Path) -> anyhow::Result<(Recipe, Program, Vec<Tensor>)> {
    let path = dir.join("job.json");
    let recipe: Recipe = layout::read_json(&path)?.with_context(|| {
        format!("{} is not there; `assay job example {}` makes one", path.display(), dir.display())
    })?;
    let program = file::read(&dir.join(&recipe.program), std::collections::BTreeMap::new())?;
    fits(&program, recipe.state.len())?;
    ensure!(
        is_seeded(&program),
        "the model does not depend on the seed, so a copy of one run would be paid like another"
    );
    ensure!(recipe.iterations > 0, "a run has at least 1 iteration");
    let files: Vec<&PathBuf> = recipe.state.iter().chain(&recipe.data).collect();
    let wanted = program.inputs().len() - 1;
    ensure!(
        files.len() == wanted,
        "the Program takes {wanted} tensors, job.json names {}",
        files.len()
    );
    let mut tensors = Vec::new();
    for (name, (dtype, shape)) in files.into_iter().zip(program.inputs()) {
        let path = dir.join(name);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let tensor = npy::read(&bytes).with_context(|| path.display().to_string())?;
        let fits = tensor.dtype() == *dtype && tensor.shape() == shape;
        ensure!(fits, "{} is not of the type that the Program takes", path.display());
        tensors.push(tensor);
    }
    Ok((recipe, program, tensors))
}
