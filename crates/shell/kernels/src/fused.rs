//! Groups of elementwise ops, run block by block.
//!
//! A block of a few hundred elements goes through the whole group before the next one starts. What
//! lies between two ops of a group is kept in *registers*, arrays of one block that stay in the
//! nearest cache; what others need is stored to its buffer on the way.
//!
//! *Invariant: an instruction never writes the register or the buffer that it reads.*
//! Absent: a compiler. Each instruction is one loop over a block, compiled once per level.

use std::collections::BTreeMap;

use tensor::{Dtype, Op};

use crate::buffer::{Buffer, Part, Typed, View};
use crate::elementwise;
use crate::level::Level;
use crate::plan::{Facts, Place};
use crate::threads::{self, Threads};

/// Elements of a block.
pub(crate) const BLOCK: usize = 512;

/// A group that is ready to run.
#[derive(Debug)]
pub(crate) struct Fused {
    count: usize,
    instructions: Vec<Instruction>,
    /// What the group reads from memory.
    pub(crate) loads: Vec<Place>,
    /// The slots it writes.
    pub(crate) stores: Vec<usize>,
    /// How many registers of each dtype it needs.
    registers: BTreeMap<Dtype, usize>,
}

/// One op of a group.
#[derive(Debug)]
pub(crate) struct Instruction {
    pub(crate) op: Op,
    /// Dtype of the last operand: of all operands but the condition of a select.
    pub(crate) dtype: Dtype,
    pub(crate) arguments: [Argument; 3],
    register: Option<usize>,
    store: Option<usize>,
}

/// Where an operand's block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Register(usize),
    /// The same range of a load.
    Load(usize),
    /// The only element of a load, for every element of the block.
    Scalar(usize),
}

/// Registers by dtype, kept from run to run.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    pub(crate) f32: Vec<Vec<f32>>,
    pub(crate) f64: Vec<Vec<f64>>,
    pub(crate) i32: Vec<Vec<i32>>,
}

impl Registers {
    fn provide(&mut self, needed: &BTreeMap<Dtype, usize>) {
        for (dtype, count) in needed {
            match dtype {
                Dtype::F32 => grow(&mut self.f32, *count),
                Dtype::F64 => grow(&mut self.f64, *count),
                Dtype::I32 => grow(&mut self.i32, *count),
            }
        }
    }
}

fn grow<T: Typed>(registers: &mut Vec<Vec<T>>, count: usize) {
    while registers.len() < count {
        registers.push(vec![T::default(); BLOCK]);
    }
}

/// An element type with its registers.
pub(crate) trait Register: Typed {
    fn registers(all: &Registers) -> &[Vec<Self>];
    fn registers_mut(all: &mut Registers) -> &mut Vec<Vec<Self>>;
}

impl Register for f32 {
    fn registers(all: &Registers) -> &[Vec<Self>] {
        &all.f32
    }

    fn registers_mut(all: &mut Registers) -> &mut Vec<Vec<Self>> {
        &mut all.f32
    }
}

impl Register for f64 {
    fn registers(all: &Registers) -> &[Vec<Self>] {
        &all.f64
    }

    fn registers_mut(all: &mut Registers) -> &mut Vec<Vec<Self>> {
        &mut all.f64
    }
}

impl Register for i32 {
    fn registers(all: &Registers) -> &[Vec<Self>] {
        &all.i32
    }

    fn registers_mut(all: &mut Registers) -> &mut Vec<Vec<Self>> {
        &mut all.i32
    }
}

/// A group at work on one block after the other of a part of its elements.
pub(crate) struct Running<'a> {
    pub(crate) level: Level,
    loads: &'a [View<'a>],
    /// Where the part's results go, by store.
    stores: Vec<Part<'a>>,
    registers: &'a mut Registers,
    /// The first element of the part.
    first: usize,
    start: usize,
    end: usize,
}

impl Fused {
    /// Runs the group over all of its elements, blocks cut between threads.
    pub(crate) fn run(
        &self,
        (level, threads): (Level, Threads),
        loads: &[View<'_>],
        stores: &mut [Buffer],
        registers: &mut Vec<Registers>,
    ) {
        let most = threads.part(self.count, self.instructions.len(), BLOCK);
        let mut rest: Vec<Part<'_>> = stores.iter_mut().map(|x| x.part(self.count)).collect();
        let mut parts = Vec::new();
        for first in (0..self.count).step_by(most) {
            let size = most.min(self.count - first);
            let (now, later) = rest.into_iter().map(|part| part.split(size)).unzip();
            parts.push((first..first + size, now));
            rest = later;
        }
        threads::each(parts, registers, |(range, stores), registers| {
            registers.provide(&self.registers);
            let (first, last) = (range.start, range.end);
            let (start, end) = (first, first);
            let mut running = Running { level, loads, stores, registers, first, start, end };
            while running.end < last {
                running.start = running.end;
                running.end = last.min(running.start + BLOCK);
                for instruction in &self.instructions {
                    elementwise::execute(&mut running, instruction);
                }
            }
        });
    }
}

impl Running<'_> {
    /// Returns the block of an operand.
    pub(crate) fn read<T: Register>(&self, argument: Argument) -> &[T] {
        match argument {
            Argument::Register(index) => &T::registers(self.registers)[index][..self.size()],
            Argument::Load(index) => &T::slice(self.loads[index])[self.start..self.end],
            Argument::Scalar(index) => &T::slice(self.loads[index])[..1],
        }
    }

    /// Lets `fill` write an instruction's block to wherever it belongs.
    pub(crate) fn write<T: Register>(
        &mut self,
        instruction: &Instruction,
        fill: impl FnOnce(&Self, &mut [T]),
    ) {
        let size = self.size();
        let place = self.start - self.first..self.end - self.first;
        if let Some(index) = instruction.register {
            let mut block = std::mem::take(&mut T::registers_mut(self.registers)[index]);
            fill(self, &mut block[..size]);
            if let Some(index) = instruction.store {
                T::part(&mut self.stores[index])[place].copy_from_slice(&block[..size]);
            }
            T::registers_mut(self.registers)[index] = block;
        } else if let Some(index) = instruction.store {
            let part = std::mem::take(T::part(&mut self.stores[index]));
            fill(self, &mut part[place]);
            *T::part(&mut self.stores[index]) = part;
        }
    }

    fn size(&self) -> usize {
        self.end - self.start
    }
}

/// Instructions before registers are assigned: an operand is a load or an earlier result.
struct Draft<'a> {
    facts: &'a Facts<'a>,
    places: &'a [Option<Place>],
    instructions: Vec<(Instruction, Vec<Source>)>,
    /// The instruction that makes a node's elements in this group.
    made: BTreeMap<usize, usize>,
    loads: Vec<Place>,
    stores: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Source {
    Made(usize),
    Load(usize),
    Scalar(usize),
}

impl Fused {
    /// Compiles a group of nodes; those that have a place are stored to it.
    pub(crate) fn new(facts: &Facts<'_>, nodes: &[usize], places: &[Option<Place>]) -> Fused {
        let mut draft = Draft {
            facts,
            places,
            instructions: Vec::new(),
            made: BTreeMap::new(),
            loads: Vec::new(),
            stores: Vec::new(),
        };
        nodes.iter().for_each(|node| draft.push(*node));
        let count = facts.program.nodes()[nodes[0]].shape.count();
        draft.finish(count)
    }
}

impl Draft<'_> {
    fn push(&mut self, node: usize) {
        let operands = self.facts.program.nodes()[node].op.operands();
        let dtype = self.facts.program.nodes()
            [*operands.last().expect("elementwise ops have operands")]
        .dtype;
        let sources = operands.into_iter().map(|operand| self.source(operand)).collect();
        self.emit(node, dtype, sources);
    }

    fn source(&mut self, operand: usize) -> Source {
        let root = self.facts.root[operand];
        if let Some(made) = self.made.get(&root) {
            return Source::Made(*made);
        }
        let (behind, filled) = self.facts.seen_through(operand);
        let load = self.load(self.places[behind].expect("what a group reads is in memory"));
        if !filled {
            return Source::Load(load);
        }
        let dtype = self.facts.program.nodes()[root].dtype;
        Source::Made(self.emit(root, dtype, vec![Source::Scalar(load)]))
    }

    fn load(&mut self, place: Place) -> usize {
        let known = self.loads.iter().position(|load| *load == place);
        known.unwrap_or_else(|| {
            self.loads.push(place);
            self.loads.len() - 1
        })
    }

    fn emit(&mut self, node: usize, dtype: Dtype, sources: Vec<Source>) -> usize {
        let store = match self.places[node] {
            Some(Place::Slot(slot)) => {
                self.stores.push(slot);
                Some(self.stores.len() - 1)
            }
            _ => None,
        };
        let op = self.facts.program.nodes()[node].op.clone();
        let arguments = [Argument::Register(0); 3];
        let instruction = Instruction { op, dtype, arguments, register: None, store };
        self.instructions.push((instruction, sources));
        self.made.insert(node, self.instructions.len() - 1);
        self.instructions.len() - 1
    }

    /// Assigns registers: a result takes a free one before its operands give theirs back.
    fn finish(mut self, count: usize) -> Fused {
        let mut last = vec![None; self.instructions.len()];
        for (index, (_, sources)) in self.instructions.iter().enumerate() {
            for source in sources {
                if let Source::Made(made) = source {
                    last[*made] = Some(index);
                }
            }
        }
        let result: BTreeMap<usize, Dtype> = self
            .made
            .iter()
            .map(|(node, made)| (*made, self.facts.program.nodes()[*node].dtype))
            .collect();
        let mut free: BTreeMap<Dtype, Vec<usize>> = BTreeMap::new();
        let mut used: BTreeMap<Dtype, usize> = BTreeMap::new();
        let mut registers = vec![None; self.instructions.len()];
        for (index, (instruction, sources)) in self.instructions.iter_mut().enumerate() {
            if last[index].is_some() {
                let dtype = result[&index];
                let fresh = used.entry(dtype).or_default();
                let register = free.entry(dtype).or_default().pop().unwrap_or_else(|| {
                    *fresh += 1;
                    *fresh - 1
                });
                registers[index] = Some(register);
                instruction.register = Some(register);
            }
            for (argument, source) in instruction.arguments.iter_mut().zip(sources.iter()) {
                *argument = match source {
                    Source::Load(load) => Argument::Load(*load),
                    Source::Scalar(load) => Argument::Scalar(*load),
                    Source::Made(made) => {
                        Argument::Register(registers[*made].expect("it is read, so it has one"))
                    }
                };
            }
            let mut ended: Vec<usize> = sources
                .iter()
                .filter_map(|source| match source {
                    Source::Made(made) if last[*made] == Some(index) => Some(*made),
                    _ => None,
                })
                .collect();
            ended.sort_unstable();
            ended.dedup();
            for made in ended {
                let register = registers[made].expect("it was read just now");
                free.entry(result[&made]).or_default().push(register);
            }
        }
        let instructions = self.instructions.into_iter().map(|(done, _)| done).collect();
        Fused { count, instructions, loads: self.loads, stores: self.stores, registers: used }
    }
}
