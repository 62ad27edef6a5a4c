"""hftbacktest on the same file: its conversion timed, its final book printed.

Reads FILE TICK LOT; prints `rate MESSAGES_A_SECOND` in this process's CPU time, and then a line a
level: side, price in ticks, size in lots.
"""

import contextlib
import gzip
import sys
import time

import numpy as np
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data.utils import binancefutures
from numba import njit

TURNS = 3


@njit
def to_the_end(hbt):
    while hbt.elapse(10_000_000_000) == 0:
        pass


@njit
def levels(depth, sizes, first, buy):
    for i in range(len(sizes)):
        sizes[i] = depth.bid_qty_at_tick(first + i) if buy else depth.ask_qty_at_tick(first + i)


def main(file, tick, lot):
    with gzip.open(file) as text:
        messages = sum(1 for _ in text)
    seconds = []
    for _ in range(TURNS):
        began = time.process_time()
        with contextlib.redirect_stdout(sys.stderr):
            data = binancefutures.convert(file, buffer_size=5_000_000)
        seconds.append(time.process_time() - began)
    print("rate", messages / sorted(seconds)[TURNS // 2])
    asset = (
        BacktestAsset()
        .data([data])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(tick)
        .lot_size(lot)
    )
    hbt = HashMapMarketDepthBacktest([asset])
    to_the_end(hbt)
    # Every price that a change named, and some around it.
    depth_events = data[(data["ev"] & 0xFF == 1) | (data["ev"] & 0xFF == 4)]
    last = int(np.rint(depth_events["px"].max() / tick)) + 1
    for side, buy in (("bid", True), ("ask", False)):
        sizes = np.zeros(last + 1)
        levels(hbt.depth(0), sizes, 0, buy)
        for price in np.flatnonzero(sizes):
            print(side, price, int(np.rint(sizes[price] / lot)))


main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
