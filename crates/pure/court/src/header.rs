//! The header of a Program, as bytes: all the geometry a dispute needs before an op is opened.
//!
//! It is the preimage of the Program's hash after its first byte (docs/numerics.md, "Identity").
//!
//! Invariant: reading arbitrary bytes never panics. Absent: the types of the inputs, which nothing
//! here looks at.

use tensor::Hash;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Ops of the Program.
    pub op_count: u32,
    /// Inputs of the Program.
    pub input_count: u32,
    /// Root of the tree of op encodings.
    pub ops_root: Hash,
    outputs: &'a [u8],
}

impl<'a> Header<'a> {
    /// Returns what the bytes say, or `None` if they are too short to be a header.
    ///
    /// ```
    /// use court::header::Header;
    ///
    /// let mut b = tensor::Builder::new();
    /// let x = b.input(tensor::Dtype::F32, &[2])?;
    /// let y = b.exp(x)?;
    /// let bytes = b.finish(&[y, x])?.header();
    /// let header = Header::read(&bytes).expect("a Program wrote it");
    /// assert_eq!((header.op_count, header.input_count, header.output_count()), (2, 1, 2));
    /// assert_eq!([0, 1, 2].map(|place| header.output(place)), [Some(1), Some(0), None]);
    /// # Ok::<(), tensor::BuildError>(())
    /// ```
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Header<'a>> {
        let (op_count, rest) = number(bytes)?;
        let (output_count, rest) = number(rest)?;
        let size = usize::try_from(output_count).ok()?.checked_mul(4)?;
        let (outputs, rest) = rest.split_at_checked(size)?;
        let (input_count, rest) = number(rest)?;
        let (_, root) = rest.split_last_chunk::<32>()?;
        Some(Header { op_count, input_count, ops_root: Hash(*root), outputs })
    }

    /// Returns the hash of the Program whose header these bytes are.
    #[must_use]
    pub fn program(bytes: &[u8]) -> Hash {
        Hash::of(&[&[0x03], bytes])
    }

    /// Returns the number of outputs.
    #[must_use]
    pub fn output_count(&self) -> u32 {
        u32::try_from(self.outputs.len() / 4).unwrap_or(u32::MAX)
    }

    /// Returns the op that gives an output, if there is such an output.
    #[must_use]
    pub fn output(&self, place: u64) -> Option<u32> {
        let at = usize::try_from(place).ok()?.checked_mul(4)?;
        number(self.outputs.get(at..)?).map(|(op, _)| op)
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*first), rest))
}
