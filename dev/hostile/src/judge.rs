//! The judge beside the interpreter: any element of any op, with inputs, openings and changes as
//! the bytes say.
//!
//! *Invariant: honest openings give the interpreter's bits, changed ones these bits or none.*

use std::collections::BTreeMap;

use court::judge::{self, CheckError, Need, Opened, Openings, Source, Step};
use court::trace::{Sheet, chain_states};
use court::{Brief, Shown};
use tensor::{Dtype, Hash, Node, Op, Program, Tensor, eval_node, tree};

use crate::choices::Choices;

const CHUNK: u64 = tree::CHUNK_ELEMENTS as u64;

/// Judges one element, or one step of its chain, and compares.
pub(crate) fn judge(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let run = Run::chosen(&mut choices);
    let judged = |node: &&(usize, &Node)| !matches!(node.1.op, Op::Input { .. } | Op::Constant(_));
    let nodes: Vec<_> = run.program.nodes().iter().enumerate().collect();
    let nodes: Vec<_> = nodes.iter().filter(judged).collect();
    let (index, node) = *nodes[choices.below(nodes.len())];
    let tensor = &run.tensors[index];
    if tensor.shape().count() == 0 {
        return;
    }
    let element = choices.below(tensor.shape().count());
    let brief = run.brief(node);
    let opened = Opened::read(&brief).expect("an op of a Program is well formed");
    let case = Case { run: &run, node, opened: &opened, element };
    match chain_states(node, &run.operands(node), element) {
        None => case.element(&mut choices, bits_of(tensor, element)),
        Some(states) => {
            case.end(&mut choices, &states, bits_of(tensor, element));
            case.step(&mut choices, &states);
        }
    }
    noise(brief, &mut choices);
}

/// A Program with every op of a dtype, run.
struct Run {
    program: std::sync::Arc<Program>,
    tensors: Vec<Tensor>,
    roots: Vec<Hash>,
}

impl Run {
    /// Runs on inputs of which some bits are chosen.
    fn chosen(choices: &mut Choices<'_>) -> Run {
        let dtype = Dtype::ALL[usize::from(choices.byte()) % 3];
        let laws::samples::Sample { program, mut inputs } =
            laws::samples::of_dtype(u64::from(choices.byte()), dtype);
        for _ in 0..choices.byte() % 16 {
            let place = choices.below(inputs.len());
            let input = &mut inputs[place];
            let mut bytes = input.to_bytes();
            let size = input.dtype().size();
            let at = choices.below(input.shape().count()) * size;
            bytes[at..at + size].fill_with(|| choices.byte());
            let changed = Tensor::from_bytes(input.dtype(), input.shape(), &bytes);
            *input = changed.expect("as many bytes as before");
        }
        let mut tensors: Vec<Tensor> = Vec::with_capacity(program.nodes().len());
        for node in program.nodes() {
            let operands: Vec<&Tensor> =
                node.op.operands().iter().map(|place| &tensors[*place]).collect();
            let tensor = eval_node(node, &operands, &inputs);
            tensors.push(tensor);
        }
        let roots = tensors.iter().map(Tensor::root).collect();
        Run { program, tensors, roots }
    }

    fn operands(&self, node: &Node) -> Vec<&Tensor> {
        node.op.operands().iter().map(|place| &self.tensors[*place]).collect()
    }

    /// What the parties agree on of an op; of a concat, its own encoding says the rest.
    fn brief(&self, node: &Node) -> Brief {
        let places = match node.op {
            Op::Concat { .. } => Vec::new(),
            _ => node.op.operands(),
        };
        let encode = |place: &usize| self.program.nodes()[*place].encode();
        Brief {
            op: node.encode(),
            operands: places.iter().map(encode).collect(),
            roots: places.iter().map(|place| self.roots[*place]).collect(),
        }
    }
}

/// One element of one op.
struct Case<'a> {
    run: &'a Run,
    node: &'a Node,
    opened: &'a Opened,
    element: usize,
}

impl Case<'_> {
    fn element(&self, choices: &mut Choices<'_>, expected: u64) {
        self.compare(choices, (None, expected), |from| {
            judge::element(self.opened, self.element as u64, from)
        });
    }

    fn step(&self, choices: &mut Choices<'_>, states: &Tensor) {
        let step = choices.below(states.shape().count());
        let sheet = Sheet::of(states);
        let at = Step {
            element: self.element as u64,
            step: step as u64,
            chunk: sheet.chunk(step as u64 / CHUNK),
        };
        self.compare(choices, (Some(states), bits_of(states, step)), |from| {
            judge::step(self.opened, at, from)
        });
    }

    /// Compares what is judged with what the interpreter says, on openings that are honest and
    /// then changed.
    fn compare(
        &self,
        choices: &mut Choices<'_>,
        (chain, expected): (Option<&Tensor>, u64),
        judge: impl Fn(&mut dyn Source) -> Result<u64, CheckError>,
    ) {
        let mut collector = Collector { case: self, chain, shown: BTreeMap::new() };
        assert_eq!(judge(&mut collector), Ok(expected), "of {}", self.node.op.name());
        let mut shown: Vec<Shown> = collector.shown.into_values().collect();
        let trace = (tree::root(&self.run.roots), self.run.roots.len() as u64);
        let chain = chain.map_or(Hash::ZERO, Tensor::root);
        let again =
            |shown: &[Shown]| judge(&mut Openings { opened: self.opened, trace, chain, shown });
        assert_eq!(again(&shown), Ok(expected), "openings of {}", self.node.op.name());
        if change(&mut shown, choices) {
            let judged = again(&shown);
            assert!(judged.is_err(), "changed openings of {} were read", self.node.op.name());
        }
    }

    /// Compares the end of the chain with the element.
    fn end(&self, choices: &mut Choices<'_>, states: &Tensor, expected: u64) {
        let (sheet, count) = (Sheet::of(states), states.shape().count());
        let at = |entry: usize| entry / tree::CHUNK_ELEMENTS;
        let chunk =
            |chunk: usize, siblings| Shown { chunk: sheet.chunk(chunk as u64).to_vec(), siblings };
        let last = at(count - 1);
        let mut shown = vec![chunk(last, tree::crown_siblings(&sheet.leaves, last))];
        let over = count % tree::CHUNK_ELEMENTS;
        if matches!(self.node.op, Op::Sum { .. }) && count > tree::CHUNK_ELEMENTS && over > 0 {
            let before = at(count - 1 - over);
            shown.push(chunk(before, tree::siblings(&sheet.leaves, before)));
        }
        let end = |shown: &[Shown]| {
            judge::chain_end(self.opened, states.root(), shown).map(|(bits, _)| bits)
        };
        assert_eq!(end(&shown), Ok(expected), "the end of {}", self.node.op.name());
        if change(&mut shown, choices) {
            assert!(end(&shown).is_err(), "a changed end of {} was read", self.node.op.name());
        }
    }

    fn show(&self, need: Need, chain: Option<&Tensor>) -> (Shown, u64) {
        let show = |tensor: &Tensor, element: u64| {
            let (sheet, chunk) = (Sheet::of(tensor), element / CHUNK);
            let place = usize::try_from(chunk).expect("of a small tensor");
            let siblings = tree::siblings(&sheet.leaves, place);
            let at = usize::try_from(element).expect("of a small tensor");
            (Shown { chunk: sheet.chunk(chunk).to_vec(), siblings }, bits_of(tensor, at))
        };
        match need {
            Need::State { entry } => show(chain.expect("an op with chains"), entry),
            Need::Operand { place, element } | Need::Joined { place, element } => {
                let operand = self.node.op.operands()[place];
                let (mut shown, bits) = show(&self.run.tensors[operand], element);
                if matches!(need, Need::Joined { .. }) {
                    shown.siblings.extend(tree::siblings(&self.run.roots, operand));
                }
                (shown, bits)
            }
        }
    }
}

/// The run as a source for the judge; what is read is kept as an opening.
struct Collector<'a> {
    case: &'a Case<'a>,
    chain: Option<&'a Tensor>,
    shown: BTreeMap<usize, Shown>,
}

impl Source for Collector<'_> {
    fn count(&self, _: u64) -> Result<(), CheckError> {
        Ok(())
    }

    fn read(&mut self, at: usize, need: Need) -> Result<u64, CheckError> {
        let (shown, bits) = self.case.show(need, self.chain);
        self.shown.insert(at, shown);
        Ok(bits)
    }
}

/// Changes openings as chosen; says whether they are others now.
fn change(shown: &mut Vec<Shown>, choices: &mut Choices<'_>) -> bool {
    let honest = shown.clone();
    for _ in 0..choices.byte() % 4 {
        let place = choices.below(shown.len());
        match choices.byte() % 4 {
            0 => drop(shown.pop()),
            1 => shown.push(Shown { chunk: vec![choices.byte(); 128], siblings: Vec::new() }),
            _ => {
                if let Some(Shown { chunk, siblings }) = shown.get_mut(place) {
                    crate::opening::change((chunk, siblings), choices);
                }
            }
        }
    }
    *shown != honest
}

/// Feeds the judge a brief that nobody agreed on.
fn noise(mut brief: Brief, choices: &mut Choices<'_>) {
    for _ in 0..choices.byte() % 8 {
        let parts = 1 + brief.operands.len();
        let part = match choices.below(parts) {
            0 => &mut brief.op,
            operand => &mut brief.operands[operand - 1],
        };
        let (at, byte) = (choices.below(part.len()), choices.byte());
        match part.get_mut(at) {
            Some(old) => *old = byte,
            None => part.push(byte),
        }
    }
    let Ok(opened) = Opened::read(&brief) else { return };
    let shown = [Shown { chunk: vec![choices.byte(); 128], siblings: Vec::new() }];
    let mut from =
        Openings { opened: &opened, trace: (Hash::ZERO, 3), chain: Hash::ZERO, shown: &shown };
    let (element, step) = (choices.number() as u64, choices.number() as u64);
    // Judged or refused: it says so, and does not panic.
    let _ = judge::element(&opened, element, &mut from);
    let _ = judge::step(&opened, Step { element, step, chunk: &[0; 128] }, &mut from);
    let _ = judge::chain_end(&opened, Hash::ZERO, &shown);
}

/// The bits of an element, those of a 32-bit one in the lower half.
fn bits_of(tensor: &Tensor, element: usize) -> u64 {
    let (size, bytes) = (tensor.dtype().size(), tensor.to_bytes());
    let mut word = [0; 8];
    word[..size].copy_from_slice(&bytes[element * size..(element + 1) * size]);
    u64::from_le_bytes(word)
}
