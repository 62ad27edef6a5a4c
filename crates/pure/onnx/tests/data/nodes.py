"""Writes nodes.json beside it: single nodes, and what ONNX's reference evaluator makes of them.

    target/torch/bin/python crates/pure/onnx/tests/data/nodes.py

with the packages that export.py names. A case has one node; operands that are named in `known` are
constants of the model, the others its inputs.
"""

import json
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(5)
cases = []


def f(*dims):
    return random.uniform(-2, 2, dims).astype(np.float32)


def whole(*values):
    return np.array(values, np.int64)


def truth(*dims):
    return random.integers(0, 2, dims).astype(bool)


def tensor(values):
    values = np.asarray(values)
    dtype = {"f": {4: "f32", 8: "f64"}.get(values.itemsize)}.get(values.dtype.kind, "i32")
    stored = values.astype({"f32": "<f4", "f64": "<f8", "i32": "<i4"}[dtype])
    return {"dtype": dtype, "shape": list(values.shape), "bytes": "0x" + stored.tobytes().hex()}


def info(name, values):
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape
    )


def add(op, operands, known=(), opset=20, results=1, note="", **attributes):
    """One node; an operand that is None is left out."""
    names = ["" if value is None else f"x{at}" for at, value in enumerate(operands)]
    outputs = [f"y{at}" for at in range(results)]
    node = helper.make_node(op, names, outputs, **attributes)
    given = {name: np.asarray(v) for name, v in zip(names, operands) if v is not None}
    inputs = {n: v for at, (n, v) in enumerate(given.items()) if int(n[1:]) not in known}
    constants = [numpy_helper.from_array(v, n) for n, v in given.items() if n not in inputs]
    ports = [info(name, value) for name, value in inputs.items()]
    open_ = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph([node], "node", ports, open_, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    found = ReferenceEvaluator(model).run(None, inputs)
    cases.append(
        {
            "name": " ".join(part for part in (op, str(opset), note) if part),
            "model": "0x" + model.SerializeToString(deterministic=True).hex(),
            "inputs": [tensor(value) for value in inputs.values()],
            "outputs": [tensor(value) for value in found],
        }
    )


def elementwise():
    for op in ("Add", "Sub", "Mul", "Div"):
        add(op, [f(2, 3, 1), f(3, 4)], note="broadcast")
        add(op, [f(3).astype(np.float64), f(2, 3).astype(np.float64)], note="f64")
    for op in ("Add", "Sub", "Mul"):
        add(op, [np.int32([7, -3]), np.int32([2, 5])], note="i32")
    add("Div", [whole(7, -7, 7, -7, 6), whole(2, 2, -2, -2, 3)], note="i64")
    add("Mod", [whole(7, -7, 7, -7, 6), whole(3, 3, -3, -3, 3)])
    add("Mod", [whole(7, -7, 7, -7, 6), whole(3, 3, -3, -3, 3)], fmod=1, note="fmod")
    for op in ("Min", "Max", "Sum"):
        add(op, [f(2, 3), f(3), f(2, 1)])
    for power in (0.0, 1.0, 2.0, 3.0, -2.0):
        add("Pow", [f(2, 3), np.float32(power)], known=[1], note=f"to {power:g}")
    for power in (0.5, 1.7, -0.3):
        add("Pow", [abs(f(2, 3)) + 0.1, np.float32(power)], known=[1], note=f"to {power:g}")
    add("Pow", [f(2, 3), whole(2)], known=[1], note="to an integer")
    add("Pow", [abs(f(3)), f(3)], known=[1], note="each to its own")
    for op in ("Abs", "Neg", "Exp", "Tanh", "Erf", "Floor", "Ceil", "Sigmoid", "Relu", "Sign"):
        add(op, [f(7)])
    for op in ("Softplus", "Elu", "LeakyRelu", "HardSigmoid", "Reciprocal"):
        add(op, [f(7)])
    add("Elu", [f(7)], alpha=0.5, note="alpha")
    add("LeakyRelu", [f(7)], alpha=0.3, note="alpha")
    add("HardSigmoid", [f(7)], alpha=0.3, beta=0.4, note="alpha and beta")
    add("Log", [abs(f(7)) + 0.01])
    add("Sqrt", [abs(f(7))])
    add("Gelu", [f(7)])
    add("Gelu", [f(7)], approximate="tanh", note="tanh")
    add("Identity", [f(2)])
    add("Dropout", [f(3)])
    add("Clip", [f(7), np.float32(-0.5), np.float32(0.5)], known=[1, 2])
    add("Clip", [f(7), None, np.float32(0.5)], known=[2], note="one bound")
    add("Clip", [f(7)], opset=10, min=-0.25, max=0.75, note="attributes")
    for op in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        add(op, [np.round(f(3, 2)), np.round(f(2))])
    for op in ("And", "Or", "Xor"):
        add(op, [truth(4), truth(4)])
    add("Not", [truth(4)])
    add("Where", [truth(2, 1), f(3), f(2, 3)])
    for to in (TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL):
        add("Cast", [np.float32([-1.7, 0, 0.4, 2.9])], to=to, note=f"float to {to}")
    add("Cast", [truth(3)], to=TensorProto.FLOAT, note="bool to float")
    add("Cast", [whole(3, 0, -2)], to=TensorProto.BOOL, note="int to bool")


def layout():
    add("Reshape", [f(2, 3, 4), whole(0, -1)], known=[1])
    add("Reshape", [f(2, 3, 4), whole(4, 6)], known=[1], note="whole")
    add("Flatten", [f(2, 3, 4)])
    add("Flatten", [f(2, 3, 4)], axis=-1, note="last")
    add("Flatten", [f(2, 3)], axis=2, note="all")
    add("Squeeze", [f(1, 3, 1), whole(0)], known=[1])
    add("Squeeze", [f(1, 3, 1)], note="all")
    add("Squeeze", [f(1, 3, 1)], opset=11, axes=[-1], note="attribute")
    add("Unsqueeze", [f(3), whole(0, -1)], known=[1])
    add("Unsqueeze", [f(3)], opset=11, axes=[1], note="attribute")
    add("Transpose", [f(2, 3, 4)])
    add("Transpose", [f(2, 3, 4)], perm=[1, 0, 2], note="perm")
    add("Expand", [f(3, 1), whole(2, 1, 4)], known=[1])
    add("Concat", [f(2, 1), f(2, 3), f(2, 2)], axis=-1)
    add("Split", [f(6, 2), whole(1, 2, 3)], known=[1], results=3)
    add("Split", [f(2, 5)], axis=1, num_outputs=3, results=3, note="unequal")
    add("Split", [f(4, 2)], opset=11, split=[1, 3], results=2, note="attribute")
    add("Slice", [f(5, 6), whole(1, -3), whole(2**63 - 1, -1)], known=[1, 2])
    for note, start, end, axis, step in (
        ("back", -1, -100, 0, -2),
        ("steps", 0, 6, 1, 4),
        ("far back", 4, 0, 0, -4),
    ):
        operands = [f(5, 6), whole(start), whole(end), whole(axis), whole(step)]
        add("Slice", operands, known=[1, 2, 3, 4], note=note)
    add("Gather", [f(4, 3), whole([1, -1], [0, 2])], axis=0)
    add("Gather", [f(4, 3), whole(2, 0, -3)], known=[1], axis=1, note="axis 1")
    add("Gather", [f(4, 3), np.int64(-1)], known=[1], axis=1, note="one")
    add("Shape", [f(2, 3, 4)])
    add("Shape", [f(2, 3, 4)], start=-2, end=2, note="some")
    add("Size", [f(2, 3, 4)])
    add("ConstantOfShape", [whole(2, 3)], known=[0])
    nine = helper.make_tensor("v", TensorProto.INT64, [1], [9])
    add("ConstantOfShape", [whole(2)], known=[0], value=nine, note="9")
    add("Range", [np.int64(7), np.int64(-2), np.int64(-2)], known=[0, 1, 2])
    add("Constant", [], value_floats=[1.5, -2.0], note="floats")
    add("Constant", [], value_int=5, note="int")


def contraction():
    add("MatMul", [f(2, 3), f(3, 4)])
    add("MatMul", [f(5, 2, 3), f(3, 4)], note="one matrix")
    add("MatMul", [f(2, 1, 2, 3), f(4, 3, 2)], note="broadcast")
    add("MatMul", [f(3), f(3)], note="vectors")
    add("MatMul", [f(3), f(2, 3, 4)], note="row")
    add("MatMul", [f(2, 4, 3), f(3)], note="column")
    add("Gemm", [f(2, 3), f(3, 4)])
    options = {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}
    add("Gemm", [f(3, 2), f(4, 3), f(4)], known=[1, 2], note="all", **options)
    add("Gemm", [f(2, 3), f(4, 3), f(2, 1)], transB=1, note="column")
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
        add(op, [f(2, 3, 4), whole(1)], known=[1])
        add(op, [f(2, 3, 4), whole(0, -1)], known=[1], keepdims=0, note="two")
        add(op, [f(2, 3)], note="all")
    add("ReduceMean", [f(2, 3, 4)], opset=13, axes=[-1], note="attribute")
    add("ReduceSum", [f(2, 3)], noop_with_empty_axes=1, note="none")
    add("ArgMax", [f(3, 4)], axis=1)
    add("ArgMax", [f(3, 4)], axis=0, keepdims=0, note="dropped")
    add("Softmax", [f(2, 3, 4)])
    add("Softmax", [f(2, 3, 4)], axis=1, note="axis 1")
    add("LogSoftmax", [f(2, 3, 4)], axis=0, note="axis 0")
    add("LayerNormalization", [f(2, 3, 4), f(4), f(4)])
    add("LayerNormalization", [f(2, 3, 4), f(3, 4)], axis=1, epsilon=0.1, note="two axes")
    channels = [f(3), f(3), f(3), abs(f(3))]
    add("BatchNormalization", [f(2, 3, 4), *channels], known=[1, 2, 3, 4])


def recurrent():
    for after in (0, 1):
        weights = [f(1, 9, 2), f(1, 9, 3)]
        options = {"hidden_size": 3, "linear_before_reset": after, "results": 2}
        add("GRU", [f(4, 2, 2), *weights], known=[1, 2], note=f"bare, {after}", **options)
        given = [f(1, 18), None, f(1, 2, 3)]
        add("GRU", [f(4, 2, 2), *weights, *given], known=[1, 2, 3], note=f"full, {after}", **options)


elementwise()
layout()
contraction()
recurrent()
lines = ",\n".join(f"    {json.dumps(case, separators=(',', ':'))}" for case in cases)
(HERE / "nodes.json").write_text(f'{{\n  "cases": [\n{lines}\n  ]\n}}\n')
