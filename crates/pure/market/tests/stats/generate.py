"""Writes vectors/stats_v1.json: what SciPy, statsmodels and scoringrules make of fixed cases.

    python -m venv target/stats
    target/stats/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 scoringrules==0.10.0
    target/stats/bin/python crates/pure/market/tests/stats/generate.py > vectors/stats_v1.json

Inputs come from a counter and not from a library's generator, so that another version draws the
same. Where no library has a test (Christoffersen, dynamic quantile, Acerbi-Szekely), its formula
is written here with NumPy's algebra, apart from the Rust one, and SciPy's chi-squared.
"""

import json

import numpy as np
import scoringrules
from scipy import special, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests


class Draw:
    """A linear congruential sequence in 0..1, rounded so that its JSON is short and exact."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, count):
        values = []
        for _ in range(count):
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
            values.append(round((self.state >> 33) / 2**31, 6))
        return np.array(values)


def distributions():
    points = [-12.5, -6.0, -2.25, -0.3, 0.0, 0.7, 3.5]
    levels = [1e-9, 0.005, 0.05, 0.5, 0.8, 0.995]
    freedoms = [1.0, 2.5, 7.0, 40.0, 1200.0]
    return {
        "points": points,
        "levels": levels,
        "freedoms": freedoms,
        "normal_cdf": stats.norm.cdf(points).tolist(),
        "normal_density": stats.norm.pdf(points).tolist(),
        "normal_quantile": stats.norm.ppf(levels).tolist(),
        "student_cdf": [stats.t.cdf(points, f).tolist() for f in freedoms],
        "student_density": [stats.t.pdf(points, f).tolist() for f in freedoms],
        "student_quantile": [stats.t.ppf(levels, f).tolist() for f in freedoms],
        "tail_points": [0.001, 0.7, 3.84, 20.0, 90.0],
        "chi_squared_tail": [
            stats.chi2.sf([0.001, 0.7, 3.84, 20.0, 90.0], f).tolist() for f in freedoms
        ],
        "ln_gamma_points": [0.05, 0.5, 1.7, 11.9, 12.0, 700.0],
        "ln_gamma": special.gammaln([0.05, 0.5, 1.7, 11.9, 12.0, 700.0]).tolist(),
    }


def bernoulli(misses, hits, share):
    return special.xlogy(misses, 1 - share) + special.xlogy(hits, share)


def evidence(statistic, freedom):
    return {"statistic": float(statistic), "p": float(stats.chi2.sf(statistic, freedom))}


def coverage(hits, forecasts, share):
    h = np.asarray(hits, int)
    n, k = len(h), h.sum()
    uc = 2 * (bernoulli(n - k, k, k / n) - bernoulli(n - k, k, share))
    table = np.zeros((2, 2))
    np.add.at(table, (h[:-1], h[1:]), 1)
    rows, columns = table.sum(1), table.sum(0)
    apart = sum(bernoulli(*table[i], table[i, 1] / rows[i]) for i in (0, 1) if rows[i])
    ind = 2 * (apart - bernoulli(*columns, columns[1] / columns.sum()))
    centred = h - share
    x = np.column_stack([np.ones(n - 4)] + [centred[i : n - 4 + i] for i in range(4)] + [forecasts[4:]])
    fitted = x @ np.linalg.lstsq(x, centred[4:], rcond=None)[0]
    dq = centred[4:] @ fitted / (share * (1 - share))
    return {
        "hits": np.flatnonzero(h).tolist(),
        "forecasts": forecasts.tolist(),
        "share": share,
        "kupiec": evidence(uc, 1),
        "independence": evidence(ind, 1),
        "coverage": evidence(uc + ind, 2),
        "dynamic_quantile": evidence(dq, np.linalg.matrix_rank(x)),
    }


def coverages():
    draw = Draw(1)
    cases = []
    for count, share, cluster in [(500, 0.02, 0.0), (800, 0.01, 0.4), (400, 0.05, 0.2)]:
        u, forecasts = draw(count), 1 + draw(count)
        hits = np.zeros(count, bool)
        for i in range(count):
            hits[i] = u[i] < (cluster if i and hits[i - 1] else share * forecasts[i])
        cases.append(coverage(hits, forecasts, share))
    return cases


def comparisons():
    draw = Draw(2)
    a = draw(250)
    b = np.round(0.6 * a + 0.5 * draw(250), 6)
    cases = []
    for lags in (0, 7, 24):
        fit = OLS(a - b, np.ones(250)).fit(
            cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
        )
        cases.append({"lags": lags, "statistic": float(fit.tvalues[0]), "p": float(fit.pvalues[0])})
    p = [0.04, 0.001, 0.3, 0.012, 0.5, 0.012]
    holm = multipletests(p, method="holm")[1].tolist()
    return {"a": a.tolist(), "b": b.tolist(), "cases": cases, "p": p, "holm": holm}


def scores():
    draw = Draw(3)
    outcomes = np.round(6 * draw(8) - 3, 6)
    sample = np.round(4 * draw(25) - 2, 6)
    freedoms = [2.5, 5.0, 300.0]
    return {
        "outcomes": outcomes.tolist(),
        "location": 0.3,
        "scale": 1.7,
        "freedoms": freedoms,
        "sample": sample.tolist(),
        "normal": scoringrules.crps_normal(outcomes, 0.3, 1.7).tolist(),
        "student": [scoringrules.crps_t(outcomes, f, 0.3, 1.7).tolist() for f in freedoms],
        "crps_sample": [float(scoringrules.crps_ensemble(y, sample, estimator="nrg")) for y in outcomes],
        "level": 0.9,
        "quantile": 1.1,
        "pinball": scoringrules.quantile_score(outcomes, np.full(8, 1.1), 0.9).tolist(),
        "interval": [-1.0, 1.2],
        "probability": 0.8,
        "interval_score": scoringrules.interval_score(
            outcomes, np.full(8, -1.0), np.full(8, 1.2), 0.2
        ).tolist(),
    }


def uniformities():
    draw = Draw(4)
    cases = []
    for power in (1.0, 1.15, 1.6):
        u = np.round(draw(150) ** power, 6)
        test = stats.kstest(u, "uniform", method="asymp")
        cases.append({"u": u.tolist(), "statistic": float(test.statistic), "p": float(test.pvalue)})
    return cases


def shortfalls():
    """Losses of a Student law with 4 degrees of freedom, judged as if they were normal and as what
    they are. The p-values are Monte Carlo with 20,000 histories: good to a hundredth."""
    n, share = 2000, 0.025
    losses = np.round(stats.t.ppf(np.clip(Draw(5)(n), 1e-6, 1 - 1e-6), 4), 6)
    generator = np.random.Generator(np.random.PCG64(1))
    cases = []
    normal = (stats.norm.isf(share), stats.norm.pdf(stats.norm.isf(share)) / share)
    q = stats.t.isf(share, 4)
    student = (q, stats.t.pdf(q, 4) / share * (4 + q * q) / 3)
    for quantile, shortfall in (normal, student):
        def z(sums, hits):
            return 1 - sums / np.maximum(hits, 1), 1 - sums / (n * share)
        beyond = losses[losses > quantile]
        z1, z2 = z((beyond / shortfall).sum(), len(beyond))
        drawn = generator.binomial(n, share, 20_000)
        sums = np.array([
            (quantile + (shortfall - quantile) * generator.exponential(size=k)).sum() / shortfall
            for k in drawn
        ])
        d1, d2 = z(sums, drawn)
        cases.append({
            "quantile": float(quantile),
            "shortfall": float(shortfall),
            "z1": float(z1),
            "z2": float(z2),
            "p1": float((d1 <= z1).mean()),
            "p2": float((d2 <= z2).mean()),
        })
    return {"losses": losses.tolist(), "share": share, "cases": cases}


if __name__ == "__main__":
    print(json.dumps({
        "distributions": distributions(),
        "coverage": coverages(),
        "comparison": comparisons(),
        "scores": scores(),
        "uniformity": uniformities(),
        "shortfall": shortfalls(),
    }))
