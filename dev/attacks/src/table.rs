//! The table of rules, attacks, liars and splits, fought on all cores.
//!
//! *Invariant: a cell's fights differ in their seed alone, and ours and the peer's of one seed have
//! the same data, batches and lies but for those that search against the rule.*
//! Absent: cells in which too few are honest for a rule.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use round::robust::{Recipe, program};
use serde_json::{Value, json};

use crate::attack::{ATTACKS, Attack};
use crate::data::{CLASSES, Data, Split};
use crate::fight::{Fight, Outcome};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::recipes::{RECIPES, recipe};

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
    /// Only rules with this in their name.
    pub rules: String,
    /// Only attacks with this in their name.
    pub attacks: String,
    /// The Python that has byzfl and the driver, if they are beside us.
    pub peer: Option<(PathBuf, PathBuf)>,
    /// Fights side by side.
    pub threads: usize,
}

/// One rule against one attack.
#[derive(Clone, Debug)]
pub struct Cell {
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
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (split, liars) in &self.fields {
            for rule in RECIPES.iter().filter(|rule| rule.0.contains(&self.rules)) {
                let recipe = recipe(*rule, *liars);
                if program(&recipe, self.nodes, 1).is_err() {
                    continue;
                }
                for (attack, lie) in ATTACKS {
                    if attack.contains(&self.attacks) {
                        cells.push(Cell {
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

    /// Fights every cell.
    ///
    /// # Errors
    ///
    /// If a rule or the peer fails.
    ///
    /// # Panics
    ///
    /// If a thread did.
    pub fn run(&self, data: &Data) -> anyhow::Result<Vec<Cell>> {
        const HELD: &str = "no thread panics with the lock";
        let cells = self.cells();
        let seeds = usize::try_from(self.seeds)?;
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} fights, {eta} left")?;
        let count = u64::try_from(cells.len() * seeds)?;
        let bar = ProgressBar::new(count).with_style(style);
        let next = AtomicUsize::new(0);
        let found = Mutex::new(vec![None; cells.len() * seeds]);
        let work = || -> anyhow::Result<()> {
            let mut peer = match &self.peer {
                Some((python, driver)) => Some(Peer::start(python, driver)?),
                None => None,
            };
            loop {
                let job = next.fetch_add(1, Ordering::Relaxed);
                let Some(cell) = cells.get(job / seeds) else { return Ok(()) };
                let both = self.fight(cell, u64::try_from(job % seeds)?, data, peer.as_mut())?;
                found.lock().expect(HELD)[job] = Some(both);
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
        let found = found.into_inner().expect(HELD);
        let mut cells = cells.clone();
        for (job, both) in found.into_iter().enumerate() {
            let (ours, peers) = both.expect("every job was taken by a thread that ended well");
            cells[job / seeds].ours.push(ours);
            cells[job / seeds].peers.extend(peers);
        }
        Ok(cells)
    }

    fn fight(
        &self,
        cell: &Cell,
        seed: u64,
        data: &Data,
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
        let sizes = (self.nodes, data.train.width * CLASSES);
        let ours = fight.run(data, &mut Ours::new(&cell.recipe, sizes, seed)?)?;
        let Some(peer) = peer else { return Ok((ours, None)) };
        peer.take(&cell.recipe, seed)?;
        Ok((ours, Some(fight.run(data, peer)?)))
    }
}

impl Cell {
    /// Returns the cell as one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let side = |outcomes: &[Outcome]| {
            let list = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).collect::<Vec<_>>();
            json!({ "last": list(|o| o.last), "best": list(|o| o.best) })
        };
        json!({
            "rule": self.rule, "attack": self.attack, "split": self.split.name(),
            "liars": self.liars, "ours": side(&self.ours), "byzfl": side(&self.peers),
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
        Ok(Cell {
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
