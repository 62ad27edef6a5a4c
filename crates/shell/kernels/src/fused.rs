//! Groups of elementwise ops, run block by block.
//!
//! A block goes through the whole group before the next one starts. What lies between two ops of a
//! group is kept in *registers*, arrays of one block that stay in the nearest cache; what others
//! need is stored to its buffer on the way. A scalar fills its register once, before the first
//! block. A NaN between two ops may have any payload if all that see it are arithmetic.
//!
//! *Invariant: an instruction never writes the register or the buffer that it reads.*
//! Absent: a compiler. Each instruction is one loop over a block, compiled once per level.

use std::collections::{BTreeMap, BTreeSet};

use tensor::{Dtype, Op};

use crate::buffer::{Buffer, Part, Typed, View, before_line};
use crate::elementwise;
use crate::level::Level;
use crate::plan::{Facts, Place};
use crate::threads::{self, Threads};

/// Bytes of all blocks of a group together: half of a usual nearest cache, as it also holds what
/// comes next.
const NEAR: usize = 24_576;

/// Elements of a block: so many that an instruction's loop outweighs its start, so few that threads
/// can share the work.
const BLOCKS: [usize; 2] = [256, 4_096];

/// Elements of a line of the cache: blocks are whole lines.
const LINE: usize = 16;

/// Elements that a register has beyond a block, so that it can begin with a line, and so that two
/// registers do not lie a page apart: a CPU takes a load for one of what it just stored when their
/// places in a page are the same.
const SPARE: usize = 256;

/// Elements of a group's loads together from which on they come from beyond the nearer caches.
const FAR: usize = 1 << 18;

/// A group that is ready to run.
#[derive(Debug)]
pub(crate) struct Fused {
    count: usize,
    /// Elements of a block.
    block: usize,
    /// Elements of each load's next block that are asked for at an instruction; 0 where all of them
    /// are near.
    share: usize,
    /// What fills registers once.
    fills: Vec<Instruction>,
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
    /// Whether a NaN must be the one NaN: others see its bits.
    pub(crate) clean: bool,
    register: Option<usize>,
    store: Option<usize>,
    /// Of a minimum: the register for the maximum of the same operands.
    pub(crate) twin: Option<usize>,
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
    fn provide(&mut self, needed: &BTreeMap<Dtype, usize>, block: usize) {
        for (dtype, count) in needed {
            match dtype {
                Dtype::F32 => grow(&mut self.f32, *count, block),
                Dtype::F64 => grow(&mut self.f64, *count, block),
                Dtype::I32 => grow(&mut self.i32, *count, block),
            }
        }
    }
}

fn grow<T: Typed>(registers: &mut Vec<Vec<T>>, count: usize, block: usize) {
    if registers.len() < count {
        registers.resize_with(count, Vec::new);
    }
    for register in &mut registers[..count] {
        if register.len() < block + SPARE {
            register.resize(block + SPARE, T::default());
        }
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
        let most = threads.part(self.count, self.instructions.len(), self.block);
        let mut rest: Vec<Part<'_>> = stores.iter_mut().map(|x| x.part(self.count)).collect();
        let mut parts = Vec::new();
        for first in (0..self.count).step_by(most) {
            let size = most.min(self.count - first);
            let (now, later) = rest.into_iter().map(|part| part.split(size)).unzip();
            parts.push((first..first + size, now));
            rest = later;
        }
        threads::each(parts, registers, |(range, stores), registers| {
            registers.provide(&self.registers, self.block);
            let (first, last) = (range.start, range.end);
            let (start, end) = (first, last.min(first + self.block));
            let mut running = Running { level, loads, stores, registers, first, start, end };
            for instruction in &self.fills {
                elementwise::execute(&mut running, instruction);
            }
            while running.start < last {
                for (index, instruction) in self.instructions.iter().enumerate() {
                    if self.share > 0 && index * self.share < self.block {
                        running.ask(index * self.share, self.share);
                    }
                    elementwise::execute(&mut running, instruction);
                }
                running.start = running.end;
                running.end = last.min(running.start + self.block);
            }
        });
    }
}

impl Running<'_> {
    /// Asks memory for some of the next block of each load, `from` elements into it, so that they
    /// come while instructions work on what is near.
    #[inline(always)]
    fn ask(&self, from: usize, share: usize) {
        for load in self.loads {
            match load {
                View::F32(all) => ask(all, self.end + from, share),
                View::F64(all) => ask(all, self.end + from, share),
                View::I32(all) => ask(all, self.end + from, share),
            }
        }
    }

    /// Returns the block of an operand.
    pub(crate) fn read<T: Register>(&self, argument: Argument) -> &[T] {
        match argument {
            Argument::Register(index) => {
                let register = &T::registers(self.registers)[index];
                &register[before_line(register)..][..self.size()]
            }
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
            let mut register = std::mem::take(&mut T::registers_mut(self.registers)[index]);
            let before = before_line(&register);
            let block = &mut register[before..][..size];
            fill(self, block);
            if let Some(index) = instruction.store {
                T::part(&mut self.stores[index])[place].copy_from_slice(block);
            }
            T::registers_mut(self.registers)[index] = register;
        } else if let Some(index) = instruction.store {
            let part = std::mem::take(T::part(&mut self.stores[index]));
            fill(self, &mut part[place]);
            *T::part(&mut self.stores[index]) = part;
        }
    }

    /// Lets `fill` write the two blocks of an exchange, the minimum's and the maximum's.
    pub(crate) fn write_both<T: Register>(
        &mut self,
        instruction: &Instruction,
        fill: impl FnOnce(&Self, &mut [T], &mut [T]),
    ) {
        const BOTH: &str = "an exchange has two registers";
        let size = self.size();
        let (low, high) = (instruction.register.expect(BOTH), instruction.twin.expect(BOTH));
        let all = T::registers_mut(self.registers);
        let (mut first, mut second) =
            (std::mem::take(&mut all[low]), std::mem::take(&mut all[high]));
        let (before, after) = (before_line(&first), before_line(&second));
        fill(self, &mut first[before..][..size], &mut second[after..][..size]);
        let all = T::registers_mut(self.registers);
        (all[low], all[high]) = (first, second);
    }

    fn size(&self) -> usize {
        self.end - self.start
    }
}

/// Asks for the lines of some elements, of those that are there.
#[inline(always)]
fn ask<T: Typed>(all: &[T], start: usize, count: usize) {
    let some = &all[start.min(all.len())..(start + count).min(all.len())];
    some.iter().step_by(LINE * size_of::<f32>() / size_of::<T>()).for_each(|x| T::prefetch(x));
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
        let (clean, register) = (store.is_some(), None);
        let twin = None;
        let instruction = Instruction { op, dtype, arguments, clean, register, store, twin };
        self.instructions.push((instruction, sources));
        self.made.insert(node, self.instructions.len() - 1);
        self.instructions.len() - 1
    }

    /// Assigns registers and decides on a block's size.
    fn finish(mut self, count: usize) -> Fused {
        self.keep_payloads();
        let used = self.assign();
        let all = self.instructions.into_iter().map(|(done, _)| done);
        let (fills, instructions): (Vec<_>, Vec<_>) = all.partition(Instruction::fills);
        let instructions = exchanges(instructions);
        let held: usize = used.iter().map(|(dtype, count)| dtype.size() * count).sum();
        let streams = self.loads.len() + self.stores.len();
        let block = NEAR / (held + streams * size_of::<f32>());
        let block = (block / LINE * LINE).clamp(BLOCKS[0], BLOCKS[1]);
        let (loads, stores) = (self.loads, self.stores);
        // Short groups wait for nothing but memory, which then guesses as well as we do.
        let far = instructions.len() >= 4 && count * loads.len() >= FAR;
        // Whole lines, or each would be asked for many times where there are many instructions.
        let share = if far { block.div_ceil(instructions.len()).next_multiple_of(LINE) } else { 0 };
        Fused { count, block, share, fills, instructions, loads, stores, registers: used }
    }

    /// Marks what a select reads: it copies bits.
    fn keep_payloads(&mut self) {
        for index in 0..self.instructions.len() {
            let (instruction, sources) = &self.instructions[index];
            if let Op::Select(..) = instruction.op {
                for source in sources.clone() {
                    if let Source::Made(made) = source {
                        self.instructions[made].0.clean = true;
                    }
                }
            }
        }
    }

    /// Returns for each result the last instruction that reads it; a fill is read to the end.
    fn last_reads(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.instructions.len()];
        for (index, (_, sources)) in self.instructions.iter().enumerate() {
            for source in sources {
                if let Source::Made(made) = source {
                    let fills = self.instructions[*made].0.fills();
                    last[*made] = Some(if fills { usize::MAX } else { index });
                }
            }
        }
        last
    }

    /// Assigns registers: a result takes a free one before its operands give theirs back. Says how
    /// many of each dtype there are.
    fn assign(&mut self) -> BTreeMap<Dtype, usize> {
        let last = self.last_reads();
        let dtypes: Vec<Dtype> = self.dtypes();
        let mut free: BTreeMap<Dtype, Vec<usize>> = BTreeMap::new();
        let mut used: BTreeMap<Dtype, usize> = BTreeMap::new();
        // Fills first: what they hold is there before any block begins.
        let (fills, rest): (Vec<usize>, Vec<usize>) =
            (0..last.len()).partition(|index| self.instructions[*index].0.fills());
        for index in fills.into_iter().chain(rest) {
            if last[index].is_some() {
                let fresh = used.entry(dtypes[index]).or_default();
                let register = free.entry(dtypes[index]).or_default().pop().unwrap_or_else(|| {
                    *fresh += 1;
                    *fresh - 1
                });
                self.instructions[index].0.register = Some(register);
            }
            let sources = std::mem::take(&mut self.instructions[index].1);
            let mut ended = BTreeSet::new();
            for (place, source) in sources.into_iter().enumerate() {
                if let Source::Made(made) = source {
                    ended.extend(Some(made).filter(|made| last[*made] == Some(index)));
                }
                self.instructions[index].0.arguments[place] = self.argument(source);
            }
            for made in ended {
                free.entry(dtypes[made]).or_default().extend(self.instructions[made].0.register);
            }
        }
        used
    }

    fn argument(&self, source: Source) -> Argument {
        match source {
            Source::Load(load) => Argument::Load(load),
            Source::Scalar(load) => Argument::Scalar(load),
            Source::Made(made) => {
                let register = self.instructions[made].0.register;
                Argument::Register(register.expect("it is read, so it has one"))
            }
        }
    }

    /// Returns the dtype of each result.
    fn dtypes(&self) -> Vec<Dtype> {
        let nodes = self.facts.program.nodes();
        let mut made: Vec<(usize, usize)> = self.made.iter().map(|(n, m)| (*m, *n)).collect();
        made.sort_unstable();
        made.into_iter().map(|(_, node)| nodes[node].dtype).collect()
    }
}

/// Makes one instruction of a minimum and the maximum of the same operands after it, which is what
/// sorts are made of: the operands are read once.
fn exchanges(instructions: Vec<Instruction>) -> Vec<Instruction> {
    let mut kept: Vec<Instruction> = Vec::with_capacity(instructions.len());
    for instruction in instructions {
        match kept.last_mut() {
            Some(last) if last.exchanges_with(&instruction) => last.twin = instruction.register,
            _ => kept.push(instruction),
        }
    }
    kept
}

impl Instruction {
    /// Whether it is a minimum and `next` the maximum of the same operands, both for registers
    /// alone. The operands are live until `next` has read them, so neither register is theirs.
    fn exchanges_with(&self, next: &Instruction) -> bool {
        let both = matches!((&self.op, &next.op), (Op::Min(..), Op::Max(..)));
        let held = |one: &Instruction| one.register.is_some() && one.store.is_none();
        let same = self.dtype == next.dtype && self.arguments[..2] == next.arguments[..2];
        both && same && self.twin.is_none() && held(self) && held(next)
    }

    /// Whether it fills a register with a scalar.
    fn fills(&self) -> bool {
        matches!(self.op, Op::Broadcast { .. })
    }
}
