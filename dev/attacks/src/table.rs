//! The table of rules, attacks, liars and splits, fought on all cores.
//!
//! A cell is written to the file that is kept as soon as its fights are over, and what the file has
//! already is not fought again: a run that is killed loses the cells it was at.
//!
//! *Invariant: a cell's fights differ in their seed alone, and ours and the peer's of one seed have
//! the same data, batches and lies but for those that search against the rule.*
//! Absent: cells in which too few are honest for a rule.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use round::robust::{Recipe, program};
use serde_json::{Value, json};

use crate::attack::{ATTACKS, Attack};
use crate::data::{Data, Split, mnist};
use crate::fight::{Fight, Outcome};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::recipes::{RECIPES, has_peer, recipe};
use crate::task::{Digits, Task};
use crate::volatility::{Days, Volatility, days};

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A classifier of MNIST's digits.
    Digits,
    /// Log-HAR forecasts of variance.
    Volatility,
}

impl Kind {
    /// Returns the name in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Digits => "digits",
            Kind::Volatility => "volatility",
        }
    }

    /// Returns where the data are, seen from the repository.
    #[must_use]
    pub fn folder(self) -> &'static Path {
        Path::new(match self {
            Kind::Digits => "../shared/data/mnist_10k",
            Kind::Volatility => "../shared/data/tradfi_daily",
        })
    }
}

/// A task's data.
#[derive(Clone, Debug)]
pub enum Ground {
    /// Digits.
    Digits(Data),
    /// Days of markets.
    Volatility(Days),
}

impl Ground {
    /// Reads the data from a folder.
    ///
    /// # Errors
    ///
    /// If they are not there.
    pub fn open(kind: Kind, folder: &Path) -> anyhow::Result<Ground> {
        Ok(match kind {
            Kind::Digits => Ground::Digits(mnist(folder)?),
            Kind::Volatility => Ground::Volatility(days(folder)?),
        })
    }

    /// Returns the task for so many nodes.
    ///
    /// # Errors
    ///
    /// If a Program cannot be built.
    pub fn task(&self, nodes: usize) -> anyhow::Result<Box<dyn Task + '_>> {
        Ok(match self {
            Ground::Digits(data) => Box::new(Digits::new(data, nodes)),
            Ground::Volatility(days) => Box::new(Volatility::new(days)?),
        })
    }

    /// Returns what is trained.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Ground::Digits(_) => Kind::Digits,
            Ground::Volatility(_) => Kind::Volatility,
        }
    }
}

/// What is fought, and by whom.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Nodes.
    pub nodes: usize,
    /// Splits and numbers of liars.
    pub fields: Vec<(Split, usize)>,
    /// Seeds a cell.
    pub seeds: u64,
    /// Rounds a fight.
    pub rounds: usize,
    /// Only rules with one of these in their name; all if there are none.
    pub rules: Vec<String>,
    /// Only attacks with one of these in their name; all if there are none.
    pub attacks: Vec<String>,
    /// The Python that has byzfl and the driver, if they are beside us.
    pub peer: Option<(PathBuf, PathBuf)>,
    /// Cells side by side.
    pub threads: usize,
    /// The file that has the cells which were fought, and gets those that are.
    pub keep: Option<PathBuf>,
}

/// One rule against one attack.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What was trained.
    pub task: Kind,
    /// For so many rounds.
    pub rounds: usize,
    /// The rule's name.
    pub rule: &'static str,
    /// The attack's name.
    pub attack: &'static str,
    /// The data's split.
    pub split: Split,
    /// Liars among the nodes.
    pub liars: usize,
    /// Ours, seed by seed.
    pub ours: Vec<Outcome>,
    /// The peer's, seed by seed.
    pub peers: Vec<Outcome>,
    recipe: Recipe,
    lie: Attack,
}

impl Plan {
    /// Returns the cells of this plan, without their outcomes.
    #[must_use]
    pub fn cells(&self, task: Kind) -> Vec<Cell> {
        let wanted = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|part| name.contains(part))
        };
        let mut cells = Vec::new();
        for (split, liars) in &self.fields {
            for rule in RECIPES.iter().filter(|rule| wanted(&self.rules, rule.0)) {
                let recipe = recipe(*rule, *liars);
                if program(&recipe, self.nodes, 1).is_err() {
                    continue;
                }
                for (attack, lie) in ATTACKS {
                    if wanted(&self.attacks, attack) {
                        cells.push(Cell {
                            task,
                            rounds: self.rounds,
                            rule: rule.0,
                            attack,
                            split: *split,
                            liars: *liars,
                            ours: Vec::new(),
                            peers: Vec::new(),
                            recipe: recipe.clone(),
                            lie,
                        });
                    }
                }
            }
        }
        cells
    }

    /// Fights every cell that is not in the file yet.
    ///
    /// # Errors
    ///
    /// If a rule or the peer fails, or the file cannot be read or written.
    ///
    /// # Panics
    ///
    /// If a thread did.
    pub fn run(&self, ground: &Ground) -> anyhow::Result<Vec<Cell>> {
        const HELD: &str = "no thread panics with the lock";
        let mut cells = self.cells(ground.kind());
        let mut file = self.keep.as_deref().map(kept).transpose()?;
        for known in file.iter().flat_map(|(_, known)| known) {
            for cell in cells.iter_mut().filter(|cell| self.settles(known, cell)) {
                (cell.ours, cell.peers) = (known.ours.clone(), known.peers.clone());
            }
        }
        let left: Vec<usize> = (0..cells.len()).filter(|at| cells[*at].ours.is_empty()).collect();
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} cells, {eta} left")?;
        let bar = ProgressBar::new(u64::try_from(left.len())?).with_style(style);
        let next = AtomicUsize::new(0);
        let found = Mutex::new((Vec::new(), &mut file));
        let work = || -> anyhow::Result<()> {
            let mut peer = match &self.peer {
                Some((python, driver)) => Some(Peer::start(python, driver)?),
                None => None,
            };
            let mut task = ground.task(self.nodes)?;
            loop {
                let Some(at) = left.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return Ok(());
                };
                let mut cell = cells[*at].clone();
                for seed in 0..self.seeds {
                    let (ours, peers) = self.fight(&cell, seed, task.as_mut(), peer.as_mut())?;
                    cell.ours.push(ours);
                    cell.peers.extend(peers);
                }
                let mut guard = found.lock().expect(HELD);
                let (done, file) = &mut *guard;
                if let Some((file, _)) = file {
                    file.write_all(format!("{}\n", cell.json()).as_bytes())?;
                }
                done.push((*at, cell));
                bar.inc(1);
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| {
                thread.join().map_err(|_| anyhow!("a thread of fights panicked"))?
            })
        })?;
        bar.finish_and_clear();
        let (found, _) = found.into_inner().expect(HELD);
        found.into_iter().for_each(|(at, cell)| cells[at] = cell);
        Ok(cells)
    }

    /// Whether a cell of the file is what would be fought, with the peer where there is one.
    fn settles(&self, known: &Cell, cell: &Cell) -> bool {
        let seeds = usize::try_from(self.seeds).unwrap_or(usize::MAX);
        let alone = self.peer.is_none() || !has_peer(&cell.recipe);
        let beside = alone || known.peers.len() >= seeds;
        known.key() == cell.key() && known.ours.len() >= seeds && beside
    }

    fn fight(
        &self,
        cell: &Cell,
        seed: u64,
        task: &mut dyn Task,
        peer: Option<&mut Peer>,
    ) -> anyhow::Result<(Outcome, Option<Outcome>)> {
        let fight = Fight {
            attack: cell.lie,
            split: cell.split,
            nodes: self.nodes,
            liars: cell.liars,
            rounds: self.rounds,
            seed,
        };
        let sizes = (self.nodes, task.count());
        let ours = fight.run(task, &mut Ours::new(&cell.recipe, sizes, seed)?)?;
        let Some(peer) = peer.filter(|_| has_peer(&cell.recipe)) else { return Ok((ours, None)) };
        peer.take(&cell.recipe, seed)?;
        Ok((ours, Some(fight.run(task, peer)?)))
    }
}

/// Opens a file of cells and reads what it has; a last line that was cut short is cut off.
fn kept(path: &Path) -> anyhow::Result<(File, Vec<Cell>)> {
    let advice = || format!("{} cannot be kept", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(advice)?;
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(advice)?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    file.set_len(u64::try_from(whole)?).with_context(advice)?;
    file.seek(SeekFrom::End(0)).with_context(advice)?;
    Ok((file, read(&text[..whole])?))
}

/// Reads cells, one a line; of two of the same fights the later counts.
///
/// # Errors
///
/// If a line is not a cell.
pub fn read(text: &str) -> anyhow::Result<Vec<Cell>> {
    let mut cells: Vec<Cell> = Vec::new();
    for line in text.lines() {
        let cell = Cell::from_json(&serde_json::from_str(line)?)?;
        match cells.iter_mut().find(|known| known.key() == cell.key()) {
            Some(known) => *known = cell,
            None => cells.push(cell),
        }
    }
    Ok(cells)
}

impl Cell {
    /// Returns what tells it from other cells.
    fn key(&self) -> (Kind, usize, &str, &str, &str, usize) {
        (self.task, self.rounds, self.rule, self.attack, self.split.name(), self.liars)
    }

    /// Returns the cell as one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let side = |outcomes: &[Outcome]| {
            let list = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).collect::<Vec<_>>();
            json!({ "last": list(|o| o.last), "best": list(|o| o.best) })
        };
        json!({
            "task": self.task.name(), "rounds": self.rounds, "rule": self.rule,
            "attack": self.attack, "split": self.split.name(), "liars": self.liars,
            "ours": side(&self.ours), "byzfl": side(&self.peers),
        })
    }

    /// Reads a cell that was printed.
    ///
    /// # Errors
    ///
    /// If it is not a cell of this program's.
    pub fn from_json(value: &Value) -> anyhow::Result<Cell> {
        let named = |name: &'static str| value[name].as_str().unwrap_or_default().to_owned();
        let (rule, attack, split) = (named("rule"), named("attack"), named("split"));
        let unknown = || anyhow!("not a cell of this table: {rule}, {attack}, {split}");
        let rule = RECIPES.iter().find(|known| known.0 == rule).ok_or_else(unknown)?;
        let attack = ATTACKS.iter().find(|known| known.0 == attack).ok_or_else(unknown)?;
        let splits = [Split::Iid, Split::Dirichlet, Split::OneLabel];
        let split = splits.into_iter().find(|known| known.name() == split).ok_or_else(unknown)?;
        let liars = usize::try_from(value["liars"].as_u64().ok_or_else(unknown)?)?;
        let side = |side: &Value| {
            let list = |what: &str| {
                let list = side[what].as_array().map_or(&[][..], Vec::as_slice);
                list.iter().filter_map(Value::as_f64).collect::<Vec<f64>>()
            };
            let pairs = list("last").into_iter().zip(list("best"));
            pairs.map(|(last, best)| Outcome { last, best }).collect()
        };
        // Files from before there were two tasks have digits.
        let volatile = value["task"] == Kind::Volatility.name();
        let task = if volatile { Kind::Volatility } else { Kind::Digits };
        let rounds = value["rounds"].as_u64().unwrap_or_default();
        Ok(Cell {
            task,
            rounds: usize::try_from(rounds)?,
            rule: rule.0,
            attack: attack.0,
            split,
            liars,
            ours: side(&value["ours"]),
            peers: side(&value["byzfl"]),
            recipe: recipe(*rule, liars),
            lie: attack.1,
        })
    }
}
