"""Writes the models beside it and expected.json: their inputs, and what PyTorch makes of them.

    python -m venv target/torch
    target/torch/bin/pip install torch==2.9.1 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2
    target/torch/bin/python crates/pure/onnx/tests/data/export.py

Every model is written by both exporters: the older one traces (`trace`), the newer one captures
(`dynamo`). Notes that exporters leave about the source are taken out.
"""

import json
import logging
import pathlib
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent


class Gru(nn.Module):
    """The last state of a recurrent unit, through a linear layer."""

    def __init__(self, layers, both):
        super().__init__()
        self.gru = nn.GRU(4, 8, num_layers=layers, bidirectional=both, batch_first=True)
        self.head = nn.Linear(16 if both else 8, 2)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


class Encoder(nn.Module):
    """A transformer encoder over eight tokens, and the mean over them."""

    def __init__(self, activation, pre):
        super().__init__()
        self.embedding = nn.Linear(4, 16)
        self.positions = nn.Parameter(torch.randn(8, 16))
        layer = nn.TransformerEncoderLayer(
            16, 2, 32, dropout=0.0, activation=activation, batch_first=True, norm_first=pre
        )
        norm = nn.LayerNorm(16) if pre else None
        self.encoder = nn.TransformerEncoder(layer, 2, norm=norm, enable_nested_tensor=False)
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.encoder(self.embedding(x) + self.positions).mean(1))


class Mixed(nn.Module):
    """What else is found in models of tables and time series."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 6)
        self.norm = nn.BatchNorm1d(6)
        self.norm.running_mean += torch.randn(6)
        self.norm.running_var += torch.rand(6)

    def forward(self, x, named):
        a, b = self.norm(x).chunk(2, 1)
        smooth = F.softplus(a) + F.elu(b) + F.leaky_relu(a) * torch.sigmoid(b) + F.gelu(a)
        wide = torch.cat([smooth, a.clamp(-0.5, 0.5), torch.minimum(a, b)], 1)
        wide = wide + self.table(named).sum(1, keepdim=True) / wide.shape[1]
        chosen = torch.where(wide > 0.25, wide.abs().sqrt(), wide**3 - wide.exp().log())
        spread = (chosen - chosen.mean(1, keepdim=True)).pow(2).mean(1, keepdim=True)
        turned = chosen[:, ::2].unsqueeze(-1).expand(-1, -1, 2).transpose(1, 2).flatten(1)
        return F.log_softmax(turned, 1), spread.squeeze(1), chosen.amax(0), chosen.argmax(1)


def mlp():
    return nn.Sequential(
        nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
    )


MODELS = {
    "mlp": (mlp, lambda: (torch.randn(3, 8),)),
    "gru": (lambda: Gru(1, False), lambda: (torch.randn(3, 6, 4),)),
    "gru_stack": (lambda: Gru(2, True), lambda: (torch.randn(3, 6, 4),)),
    "encoder_pre": (lambda: Encoder("gelu", True), lambda: (torch.randn(3, 8, 4),)),
    "encoder_post": (lambda: Encoder("relu", False), lambda: (torch.randn(3, 8, 4),)),
    "mixed": (Mixed, lambda: (torch.randn(4, 6), torch.tensor([3, 0, 4, 0]))),
}


def tensor(values):
    values = values.detach().contiguous().numpy()
    dtype = "f32" if values.dtype == np.float32 else "i32"
    stored = values.astype("<f4" if dtype == "f32" else "<i4")
    return {"dtype": dtype, "shape": list(values.shape), "bytes": "0x" + stored.tobytes().hex()}


def strip(path):
    model = onnx.load(path)
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    for constant in model.graph.initializer:
        del constant.metadata_props[:]
    path.write_bytes(model.SerializeToString(deterministic=True))


def write(name, model, inputs, **options):
    path = HERE / f"{name}.onnx"
    names = ["x", "named"][: len(inputs)]
    torch.onnx.export(
        model, inputs, path, input_names=names, external_data=False, verbose=False, **options
    )
    strip(path)


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    # The fused encoder of PyTorch's inference has no counterpart in ONNX.
    torch.backends.mha.set_fastpath_enabled(False)
    cases = []
    for seed, (name, (build, draw)) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        model, inputs = build().eval(), draw()
        write(f"{name}_trace", model, inputs, dynamo=False, opset_version=17)
        write(f"{name}_dynamo", model, inputs, dynamo=True, opset_version=18)
        if name == "mlp":
            axes = {"x": {0: "batch"}}
            open_ = {"dynamo": False, "opset_version": 13, "dynamic_axes": axes}
            write(f"{name}_open", model, inputs, **open_)
        outputs = model(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        cases.append(
            {
                "model": name,
                "inputs": [tensor(value) for value in inputs],
                "outputs": [tensor(value) for value in outputs],
            }
        )
    lines = ",\n".join(f"    {json.dumps(case, separators=(',', ':'))}" for case in cases)
    torch_version = json.dumps(torch.__version__.split("+")[0])
    text = f'{{\n  "torch": {torch_version},\n  "cases": [\n{lines}\n  ]\n}}\n'
    (HERE / "expected.json").write_text(text)


main()
