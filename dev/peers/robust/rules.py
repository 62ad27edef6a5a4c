"""byzfl's aggregation rules on rows from our process, by `cargo xtask attacks`.

A request is a line of JSON, then n x d f32 where it has those; an answer is f32 numbers: d of them,
or one (seconds, or 0 as a receipt). Rules compute in f64 (byzfl keeps the dtype that it is given),
and in f32 where they are timed, which is the faster.
"""

import copy
import importlib.util
import json
import random
import sys
import time
import types

import numpy as np


def load():
    """Opens byzfl's rules without its training, which loads plotting and PyTorch; its numpy path
    asks PyTorch only whether an array is one of its tensors."""
    package = types.ModuleType("byzfl")
    package.__path__ = list(importlib.util.find_spec("byzfl").submodule_search_locations)
    sys.modules["byzfl"] = package
    torch = types.ModuleType("torch")
    torch.Tensor = type("Tensor", (), {})
    torch.linalg = types.ModuleType("torch.linalg")
    sys.modules["torch"], sys.modules["torch.linalg"] = torch, torch.linalg
    from byzfl.aggregators import aggregators, preaggregators

    return aggregators, preaggregators


RULES, MIXES = load()


def take(recipe):
    f, steps, length = recipe["f"], recipe["steps"], recipe["length"]
    mixes = {
        "buckets": lambda size: MIXES.Bucketing(size),
        "neighbours": lambda _: MIXES.NNM(f),
        "clip": lambda _: MIXES.ARC(f),
    }
    rules = {
        "mean": lambda: RULES.Average(),
        "median": lambda: RULES.Median(),
        "trimmed": lambda: RULES.TrMean(f),
        "krum": lambda: RULES.Krum(f),
        "multikrum": lambda: RULES.MultiKrum(f),
        "geometric": lambda: RULES.GeometricMedian(nu=length, T=steps),
        "clipping": lambda: RULES.CenteredClipping(L=steps, tau=length),
    }
    return [mixes[name](size) for name, size in recipe["mixes"]], rules[recipe["rule"]]()


def run(mixes, rule, rows):
    for mix in mixes:
        rows = mix(rows)
    return rule(rows)


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    mixes, rule = [], None

    def answer(numbers):
        sink.write(np.asarray(numbers, dtype="<f4").tobytes())
        sink.flush()

    while line := source.readline():
        request = json.loads(line)
        if request["do"] == "take":
            mixes, rule = take(request["recipe"])
            np.random.seed(request["seed"] % 2**32)
            random.seed(request["seed"])
            answer([0.0])
            continue
        n, d = request["n"], request["d"]
        rows = np.frombuffer(source.read(4 * n * d), dtype="<f4").reshape(n, d)
        if request["do"] == "time":
            rows, fresh = rows.copy(), copy.copy(rule)
            start = time.process_time()
            run(mixes, fresh, rows)
            answer([time.process_time() - start])
            continue
        state = None if request["keep"] else (copy.copy(rule), np.random.get_state())
        answer(run(mixes, rule, rows.astype(np.float64)))
        if state:
            rule = state[0]
            np.random.set_state(state[1])


main()
