//! A node with its attributes, decoded when its turn comes.

use std::collections::BTreeMap;

use prost::Message;

use crate::Fault;
use crate::known::Known;
use crate::proto;

/// No operator has as many attributes or operands.
const LIST_MAX: usize = 1 << 12;

/// A node of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The operator, with its domain unless that is ONNX's own.
    pub(crate) operator: String,
    /// Its name, or else its first result.
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    /// The version of its operator set.
    pub(crate) opset: i64,
    attributes: BTreeMap<String, proto::Attribute>,
}

impl Node {
    pub(crate) fn read(node: proto::Node, opset: i64) -> Result<Node, Fault> {
        let own = matches!(node.domain.as_str(), "" | "ai.onnx");
        let operator = if own { node.op_type } else { format!("{}.{}", node.domain, node.op_type) };
        let first = node.output.first().cloned().unwrap_or_default();
        let name = if node.name.is_empty() { first } else { node.name };
        let lengths = [node.attribute.len(), node.input.len(), node.output.len()];
        if lengths.into_iter().any(|length| length > LIST_MAX) {
            return Err(Fault::Limit { what: "a node has at most 4,096 operands and attributes" });
        }
        let mut attributes = BTreeMap::new();
        for bytes in &node.attribute {
            let attribute = proto::Attribute::decode(&bytes[..])?;
            attributes.insert(attribute.name.clone(), attribute);
        }
        let (inputs, outputs) = (node.input, node.output);
        Ok(Node { operator, name, inputs, outputs, opset, attributes })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    /// An integer, or what it is by default.
    pub(crate) fn int(&self, name: &'static str, default: i64) -> Result<i64, Fault> {
        let Some(attribute) = self.attributes.get(name) else { return Ok(default) };
        // A value of 0 may be left out of the message.
        match attribute.kind {
            0 | 2 => Ok(attribute.i.unwrap_or(0)),
            _ => Err(Fault::Attribute { name, expected: "an integer" }),
        }
    }

    /// A flag, which is an integer.
    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, Fault> {
        Ok(self.int(name, i64::from(default))? != 0)
    }

    /// A number, or what it is by default.
    pub(crate) fn float(&self, name: &'static str, default: f64) -> Result<f64, Fault> {
        let Some(attribute) = self.attributes.get(name) else { return Ok(default) };
        match attribute.kind {
            0 | 1 => Ok(f64::from(attribute.f.unwrap_or(0.0))),
            _ => Err(Fault::Attribute { name, expected: "a float" }),
        }
    }

    /// A list of integers, if there is one.
    pub(crate) fn ints(&self, name: &'static str) -> Result<Option<&[i64]>, Fault> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(found) if matches!(found.kind, 0 | proto::INTS) => Ok(Some(&found.ints)),
            Some(_) => Err(Fault::Attribute { name, expected: "a list of integers" }),
        }
    }

    /// A list of floats, if there is one.
    pub(crate) fn floats(&self, name: &'static str) -> Result<Option<&[f32]>, Fault> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(found) if matches!(found.kind, 0 | proto::FLOATS) => Ok(Some(&found.floats)),
            Some(_) => Err(Fault::Attribute { name, expected: "a list of floats" }),
        }
    }

    /// A word, or what it is by default.
    pub(crate) fn text(&self, name: &'static str, default: &'static str) -> Result<&str, Fault> {
        let Some(attribute) = self.attributes.get(name) else { return Ok(default) };
        let text = std::str::from_utf8(attribute.s.as_deref().unwrap_or_default());
        text.map_err(|_| Fault::Attribute { name, expected: "a word" })
    }

    /// A list of words; empty if there is none.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<&str>, Fault> {
        let Some(attribute) = self.attributes.get(name) else { return Ok(Vec::new()) };
        let words = attribute.strings.iter().map(|word| std::str::from_utf8(word));
        words.collect::<Result<_, _>>().map_err(|_| Fault::Attribute { name, expected: "words" })
    }

    /// A tensor, if there is one.
    pub(crate) fn tensor(&self, name: &'static str) -> Result<Option<Known>, Fault> {
        let tensor = self.attributes.get(name).and_then(|attribute| attribute.t.as_ref());
        tensor.map(Known::read).transpose()
    }
}
