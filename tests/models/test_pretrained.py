"""Networks trained before the stream, or once in it: against torch's own modules, and what holds for every forecaster."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.kinds.forecast import ForecastModel, ForecastSetting, Pretrainable
from hilum.engine.forecasts.stream import stream_record
from hilum.modalities.series.sample import Series
from hilum.models._pretrained import at_interval, labels_of
from hilum.models.population_transformer.network import _pairs
from hilum.models.population_transformer.settings import PopulationTransformer
from hilum.models.pretrained_perceptron import PretrainedPerceptron, features, perceptron
from hilum.models.sequence_transformer.settings import SequenceTransformer
from hilum.nn.augment_windows import Augmentation, Changes, change_pairs, draw_changes
from hilum.nn.forecast_transformer import Architecture, Pairs, Schedule, first_weights, forward, named, train

Array = NDArray[np.float64]
SETTING = ForecastSetting(channels=2, horizons=(1, 4), seconds_per_sample=0.1, unit="mm")
WITH_TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not WITH_TORCH, reason="needs the extra 'deep'")

SEQUENCE = SequenceTransformer(history=5, fit_seconds=4.0, width=4, epochs=3)
POPULATION = PopulationTransformer(history=5, width=4, epochs=3, patience=2)
PERCEPTRON = PretrainedPerceptron(history_seconds=0.6, hidden_units=(8,), epochs=2, components=2, basis_seconds=5.0)
OTHERS_LEARN: list[Any] = [
    POPULATION,
    replace(POPULATION, target="increment", scaling="pooled", kept="last"),
    PERCEPTRON,
    replace(PERCEPTRON, target="channels"),
]


def breath(samples: int = 120, seed: int = 0) -> Array:
    t = np.arange(samples) / 10
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, 2))
    return np.stack([5 * np.sin(1.7 * t), 3 * np.cos(1.7 * t + 0.3)], axis=1) + noise


def recording(values: Array, name: str = "other", interval: float = 0.1) -> Series:
    channels = tuple(f"c{i}" for i in range(values.shape[1]))
    return Series(name, None, values, interval, "mm", channels)


OTHERS = [recording(breath(90, 7), "one"), recording(breath(70, 8), "two", 0.12)]


def ready(model: Any) -> ForecastModel:
    found: ForecastModel = model.pretrain(OTHERS, SETTING, 0) if isinstance(model, Pretrainable) else model
    return found


def every(*models: Any) -> Any:
    marks = [
        pytest.param(model, marks=needs_torch) if getattr(model, "extra", "") == "deep" else model for model in models
    ]
    return pytest.mark.parametrize("model", marks, ids=lambda model: type(model).__name__)


everyone = every(SEQUENCE, replace(SEQUENCE, target="increment", layers=2), *OTHERS_LEARN)


def stream(model: Any, values: Array, seed: int = 0) -> Array:
    return stream_record(model, SETTING, values, 30, "causal", seed).forecasts


# What holds for every forecaster


@everyone
def test_nothing_later_than_the_clock_moves_a_forecast(model: Any) -> None:
    values, trained = breath(), ready(model)
    full = stream(trained, values)
    for origin in (35, 39, 45, 90):
        poisoned = values.copy()
        poisoned[origin + 1 :] = 1e6
        for other in (stream(trained, poisoned), stream(trained, values[: origin + 1])):
            for index, horizon in enumerate(SETTING.horizons):
                made = slice(horizon, origin + horizon + 1)
                seen = other[index, made]
                assert np.array_equal(full[index, made][: len(seen)], seen, equal_nan=True)


@everyone
@pytest.mark.parametrize("moment", [20, 60])
def test_state_can_be_carried_elsewhere(model: Any, moment: int) -> None:
    values = breath()
    straight = ready(model).start(SETTING, values[:30], 3)
    other = model.pretrain([recording(breath(90, 99))], SETTING, 5) if isinstance(model, Pretrainable) else model
    restored = other.start(SETTING, values[:30] * 0 + 1, 99)
    for t, sample in enumerate(values):
        if t == moment:
            restored.restore({name: array.copy() for name, array in straight.state().items()})
        for forecaster in (straight, restored) if t >= moment else (straight,):
            forecaster.observe(sample)
        expected = straight.predict()
        if t >= moment:
            assert np.array_equal(expected, restored.predict())


@everyone
def test_labels_that_are_handed_out_teach_nothing(model: Any) -> None:
    values, trained = breath(), ready(model)
    lies = trained.start(SETTING, values[:30], 0)
    for t, sample in enumerate(values):
        lies.observe(sample)
        for horizon in SETTING.horizons if t >= 4 else ():
            lies.learn(t - horizon, horizon, sample * -100)
        last = lies.predict()
    honest = stream_record(trained, SETTING, values, 30, "causal", 0).forecaster.predict()
    assert np.array_equal(last, honest)


@everyone
def test_missing_samples_are_ordinary_input(model: Any) -> None:
    values = breath()
    values[35, 0] = np.nan
    values[70:75] = np.nan
    assert np.isfinite(stream(ready(model), values)[:, 10:]).all()


@everyone
@pytest.mark.parametrize("values", [np.zeros((1, 2)), np.ones((80, 2))])
def test_one_sample_and_a_flat_record(model: Any, values: Array) -> None:
    assert np.isfinite(stream(ready(model), values)[:, 10:]).all()


@everyone
def test_a_window_that_is_not_full_holds_the_last_value(model: Any) -> None:
    values = breath()
    assert stream(ready(model), values)[0, 2] == pytest.approx(values[1])


@everyone
def test_an_overflow_is_nan_and_no_crash(model: Any) -> None:
    values = breath()
    values[80:, 0] = 1e308
    values[81::2, 0] = -1e308
    with np.errstate(all="ignore"):
        forecasts = stream(ready(model), values)
    assert np.isfinite(forecasts[:, 10:80]).all()
    assert not np.isinf(forecasts[:, 10:]).any()


@everyone
def test_a_seed_gives_the_same_bits_and_another_seed_others(model: Any) -> None:
    def run(seed: int) -> Array:
        trained = model.pretrain(OTHERS, SETTING, seed) if isinstance(model, Pretrainable) else model
        return stream(trained, breath(), seed)[:, 60:]

    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


# Pretraining


@every(*OTHERS_LEARN)
def test_pretraining_sees_only_the_others(model: Any) -> None:
    """The recording that is forecast is never handed over, and what is handed over is what moves the weights."""
    values = breath()
    one = model.pretrain(OTHERS, SETTING, 0)
    stream(one, values)
    again = model.pretrain(OTHERS, SETTING, 0)
    moved = model.pretrain([OTHERS[0], recording(breath(70, 9), "two", 0.12)], SETTING, 0)
    states = [each.start(SETTING, values[:30], 0).state() for each in (one, again, moved)]
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not np.array_equal(states[0][name], states[2][name]) for name in states[0])


@every(*OTHERS_LEARN)
def test_without_pretraining_it_says_what_to_do(model: Any) -> None:
    with pytest.raises(UsageError, match=r"pretraining=") as caught:
        model.start(SETTING, breath()[:30], 0)
    assert caught.value.where == type(model).__name__


@every(*OTHERS_LEARN)
def test_some_of_the_horizons_alone_give_the_same_forecasts(model: Any) -> None:
    trained, values = model.pretrain(OTHERS, SETTING, 0), breath()
    alone = replace(SETTING, horizons=(4,))
    only = stream_record(trained, alone, values, 30, "causal", 0).forecasts
    np.testing.assert_allclose(only[0], stream(trained, values)[1], atol=1e-12)
    for wrong in (replace(SETTING, horizons=(3,)), replace(SETTING, seconds_per_sample=0.2)):
        with pytest.raises(UsageError, match="Pretrain it under"):
            trained.start(wrong, values[:30], 0)


@every(*OTHERS_LEARN)
def test_others_that_hold_nothing_to_learn_are_an_error(model: Any) -> None:
    with pytest.raises(DataError, match="no pair for a forecast"):
        model.pretrain([recording(breath(6))], SETTING, 0)
    with pytest.raises(DataError, match="'narrow', to be learnt from: it has 1 channels"):
        replace(model, **({"target": "components"} if isinstance(model, PretrainedPerceptron) else {})).pretrain(
            [*OTHERS, recording(breath()[:, :1], "narrow")], SETTING, 0
        )


def test_polyphase_resampling_keeps_a_slow_wave() -> None:
    times = np.arange(600) / 6
    wave = np.stack([np.sin(1.5 * times) + 0.02 * times, np.cos(1.5 * times)], axis=1)
    slower = at_interval(wave, 1 / 6, 1 / 3.18)
    there = np.arange(len(slower)) / 3.18
    assert len(slower) == math.ceil(600 * 53 / 100)
    wanted = np.stack([np.sin(1.5 * there) + 0.02 * there, np.cos(1.5 * there)], axis=1)
    np.testing.assert_allclose(slower[5:-5], wanted[5:-5], atol=2e-3)
    np.testing.assert_allclose(slower, wanted, atol=0.1)  # at the ends the filter sees a line, and not a step to 0
    assert at_interval(wave, 1 / 6, 1 / 6) is not wave
    np.testing.assert_array_equal(at_interval(wave, 1 / 6, 1 / 6), wave)


def test_no_pair_joins_two_recordings() -> None:
    model = PopulationTransformer(history=3, width=4)
    one = replace(SETTING, channels=1)
    pairs = _pairs(model, one, [np.arange(6.0)[:, None], 100 + np.arange(7.0)[:, None]])
    assert pairs.windows.shape == (4 + 5, 3, 1)
    for horizon, labels in zip((1, 4), pairs.targets, strict=True):
        for window, label in zip(pairs.windows, labels, strict=True):
            assert np.isnan(label[0]) or label[0] == window[-1, 0] + horizon
    assert np.isfinite(pairs.targets).all(axis=2).sum(axis=1).tolist() == [3 + 4, 0 + 1]


def test_labels_lie_a_horizon_later() -> None:
    labels = labels_of(np.arange(3.0)[:, None], (1, 5))[:, :, 0]
    np.testing.assert_array_equal(labels, [[1, 2, np.nan], [np.nan] * 3])


# The encoder


def torch_network(arch: Architecture, weights: dict[str, Array], network: int) -> Any:
    """The same network from torch's own modules."""
    import torch
    from torch import nn

    layer = nn.TransformerEncoderLayer(
        arch.width, arch.heads, dim_feedforward=2 * arch.width, dropout=0.5, batch_first=True
    )
    parts = nn.ModuleDict(
        {
            "project": nn.Linear(arch.channels, arch.width),
            "encoder": nn.TransformerEncoder(layer, arch.layers, enable_nested_tensor=False),
            "read": nn.Linear(arch.history * arch.width, arch.hidden),
            "say": nn.Linear(arch.hidden, arch.channels),
        }
    ).double()

    def put(parameter: Any, name: str, part: Any = ...) -> None:
        value = weights[name][network]
        value = value.T if value.ndim == 2 and not name.endswith(("norm1", "norm2")) else value
        with torch.no_grad():
            parameter.copy_(torch.tensor(np.array(value[part])))

    for name in ("project", "read", "say"):
        put(parts[name].weight, name)
        put(parts[name].bias, f"{name}_bias")
    for number, each in enumerate(parts["encoder"].layers):
        put(each.self_attn.in_proj_weight, f"{number}/attend")
        put(each.self_attn.in_proj_bias, f"{number}/attend_bias")
        for linear, name in ((each.self_attn.out_proj, "join"), (each.linear1, "widen"), (each.linear2, "narrow")):
            put(linear.weight, f"{number}/{name}")
            put(linear.bias, f"{number}/{name}_bias")
        for norm, name in ((each.norm1, "norm1"), (each.norm2, "norm2")):
            put(norm.weight, f"{number}/{name}", 0)
            put(norm.bias, f"{number}/{name}", 1)
    code = torch.zeros(arch.history, arch.width, dtype=torch.float64)
    for position in range(arch.history):
        for pair in range(0, arch.width, 2):
            angle = position / 10000 ** (pair / arch.width)
            code[position, pair], code[position, pair + 1] = math.sin(angle), math.cos(angle)

    def said(windows: Any) -> Any:
        inside = parts["encoder"](parts["project"](windows) + code)
        return parts["say"](torch.relu(parts["read"](inside.reshape(len(windows), -1))))

    said.parts = parts  # type: ignore[attr-defined]
    return said


def random_weights(arch: Architecture, networks: int, seed: int = 0) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    return {name: draw.normal(0, 0.5, (networks, *shape)) for name, shape in arch.shapes().items()}


@needs_torch
@pytest.mark.parametrize(("layers", "heads", "width"), [(1, 2, 8), (2, 2, 4), (2, 1, 6), (1, 4, 16)])
def test_the_forward_pass_is_torchs(layers: int, heads: int, width: int) -> None:
    import torch

    arch = Architecture(history=7, channels=3, width=width, heads=heads, layers=layers)
    weights = random_weights(arch, 3)
    windows = np.random.default_rng(1).normal(size=(5, 7, 3))
    mine = forward(arch, weights, windows)
    assert mine.shape == (3, 5, 3)
    for network in range(3):
        theirs = torch_network(arch, weights, network)
        theirs.parts.eval()
        with torch.no_grad():
            np.testing.assert_allclose(mine[network], theirs(torch.tensor(windows)).numpy(), atol=1e-10)


@needs_torch
def test_a_training_without_dropout_is_torchs() -> None:
    """Ten passes of Adam over whole batches, against torch.optim.Adam on torch's modules in double precision."""
    import torch

    arch = Architecture(history=4, channels=2, width=4, heads=2, layers=2)
    draw = np.random.default_rng(2)
    windows, targets = draw.normal(size=(12, 4, 2)), draw.normal(size=(2, 12, 2))
    trained = train(arch, Pairs(windows, targets), Schedule(3e-3, 0.0, 64, 10), generators(2))
    start = named(arch, np.stack([first_weights(arch, each) for each in generators(2)]).astype(np.float64))
    for network in range(2):
        theirs = torch_network(arch, start, network)
        for part in theirs.parts.modules():
            if isinstance(part, torch.nn.Dropout | torch.nn.MultiheadAttention):
                setattr(part, "p" if isinstance(part, torch.nn.Dropout) else "dropout", 0.0)
        adam = torch.optim.Adam(theirs.parts.parameters(), lr=3e-3)
        losses = []
        for _ in range(10):
            adam.zero_grad()
            loss = ((theirs(torch.tensor(windows)) - torch.tensor(targets[network])) ** 2).mean()
            loss.backward()
            adam.step()
            losses.append(float(loss.detach()))
        np.testing.assert_allclose(trained.losses[network], losses, rtol=1e-4)
        with torch.no_grad():
            wanted = theirs(torch.tensor(windows)).numpy()
        np.testing.assert_allclose(forward(arch, trained.weights, windows)[network], wanted, atol=2e-3)


def generators(networks: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, network)) for network in range(networks)]


ARCH = Architecture(history=4, channels=2, width=4, heads=2, layers=1)


def some_pairs(counts: tuple[int, ...], seed: int = 3) -> Pairs:
    draw = np.random.default_rng(seed)
    targets = draw.normal(size=(len(counts), max(counts), 2))
    for network, count in enumerate(counts):
        targets[network, count:] = np.nan
    return Pairs(draw.normal(size=(max(counts), 4, 2)), targets)


@needs_torch
def test_a_network_is_what_it_would_be_alone() -> None:
    """Networks with other counts of pairs, and so of steps, beside it change nothing but the last digits."""
    pairs, schedule = some_pairs((40, 17, 33, 0)), Schedule(1e-3, 0.5, 8, 4)
    together = train(ARCH, pairs, schedule, generators(4))
    for network in range(3):
        alone = train(
            ARCH, Pairs(pairs.windows, pairs.targets[[network]]), schedule, [np.random.default_rng((0, network))]
        )
        np.testing.assert_allclose(together.losses[network], alone.losses[0], rtol=1e-4)
        # Not the weights: one bias of attention moves nothing, so that Adam blows its rounding up to whole steps.
        said = forward(ARCH, together.weights, pairs.windows)[network]
        np.testing.assert_allclose(said, forward(ARCH, alone.weights, pairs.windows)[0], atol=1e-4)
    untouched = named(ARCH, first_weights(ARCH, np.random.default_rng((0, 3)))[None].astype(np.float64))
    assert all(np.array_equal(together.weights[name][3], untouched[name][0]) for name in untouched)
    assert together.losses[3] == []


@needs_torch
def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    from hilum.nn.forecast_transformer import _one_thread, _Training

    with _one_thread() as torch:
        training = _Training(torch, ARCH, some_pairs((30,)), Schedule(1e-3, 0.25, 400, 1), generators(1), None)
        masks = training._drop([0], 400)
    assert [tuple(mask.shape[2:]) for mask in masks] == [(2, 4, 4), (4, 4), (4, 8), (4, 4)]
    for mask in masks:
        values = mask.numpy()
        assert set(np.unique(values)) == {0.0, np.float32(4 / 3)}
        assert values.mean() == pytest.approx(1.0, abs=0.03)


@needs_torch
def test_training_lowers_the_loss_on_a_sine() -> None:
    wave = np.sin(0.4 * np.arange(300))[:, None]
    arch = Architecture(history=8, channels=1, width=8, heads=2, layers=1)
    windows = np.stack([wave[i : i + 8] for i in range(280)])
    targets = np.stack([wave[7 + h : 287 + h] for h in (1, 5)])
    trained = train(arch, Pairs(windows, targets), Schedule(2e-3, 0.1, 16, 30), generators(2))
    for network in range(2):
        assert trained.losses[network][-1] < 0.2 * trained.losses[network][0]
    errors = forward(arch, trained.weights, windows) - targets
    assert np.sqrt((errors**2).mean(axis=(1, 2))) == pytest.approx([0.0, 0.0], abs=0.2)  # the wave's is 0.71


@needs_torch
@pytest.mark.parametrize("kept", ["best", "last"])
def test_patience_ends_a_training_at_its_best_or_last_weights(kept: Any) -> None:
    pairs, aside = some_pairs((20, 20)), some_pairs((12, 12), seed=4)
    schedule = Schedule(0.05, 0.0, 5, 40, patience=3, kept=kept)
    trained = train(ARCH, pairs, schedule, generators(2), validation=aside)
    for network, losses in enumerate(trained.validation):
        assert len(losses) == len(trained.losses[network]) < 40
        assert len(losses) - 1 - int(np.argmin(losses)) == 3
        errors = (forward(ARCH, trained.weights, aside.windows)[network] - aside.targets[network]) ** 2
        assert errors.mean() == pytest.approx(min(losses) if kept == "best" else losses[-1], rel=1e-4)


@needs_torch
def test_training_leaves_torch_as_it_was() -> None:
    import torch

    threads, drawn = torch.get_num_threads(), torch.random.get_rng_state()
    train(ARCH, some_pairs((10,)), Schedule(1e-3, 0.5, 8, 1), generators(1))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), drawn)


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(HilumError, match=r"pip install 'hilum\[deep\]'"):
        stream(SEQUENCE, breath())
    with pytest.raises(HilumError, match=r"pip install 'hilum\[deep\]'"):
        POPULATION.pretrain(OTHERS, SETTING, 0)


@needs_torch
def test_a_trained_network_forecasts_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    trained, values = POPULATION.pretrain(OTHERS, SETTING, 0), breath()
    wanted = stream(trained, values)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert np.array_equal(stream(trained, values), wanted, equal_nan=True)


# Augmentation


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_changes_stay_within_their_ranges(seed: int, channels: int, history: int) -> None:
    asked, draw = Augmentation(), np.random.default_rng(seed)
    windows = draw.normal(size=(6, history, channels)).astype(np.float32)
    targets = draw.normal(size=(6, channels)).astype(np.float32)
    changes = draw_changes(asked, 6, channels, draw)
    assert (np.abs(changes.factors - 1) <= 0.2 + 1e-6).all()
    assert (np.sort(changes.places, axis=1) == np.arange(channels)).all()
    assert (np.abs(changes.levels) <= 0.2).all()
    assert (np.abs(changes.drifts) <= 0.05).all()
    before = windows.copy()
    moved, ends = change_pairs(windows, targets, changes)
    assert np.array_equal(windows, before)
    assert moved.dtype == ends.dtype == np.float32
    for pair in range(6):  # step by step, as the head of the file has it
        order = changes.places[pair]
        window = (windows[pair] * changes.factors[pair])[:, order]
        target = (targets[pair] * changes.factors[pair])[order]
        spread = np.quantile(window, 0.95, axis=0) - np.quantile(window, 0.05, axis=0)
        for c in range(channels):
            ramp = np.arange(history) / history * changes.drifts[pair, c] * spread[c]
            level = changes.levels[pair, c] * spread[c]
            np.testing.assert_allclose(moved[pair, :, c], window[:, c] + level + ramp, atol=1e-5)
            assert ends[pair, c] == pytest.approx(target[c] + level + ramp[-1], abs=1e-5)


def test_changes_are_made_with_their_probabilities() -> None:
    changes = draw_changes(Augmentation(), 20000, 3, np.random.default_rng(0))
    assert (changes.factors != 1).any(axis=1).mean() == pytest.approx(0.8, abs=0.02)
    assert (changes.places != np.arange(3)).any(axis=1).mean() == pytest.approx(0.5 * 5 / 6, abs=0.02)
    assert (changes.levels != 0).any(axis=1).mean() == pytest.approx(0.3, abs=0.02)
    assert (changes.drifts != 0).any(axis=1).mean() == pytest.approx(0.3, abs=0.02)
    still = draw_changes(Augmentation(0, 0, 0, 0, 0, 0, 0), 5, 3, np.random.default_rng(0))
    windows, targets = np.ones((5, 4, 3), np.float32), np.ones((5, 3), np.float32)
    assert all(
        np.array_equal(a, b) for a, b in zip(change_pairs(windows, targets, still), (windows, targets), strict=True)
    )
    assert isinstance(still, Changes)


# The perceptron


def test_the_perceptron_is_scikit_learns() -> None:
    from sklearn.neural_network import MLPRegressor

    draw = np.random.default_rng(5)
    inputs, targets = draw.normal(size=(40, 6)), draw.normal(size=(40, 2))
    solver = MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=3, random_state=0, tol=0, n_iter_no_change=9).fit(
        inputs, targets
    )
    layers = {f"weights{n}": array[None] for n, array in enumerate(solver.coefs_)}
    layers |= {f"offsets{n}": array[None] for n, array in enumerate(solver.intercepts_)}
    np.testing.assert_allclose(perceptron(layers, inputs)[0], solver.predict(inputs), atol=1e-12)


def test_features_are_the_shape_of_the_past_and_where_it_stands() -> None:
    windows = np.array([[[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]])
    assert features(windows).tolist() == [[-3.0, -30.0, -2.0, -20.0, 4.0, 40.0]]


@pytest.mark.parametrize("target", ["components", "channels"])
def test_the_perceptron_learns_a_breath_from_others(target: Any) -> None:
    model = PretrainedPerceptron(
        target, components=2, history_seconds=1.0, hidden_units=(16,), basis_seconds=6.0, epochs=40
    )
    others = [recording(breath(400, seed), str(seed)) for seed in (11, 12)]
    values = breath(200, 13)
    forecasts = stream(model.pretrain(others, SETTING, 0), values)
    for index, horizon in enumerate(SETTING.horizons):
        error = np.sqrt(np.mean((forecasts[index, 60:] - values[60:]) ** 2))
        held = np.sqrt(np.mean((values[60 - horizon : -horizon] - values[60:]) ** 2))
        assert error < (0.5 if horizon == 4 else 1.0) * held


@dataclass(frozen=True)
class Wrong:
    kind: Any
    settings: dict[str, Any]


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(SequenceTransformer, {"width": 5}),
        Wrong(SequenceTransformer, {"width": 6, "heads": 4}),
        Wrong(SequenceTransformer, {"dropout": 1.0}),
        Wrong(SequenceTransformer, {"fit_seconds": 0.0}),
        Wrong(SequenceTransformer, {"target": "velocity"}),
        Wrong(PopulationTransformer, {"patience": 0}),
        Wrong(PopulationTransformer, {"train_share": 1.0}),
        Wrong(PopulationTransformer, {"rate": -1e-3}),
        Wrong(PopulationTransformer, {"scaling": "test"}),
        Wrong(PopulationTransformer, {"kept": "first"}),
        Wrong(Augmentation, {"size_probability": 1.2}),
        Wrong(Augmentation, {"drift": -0.1}),
        Wrong(PretrainedPerceptron, {"hidden_units": ()}),
        Wrong(PretrainedPerceptron, {"time_scales": (1.0, 0.0)}),
        Wrong(PretrainedPerceptron, {"size": 1.0}),
        Wrong(PretrainedPerceptron, {"target": "markers"}),
    ],
    ids=lambda wrong: f"{wrong.kind.__name__}-{next(iter(wrong.settings))}",
)
def test_settings_that_make_no_sense_are_refused(wrong: Wrong) -> None:
    with pytest.raises(UsageError, match=wrong.kind.__name__):
        wrong.kind(**wrong.settings)


def test_a_fitting_part_without_a_pair_is_refused() -> None:
    with pytest.raises(UsageError, match="holds no pair"):
        SequenceTransformer(history=50, fit_seconds=5.0).start(SETTING, breath()[:30], 0)
