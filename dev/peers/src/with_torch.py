"""Training steps in PyTorch, eager: reads `TIMES WORK..` a line, answers with seconds.

0 times is answered with the number of parameters. Seconds are of CPU time on one thread.
"""

import sys
import time

import torch
from torch import nn

threads = int(sys.argv[1])
torch.set_num_threads(threads)
clock = time.process_time if threads == 1 else time.perf_counter


class Mlp(nn.Module):
    def __init__(self, features, *hidden):
        super().__init__()
        layers = []
        for units in hidden:
            layers += [nn.Linear(features, units), nn.Tanh()]
            features = units
        self.layers = nn.Sequential(*layers, nn.Linear(features, 1))

    def forward(self, x):
        return self.layers(x)


class Gru(nn.Module):
    def __init__(self, features, hidden, _steps):
        super().__init__()
        self.gru = nn.GRU(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        _, last = self.gru(x)
        return self.head(last[0])


class Encoder(nn.Module):
    def __init__(self, features, tokens, width, heads, layers, feed_forward):
        super().__init__()
        self.embedding = nn.Linear(features, width)
        self.positions = nn.Parameter(torch.rand(tokens, width) / width**0.5)
        layer = nn.TransformerEncoderLayer(
            width, heads, feed_forward, dropout=0.0, activation="gelu",
            batch_first=True, norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        h = self.embedding(x) + self.positions
        return self.head(self.layers(h).mean(1))


KINDS = {"mlp": Mlp, "gru": Gru, "encoder": Encoder}


def make(kind, batch, *sizes):
    torch.manual_seed(1)
    model = KINDS[kind](*sizes)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    shape = {"mlp": [], "gru": [sizes[-1]], "encoder": [sizes[1]]}[kind] if len(sizes) > 1 else []
    x = torch.rand(batch, *shape, sizes[0]) * 2 - 1
    y = torch.rand(batch) ** 2

    def step():
        optimiser.zero_grad()
        s = model(x)[:, 0].clamp(-10, 10)
        loss = (s + y * torch.exp(-s)).mean()
        loss.backward()
        optimiser.step()

    return step, sum(x.numel() for x in model.parameters())


print("torch", torch.__version__.split("+")[0], flush=True)
made = {}
for line in sys.stdin:
    times, work = line.strip().split(" ", 1)
    if work not in made:
        kind, *sizes = work.split()
        made[work] = make(kind, *map(int, sizes))
    step, parameters = made[work]
    if times == "0":
        print(parameters, flush=True)
        continue
    start = clock()
    for _ in range(int(times)):
        step()
    print(clock() - start, flush=True)
