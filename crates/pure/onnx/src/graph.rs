//! The walk over a graph: names to terms, nodes to ops.
//!
//! Nodes come in an order in which all that a node uses is made before it. A node whose operands
//! are all known, of an operator that is cheap, is written into a Program of its own and computed
//! at once by the reference interpreter; every other node goes into the model's Program.
//!
//! *Invariant: what is computed while reading stays within [`FOLD_MAX`] elements.* Beyond it, nodes
//! go into the Program, and only what must be known is an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use tensor::{Builder, Value};

use crate::known::{Kind, Known};
use crate::node::Node;
use crate::ops::{self, Operator};
use crate::scope::{Operand, Outcome, Scope, Term};
use crate::{
    Fault, ImportError, ImportOptions, Imported, OPSET_MAX, OPSET_MIN, Port, SIZE_MAX, proto,
};

/// How many elements are computed while reading, all together.
const FOLD_MAX: usize = 1 << 25;

struct Importer {
    b: Builder,
    values: BTreeMap<String, Operand>,
    budget: usize,
    opset: i64,
}

pub(crate) fn import(bytes: &[u8], options: &ImportOptions) -> Result<Imported, ImportError> {
    if bytes.len() > SIZE_MAX {
        return Err(ImportError::Size { size: bytes.len() });
    }
    let model = proto::Model::decode(bytes)?;
    let graph = model.graph.ok_or(ImportError::Empty)?;
    let opset = opset(&model.opset_import)?;
    let (b, values) = (Builder::new(), BTreeMap::new());
    let mut importer = Importer { b, values, budget: FOLD_MAX, opset };
    for bytes in &graph.initializer {
        let tensor = proto::Tensor::decode(&bytes[..])?;
        importer.constant(tensor)?;
    }
    let mut inputs = Vec::new();
    for bytes in &graph.input {
        inputs.extend(importer.input(proto::ValueInfo::decode(&bytes[..])?, options)?);
    }
    for bytes in &graph.node {
        importer.node(proto::Node::decode(&bytes[..])?)?;
    }
    let mut outputs = Vec::new();
    for bytes in &graph.output {
        outputs.push(importer.output(proto::ValueInfo::decode(&bytes[..])?)?);
    }
    if outputs.is_empty() {
        return Err(ImportError::Empty);
    }
    let (outputs, values): (Vec<Port>, Vec<Value>) = outputs.into_iter().unzip();
    let program = importer.b.finish(&values)?;
    Ok(Imported { program, inputs, outputs })
}

/// The version of ONNX's own operators.
fn opset(sets: &[Vec<u8>]) -> Result<i64, ImportError> {
    let mut version = 0;
    for bytes in sets {
        let set = proto::OperatorSet::decode(&bytes[..])?;
        if matches!(set.domain.as_str(), "" | "ai.onnx") {
            version = set.version;
        }
    }
    if (OPSET_MIN..=OPSET_MAX).contains(&version) {
        return Ok(version);
    }
    Err(ImportError::Opset { version })
}

impl Importer {
    fn constant(&mut self, tensor: proto::Tensor) -> Result<(), ImportError> {
        let known = Known::read(&tensor);
        let made = known.and_then(|known| self.put(&tensor.name, Term::Known(Arc::new(known))));
        made.map_err(|fault| ImportError::Constant { name: tensor.name, fault })
    }

    /// Declares an input, unless it is the name of a constant, as older files list those too.
    fn input(
        &mut self,
        info: proto::ValueInfo,
        options: &ImportOptions,
    ) -> Result<Option<Port>, ImportError> {
        if self.values.contains_key(&info.name) {
            return Ok(None);
        }
        let mut declare = || {
            let (kind, dims) = typed(&info, options)?;
            let value = self.b.input(kind.dtype(), &dims)?;
            self.put(&info.name, Term::Computed(value, kind))?;
            Ok((kind, dims))
        };
        match declare() {
            Ok((kind, dims)) => Ok(Some(Port { name: info.name, kind, dims })),
            Err(fault) => Err(ImportError::Port { name: info.name, fault }),
        }
    }

    fn output(&mut self, info: proto::ValueInfo) -> Result<(Port, Value), ImportError> {
        let mut find = || {
            let missing = || Fault::Unknown { name: info.name.clone() };
            let operand = self.values.get(&info.name).ok_or_else(missing)?;
            match &operand.term {
                Term::Computed(value, kind) => Ok((*value, *kind)),
                Term::Known(known) => Ok((self.b.constant(known.to_tensor()?)?, known.kind)),
            }
        };
        match find() {
            Ok((value, kind)) => {
                let dims = self.b.shape_of(value).dims().to_vec();
                Ok((Port { name: info.name, kind, dims }, value))
            }
            Err(fault) => Err(ImportError::Port { name: info.name, fault }),
        }
    }

    fn put(&mut self, name: &str, term: Term) -> Result<(), Fault> {
        let operand = Operand { term, lowered: None };
        match self.values.insert(name.to_owned(), operand) {
            None => Ok(()),
            Some(_) => Err(Fault::Twice { name: name.to_owned() }),
        }
    }

    fn node(&mut self, node: proto::Node) -> Result<(), ImportError> {
        let (operator, name, opset) = (node.op_type.clone(), node.name.clone(), self.opset);
        let node = Node::read(node, opset).map_err(|fault| ImportError::Node {
            operator,
            node: name,
            opset,
            fault,
        })?;
        let Some(operator) = ops::find(&node.operator) else {
            return Err(ImportError::Operator { operator: node.operator, node: node.name, opset });
        };
        self.write(&node, operator).map_err(|fault| ImportError::Node {
            operator: node.operator,
            node: node.name,
            opset,
            fault,
        })
    }

    fn write(&mut self, node: &Node, operator: Operator) -> Result<(), Fault> {
        let mut operands = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            // An operand that is left out has an empty name.
            let found = self.values.get(name);
            if found.is_none() && !name.is_empty() {
                return Err(Fault::Unknown { name: name.clone() });
            }
            operands.push(found.filter(|_| !name.is_empty()).cloned());
        }
        let terms = match self.fold(node, operator, &operands)? {
            Some(terms) => terms,
            None => self.append(node, operator, &mut operands)?,
        };
        if node.outputs.iter().skip(terms.len()).any(|name| !name.is_empty()) {
            return Err(Fault::Unsupported { what: "another result of this operator" });
        }
        for (name, term) in node.outputs.iter().zip(terms).filter(|(name, _)| !name.is_empty()) {
            self.put(name, term)?;
        }
        Ok(())
    }

    /// Writes the node into the model's Program, and remembers which constants are there now.
    fn append(
        &mut self,
        node: &Node,
        operator: Operator,
        operands: &mut [Option<Operand>],
    ) -> Outcome {
        let (b, budget) = (&mut self.b, &mut self.budget);
        let terms = (operator.write)(&mut Scope { b, node, operands, budget })?;
        for (name, operand) in node.inputs.iter().zip(operands) {
            if let (Some(operand), Some(kept)) = (operand, self.values.get_mut(name)) {
                kept.lowered = operand.lowered;
            }
        }
        Ok(terms)
    }

    /// Computes the node at once, if all it uses is known and what it takes is allowed.
    fn fold(
        &mut self,
        node: &Node,
        operator: Operator,
        operands: &[Option<Operand>],
    ) -> Result<Option<Vec<Term>>, Fault> {
        let mut used = 0_usize;
        for operand in operands.iter().flatten() {
            match &operand.term {
                Term::Known(known) => used = used.saturating_add(known.count()),
                Term::Computed(..) => return Ok(None),
            }
        }
        if !operator.cheap || used > self.budget {
            return Ok(None);
        }
        self.budget -= used;
        let mut b = Builder::new();
        let mut operands: Vec<Option<Operand>> = operands.to_vec();
        operands.iter_mut().flatten().for_each(|operand| operand.lowered = None);
        let (scratch, budget) = (&mut b, &mut self.budget);
        let terms =
            (operator.write)(&mut Scope { b: scratch, node, operands: &mut operands, budget })?;
        let computed: Vec<(Value, Kind)> = terms.iter().filter_map(computed).collect();
        if computed.is_empty() {
            return Ok(Some(terms));
        }
        let values: Vec<Value> = computed.iter().map(|(value, _)| *value).collect();
        let program = b.finish(&values)?;
        let made = program.nodes().iter().map(|node| node.shape.count());
        let made = made.fold(0, usize::saturating_add);
        if made > self.budget {
            return Ok(None);
        }
        self.budget -= made;
        let results = tensor::eval(&program, &[]);
        let what = "a constant cannot be computed while reading";
        let results = results.map_err(|_| Fault::Limit { what })?;
        let mut results = results.iter().zip(&computed);
        let settle = |term| match term {
            Term::Known(_) => term,
            Term::Computed(..) => match results.next() {
                Some((tensor, (_, kind))) => {
                    Term::Known(Arc::new(Known::from_tensor(*kind, tensor)))
                }
                None => term,
            },
        };
        Ok(Some(terms.into_iter().map(settle).collect()))
    }
}

const fn computed(term: &Term) -> Option<(Value, Kind)> {
    match term {
        Term::Known(_) => None,
        Term::Computed(value, kind) => Some((*value, *kind)),
    }
}

/// The kind and extents of an input.
fn typed(info: &proto::ValueInfo, options: &ImportOptions) -> Result<(Kind, Vec<usize>), Fault> {
    let tensor = info.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    let tensor = tensor.ok_or(Fault::Unsupported { what: "an input that is no tensor" })?;
    let kind = Kind::read(i64::from(tensor.elem_type))?;
    let shape = tensor.shape.as_ref();
    let shape = shape.ok_or(Fault::Unsupported { what: "an input without a shape" })?;
    let mut dims = Vec::new();
    for (axis, bytes) in shape.dim.iter().enumerate() {
        let dimension = proto::Dimension::decode(&bytes[..])?;
        let given = options.extents.get(&dimension.name).copied();
        let found = dimension.value.and_then(|value| usize::try_from(value).ok()).or(given);
        dims.push(found.ok_or(Fault::Dynamic { axis, name: dimension.name })?);
    }
    Ok((kind, dims))
}
