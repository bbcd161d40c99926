"""Microseconds of one step of every network that learns online: what the machine could do at best, and what is reached of it.

    python benchmarks/online_step.py [--repeats N] [--initialisations N]

A step is all that one horizon costs per sample under the causal protocol: the learner reads a window, compares, computes its rule's
gradient, clips and updates; the actor reads the newest window and forecasts. 90 units (RTRL 25), history 24, 9 coordinates, float64,
one thread, on a synthetic stream (nine sine waves with noise; times do not depend on the values).

Counted     Floating-point operations (an addition, a multiplication or a tanh is one) and bytes (each pass over a matrix that a rule
            cannot do without, read or write, 8 bytes an entry; vectors are left out) come from the formulas in `COUNTS`.
Peak        Measured in the same run: the product of two 256 x 256 matrices; y <- y + a x over arrays of 221 kB, which is what the
            weights of 90 units take and fits the second cache, and over arrays of 64 MB, which fit none.
Share       The larger of operations against the peak of the product, and bytes against that of the cache: the tighter bound. The
            product uses fused multiply-add; kernels do not (the same bits everywhere), which halves what they can reach.
Verbs       observe, learn and predict through the public forecaster: what Python adds.
Batching    All initialisations of SnAp-1 at once (shared windows, stacked weights and influences, one compiled loop over them) against
            one after another through the forecaster. Stacked, 300 of them are 132 MB that every sample streams from main memory; one
            after another, 442 kB stay in the second cache for a whole recording. Measured: all 300 at once take 1.5 times as long.
            Blocks of up to 8 save a quarter, but so does a block of one: what they save is Python's share, and batching itself
            brings nothing. So the library steps one network at a time.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import ForecastSetting
from hilum.models._recurrent import (
    Gradient,
    Network,
    Pair,
    advance,
    compare,
    fresh_network,
    reference_step,
    say,
    settle,
)
from hilum.models.dni import Dni, dni_gradient
from hilum.models.fixed_hidden_weights import FixedHiddenWeights, fixed_hidden_weights_gradient
from hilum.models.rtrl import Rtrl, rtrl_gradient
from hilum.models.snap1 import SnAp1, snap1_descend, snap1_gradient
from hilum.models.uoro import Uoro, uoro_gradient, uoro_published_gradient

Array = NDArray[np.float64]
CHANNELS, HORIZON = 9, 5
RULES: list[tuple[str, Any, Gradient]] = [
    ("SnAp-1", SnAp1(), snap1_gradient),
    ("UORO, exact", Uoro(), uoro_gradient),
    ("UORO, published", Uoro(variant="published"), uoro_published_gradient),
    ("DNI", Dni(), dni_gradient),
    ("fixed hidden weights", FixedHiddenWeights(), fixed_hidden_weights_gradient),
    ("RTRL, 25 units", Rtrl(), rtrl_gradient),
]
# From n units, m inputs and c channels: operations, and bytes over 8, of the rule alone.
COUNTS: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "SnAp-1": lambda n, m, c: (7 * n * m, 5 * n * m),
    "UORO, exact": lambda n, m, c: (7 * n * m + 2 * n * n, 5 * n * m + n * n),
    "UORO, published": lambda n, m, c: (7 * n * m + 2 * n * n, 4 * n * m + n * n),
    "DNI": lambda n, m, c: (2 * n * m + 4 * n * n + 11 * n * (n + c + 1), 2 * n * m + 2 * n * n + 3 * n * (n + c + 1)),
    "fixed hidden weights": lambda n, m, c: (0, 0),
    "RTRL, 25 units": lambda n, m, c: (2 * n**3 * m + 2 * n * n * m + 4 * n * m, 2 * n * n * m + 2 * n * m),
}


def counts(name: str, units: int, channels: int, history: int) -> tuple[int, int]:
    """Operations and bytes of one step: two forward passes, two readouts, credit, the readout's update, and the rule."""
    inputs = units + 1 + history * channels
    operations, entries = COUNTS[name](units, inputs, channels)
    shared = 2 * (2 * units * inputs + units) + 2 * 2 * units * channels + 4 * units * channels
    return operations + shared, 8 * (entries + 2 * units * inputs)


def synthetic(samples: int) -> Array:
    """Nine sine waves with noise, (samples, 9), in standard units."""
    times = np.arange(samples)[:, None] / 10
    waves = 1.4 * np.sin(1.5 * times + 0.2 * np.arange(CHANNELS))
    return np.asarray(waves + np.random.default_rng(0).normal(0, 0.05, waves.shape))


def microseconds(once: Callable[[int], Any], repeats: int, calls: int = 20) -> tuple[float, float, float]:
    """Of `once(0..calls - 1)` a call: minimum and median of wall time, and median of this thread's processor time."""
    for i in range(calls):
        once(i)
    wall, own = [], []
    for _ in range(repeats):
        began, busy = time.perf_counter(), time.thread_time()
        for i in range(calls):
            once(i)
        own.append((time.thread_time() - busy) / calls)
        wall.append((time.perf_counter() - began) / calls)
    return 1e6 * min(wall), 1e6 * float(np.median(wall)), 1e6 * float(np.median(own))


def peaks(repeats: int) -> tuple[float, float, float]:
    """GFLOP/s of a matrix product, and GB/s of y <- y + a x in the second cache and in main memory: the best of `repeats`."""
    import numba

    @numba.njit  # type: ignore[untyped-decorator]
    def add(y: Array, x: Array, a: float) -> None:
        for i in range(len(y)):
            y[i] += a * x[i]

    square = np.random.default_rng(0).normal(size=(256, 256))
    out = np.empty_like(square)
    product = microseconds(lambda _: np.dot(square, square, out=out), 10 * repeats, 1)[0]
    found = []
    for entries in (90 * 307, 8_000_000):
        y, x = np.zeros(entries), np.ones(entries)
        found.append(24e-3 * entries / microseconds(lambda _, y=y, x=x: add(y, x, 1e-9), repeats, 1)[0])  # type: ignore[misc]
    return 2e-3 * 256**3 / product, found[0], found[1]


def compiled_step(model: Any, stream: Array, seed: int = 0) -> tuple[Callable[[int], None], Network]:
    """One step of actor and learner through the kernels, without the forecaster around them; and its network."""
    network = fresh_network(model, CHANNELS, (seed, HORIZON))
    pair = Pair.empty(len(network.inner), model.units, CHANNELS)
    mean, scale, forecasts = np.zeros(CHANNELS), np.ones(CHANNELS), np.empty((1, CHANNELS))
    windows = [stream[i : i + model.history].ravel() for i in range(len(stream) - model.history)]

    def step(i: int) -> None:
        label = stream[i + model.history - 1 + HORIZON]
        advance(network.inner, network.learner, windows[i], pair.xi, pair.after)
        into = (pair.slope, pair.credit, pair.label, pair.error)
        squares = compare(network.output, pair.after, label, mean, scale, *into)
        settle(
            network.output,
            network.learner,
            pair.after,
            pair.error,
            model.descend(network, pair, squares, model.rate),
        )
        advance(network.inner, network.actor, windows[i + HORIZON], pair.xi, pair.after)
        say(network.output, pair.after, mean, scale, forecasts, 0)
        network.actor[:] = pair.after

    return step, network


def readable_step(model: Any, rule: Gradient, stream: Array) -> Callable[[int], None]:
    """The same step in NumPy."""
    network = fresh_network(model, CHANNELS, (0, HORIZON))
    windows = [stream[i : i + model.history].ravel() for i in range(len(stream) - model.history)]

    def step(i: int) -> None:
        label = stream[i + model.history - 1 + HORIZON]
        reference_step(network, rule, windows[i], label, model.rate, model.clip)
        network.actor = np.tanh(network.inner.T @ np.concatenate([network.actor, [1.0], windows[i + HORIZON]]))
        network.output @ network.actor

    return step


def verbs(model: Any, stream: Array, repeats: int) -> tuple[float, float]:
    """Observe, learn and predict of one horizon, microseconds a sample: median of wall time, and mean processor time."""
    wall, own = [], []
    setting = ForecastSetting(CHANNELS, (HORIZON,), 0.1, "mm")
    first = model.history + HORIZON
    for _ in range(repeats):
        forecaster = model.start(setting, stream[:60], 0)
        for t in range(first):
            forecaster.observe(stream[t])
        busy = time.thread_time()
        for t in range(first, len(stream)):
            began = time.perf_counter()
            forecaster.observe(stream[t])
            forecaster.learn(t - HORIZON, HORIZON, stream[t])
            forecaster.predict()
            wall.append(time.perf_counter() - began)
        own.append((time.thread_time() - busy) / (len(stream) - first))
    return 1e6 * float(np.median(wall)), 1e6 * float(np.median(own))


@cache
def _stacked() -> Callable[..., None]:
    import numba

    forward, look, descend, move, answer = (
        numba.njit(kernel.plain) for kernel in (advance, compare, snap1_descend, settle, say)
    )

    @numba.njit  # type: ignore[untyped-decorator]
    def step(weights, states, past, now, target, mean, scale, pair, forecasts, rate, clip):  # type: ignore[no-untyped-def]
        inner, output, influence = weights
        learner, actor = states
        xi, after, slope, credit, label, error, read = pair
        for s in range(len(inner)):
            forward(inner[s], learner[s], past, xi, after)
            squares = look(output[s], after, target, mean, scale, slope, credit, label, error)
            moved = descend(inner[s], influence[s], xi, slope, credit, squares, rate, clip)
            move(output[s], learner[s], after, error, moved)
            forward(inner[s], actor[s], now, xi, read)
            answer(output[s], read, mean, scale, forecasts, s)
            actor[s, :] = read

    return step  # type: ignore[no-any-return]


def stacked_step(model: SnAp1, stream: Array, initialisations: int) -> tuple[Callable[[int], None], list[Array]]:
    """One step of many networks, which differ in their seed, in one compiled loop; and inner, output, J, learner, actor, stacked."""
    networks: list[Network] = [fresh_network(model, CHANNELS, (seed, HORIZON)) for seed in range(initialisations)]
    stacked = [
        np.stack(part)
        for part in zip(
            *((n.inner, n.output, n.memory["influence"], n.learner, n.actor) for n in networks), strict=True
        )
    ]
    pair = (*vars(Pair.empty(stacked[0].shape[1], model.units, CHANNELS)).values(), np.empty(model.units))
    mean, scale, forecasts = np.zeros(CHANNELS), np.ones(CHANNELS), np.empty((initialisations, CHANNELS))
    windows = [stream[i : i + model.history].ravel() for i in range(len(stream) - model.history)]
    step, weights, states = _stacked(), tuple(stacked[:3]), tuple(stacked[3:])

    def once(i: int) -> None:
        target = stream[i + model.history - 1 + HORIZON]
        past, now = windows[i], windows[i + HORIZON]
        step(weights, states, past, now, target, mean, scale, pair, forecasts, model.rate, model.clip)

    return once, stacked


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--initialisations", type=int, default=300)
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    gflops, cache, memory = peaks(options.repeats)
    print(f"{os.cpu_count()} processors, load {load:.1f}; synthetic stream, one thread, one horizon")
    print(
        f"measured peaks: product {gflops:.1f} GFLOP/s; second cache {cache:.0f} GB/s; main memory {memory:.1f} GB/s\n"
    )
    print(
        f"{'microseconds a step':<22}{'min':>8}{'median':>8}{'processor':>10}{'NumPy':>9}{'verbs':>8}{'processor':>10}",
        end="",
    )
    print(f"{'kFLOP':>8}{'kB':>7}{'GFLOP/s':>9}{'GB/s':>7}{'share':>7}")
    stream = synthetic(200)
    for name, model, rule in RULES:
        least, median, own = microseconds(compiled_step(model, stream)[0], options.repeats)
        readable = microseconds(readable_step(model, rule, stream), max(1, options.repeats // 5))[0]
        through, through_own = verbs(model, stream, options.repeats)
        operations, size = counts(name, model.units, CHANNELS, model.history)
        speed, flow = 1e-3 * operations / own, 1e-3 * size / own
        print(f"{name:<22}{least:8.1f}{median:8.1f}{own:10.1f}{readable:9.1f}{through:8.1f}{through_own:10.1f}", end="")
        print(
            f"{operations / 1e3:8.0f}{size / 1e3:7.0f}{speed:9.1f}{flow:7.1f}{max(speed / gflops, flow / cache):7.0%}"
        )
    print("\nSnAp-1 over many initialisations, processor microseconds a sample and initialisation")
    sizes = sorted({1, 2, 8, min(32, options.initialisations), options.initialisations})
    rounds: list[list[float]] = []
    for _ in range(3):  # in turn, and the least of three: a neighbour's work must not decide
        stacked = [microseconds(stacked_step(SnAp1(), stream, n)[0], options.repeats, max(2, 60 // n)) for n in sizes]
        rounds.append(
            [
                verbs(SnAp1(), stream, options.repeats)[1],
                *(own / n for n, (_, _, own) in zip(sizes, stacked, strict=True)),
            ]
        )
    single, *together = np.min(rounds, axis=0)
    print(f"{'one after another':<22}{single:8.1f}   through the forecaster")
    for size, each in zip(sizes, together, strict=True):
        print(f"{size:>4} at once {each:18.1f}   {single / each:.2f} times as fast")


if __name__ == "__main__":
    main()
