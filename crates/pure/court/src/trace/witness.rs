//! A run of k iterations, and what a dispute asks about it.
//!
//! Invariant: a question about iteration i is answered by running up to it again, so that only
//! roots are held for the others. Absent: states kept between iterations.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tensor::{EvalError, Hash, Node, Program, Tensor, tree};

use super::{Executor, KEPT_BYTES_MAX, Sheet, Trace, chain_states, outputs};

/// What a side of a dispute says about an execution: the leaves of the five trees.
pub trait Evidence {
    /// Returns the Program.
    fn program(&self) -> &Program;
    /// Returns the list root of the outputs after each iteration.
    fn states(&mut self) -> Vec<Hash>;
    /// Returns the tensor roots of the inputs of an iteration.
    fn inputs(&mut self, iteration: u32) -> Vec<Hash>;
    /// Returns the root of every op's tensor in an iteration.
    fn roots(&mut self, iteration: u32) -> Vec<Hash>;
    /// Returns the tensor of an op.
    fn tensor(&mut self, iteration: u32, op: usize) -> Arc<Sheet>;
    /// Returns the states of an element's chain, `None` for an op without chains.
    fn chain(&mut self, iteration: u32, op: usize, element: u64) -> Option<Arc<Sheet>>;
}

/// An execution, by whoever holds the Program and its inputs.
pub struct Witness {
    program: Arc<Program>,
    inputs: Vec<Tensor>,
    executor: Box<dyn Executor>,
    states: Vec<Hash>,
    /// The iteration that was asked about last.
    focus: Focus,
    /// Tensors that were asked about, as far as they fit.
    sheets: BTreeMap<(u32, usize), Arc<Sheet>>,
    /// The chain that was asked about last.
    chain: Option<((u32, usize, u64), Arc<Sheet>)>,
    room: usize,
}

struct Focus {
    iteration: u32,
    inputs: Vec<Tensor>,
    trace: Trace,
}

impl Witness {
    /// Runs the Program `iterations` times, its outputs becoming its first inputs.
    ///
    /// # Errors
    ///
    /// [`EvalError`] if the inputs are not those the Program declares, or outputs do not fit the
    /// inputs that they become.
    ///
    /// # Panics
    ///
    /// If there are no iterations.
    pub fn new(
        program: Arc<Program>,
        inputs: Vec<Tensor>,
        iterations: u32,
        executor: Box<dyn Executor>,
    ) -> Result<Witness, EvalError> {
        Witness::within(program, inputs, iterations, (executor, KEPT_BYTES_MAX))
    }

    /// As [`Witness::new`], keeping at most so many bytes of tensors.
    ///
    /// # Errors
    ///
    /// As [`Witness::new`].
    ///
    /// # Panics
    ///
    /// As [`Witness::new`].
    pub fn within(
        program: Arc<Program>,
        inputs: Vec<Tensor>,
        iterations: u32,
        (executor, room): (Box<dyn Executor>, usize),
    ) -> Result<Witness, EvalError> {
        assert!(iterations > 0, "a claim has at least one iteration");
        let mut states = Vec::new();
        let mut now = inputs.clone();
        program.check_inputs(&now)?;
        for _ in 1..iterations {
            // Of these only the state is hashed: their traces nobody may ever ask for.
            let next = outputs(&program, &now, executor.as_ref());
            let roots: Vec<Hash> = next.iter().map(|tensor| executor.root(tensor)).collect();
            states.push(tree::root(&roots));
            feed(&mut now, &next);
            program.check_inputs(&now)?;
        }
        let trace = Trace::new(&program, &now, executor.as_ref(), room)?;
        states.push(state(&program, &trace));
        let focus = Focus { iteration: iterations - 1, inputs: now, trace };
        Ok(Witness {
            program,
            inputs,
            executor,
            states,
            focus,
            sheets: BTreeMap::new(),
            chain: None,
            room,
        })
    }

    /// Returns the list root of the inputs.
    #[must_use]
    pub fn inputs_root(&self) -> Hash {
        tree::root(&self.hashed(&self.inputs))
    }

    fn hashed(&self, tensors: &[Tensor]) -> Vec<Hash> {
        tensors.iter().map(|tensor| self.executor.root(tensor)).collect()
    }

    /// Returns the list root of the outputs after the last iteration: what is claimed.
    ///
    /// # Panics
    ///
    /// Never: there is at least one iteration.
    #[must_use]
    pub fn outputs_root(&self) -> Hash {
        *self.states.last().expect("there is at least one iteration")
    }

    /// Runs up to an iteration, unless it is the one in focus.
    fn look_at(&mut self, iteration: u32) -> &Focus {
        if self.focus.iteration != iteration {
            let mut now = self.inputs.clone();
            for _ in 0..iteration {
                let outputs = outputs(&self.program, &now, self.executor.as_ref());
                feed(&mut now, &outputs);
            }
            let trace = Trace::new(&self.program, &now, self.executor.as_ref(), self.room);
            let trace = trace.expect("the same inputs fitted when the witness was made");
            self.focus = Focus { iteration, inputs: now, trace };
        }
        &self.focus
    }

    /// The operands of an op: from their sheets, if they were asked about, else executed again.
    fn operands(&mut self, iteration: u32, node: &Node) -> Vec<Arc<Tensor>> {
        let ops = node.op.operands();
        let seen = |op: &usize| {
            let (sheet, node) = (self.sheets.get(&(iteration, *op))?, &self.program.nodes()[*op]);
            let bytes = sheet.bytes.get(..node.shape.count() * node.dtype.size())?;
            Tensor::from_bytes(node.dtype, &node.shape, bytes).ok().map(Arc::new)
        };
        let seen: Option<Vec<_>> = ops.iter().map(seen).collect();
        seen.unwrap_or_else(|| self.tensors(iteration, &ops))
    }

    fn tensors(&mut self, iteration: u32, ops: &[usize]) -> Vec<Arc<Tensor>> {
        self.look_at(iteration);
        let Focus { inputs, trace, .. } = &self.focus;
        trace.tensors(&self.program, inputs, self.executor.as_ref(), ops)
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").field("states", &self.states).finish_non_exhaustive()
    }
}

impl Evidence for Witness {
    fn program(&self) -> &Program {
        &self.program
    }

    fn states(&mut self) -> Vec<Hash> {
        self.states.clone()
    }

    fn inputs(&mut self, iteration: u32) -> Vec<Hash> {
        if iteration != 0 {
            self.look_at(iteration);
        }
        let inputs = if iteration == 0 { &self.inputs } else { &self.focus.inputs };
        self.hashed(inputs)
    }

    fn roots(&mut self, iteration: u32) -> Vec<Hash> {
        self.look_at(iteration).trace.roots().to_vec()
    }

    fn tensor(&mut self, iteration: u32, op: usize) -> Arc<Sheet> {
        if let Some(sheet) = self.sheets.get(&(iteration, op)) {
            return Arc::clone(sheet);
        }
        // Who looks at an op looks at its operands next: one execution serves for all.
        let mut ops = vec![op];
        ops.extend(self.program.nodes()[op].op.operands());
        let tensors = self.tensors(iteration, &ops);
        let held: usize = self.sheets.values().map(|sheet| sheet.bytes.len()).sum();
        let mut free = self.room.saturating_sub(held);
        if tensors.iter().map(|tensor| size(tensor)).sum::<usize>() > free {
            self.sheets.clear();
            free = self.room;
        }
        for (place, (of, tensor)) in ops.iter().zip(tensors).enumerate() {
            let size = size(&tensor);
            // The op itself is asked about now, however large it is.
            if place == 0 || (size <= free && !self.sheets.contains_key(&(iteration, *of))) {
                free = free.saturating_sub(size);
                let sheet = Sheet::hashed_by(self.executor.as_ref(), &tensor);
                self.sheets.insert((iteration, *of), Arc::new(sheet));
            }
        }
        Arc::clone(&self.sheets[&(iteration, op)])
    }

    fn chain(&mut self, iteration: u32, op: usize, element: u64) -> Option<Arc<Sheet>> {
        if let Some((of, sheet)) = &self.chain
            && *of == (iteration, op, element)
        {
            return Some(Arc::clone(sheet));
        }
        let node = self.program.nodes()[op].clone();
        let operands = self.operands(iteration, &node);
        let operands: Vec<&Tensor> = operands.iter().map(AsRef::as_ref).collect();
        let states = chain_states(&node, &operands, usize::try_from(element).ok()?)?;
        let sheet = Arc::new(Sheet::hashed_by(self.executor.as_ref(), &states));
        self.chain = Some(((iteration, op, element), Arc::clone(&sheet)));
        Some(sheet)
    }
}

/// Puts outputs in the place of the first inputs; outputs beyond the last input go nowhere.
fn feed(inputs: &mut [Tensor], outputs: &[Arc<Tensor>]) {
    for (input, output) in inputs.iter_mut().zip(outputs) {
        input.clone_from(output);
    }
}

/// The list root of a run's outputs, whose roots it has already.
fn state(program: &Program, trace: &Trace) -> Hash {
    let roots: Vec<Hash> = program.outputs().iter().map(|op| trace.roots()[*op]).collect();
    tree::root(&roots)
}

/// Bytes of a tensor's elements.
fn size(tensor: &Tensor) -> usize {
    tensor.shape().count() * tensor.dtype().size()
}
