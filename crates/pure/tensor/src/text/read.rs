//! From text to Programs, by way of the encoding.

use std::str::{FromStr, SplitWhitespace};

use crate::{DecodeError, Dtype, Hash, Program, Shape, ShapeError, Tensor, encoding::MAGIC};

use super::WORDS;

/// Why a text is not the listing of a Program.
///
/// ```
/// use tensor::{Program, TextError};
///
/// let error = "outputs %0\n%0 f32[2] = frobnicate".parse::<Program>().unwrap_err();
/// assert!(matches!(error, TextError::Line { line: 2, .. }));
/// assert_eq!(error.to_string(), "line 2: `frobnicate` is no op");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A line does not say what a line there must say.
    #[error("line {line}: {reason}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, in words.
        reason: String,
    },
    /// A constant stands there by its root and first values only.
    #[error("line {line}: the constant's values are left out, so the text does not say them all")]
    Elided {
        /// The line, counted from 1.
        line: usize,
    },
    /// The lines are well written and make no Program.
    #[error("{0}")]
    Program(#[from] DecodeError),
    /// The Program is not the one whose hash, or whose inputs, the first lines state.
    #[error("the text states {name} {stated}, its ops make {got}")]
    Stated {
        /// What is stated.
        name: &'static str,
        /// As stated.
        stated: String,
        /// As it follows from the ops.
        got: String,
    },
}

impl FromStr for Program {
    type Err = TextError;

    /// Reads a listing; empty lines and lines that begin with `#` say nothing.
    ///
    /// ```
    /// use tensor::{Builder, Dtype, Program, Tensor};
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(Dtype::F32, &[2])?;
    /// let c = b.constant(Tensor::f32(&[2], vec![0.5, -0.0])?)?;
    /// let y = b.mul(x, c)?;
    /// let program = b.finish(&[y])?;
    /// assert_eq!(format!("{program:#}").parse::<Program>()?, program);
    /// assert!(program.to_string().parse::<Program>().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn from_str(text: &str) -> Result<Program, TextError> {
        let mut parts = Parts::default();
        for (index, line) in text.lines().enumerate() {
            parts.line(line.trim()).map_err(|error| error.at(index + 1))?;
        }
        let program = Program::decode(&parts.encoding())?;
        parts.check(&program)?;
        Ok(program)
    }
}

/// What is wrong with a line, before it is known which line it is.
enum Wrong {
    Elided,
    Said(String),
}

impl Wrong {
    fn at(self, line: usize) -> TextError {
        match self {
            Wrong::Elided => TextError::Elided { line },
            Wrong::Said(reason) => TextError::Line { line, reason },
        }
    }
}

fn wrong<T>(reason: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Said(reason.into()))
}

/// What was read so far, already as the encoding has it.
#[derive(Default)]
struct Parts {
    hash: Option<Hash>,
    inputs: Option<String>,
    outputs: Vec<u32>,
    count: u32,
    ops: Vec<u8>,
    constants: Vec<u8>,
}

impl Parts {
    fn line(&mut self, line: &str) -> Result<(), Wrong> {
        let mut words = line.split_whitespace();
        match words.next() {
            None => Ok(()),
            Some(word) if word.starts_with('#') => Ok(()),
            Some("program") => {
                let word = words.next().unwrap_or_default();
                let hash = word.parse().map_err(|error| Wrong::Said(format!("{error}")))?;
                self.hash = Some(hash);
                Ok(())
            }
            Some("inputs") => {
                self.inputs = Some(words.collect::<Vec<_>>().join(" "));
                Ok(())
            }
            Some("outputs") => {
                for word in words {
                    let (index, _) = word.split_once(':').unwrap_or((word, ""));
                    self.outputs.push(value(index)?);
                }
                Ok(())
            }
            Some(word) => self.op(word, words),
        }
    }

    /// Reads `%3 f32[2] = add %1 %2` from the second word on.
    fn op(&mut self, first: &str, mut words: SplitWhitespace<'_>) -> Result<(), Wrong> {
        let index = value(first)?;
        if index != self.count {
            return wrong(format!("op %{} is to come here, not %{index}", self.count));
        }
        self.count += 1;
        let (dtype, shape) = type_of(words.next().unwrap_or_default())?;
        if words.next() != Some("=") {
            return wrong("an op reads `%3 f32[2] = add %1 %2`");
        }
        let name = words.next().unwrap_or_default();
        let Some((code, _, keys)) = WORDS.iter().find(|(_, word, _)| *word == name) else {
            return wrong(format!("`{name}` is no op"));
        };
        self.ops.extend([*code, dtype.code()]);
        self.ops.push(u8::try_from(shape.rank()).expect("ranks are small"));
        shape.dims().iter().for_each(|extent| number(&mut self.ops, *extent));
        let mut operands = Vec::new();
        let mut payload = words.clone();
        while let Some(word) = words.next().filter(|word| word.starts_with('%')) {
            operands.push(value(word)?);
            payload = words.clone();
        }
        number(&mut self.ops, operands.len());
        operands.iter().for_each(|operand| self.ops.extend(operand.to_le_bytes()));
        if *code == 0x02 {
            return self.constant(payload, (dtype, shape));
        }
        // A list has a number for every axis, but for concat's, which has one for every operand.
        let entries = if *code == CONCAT { operands.len() } else { shape.rank() };
        for key in *keys {
            self.field((*code, key), payload.next().unwrap_or_default(), entries)?;
        }
        match payload.next() {
            None => Ok(()),
            Some(word) => wrong(format!("`{word}` is more than {name} takes")),
        }
    }

    fn constant(
        &mut self,
        mut words: SplitWhitespace<'_>,
        (dtype, shape): (Dtype, Shape),
    ) -> Result<(), Wrong> {
        let word = words.next().unwrap_or_default();
        let Some(digits) = word.strip_prefix("bytes=") else {
            return if word.starts_with("0x") { Err(Wrong::Elided) } else { wrong("no `bytes=`") };
        };
        let bytes = unhex(digits)?;
        let value = Tensor::from_bytes(dtype, &shape, &bytes).map_err(said)?;
        self.ops.extend(value.root().0);
        self.constants.extend(bytes);
        Ok(())
    }

    /// Reads one field of a payload, which must have this key.
    fn field(&mut self, (code, key): (u8, &str), word: &str, entries: usize) -> Result<(), Wrong> {
        let (name, list) = match key.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (key, false),
        };
        let after = if name.is_empty() {
            Some(word)
        } else {
            word.strip_prefix(name).and_then(|rest| rest.strip_prefix('='))
        };
        let Some(after) = after.filter(|after| !after.is_empty()) else {
            return wrong(format!("`{name}=` is to come here, not `{word}`"));
        };
        if list {
            let numbers = extents(after)?;
            if numbers.len() != entries {
                return wrong(format!("`{name}` needs {entries} numbers, has {}", numbers.len()));
            }
            numbers.iter().for_each(|n| self.ops.extend(n.to_le_bytes()));
            return Ok(());
        }
        // Of all payloads only requantise has signed numbers, and its shift is not one of them.
        let bytes = if code == 0x36 && name != "s" {
            after.parse::<i32>().map(i32::to_le_bytes)
        } else {
            after.parse::<u32>().map(u32::to_le_bytes)
        };
        self.ops.extend(bytes.map_err(|_| Wrong::Said(format!("`{after}` is no number here")))?);
        Ok(())
    }

    fn encoding(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.count.to_le_bytes());
        number(&mut out, self.outputs.len());
        self.outputs.iter().for_each(|output| out.extend(output.to_le_bytes()));
        [&out[..], &self.ops, &self.constants].concat()
    }

    /// Compares the Program with what the first lines said of it.
    fn check(&self, program: &Program) -> Result<(), TextError> {
        let stated = |name, stated: String, got: String| {
            if stated == got { Ok(()) } else { Err(TextError::Stated { name, stated, got }) }
        };
        if let Some(hash) = self.hash {
            stated("program", hash.to_string(), program.hash().to_string())?;
        }
        if let Some(inputs) = &self.inputs {
            let listing = program.to_string();
            let line = listing.lines().find_map(|line| line.strip_prefix("inputs"));
            stated("inputs", inputs.clone(), line.unwrap_or_default().trim().to_owned())?;
        }
        Ok(())
    }
}

/// The code of `concat`.
const CONCAT: u8 = 0x44;

fn number(out: &mut Vec<u8>, n: usize) {
    // A text with 2^32 operands or extents of one op does not fit in memory.
    out.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
}

fn said(error: ShapeError) -> Wrong {
    Wrong::Said(error.to_string())
}

/// Reads `%7`.
fn value(word: &str) -> Result<u32, Wrong> {
    let index = word.strip_prefix('%').and_then(|digits| digits.parse().ok());
    index.ok_or_else(|| Wrong::Said(format!("`{word}` is to be a value such as %0")))
}

/// Reads `f32[2,3]`.
fn type_of(word: &str) -> Result<(Dtype, Shape), Wrong> {
    for dtype in Dtype::ALL {
        if let Some(rest) = word.strip_prefix(&dtype.to_string()) {
            let numbers = extents(rest)?;
            let numbers = numbers.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>();
            let shape = Shape::new(&numbers.expect("usize has at least 32 bits")).map_err(said)?;
            return Ok((dtype, shape));
        }
    }
    wrong(format!("`{word}` is to be a type such as f32[2,3]"))
}

/// Reads `[2,3]`, or `[]`.
fn extents(word: &str) -> Result<Vec<u32>, Wrong> {
    let inside = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let Some(inside) = inside else {
        return wrong(format!("`{word}` is to be a list such as [2,3]"));
    };
    if inside.is_empty() {
        return Ok(vec![]);
    }
    let numbers: Result<Vec<u32>, _> = inside.split(',').map(str::parse).collect();
    numbers.map_err(|_| Wrong::Said(format!("`{word}` is to be a list such as [2,3]")))
}

fn unhex(digits: &str) -> Result<Vec<u8>, Wrong> {
    let digits = digits.as_bytes();
    let byte = |pair: &[u8]| match pair {
        [high, low] => {
            let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
            Some(digit(*high)? << 4 | digit(*low)?)
        }
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.ok_or_else(|| Wrong::Said("`bytes=` needs two hex digits a byte".to_owned()))
}
