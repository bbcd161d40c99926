"""Networks that learn online: each rule against autograd, against the others, and against its readable form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.engine.forecasts.stream import stream_record
from hilum.modalities.series.standardise import Standardise
from hilum.models import _recurrent, dni, rtrl, snap1, uoro
from hilum.models._recurrent import Network, Pair, fresh_network, kernel_step, reference_pair, reference_step
from hilum.models.dni import Dni, credit_gradient, dni_gradient
from hilum.models.fixed_hidden_weights import FixedHiddenWeights, fixed_hidden_weights_gradient
from hilum.models.rtrl import Rtrl, rtrl_gradient
from hilum.models.snap1 import SnAp1, snap1_gradient
from hilum.models.uoro import Uoro, random_signs, uoro_gradient, uoro_published_gradient

Array = NDArray[np.float64]
Rule = Callable[[Network, Pair], tuple[Array, dict[str, Array]]]
SMALL = {"units": 6, "history": 3, "rate": 0.02, "initial_sd": 0.3}
SETTING = ForecastSetting(channels=2, horizons=(1, 4), seconds_per_sample=0.1, unit="mm")
RULES: list[tuple[Any, Rule]] = [
    (SnAp1(**SMALL), snap1_gradient),
    (Uoro(**SMALL), uoro_gradient),
    (Uoro(**SMALL, variant="published"), uoro_published_gradient),
    (Rtrl(**SMALL), rtrl_gradient),
    (Dni(**SMALL), dni_gradient),
    (Dni(**SMALL, credit_update="bootstrap_held_fixed"), partial(dni_gradient, credit_update="bootstrap_held_fixed")),
    (FixedHiddenWeights(**SMALL), fixed_hidden_weights_gradient),
]
NAMES = ["snap1", "uoro", "uoro-published", "rtrl", "dni", "dni-held-fixed", "fixed"]
every = pytest.mark.parametrize(("model", "rule"), RULES, ids=NAMES)
every_model = pytest.mark.parametrize("model", [model for model, _ in RULES], ids=NAMES)


def breath(samples: int = 120, seed: int = 0) -> Array:
    t = np.arange(samples) / 10
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, 2))
    return np.stack([5 * np.sin(1.7 * t), 3 * np.cos(1.7 * t + 0.3)], axis=1) + noise


def random_pairs(steps: int, network: Network, seed: int = 0) -> list[tuple[Array, Array]]:
    draw = np.random.default_rng(seed)
    inputs, units = network.inner.shape
    return [(draw.normal(size=inputs - units - 1), draw.normal(size=len(network.output))) for _ in range(steps)]


def carry(network: Network, rule: Rule, pairs: list[tuple[Array, Array]]) -> tuple[Array, Pair]:
    """The gradient at the last pair with weights held still; `network` moves its state and memory."""
    gradient, pair = np.zeros_like(network.inner), None
    for window, label in pairs:
        pair = reference_pair(network, window, label)
        gradient, network.memory = rule(network, pair)
        network.learner = pair.after
    assert pair is not None
    return gradient, pair


def copied(network: Network) -> Network:
    memory = {name: array.copy() for name, array in network.memory.items()}
    return replace(network, inner=network.inner.copy(), output=network.output.copy(), memory=memory)


# ---- kernels against their readable form


def apart(one: Network, other: Network) -> float:
    mine, theirs = one.arrays(), other.arrays()
    assert mine.keys() == theirs.keys()
    return max(float(np.max(np.abs(mine[name] - theirs[name]), initial=0.0)) for name in mine)


@every
@pytest.mark.parametrize(("units", "clip"), [(1, 100.0), (6, 100.0), (13, 0.5)])
def test_kernels_equal_numpy_over_200_random_pairs(model: Any, rule: Rule, units: int, clip: float) -> None:
    model = replace(model, units=units, clip=clip)
    compiled, readable = (fresh_network(model, 2, (3, 4)) for _ in range(2))
    for window, label in random_pairs(200, compiled):
        kernel_step(model, compiled, window, label)
        reference_step(readable, rule, window, label, model.rate, model.clip)
        assert apart(compiled, readable) < 1e-10


@every
def test_kernels_equal_numpy_over_200_real_pairs(model: Any, rule: Rule, real_data: Callable[[str], Path]) -> None:
    markers, folder = ExternalMarkers(), real_data("extmarkers")
    values = markers.load(folder, markers.items(folder)[3]).values
    standard = Standardise.fit(values[:300]).apply(values[:300])
    model = replace(model, units=20, history=12, initial_sd=0.02, rate=0.01)
    compiled, readable = (fresh_network(model, 9, (3, 4)) for _ in range(2))
    for origin in range(20, 220):
        window, label = standard[origin - 11 : origin + 1].ravel(), standard[origin + 5]
        kernel_step(model, compiled, window, label)
        reference_step(readable, rule, window, label, model.rate, model.clip)
    assert apart(compiled, readable) < 1e-10


KERNELS = [
    (_recurrent, "advance"),
    (_recurrent, "compare"),
    (_recurrent, "settle"),
    (snap1, "snap1_descend"),
    (uoro, "uoro_tangent"),
    (uoro, "uoro_exact_descend"),
    (uoro, "uoro_published_descend"),
    (rtrl, "rtrl_descend"),
    (dni, "dni_descend"),
]


@every_model
def test_compiled_kernels_equal_their_plain_form(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, plain = (fresh_network(model, 2, (3, 4)) for _ in range(2))
    pairs = random_pairs(3, compiled)
    for window, label in pairs:
        kernel_step(model, compiled, window, label)
    for module, name in KERNELS:
        monkeypatch.setattr(module, name, getattr(module, name).plain)
    with np.errstate(over="ignore"):  # the counter of the signs wraps on purpose
        for window, label in pairs:
            kernel_step(model, plain, window, label)
    assert apart(compiled, plain) < 1e-13


def test_a_forecast_is_the_readout_in_the_series_unit() -> None:
    draw = np.random.default_rng(1)
    output, after, mean, scale = (
        draw.normal(size=(2, 6)),
        draw.normal(size=6),
        np.array([1.0, -2.0]),
        np.array([3.0, 0.5]),
    )
    for run in (_recurrent.say, _recurrent.say.plain):
        forecasts = np.zeros((2, 2))
        run(output, after, mean, scale, forecasts, 1)
        np.testing.assert_allclose(forecasts, [[0.0, 0.0], (output @ after) * scale + mean], atol=1e-14)


# ---- gradients


def autograd(network: Network, pairs: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Backpropagation through time of the last loss: dL/d[Wa Wb]' and dL/dWc."""
    torch = pytest.importorskip("torch")
    inner, output = (torch.tensor(a, requires_grad=True) for a in (network.inner, network.output))
    state, one = torch.tensor(network.learner), torch.ones(1, dtype=torch.float64)
    for window, _ in pairs:
        state = torch.tanh(inner.T @ torch.cat([state, one, torch.tensor(window)]))
    loss = 0.5 * ((torch.tensor(pairs[-1][1]) - output @ state) ** 2).sum()
    loss.backward()
    return inner.grad.numpy(), output.grad.numpy()


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_rtrl_is_backpropagation_through_time(seed: int, steps: int) -> None:
    network = fresh_network(Rtrl(units=4, history=2, initial_sd=0.5), 2, (seed, 1))
    pairs = random_pairs(steps, network, seed)
    inner, output = autograd(network, pairs)
    found, pair = carry(network, rtrl_gradient, pairs)
    np.testing.assert_allclose(found, inner, atol=1e-12)
    np.testing.assert_allclose(-np.outer(pair.error, pair.after), output, atol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_snap1_is_rtrl_when_units_do_not_meet(seed: int) -> None:
    one, other = (fresh_network(SnAp1(units=4, history=2, initial_sd=0.5), 2, (seed, 1)) for _ in range(2))
    other.memory = Rtrl(units=4, history=2).memory(len(other.inner), 2, (seed, 1))
    pairs = random_pairs(6, one, seed)
    apart_before = carry(copied(one), snap1_gradient, pairs)[0] - carry(copied(other), rtrl_gradient, pairs)[0]
    assert np.max(np.abs(apart_before)) > 1e-6  # a full recurrent matrix tells them apart
    for network in (one, other):
        network.inner[:4] = np.diag(np.diagonal(network.inner))
    snap, whole = carry(one, snap1_gradient, pairs)[0], carry(other, rtrl_gradient, pairs)[0]
    np.testing.assert_allclose(snap, whole, atol=1e-13)


def uoro_draws(rule: Rule, draws: int, seed: int = 2) -> tuple[Array, Array]:
    """Gradients (draws, parameters) over independent signs at fixed weights, and RTRL's."""
    model = Uoro(units=6, history=2, initial_sd=0.4)
    start = fresh_network(model, 2, (seed, 1))
    pairs = random_pairs(12, start, seed)
    found = []
    for draw in range(draws):
        network = copied(start)
        network.memory = model.memory(len(network.inner), 2, (draw, 7))
        found.append(carry(network, rule, pairs)[0].ravel())
    exact = copied(start)
    exact.memory = Rtrl(units=6, history=2).memory(len(exact.inner), 2, (0, 0))
    return np.array(found), carry(exact, rtrl_gradient, pairs)[0].ravel()


def cosine(one: Array, other: Array) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def test_exact_uoro_is_rtrl_on_average_and_the_published_order_is_not() -> None:
    draws = 3000
    found, wanted = uoro_draws(uoro_gradient, draws)
    assert cosine(found.mean(0), wanted) > 0.99
    # |mean - wanted|^2 is, if unbiased, the summed variance of the mean on average; its spread over repeats is smaller still.
    noise = np.sum(found.var(0, ddof=1)) / draws
    assert np.sum((found.mean(0) - wanted) ** 2) < 3 * noise
    published, wanted = uoro_draws(uoro_published_gradient, draws)
    noise = np.sum(published.var(0, ddof=1)) / draws
    assert abs(cosine(published.mean(0), wanted)) < 0.5
    assert np.sum((published.mean(0) - wanted) ** 2) > 20 * noise


def test_the_error_of_exact_uoro_falls_as_one_over_the_root_of_the_draws() -> None:
    found, wanted = uoro_draws(uoro_gradient, 2400, seed=5)
    few = np.mean([np.linalg.norm(part.mean(0) - wanted) for part in np.split(found, 24)])
    many = np.mean([np.linalg.norm(part.mean(0) - wanted) for part in np.split(found, 3)])
    assert 1.8 < few / many < 4.5  # 8 times the draws: 2.83


@pytest.mark.parametrize("held", [False, True])
def test_dni_moves_its_guess_along_autograds_gradient(held: bool) -> None:
    torch = pytest.importorskip("torch")
    network = fresh_network(Dni(**SMALL), 2, (0, 1))
    for window, label in random_pairs(5, network):
        reference_step(network, dni_gradient, window, label, 0.02, 100.0)
    pair = reference_pair(network, *random_pairs(1, network, 9)[0])
    guess = torch.tensor(network.memory["guess"], requires_grad=True)
    ahead = guess.detach() if held else guess
    before = torch.tensor(np.concatenate([network.learner, network.memory["label"], [1.0]]))
    after = torch.tensor(np.concatenate([pair.after, pair.label, [1.0]]))
    through = torch.tensor(pair.slope)[:, None] * torch.tensor(network.inner[:6]).T
    residual = before @ guess - torch.tensor(pair.credit) - (after @ ahead) @ through
    (0.5 * (residual**2).sum()).backward()
    found = credit_gradient(network, pair, "bootstrap_held_fixed" if held else "whole_gradient")
    np.testing.assert_allclose(found[1], residual.detach().numpy(), atol=1e-13)
    np.testing.assert_allclose(found[2], guess.grad.numpy(), atol=1e-13)


def test_dni_reads_no_label_that_it_was_not_handed() -> None:
    """Under the causal protocol the label that enters A's input is the newest sample, and no other."""
    values, model = breath(), Dni(**SMALL)
    forecaster = stream_record(model, SETTING, values, 30, "causal", 0).forecaster
    scaling = Standardise.fit(values[:30])
    for horizon in SETTING.horizons:
        np.testing.assert_array_equal(forecaster.state()[f"{horizon}/label"], scaling.apply(values[-1]))


# ---- signs


def test_signs_are_a_function_of_seed_horizon_and_pair() -> None:
    model = Uoro(units=64, history=2)
    keys = [model.memory(10, 2, seed)["draws"][0] for seed in [(0, 1), (0, 2), (1, 1)]]
    rows = np.array([random_signs(key, n, 64) for key in keys for n in range(500)])
    assert np.array_equal(rows[7], random_signs(keys[0], 7, 64))
    assert np.array_equal(np.unique(rows), [-1.0, 1.0])
    assert abs(rows.mean()) < 4 / np.sqrt(rows.size)
    for shifted in (
        np.sum(rows[:, :-1] * rows[:, 1:]),
        np.sum(rows[:-1] * rows[1:]),
        np.sum(rows[:500] * rows[500:1000]),
    ):
        assert abs(shifted) < 4 * np.sqrt(rows.size)


# ---- as forecasters


def stream(model: Any, values: Array, protocol: str = "causal", **only: Any) -> Array:
    return stream_record(model, SETTING, values, 30, protocol, 0, **only).forecasts


@every_model
@pytest.mark.parametrize("origin", [45, 101])
def test_nothing_later_than_the_clock_moves_a_forecast(model: Any, origin: int) -> None:
    values = breath()
    full = stream(model, values)
    poisoned = values.copy()
    poisoned[origin + 1 :] = 1e6
    cut = np.concatenate([values[: origin + 1], np.full((5, 2), np.nan)])
    for other in (stream(model, poisoned), stream(model, cut)):
        for index, horizon in enumerate(SETTING.horizons):
            made = slice(horizon, origin + horizon + 1)
            assert np.array_equal(full[index, made][: len(other[index, made])], other[index, made], equal_nan=True)
    assert not np.array_equal(full[0, origin + 3 :], stream(model, poisoned)[0, origin + 3 :])


@every_model
def test_state_goes_on_elsewhere_bit_by_bit(model: Any) -> None:
    values = breath()
    straight = model.start(SETTING, values[:30], 3)
    restored = model.start(SETTING, values[:30] * 0 + 1, 99)
    for t, sample in enumerate(values):
        for forecaster in (straight, restored) if t > 60 else (straight,):
            forecaster.observe(sample)
            for horizon in SETTING.horizons:
                if t >= horizon:
                    forecaster.learn(t - horizon, horizon, sample)
        if t == 60:  # in the middle: learnt, not yet asked
            restored.restore({name: array.copy() for name, array in straight.state().items()})
        if t >= 60:
            assert np.array_equal(straight.predict(), restored.predict())
        else:
            straight.predict()


@every_model
def test_missing_samples_and_labels_are_ordinary_input(model: Any) -> None:
    values = breath()
    values[50, 0] = np.nan
    values[70:75] = np.nan
    assert np.isfinite(stream(model, values)[:, 40:]).all()


@every_model
@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_a_missing_label_teaches_nothing_but_time_passes(model: Any, missing: float) -> None:
    values = breath()
    forecaster = stream_record(model, SETTING, values[:60], 30, "causal", 0).forecaster
    before = forecaster.state()
    forecaster.learn(58, 1, np.array([1.0, missing]))
    after = forecaster.state()
    for name in ("1/inner", "1/output", *(n for n in ("1/guess", "1/label") if n in before)):
        assert np.array_equal(before[name], after[name])
    assert not np.array_equal(before["1/learner"], after["1/learner"])


@every_model
def test_actor_and_learner_meet_under_the_published_order(model: Any) -> None:
    values = breath()
    forecaster = model.start(SETTING, values[:30], 0)
    for t in range(60):
        forecaster.observe(values[t])
        forecaster.predict()
        for horizon in SETTING.horizons:
            forecaster.learn(t, horizon, values[t + horizon])
    state = forecaster.state()
    for horizon in SETTING.horizons:
        assert np.array_equal(state[f"{horizon}/actor"], state[f"{horizon}/learner"])
        assert np.any(state[f"{horizon}/actor"] != 0)


@every_model
def test_asking_twice_changes_nothing(model: Any) -> None:
    values = breath()
    forecaster = stream_record(model, SETTING, values, 30, "causal", 0).forecaster
    once, state = forecaster.predict(), forecaster.state()
    assert np.array_equal(once, forecaster.predict())
    assert all(np.array_equal(array, state[name]) for name, array in forecaster.state().items())


@every_model
def test_overflow_is_nan_or_finite_and_no_crash(model: Any) -> None:
    for rate, clip in ((1e150, np.inf), (1e300, 100.0), (5.0, np.inf)):
        forecasts = stream(replace(model, rate=rate, clip=clip), breath(300))
        assert not np.isinf(forecasts).any()
    assert np.isnan(stream(replace(model, rate=1e150, clip=np.inf), breath(300))[:, -1]).all()


@every_model
def test_seeds_and_horizons_differ_and_repeat(model: Any) -> None:
    values = breath()
    runs = [stream_record(model, SETTING, values, 30, "causal", seed).forecasts for seed in (0, 0, 1)]
    assert np.array_equal(runs[0], runs[1], equal_nan=True)
    assert not np.array_equal(runs[0], runs[2], equal_nan=True)
    state = stream_record(model, SETTING, values, 30, "causal", 0).forecaster.state()
    assert not np.array_equal(state["1/output"], state["4/output"])


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (type(model), {name: value})
        for model, _ in RULES
        for name, value in [("units", 0), ("history", 0), ("rate", 0.0)]
    ]
    + [
        (SnAp1, {"rate": np.nan}),
        (SnAp1, {"clip": -1.0}),
        (Rtrl, {"initial_sd": 0.0}),
        (Uoro, {"variant": "other"}),
        (Dni, {"credit_rate": 0.0}),
        (Dni, {"credit_update": "other"}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=kind.__name__):
        kind(**wrong)
