//! `attacks`: the table of rules and attacks, and rules' times, both beside byzfl; `cargo xtask
//! attacks` makes its Python and calls it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to the terminal")]

use std::path::PathBuf;

use anyhow::Context;
use attacks::data::Split;
use attacks::peer::Peer;
use attacks::table::{self, Ground, Kind, Plan};
use attacks::{cost, speed, summary};
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
    /// The Python that has byzfl; without it ours are alone
    #[arg(long, global = true)]
    python: Option<PathBuf>,
    /// What the Python runs
    #[arg(long, global = true, default_value = "dev/peers/robust/rules.py")]
    driver: PathBuf,
    /// Print a line of JSON a row
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Fight every rule against every attack
    Table {
        /// What is trained
        #[arg(long, default_value = "digits")]
        task: Kind,
        /// The folder of its data: MNIST's test half, or daily bars of two markets
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Leave byzfl out
        #[arg(long)]
        alone: bool,
        /// Write each cell to this file, and fight none that it has
        #[arg(long)]
        keep: Option<PathBuf>,
        /// Splits of the data
        #[arg(long, value_delimiter = ',', default_value = "iid,dirichlet,one-label")]
        splits: Vec<Split>,
        /// Liars among the nodes
        #[arg(long, value_delimiter = ',', default_value = "2,5,9")]
        liars: Vec<usize>,
        /// Nodes
        #[arg(long, default_value_t = 25)]
        nodes: usize,
        /// Seeds a cell
        #[arg(long, default_value_t = 5)]
        seeds: u64,
        /// Rounds a fight
        #[arg(long, default_value_t = 100)]
        rounds: usize,
        /// Only rules with one of these in their name; names have commas, so part them by ;
        #[arg(long, value_delimiter = ';')]
        rules: Vec<String>,
        /// Only attacks with one of these in their name
        #[arg(long, value_delimiter = ';')]
        attacks: Vec<String>,
        /// Cells side by side
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// Print the tables of fights whose lines of JSON are in these files
    Read {
        /// Files that `table --json` wrote
        files: Vec<PathBuf>,
    },
    /// Time every rule beside byzfl's on 25 rows of 1.2 million coordinates
    Speed {
        /// Only rules with this in their name
        #[arg(default_value = "")]
        filter: String,
        /// Turns a rule
        #[arg(long, default_value_t = 7)]
        turns: usize,
    },
    /// Build and time score Programs of the models of rounds
    Cost {
        /// Turns a Program
        #[arg(long, default_value_t = 5)]
        turns: usize,
    },
}

fn main() -> anyhow::Result<()> {
    let Arguments { command, python, driver, json } = Arguments::parse();
    match command {
        Task::Table {
            task,
            folder,
            alone,
            keep,
            splits,
            liars,
            nodes,
            seeds,
            rounds,
            rules,
            attacks,
            threads,
        } => {
            let ground = Ground::open(task, folder.as_deref().unwrap_or(task.folder()))?;
            let pairs = |split: &Split| liars.iter().map(|f| (*split, *f)).collect::<Vec<_>>();
            let fields = splits.iter().flat_map(pairs).collect();
            let peer = python.filter(|_| !alone).map(|python| (python, driver));
            let plan = Plan { nodes, fields, seeds, rounds, rules, attacks, peer, threads, keep };
            let cells = plan.run(&ground)?;
            if json {
                cells.iter().for_each(|cell| println!("{}", cell.json()));
            } else {
                print!("{}", summary::text(&cells)?);
            }
        }
        Task::Read { files } => {
            let mut cells = Vec::new();
            for file in files {
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                cells.extend(table::read(&text)?);
            }
            print!("{}", summary::text(&cells)?);
        }
        Task::Speed { filter, turns } => {
            let python = python.context("--python names the Python that has byzfl")?;
            let mut peer = Peer::start(&python, &driver)?;
            if !json {
                println!("| rule | ours | on two threads | byzfl | ratio (quartiles) | bar |");
                println!("|---|---|---|---|---|---|");
            }
            speed::run(&mut peer, (turns, &filter), |row| {
                if json { println!("{}", row.json()) } else { println!("{}", row.line()) }
            })?;
            eprintln!("one thread: CPU time; two: the best on the wall; bits are the same");
        }
        Task::Cost { turns } => {
            if !json {
                println!("| Program | ops | build | interpreter | kernels, one thread |");
                println!("|---|---|---|---|---|");
            }
            cost::run(turns, |row| {
                if json { println!("{}", row.json()) } else { println!("{}", row.line()) }
            })?;
        }
    }
    Ok(())
}
