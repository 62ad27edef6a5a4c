"""Writes vectors/options_v1.json: Black-76 by mpmath with 60 digits.

    python -m venv target/options
    target/options/bin/pip install mpmath==1.4.1
    target/options/bin/python crates/pure/market/tests/option/generate.py > vectors/options_v1.json

Strikes are chosen by how many deviations they lie off, and rounded to six digits, so that every
input is short and exact. A case is forward, strike, volatility, years, and of the call and of the
put: price, delta; then gamma, vega, theta. Cases whose out-of-the-money price is below 1e-12 of the
forward are left out.
"""

import json

from mpmath import erfc, exp, log, mp, mpf, pi, sqrt

mp.dps = 60


def normal(x):
    return erfc(-x / sqrt(2)) / 2


def case(forward, strike, volatility, years):
    f, k, v, t = (mpf(x) for x in (forward, strike, volatility, years))
    s = v * sqrt(t)
    d1 = log(f / k) / s + s / 2
    d2 = d1 - s
    density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
    call = f * normal(d1) - k * normal(d2)
    put = k * normal(-d2) - f * normal(-d1)
    if min(call, put) < f * mpf("1e-12"):
        return None
    values = [call, normal(d1), put, -normal(-d1), density / (f * s), f * density * sqrt(t)]
    values.append(-f * density * v / (2 * sqrt(t)))
    return [forward, strike, volatility, years] + [float(x) for x in values]


def six(x):
    return float(f"{float(x):.6g}")


def cases():
    found = []
    for volatility in (0.05, 0.37, 0.8, 3.0):
        for years in (1e-5, 1e-4, 0.0027397, 0.02, 0.08, 0.25, 1.0, 4.0):
            s = mpf(volatility) * sqrt(mpf(years))
            for off in (-6.5, -5, -3.5, -2, -0.7, -0.01, 0, 0.3, 1, 2.5, 4, 5.5, 6.9):
                forward = 63_421.5 if volatility > 0.1 else 1.0625
                strike = forward if off == 0 else six(forward * exp(off * s))
                found.append(case(forward, strike, volatility, years))
    return [x for x in found if x]


if __name__ == "__main__":
    print("[\n" + ",\n".join(json.dumps(x) for x in cases()) + "\n]")
