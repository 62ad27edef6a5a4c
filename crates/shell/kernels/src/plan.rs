//! What to do in which order: decided once for a Program, then run many times.
//!
//! Nodes that no output needs are left out. What moves no element, such
//! as a reshape, is another name for its operand. Elementwise ops over equally many elements join a
//! *group* that runs in cache-sized blocks, so most of their results never reach memory. A scalar's
//! broadcast is filled in where a group uses it, and a matmul reads through a transpose of the last
//! two axes. What does reach memory shares buffers by liveness.
//!
//! *Invariant: a step comes after all steps whose results it reads, and no buffer is written while
//! a later step still reads what it held.*
//! Absent: rewriting of arithmetic. Fusing changes where results are kept, never how they are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tensor::{Dtype, Family, Node, Op, Program, Tensor};

use crate::fused::Fused;
use rows::{Form, Made, Row, Search};

pub(crate) mod rows;
#[cfg(test)]
mod tests;

/// A group is closed at this many ops. Sorting 25 rows takes some 300, and a cut would write all
/// rows to memory and read them again.
const GROUP_MAX: usize = 512;

/// Where a node's elements are while a Program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Input(usize),
    Constant(usize),
    Slot(usize),
}

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// A group of elementwise ops.
    Fused(Fused),
    /// Any other op, by node, into a slot.
    Single { node: usize, slot: usize },
}

impl Step {
    /// Returns the slots that the step writes.
    pub(crate) fn slots(&self) -> &[usize] {
        match self {
            Step::Fused(group) => &group.stores,
            Step::Single { slot, .. } => std::slice::from_ref(slot),
        }
    }
}

/// A buffer as it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) dtype: Dtype,
    pub(crate) count: usize,
    /// It holds an output and nothing else: a run makes it anew and gives it away.
    pub(crate) leaves: bool,
}

/// The order of work and the storage it needs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) constants: Vec<Arc<Tensor>>,
    /// Where each node is; `None` where it never reaches memory.
    pub(crate) places: Vec<Option<Place>>,
    /// Whether an output takes its buffer along: the last of those in one buffer does.
    pub(crate) takes: Vec<bool>,
    /// Matrices whose rows are made where a product reads them.
    pub(crate) made: Made,
}

/// Steps before storage is assigned; both hold nodes.
enum Draft {
    Group(Vec<usize>),
    Single(usize),
}

/// Facts about a Program's nodes that planning consults.
pub(crate) struct Facts<'a> {
    pub(crate) program: &'a Program,
    /// The node whose elements a node has: itself, or what it reshapes.
    pub(crate) root: Vec<usize>,
    /// Whether a node is filled in or read through where it is used, and has no step of its own.
    pub(crate) lazy: Vec<bool>,
    live: Vec<bool>,
    made: Made,
}

impl Plan {
    pub(crate) fn new(program: &Program) -> Plan {
        let facts = Facts::new(program);
        let drafts = order(&facts);
        let plan = Storage::new(&facts, &drafts).assign(drafts);
        Plan { made: facts.made, ..plan }
    }
}

impl<'a> Facts<'a> {
    fn new(program: &'a Program) -> Self {
        let nodes = program.nodes();
        let mut live = vec![false; nodes.len()];
        program.outputs().iter().for_each(|output| live[*output] = true);
        let mut users = vec![Vec::new(); nodes.len()];
        for index in (0..nodes.len()).rev() {
            if !live[index] {
                continue;
            }
            for operand in nodes[index].op.operands() {
                live[operand] = true;
                users[operand].push(index);
            }
        }
        let mut root: Vec<usize> = (0..nodes.len()).collect();
        for (index, node) in nodes.iter().enumerate() {
            let operand = node.op.operands().first().copied();
            if let Some(x) = operand.filter(|x| renames(node, &nodes[*x])) {
                root[index] = root[x];
            }
        }
        let made = Search::new(program, &root, &live).run();
        let mut facts = Facts { program, root, lazy: vec![false; nodes.len()], live, made };
        facts.lazy = (0..nodes.len()).map(|index| facts.is_lazy(index, &users)).collect();
        facts.made.left_out.iter().for_each(|node| facts.lazy[*node] = true);
        facts
    }

    /// Whether every user of a node can do without its elements in memory.
    fn is_lazy(&self, index: usize, users: &[Vec<usize>]) -> bool {
        let nodes = self.program.nodes();
        if self.root[index] != index || users[index].is_empty() {
            return false;
        }
        match &nodes[index].op {
            Op::Broadcast { x, .. } if nodes[*x].shape.count() == 1 => {
                self.is_filled_in(index, users)
            }
            Op::Transpose { perm, .. } => {
                let wanted = |user: &usize| matches!(nodes[*user].op, Op::Matmul(..));
                let output = self.program.outputs().contains(&index);
                swaps_last_two(perm) && !output && users[index].iter().all(wanted)
            }
            _ => false,
        }
    }

    /// Whether a node is used by elementwise ops alone, be it under another name.
    fn is_filled_in(&self, index: usize, users: &[Vec<usize>]) -> bool {
        let nodes = self.program.nodes();
        let wanted = |user: &usize| {
            let renamed = self.root[*user] != *user;
            (renamed && self.is_filled_in(*user, users))
                || nodes[*user].op.family() == Family::Elementwise
        };
        !self.program.outputs().contains(&index) && users[index].iter().all(wanted)
    }

    /// Returns the nodes whose elements in memory a node's step reads.
    pub(crate) fn reads(&self, index: usize) -> Vec<usize> {
        let operands = self.program.nodes()[index].op.operands();
        let seen = |operand: &usize| self.seen_through(*operand).0;
        let Some(product) = self.made.products.get(&index) else {
            return operands.iter().map(seen).collect();
        };
        let mut rows: Vec<&Row> = self.made.rows[&product.matrix].iter().collect();
        let mut reads = match &product.form {
            Form::Squared => Vec::new(),
            Form::Weighted => vec![seen(&operands[0])],
            Form::Apart(row) => {
                rows.push(row);
                Vec::new()
            }
        };
        for row in rows {
            reads.push(row.node);
            reads.extend(row.bounds.into_iter().flat_map(<[usize; 2]>::from));
        }
        reads
    }

    /// Returns the node behind an operand, and whether a lazy node was passed on the way.
    pub(crate) fn seen_through(&self, operand: usize) -> (usize, bool) {
        let root = self.root[operand];
        if !self.lazy[root] {
            return (root, false);
        }
        let behind = self.program.nodes()[root].op.operands()[0];
        (self.root[behind], true)
    }
}

/// Whether a node has its operand's elements in the same order.
fn renames(node: &Node, operand: &Node) -> bool {
    match &node.op {
        Op::Reshape { .. } => true,
        Op::Broadcast { shape, .. } => shape.count() == operand.shape.count(),
        Op::Transpose { perm, .. } => {
            let moved = perm.iter().filter(|axis| operand.shape.dims()[**axis] > 1);
            moved.is_sorted()
        }
        _ => false,
    }
}

fn swaps_last_two(perm: &[usize]) -> bool {
    let Some(last) = perm.len().checked_sub(1).filter(|last| *last > 0) else { return false };
    let straight = perm[..last - 1].iter().enumerate().all(|(axis, from)| axis == *from);
    straight && perm[last] == last - 1 && perm[last - 1] == last
}

/// Puts every live node that computes something into a step, groups where groups can be.
fn order(facts: &Facts<'_>) -> Vec<Draft> {
    let nodes = facts.program.nodes();
    let mut drafts = Vec::new();
    let mut open: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut member: Vec<Option<usize>> = vec![None; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        let named = matches!(node.op, Op::Input { .. } | Op::Constant(_));
        if !facts.live[index] || facts.lazy[index] || facts.root[index] != index || named {
            continue;
        }
        let count = node.shape.count();
        let joins = node.op.family() == Family::Elementwise;
        let needed: BTreeSet<usize> =
            facts.reads(index).into_iter().filter_map(|read| member[read]).collect();
        for other in needed.into_iter().filter(|other| !joins || *other != count) {
            close(&mut open, other, &mut member, &mut drafts);
        }
        if !joins {
            drafts.push(Draft::Single(index));
            continue;
        }
        open.entry(count).or_default().push(index);
        member[index] = Some(count);
        if open[&count].len() >= GROUP_MAX {
            close(&mut open, count, &mut member, &mut drafts);
        }
    }
    drafts.extend(open.into_values().map(Draft::Group));
    drafts
}

fn close(
    open: &mut BTreeMap<usize, Vec<usize>>,
    count: usize,
    member: &mut [Option<usize>],
    drafts: &mut Vec<Draft>,
) {
    let Some(nodes) = open.remove(&count) else { return };
    nodes.iter().for_each(|node| member[*node] = None);
    drafts.push(Draft::Group(nodes));
}

impl Draft {
    fn nodes(&self) -> &[usize] {
        match self {
            Draft::Group(nodes) => nodes,
            Draft::Single(node) => std::slice::from_ref(node),
        }
    }
}

/// Assigns buffers to what reaches memory, and takes them back after the last step that reads it.
struct Storage<'a> {
    facts: &'a Facts<'a>,
    /// The last draft that reads each node, if any but its own group does.
    last: Vec<Option<usize>>,
    slots: Vec<Slot>,
    free: BTreeMap<Dtype, Vec<usize>>,
    places: Vec<Option<Place>>,
    constants: Vec<Arc<Tensor>>,
}

impl<'a> Storage<'a> {
    fn new(facts: &'a Facts<'a>, drafts: &[Draft]) -> Self {
        let nodes = facts.program.nodes();
        let mut home = vec![usize::MAX; nodes.len()];
        let mut last = vec![None; nodes.len()];
        for (index, draft) in drafts.iter().enumerate() {
            draft.nodes().iter().for_each(|node| home[*node] = index);
            for read in draft.nodes().iter().flat_map(|node| facts.reads(*node)) {
                if home[read] != index {
                    last[read] = Some(index);
                }
            }
        }
        for output in facts.program.outputs() {
            last[facts.root[*output]] = Some(usize::MAX);
        }
        let mut storage = Storage {
            facts,
            last,
            slots: Vec::new(),
            free: BTreeMap::new(),
            places: vec![None; nodes.len()],
            constants: Vec::new(),
        };
        storage.name_sources();
        storage
    }

    fn name_sources(&mut self) {
        for (index, node) in self.facts.program.nodes().iter().enumerate() {
            match &node.op {
                Op::Input { index: input, .. } => self.places[index] = Some(Place::Input(*input)),
                Op::Constant(tensor) => {
                    self.places[index] = Some(Place::Constant(self.constants.len()));
                    self.constants.push(Arc::clone(tensor));
                }
                _ => {}
            }
        }
    }

    fn assign(mut self, drafts: Vec<Draft>) -> Plan {
        let mut steps = Vec::new();
        for (index, draft) in drafts.into_iter().enumerate() {
            for node in draft.nodes() {
                if self.last[*node].is_some() {
                    self.places[*node] = Some(Place::Slot(self.take(*node)));
                }
            }
            let touched: BTreeSet<usize> = draft
                .nodes()
                .iter()
                .flat_map(|node| self.facts.reads(*node))
                .filter(|read| self.last[*read] == Some(index))
                .collect();
            steps.push(match draft {
                Draft::Group(nodes) => Step::Fused(Fused::new(self.facts, &nodes, &self.places)),
                Draft::Single(node) => Step::Single { node, slot: self.slot(node) },
            });
            touched.into_iter().for_each(|node| self.give_back(node));
        }
        let root = &self.facts.root;
        let places: Vec<_> = (0..root.len()).map(|node| self.places[root[node]]).collect();
        let mut seen = BTreeSet::new();
        let outputs = self.facts.program.outputs().iter().rev();
        let takes = outputs.map(|node| match places[*node] {
            Some(Place::Slot(slot)) => seen.insert(slot),
            _ => false,
        });
        let mut takes: Vec<bool> = takes.collect();
        takes.reverse();
        let made = Made::default();
        Plan { steps, slots: self.slots, constants: self.constants, places, takes, made }
    }

    fn slot(&self, node: usize) -> usize {
        match self.places[node] {
            Some(Place::Slot(slot)) => slot,
            _ => unreachable!("a live node with a step of its own is read by somebody"),
        }
    }

    fn take(&mut self, node: usize) -> usize {
        let (dtype, count) = (self.dtype(node), self.facts.program.nodes()[node].shape.count());
        if self.last[node] == Some(usize::MAX) {
            self.slots.push(Slot { dtype, count, leaves: true });
            return self.slots.len() - 1;
        }
        let free = self.free.entry(dtype).or_default();
        let fits = free.iter().position(|slot| self.slots[*slot].count >= count);
        let slot = match fits.or(free.len().checked_sub(1)) {
            Some(position) => free.swap_remove(position),
            None => {
                self.slots.push(Slot { dtype, count, leaves: false });
                self.slots.len() - 1
            }
        };
        self.slots[slot].count = self.slots[slot].count.max(count);
        slot
    }

    fn give_back(&mut self, node: usize) {
        if let Some(Place::Slot(slot)) = self.places[node] {
            self.free.entry(self.dtype(node)).or_default().push(slot);
        }
    }

    fn dtype(&self, node: usize) -> Dtype {
        self.facts.program.nodes()[node].dtype
    }
}
