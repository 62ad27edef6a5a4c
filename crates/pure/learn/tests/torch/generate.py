"""Writes vectors/torch_v1.json: what PyTorch makes of the trainings in ../training/samples.rs.

    python -m venv target/torch && target/torch/bin/pip install torch==2.9.1 numpy==2.4.6
    target/torch/bin/python crates/pure/learn/tests/torch/generate.py > vectors/torch_v1.json

Everything is in f64 and on one thread. Parameters and data come from a counter and not from
PyTorch's generator, so that another version draws the same. Tensors are little-endian hex, a
vector of parameters as learn::Network::parameters orders it, a matrix as [in, out].
"""

import json

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ROWS, STEPS, RATE = 6, 3, 0.01
LEVELS, CLASSES = [0.05, 0.5, 0.9], 3


class Draw:
    """A linear congruential sequence in -1..1."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, *dims):
        values = []
        for _ in range(int(np.prod(dims))):
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
            values.append((self.state >> 33) / 2**30 - 1)
        return torch.tensor(values, dtype=torch.float64).reshape(dims)


class Mlp(nn.Module):
    def __init__(self, activation, outputs):
        super().__init__()
        self.activation = activation
        self.layers = nn.ModuleList([nn.Linear(3, 5), nn.Linear(5, 4)])
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        for layer in self.layers:
            x = self.activation(layer(x))
        return self.head(x)

    def parts(self):
        layers = [*self.layers, self.head]
        return [part for layer in layers for part in affine(layer)]

    input = (ROWS, 3)


class Gru(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.gru = nn.GRU(3, 4, batch_first=True)
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(self.gru(x)[1][0])

    def parts(self):
        g = self.gru
        weights = [(g.weight_ih_l0, True), (g.weight_hh_l0, True)]
        biases = [(g.bias_ih_l0, False), (g.bias_hh_l0, False)]
        return [*weights, *biases, *affine(self.head)]

    input = (ROWS, 5, 3)


class Encoder(nn.Module):
    def __init__(self, activation, pre, outputs):
        super().__init__()
        self.embedding = nn.Linear(3, 4)
        self.positions = nn.Parameter(torch.zeros(4, 4))
        layer = nn.TransformerEncoderLayer(
            4, 2, 5, dropout=0.0, activation=activation, batch_first=True, norm_first=pre
        )
        norm = nn.LayerNorm(4) if pre else None
        self.encoder = nn.TransformerEncoder(layer, 2, norm=norm, enable_nested_tensor=False)
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(self.encoder(self.embedding(x) + self.positions).mean(1))

    def parts(self):
        parts = [*affine(self.embedding), (self.positions, False)]
        for layer in self.encoder.layers:
            attention = layer.self_attn
            parts += [(attention.in_proj_weight, True), (attention.in_proj_bias, False)]
            parts += affine(attention.out_proj) + norm(layer.norm1)
            parts += affine(layer.linear1) + affine(layer.linear2) + norm(layer.norm2)
        if self.encoder.norm is not None:
            parts += norm(self.encoder.norm)
        return [*parts, *affine(self.head)]

    input = (ROWS, 4, 3)


def affine(layer):
    return [(layer.weight, True), (layer.bias, False)]


def norm(layer):
    return [(layer.weight, False), (layer.bias, False)]


NETWORKS = {
    "mlp tanh": lambda outputs: Mlp(torch.tanh, outputs),
    "mlp relu": lambda outputs: Mlp(F.relu, outputs),
    "mlp gelu": lambda outputs: Mlp(F.gelu, outputs),
    "gru": Gru,
    "encoder pre": lambda outputs: Encoder("gelu", True, outputs),
    "encoder post": lambda outputs: Encoder("relu", False, outputs),
}


def gaussian(out, y):
    return F.gaussian_nll_loss(out[:, 0], y, torch.exp(out[:, 1]))


def qlike(out, y):
    return (out[:, 0] + y * torch.exp(-out[:, 0])).mean()


def pinball(out, y):
    level = torch.tensor(LEVELS, dtype=torch.float64)
    error = y[:, None] - out
    return torch.maximum(level * error, (level - 1) * error).mean()


LOSSES = {
    "gaussian": (2, gaussian),
    "qlike": (1, qlike),
    "pinball": (len(LEVELS), pinball),
    "cross-entropy": (CLASSES, F.cross_entropy),
}


def vector(parts, of=lambda p: p):
    rows = [of(p).detach().T if turned else of(p).detach() for p, turned in parts]
    return torch.cat([row.reshape(-1) for row in rows])


def load(parts, values):
    with torch.no_grad():
        for p, turned in parts:
            shape = p.T.shape if turned else p.shape
            row = values[: p.numel()].reshape(shape)
            p.copy_(row.T if turned else row)
            values = values[p.numel() :]


def tensor(values):
    values = values.detach().contiguous().numpy()
    dtype = "i32" if values.dtype == np.int64 else "f64"
    stored = values.astype("<i4" if dtype == "i32" else "<f8")
    return {"dtype": dtype, "shape": list(values.shape), "bytes": "0x" + stored.tobytes().hex()}


def descend(model, loss, optimiser):
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss(model).backward()
        optimiser.step()
    return tensor(vector(model.parts()))


def case(seed, network, name):
    draw = Draw(seed)
    outputs, loss = LOSSES[name]
    model = NETWORKS[network](outputs).double()
    x = draw(*model.input)
    y = draw(ROWS)
    if name == "qlike":
        y = 2 * y.abs()
    if name == "cross-entropy":
        y = ((y + 1) / 2 * CLASSES).long()
    for part, _ in model.parts():
        load([(part, False)], 0.6 * draw(part.numel()))
    params = vector(model.parts())
    of = lambda model: loss(model(x), y)
    value = of(model)
    value.backward()
    found = {
        "network": network,
        "loss": name,
        "params": tensor(params),
        "x": tensor(x),
        "y": tensor(y),
        "value": tensor(value.reshape(1)),
        "gradient": tensor(vector(model.parts(), lambda p: p.grad)),
    }
    found["sgd"] = descend(model, of, torch.optim.SGD(model.parameters(), RATE, momentum=0.9))
    load(model.parts(), params)
    found["adam"] = descend(model, of, torch.optim.Adam(model.parameters(), RATE))
    return found


def main():
    torch.set_num_threads(1)
    pairs = [(network, loss) for network in NETWORKS for loss in LOSSES]
    cases = [case(seed, *pair) for seed, pair in enumerate(pairs, 1)]
    about = "trainings by PyTorch: the loss, its gradient, and parameters after some steps"
    print("{")
    print(f'  "about": {json.dumps(about)},\n  "version": 1,')
    print(f'  "torch": {json.dumps(torch.__version__.split("+")[0])},')
    print(f'  "rate": {RATE},\n  "steps": {STEPS},\n  "cases": [')
    lines = (json.dumps(case, separators=(",", ":")) for case in cases)
    print(",\n".join(f"    {line}" for line in lines))
    print("  ]\n}")


main()
