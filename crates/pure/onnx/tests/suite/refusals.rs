//! What is no model, or none that can be a Program: an error that helps, and never a panic.

use onnx::{Fault, ImportError, ImportOptions, SIZE_MAX, import};
use proptest::prelude::*;

use crate::files::{MODELS, OPEN};

/// A field of a message: its number and bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(bytes.len() as u64), bytes].concat()
}

/// A number of a message.
fn number(field: u8, value: u64) -> Vec<u8> {
    [&[field << 3][..], &varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        out.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return out;
        }
    }
}

/// A node named after its operator, with parts that are added to it.
fn node(op: &str, inputs: &[&str], output: &str, more: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    inputs.iter().for_each(|name| out.extend(field(1, name.as_bytes())));
    out.extend(field(2, output.as_bytes()));
    out.extend(field(3, format!("the {op}").as_bytes()));
    out.extend(field(4, op.as_bytes()));
    out.extend(more);
    field(1, &out)
}

/// A constant of integers.
fn whole(name: &str, values: &[i64]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let parts =
        [number(1, values.len() as u64), number(2, 7), field(8, name.as_bytes()), field(9, &data)];
    field(5, &parts.concat())
}

/// An input or output of float32 with these extents.
fn port(place: u8, name: &str, dims: &[u64]) -> Vec<u8> {
    let shape: Vec<u8> = dims.iter().flat_map(|extent| field(1, &number(1, *extent))).collect();
    let kind = field(1, &[number(1, 1), field(2, &shape)].concat());
    field(place, &[field(1, name.as_bytes()), field(2, &kind)].concat())
}

/// A model from x float32[2, 3] to y, of these nodes and constants.
fn model(opset: u64, parts: &[Vec<u8>]) -> Vec<u8> {
    let ports = [port(11, "x", &[2, 3]), port(12, "y", &[])].concat();
    [field(7, &[parts.concat(), ports].concat()), field(8, &number(2, opset))].concat()
}

fn refused(bytes: &[u8]) -> ImportError {
    import(bytes, &ImportOptions::default()).expect_err("it is no Program")
}

/// The fault of a model of these parts, which lies in a node.
fn fault(parts: &[Vec<u8>]) -> Fault {
    match refused(&model(18, parts)) {
        ImportError::Node { fault, .. } => fault,
        error => panic!("{error}"),
    }
}

#[test]
fn what_is_no_model_is_refused() {
    assert_eq!(refused(&[]), ImportError::Empty);
    assert!(matches!(refused(b"no model at all"), ImportError::Decode(_)));
    assert_eq!(refused(&vec![0; SIZE_MAX + 1]), ImportError::Size { size: SIZE_MAX + 1 });
    let relu = node("Relu", &["x"], "y", &[]);
    assert!(import(&model(18, std::slice::from_ref(&relu)), &ImportOptions::default()).is_ok());
    for opset in [0, 8, 99] {
        let error = refused(&model(opset, std::slice::from_ref(&relu)));
        assert_eq!(error, ImportError::Opset { version: opset.cast_signed() });
    }
    let error = refused(&model(18, &[]));
    assert_eq!(error.to_string(), "\"y\": nothing before it makes \"y\"");
}

#[test]
fn an_operator_that_is_not_supported_is_named() {
    let error = refused(&model(18, &[node("Loop", &["x"], "y", &[])]));
    let text = error.to_string();
    assert!(text.starts_with("node \"the Loop\": the operator Loop (version 18) is not"), "{text}");
    let other = node("Gelu", &["x"], "y", &field(7, b"com.example"));
    let text = refused(&model(18, &[other])).to_string();
    assert!(text.contains("com.example.Gelu"), "{text}");
}

#[test]
fn a_fault_names_its_node() {
    let text = refused(&model(18, &[node("MatMul", &["x", "x"], "y", &[])])).to_string();
    assert!(text.starts_with("node \"the MatMul\", MatMul (version 18): matmul"), "{text}");
    let unknown = fault(&[node("Add", &["x", "z"], "y", &[])]);
    assert_eq!(unknown, Fault::Unknown { name: "z".to_owned() });
    let relu = node("Relu", &["x"], "y", &[]);
    assert_eq!(fault(&[relu.clone(), relu]), Fault::Twice { name: "y".to_owned() });
    assert_eq!(fault(&[node("Exp", &[], "y", &[])]), Fault::Missing { index: 0 });
    let second = [node("Dropout", &["x"], "z", &field(2, b"mask"))];
    assert!(matches!(fault(&second), Fault::Unsupported { .. }));
}

#[test]
fn a_shape_must_be_known() {
    let computed = [node("ArgMax", &["x"], "n", &[]), node("Reshape", &["x", "n"], "y", &[])];
    assert_eq!(fault(&computed), Fault::Computed { index: 1 });
    let wrong = [whole("n", &[4, 4]), node("Reshape", &["x", "n"], "y", &[])];
    assert!(matches!(fault(&wrong), Fault::Build(_)));
}

#[test]
fn whole_numbers_that_32_bits_do_not_hold_are_refused() {
    let large = [whole("a", &[1 << 40]), whole("b", &[2]), node("Mul", &["a", "b"], "y", &[])];
    assert!(matches!(fault(&large), Fault::Limit { .. }));
    // As an end of a slice, where it only means the end, one is welcome.
    let ends =
        [whole("a", &[1]), whole("b", &[i64::MAX]), node("Slice", &["x", "a", "b"], "y", &[])];
    let found = import(&model(18, &ends), &ImportOptions::default()).expect("a slice");
    assert_eq!(found.outputs[0].dims, [1, 3]);
}

#[test]
fn a_constant_that_cannot_be_read_is_named() {
    let constant = |more: &[u8]| field(5, &[&field(8, b"w"), more].concat());
    let refusal = |more: &[u8]| match refused(&model(18, &[constant(more)])) {
        ImportError::Constant { name, fault } if name == "w" => fault,
        error => panic!("{error}"),
    };
    let half = [number(1, 1), number(2, 10), field(9, &[0, 60])].concat();
    assert!(matches!(refusal(&half), Fault::Kind { .. }));
    let elsewhere = [number(1, 1), number(2, 1), number(14, 1)].concat();
    assert!(matches!(refusal(&elsewhere), Fault::Unsupported { .. }));
    for bytes in [&[0; 4][..], &[0; 9]] {
        let cut = [number(1, 2), number(2, 1), field(9, bytes)].concat();
        assert!(matches!(refusal(&cut), Fault::Extents { .. }), "{} bytes", bytes.len());
    }
    let negative = [number(1, u64::MAX), number(2, 1)].concat();
    assert!(matches!(refusal(&negative), Fault::Extents { .. }));
}

#[test]
fn work_while_reading_has_a_bound() {
    let range = [
        whole("a", &[0]),
        whole("b", &[1 << 60]),
        whole("c", &[1]),
        node("Range", &["a", "b", "c"], "y", &[]),
    ];
    assert!(matches!(fault(&range), Fault::Limit { .. }));
    // A constant repeated 2^30 times stays an op, and 64 of them cost nothing.
    let mut parts = vec![whole("a", &[1]), whole("n", &[1 << 30])];
    let names: Vec<String> = (0..64).map(|at| format!("z{at}")).collect();
    parts.extend(names.iter().map(|name| node("Expand", &["a", "n"], name, &[])));
    parts.push(node("Identity", &["z0"], "y", &[]));
    let found = import(&model(18, &parts), &ImportOptions::default()).expect("within limits");
    assert_eq!(found.outputs[0].dims, [1 << 30]);
    // And what must be known may not be that large.
    let wide = [
        &parts[..3],
        &[whole("s", &[-1]), whole("e", &[i64::MIN]), whole("ax", &[0]), whole("st", &[-1])],
        &[node("Slice", &["z0", "s", "e", "ax", "st"], "y", &[])],
    ];
    assert!(matches!(fault(&wide.concat()), Fault::Limit { .. }));
}

#[test]
fn every_beginning_of_a_file_is_refused_or_read() {
    for bytes in [MODELS[0].1, MODELS[3].1, OPEN] {
        let mut options = ImportOptions::default();
        options.extents.insert("batch".to_owned(), 2);
        let read = (0..bytes.len()).filter(|end| import(&bytes[..*end], &options).is_ok());
        // What follows the graph may be missing, so few beginnings are whole.
        assert!(read.count() < 8);
        assert!(import(bytes, &options).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_change_of_a_file_makes_it_panic(
        file in 0..MODELS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4), 1..6),
    ) {
        let mut bytes = MODELS[file].1.to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte % 8),
                2 => bytes.insert(at, byte),
                _ => drop(bytes.drain(at..bytes.len().min(at + usize::from(byte % 16) + 1))),
            }
            prop_assume!(!bytes.is_empty());
        }
        if let Ok(model) = import(&bytes, &ImportOptions::default()) {
            let decoded = tensor::Program::decode(&model.program.encode());
            prop_assert_eq!(decoded.map(|p| p.hash()), Ok(model.program.hash()));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let graph = [field(7, &bytes), field(8, &number(2, 18))].concat();
        for bytes in [bytes, graph] {
            if let Ok(model) = import(&bytes, &ImportOptions::default()) {
                prop_assert!(!model.outputs.is_empty());
            }
        }
    }
}
