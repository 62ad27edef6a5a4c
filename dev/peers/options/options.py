"""numpy, scipy, QuantLib and py_vollib on the same work as ours, by `cargo xtask options`.

The argument is the file of points that our bench dumped: asset, time, years, log-moneyness, bid and
ask volatility. Rows are lines of JSON, as our bench prints them with `--json`.
"""

import json
import sys
import time

import numpy as np
import QuantLib as ql
from scipy.optimize import least_squares
from scipy.special import ndtr

COUNT = 16_384
# Slices that scipy fits: it takes a tenth of a second each.
SLICES = 60


def row(what, value):
    print(json.dumps({"figure": what, "value": float(value)}), flush=True)


def seconds(run, least=5):
    run()
    taken, started = [], time.perf_counter()
    while len(taken) < least or time.perf_counter() - started < 0.5:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[len(taken) // 4]


def part(i, k, of):
    return (i * k) % of / of


i = np.arange(COUNT)
F = np.full(COUNT, 60_000.0)
V = 0.2 + part(i, 104_729, 997)
T = 0.003 + part(i, 1_299_709, 499)
K = 60_000.0 * np.exp((part(i, 7_919, 10_007) - 0.5) * 8.0 * V * np.sqrt(T))
CALL = K > F


def greeks(f, k, v, t, call):
    root = np.sqrt(t)
    s = v * root
    d1 = np.log(f / k) / s + 0.5 * s
    sign = np.where(call, 1.0, -1.0)
    near, far = ndtr(sign * d1), ndtr(sign * (d1 - s))
    density = np.exp(-0.5 * d1 * d1) * 0.3989422804014327
    vega = f * density * root
    return sign * (f * near - k * far), sign * near, density / (f * s), vega, -vega * v / (2 * t)


def prices():
    time = seconds(lambda: greeks(F, K, V, T, CALL))
    row("numpy: price and 4 Greeks, millions a second", COUNT / time / 1e6)
    few = [(ql.Option.Call if c else ql.Option.Put, f, k, v * np.sqrt(t), t)
           for c, f, k, v, t in list(zip(CALL.tolist(), F.tolist(), K.tolist(), V.tolist(), T.tolist()))[:2048]]

    def quantlib():
        for kind, f, k, s, t in few:
            c = ql.BlackCalculator(ql.PlainVanillaPayoff(kind, k), f, float(s))
            c.value(), c.deltaForward(), c.gammaForward(), c.vega(t)

    time = seconds(quantlib)
    row("QuantLib (Python): price and 3 Greeks, millions a second", len(few) / time / 1e6)
    quotes = [(kind, k, f, float(ql.blackFormula(kind, k, f, float(s))), float(s)) for kind, f, k, s, t in few]

    def implied():
        for kind, k, f, p, s in quotes:
            ql.blackFormulaImpliedStdDevLiRS(kind, k, f, p)

    time = seconds(implied)
    row("QuantLib (Python, LiRS): implied deviations, millions a second", len(quotes) / time / 1e6)
    from py_vollib.black.implied_volatility import implied_volatility

    def vollib():
        for (kind, k, f, p, s), t in zip(quotes[:512], T.tolist()):
            implied_volatility(p, f, k, 0.0, t, "c" if kind == ql.Option.Call else "p")

    time = seconds(vollib)
    row("py_vollib: implied volatilities, millions a second", 512 / time / 1e6)


def margins():
    legs, n = 50, 24
    shock = np.array([.16, .12, .12, .08, .08, .04, .04, 0, 0, -.04, -.04, -.08, -.08, -.12, -.12, -.16,
                      -.66, -.33, .5, 1, 2, 3, 4, 5])
    vol = np.array([.4] + [.4, -.22] * 7 + [.4] * 9)
    weight = np.array([1.0] * 16 + [.24, .48, .32, .16, .08, .0533, .04, .032])
    f, k, v, t, call = F[:legs], K[:legs], V[:legs], T[:legs], CALL[:legs]
    position = (np.arange(legs) - 24.5) / 7

    def value(f, v):
        s = v * np.sqrt(t)[:, None]
        d1 = np.log(f / k[:, None]) / s + 0.5 * s
        sign = np.where(call, 1.0, -1.0)[:, None]
        return sign * (f * ndtr(sign * d1) - k[:, None] * ndtr(sign * (d1 - s)))

    def account():
        days = 365 * t
        growth = (30 / np.maximum(1, days)) ** np.where(days < 30, .3, .13)
        moved = value(f[:, None] * (1 + shock), v[:, None] * (1 + growth[:, None] * vol))
        change = position @ (moved - value(f[:, None], v[:, None])) * weight
        return max(0.0, -change.min())

    assert n == len(shock) == len(vol) == len(weight)
    row("numpy: accounts of 50 legs and 24 scenarios a second", 1 / seconds(account))


def slices(path):
    found = {}
    for line in open(path):
        asset, moment, years, k, bid, ask = line.split(",")
        found.setdefault((asset, moment, float(years)), []).append((float(k), float(bid), float(ask)))
    return [(key[2], np.array(points)) for key, points in found.items() if len(points) >= 6]


def surfaces(path):
    every = slices(path)
    chosen = every[:: max(1, len(every) // SLICES)]
    times, fits = [], []
    for years, points in chosen:
        k, mid = points[:, 0], points[:, 1:].mean(axis=1)
        w = mid * mid * years

        def volatility(p, k=k, years=years):
            a, b, rho, m, s = p
            x = k - m
            return np.sqrt(np.maximum(a + b * (rho * x + np.sqrt(x * x + s * s)), 1e-12) / years)

        width = max(0.05, np.abs(k).max())
        start = time.perf_counter()
        best = None
        for rho in (-0.5, 0.0, 0.5):
            from_ = [0.5 * w.min(), 0.5 * (w.max() - w.min()) / width + 1e-4, rho, 0.0, 0.3 * width]
            bounds = ([-w.max(), 0, -0.999, -2 * width, 1e-4], [w.max(), 2, 0.999, 2 * width, 4 * width])
            fit = least_squares(lambda p: volatility(p) - mid, from_, bounds=bounds, x_scale=np.abs(from_) + 1e-3)
            best = fit if best is None or fit.cost < best.cost else best
        times.append(time.perf_counter() - start)
        at_money = np.sqrt(years) * volatility(best.x, np.zeros(1))[0]
        fits.append((points, volatility(best.x), at_money))
    row("scipy: fit, milliseconds a slice, median", np.median(times) * 1e3)
    row("scipy: slices", len(fits))
    for name, within in (("all", np.inf), ("within 3", 3.0), ("within 2", 2.0)):
        errors, inside, count = [], 0, 0
        for points, v, at_money in fits:
            use = np.abs(points[:, 0]) <= within * at_money
            off = v[use] - points[use, 1:].mean(axis=1)
            errors.append(np.sqrt((off * off).mean()) * 100)
            inside += ((points[use, 1] <= v[use]) & (v[use] <= points[use, 2])).sum()
            count += use.sum()
        row(f"scipy: {name} deviations: median error, points", np.median(errors))
        row(f"scipy: {name} deviations: per cent inside bid and ask", 100 * inside / count)


if __name__ == "__main__":
    prices()
    margins()
    if len(sys.argv) > 1:
        surfaces(sys.argv[1])
