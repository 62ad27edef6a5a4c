//! `assay job example`: the log-linear volatility model on daily bars, as files for an open job.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use learn::{Dataset, Kind, Model, Schedule, run_program};
use node::Source;
use tensor::{Dtype, Tensor};

use super::make::Recipe;
use crate::{layout, program::npy};

/// Where to, and of which data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory to make.
    recipe: PathBuf,
    /// Folder of bars, parquet or CSV; without it, the bundled oil prices.
    #[arg(long, value_name = "DIR")]
    bars: Option<PathBuf>,
    /// Which part of the data, from 0.
    #[arg(long, default_value_t = 0)]
    part: usize,
    /// Steps of a run.
    #[arg(long, default_value_t = 200, value_name = "STEPS")]
    iterations: u32,
}

/// Does it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let dir = &args.recipe;
    ensure!(!dir.join("job.json").exists(), "{} holds a job already", dir.display());
    let source = match &args.bars {
        Some(folder) => Source::Folders(vec![
            std::fs::canonicalize(folder)
                .with_context(|| format!("--bars {}: no such folder", folder.display()))?,
        ]),
        None => Source::Wti,
    };
    let plan = source.plan()?;
    let slice = plan
        .slices
        .get(args.part)
        .with_context(|| format!("the data has {} parts, from 0 on", plan.slices.len()))?;
    let [data, later] = slice.train.halves().context("the data is too short to be halved")?;
    let model = Model::new(Kind::Har, &market::FEATURES);
    let schedule = Schedule::STANDARD;
    let program = run_program(&model, schedule.batch)?;
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let put = |name: &str, tensor: &Tensor| write(dir, name, tensor);
    let zeros = Tensor::zeros(Dtype::F32, &[model.count()])?;
    let recipe = Recipe {
        program: "step.program".into(),
        iterations: args.iterations,
        state: vec![
            put("params", &model.initial())?,
            put("m", &zeros)?,
            put("v", &zeros)?,
            put("step", &Tensor::zeros(Dtype::I32, &[1])?)?,
            put("loss", &Tensor::zeros(Dtype::F32, &[1])?)?,
        ],
        data: [rows(dir, "data", &data)?, rows(dir, "later", &later)?]
            .concat()
            .into_iter()
            .chain([put("rate", &Tensor::f32(&[1], vec![schedule.rate(0)])?)?])
            .collect(),
        description: format!(
            "log-linear volatility model of {}: {} days to train on, the {} after them judge",
            slice.name,
            data.count(),
            later.count()
        ),
    };
    let path = dir.join(&recipe.program);
    std::fs::write(&path, program.encode()).with_context(|| path.display().to_string())?;
    layout::replace_json(&dir.join("job.json"), &recipe)?;
    println!("{}: {}", dir.display(), recipe.description);
    println!("next: assay job open {}", dir.display());
    Ok(())
}

fn rows(dir: &Path, name: &str, data: &Dataset) -> anyhow::Result<Vec<PathBuf>> {
    let count = Tensor::i32(&[1], vec![i32::try_from(data.count())?])?;
    Ok(vec![
        write(dir, &format!("{name}-x"), data.x())?,
        write(dir, &format!("{name}-y"), data.y())?,
        write(dir, &format!("{name}-count"), &count)?,
    ])
}

fn write(dir: &Path, name: &str, tensor: &Tensor) -> anyhow::Result<PathBuf> {
    let name = PathBuf::from(format!("{name}.npy"));
    let path = dir.join(&name);
    std::fs::write(&path, npy::write(tensor)).with_context(|| path.display().to_string())?;
    Ok(name)
}
