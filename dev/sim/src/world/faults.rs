//! What goes wrong, drawn tick by tick: kills, lost chains, and splits of several kinds.
//!
//! Absent: faults that last. Each ends within the blocks that the options allow, and all end when
//! the world heals.

use super::{Happening, World};
use crate::rng::Rng;

/// A cut through the network.
#[derive(Clone, Debug, Default)]
pub(super) struct Split {
    until: u64,
    /// On which side each node is.
    sides: Vec<bool>,
    /// Only what goes from the second side to the first is lost.
    one_way: bool,
    /// The cut opens and closes every so many ticks; 0 for one that stays.
    flap_ticks: u64,
    /// The first side has lost the chain as well.
    blind: bool,
}

impl Split {
    /// Draws a split of so many nodes: halves or one node away, one way or both, steady or
    /// flapping, with the chain or without.
    fn draw(rng: &mut Rng, count: usize, until: u64) -> Self {
        let lone = rng.chance((1, 3)).then(|| rng.index(count));
        let sides = (0..count).map(|node| match lone {
            Some(lone) => node == lone,
            None => rng.chance((1, 2)),
        });
        let sides = sides.collect();
        let (one_way, flapping, blind) =
            (rng.chance((1, 4)), rng.chance((1, 3)), rng.chance((1, 3)));
        let flap_ticks = if flapping { rng.between(1, 6) } else { 0 };
        Self { until, sides, one_way, flap_ticks, blind }
    }

    fn is_open(&self, tick: u64) -> bool {
        tick >= self.until || tick.checked_div(self.flap_ticks).is_some_and(|turn| turn % 2 == 1)
    }

    /// Whether a packet is lost to the split.
    pub(super) fn cuts(&self, tick: u64, from: usize, to: usize) -> bool {
        let apart = !self.is_open(tick) && self.sides[from] != self.sides[to];
        apart && (self.sides[to] || !self.one_way)
    }

    /// Whether a node has lost its chain to the split.
    pub(super) fn blinds(&self, tick: u64, node: usize) -> bool {
        self.blind && !self.is_open(tick) && self.sides[node]
    }

    /// Ends the split.
    pub(super) fn mend(&mut self) {
        self.until = 0;
    }
}

impl World {
    /// Draws this tick's faults.
    pub(super) fn strike(&mut self) {
        let longest = self.options.fault_blocks_max * self.options.block_ticks;
        if self.tick >= self.split.until && self.rng.chance(self.options.split) {
            let until = self.tick + self.rng.between(1, longest);
            self.split = Split::draw(&mut self.rng, self.nodes.len(), until);
            if self.lines.is_some() {
                let (split, tick) = (self.split.clone(), self.tick);
                let blind = (0..self.nodes.len()).filter(|node| split.blinds(tick, *node)).count();
                self.tell(0, format_args!("the network splits: {split:?}, {blind} are blind"));
            }
        }
        for to in 0..self.nodes.len() {
            if self.rng.chance(self.options.crash) {
                self.kill(to);
            }
            if self.rng.chance(self.options.outage) {
                self.nodes[to].outage_until = self.tick + self.rng.between(1, longest);
            }
        }
    }

    pub(super) fn kill(&mut self, to: usize) {
        if self.nodes[to].machine.is_some() {
            self.note(to, format_args!("is killed"));
            self.nodes[to].kill();
            let longest = self.options.fault_blocks_max * self.options.block_ticks;
            let down = self.rng.between(1, longest);
            self.schedule(down, Happening::Restart { to });
        }
    }

    /// Whether something between a node and the chain is lost now.
    pub(super) fn chain_lost(&mut self, node: usize) -> bool {
        self.faults
            && (self.nodes[node].outage_until > self.tick
                || self.split.blinds(self.tick, node)
                || self.rng.chance(self.options.chain_loss))
    }
}
