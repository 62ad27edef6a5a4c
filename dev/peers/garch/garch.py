"""Forecasts of the next day's variance by GARCH(1,1) with Student errors, from the package arch.

    garch.py FILE ... > garch.csv

One line a day from 2023-06-01 on: market,date,variance. The model is fitted to all daily log returns
before the day (constant mean, an expanding window, refitted every day), as ours is.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from arch import arch_model

FIRST = pd.Timestamp("2023-06-01", tz="UTC")


def forecasts(path):
    bars = pd.read_parquet(path, columns=["date", "open", "close"])
    bars["date"] = pd.to_datetime(bars["date"], utc=True)
    bars = bars.sort_values("date")
    closes = bars.groupby(bars["date"].dt.floor("D"))["close"].last()
    before = closes.shift().fillna(bars["open"].iloc[0])
    returns = 100 * np.log(closes / before)
    start = None
    for day in returns.index[returns.index >= FIRST]:
        model = arch_model(returns[returns.index < day], vol="GARCH", p=1, q=1, dist="t")
        fit = model.fit(disp="off", starting_values=start)
        start = fit.params.to_numpy()
        yield day.date(), float(fit.forecast(horizon=1).variance.iloc[-1, 0]) / 1e4


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name in sys.argv[1:]:
        market = Path(name).name.split("USDT_perp")[0]
        for day, variance in forecasts(name):
            print(f"{market},{day},{variance!r}")
