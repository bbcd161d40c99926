"""Models of sequences: what holds for all of them, on small *synthetic* data. What each computes is in tests/nn/."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from hilum.core.component import build, change, describe
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.finder import find
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.model import Trainable
from hilum.core.sequence import Sequenced
from hilum.models._sequence_model import SequenceModel
from hilum.nn.sequences.encoder import Encoder
from hilum.nn.sequences.records import Records

Array = NDArray[np.float64]
SMALL = {"concare": {"hidden": 8, "heads": 2}, "stagenet": {"hidden": 8}, "grasp": {"clusters": 4}}  # fmt: skip


def found() -> dict[str, SequenceModel]:
    """Every model that the finder finds and that reads sequences, made small."""
    models = {}
    for name, place in find("models").items():
        module = place.load("settings" if place.has("settings") else "")
        for thing in vars(module).values():
            if isinstance(thing, type) and thing.__module__ == module.__name__ and issubclass(thing, SequenceModel):
                models[name] = change(thing(), **({"hidden": 12} | SMALL.get(name, {})), epochs=2, dropout=0.1)
    return models


MODELS = found()
ALL = pytest.mark.parametrize("name", MODELS)


def sequenced(lengths: list[int], columns: int = 5, seed: int = 0, asked: float = 1.0) -> Sequenced:
    """Records of so many sequences; the first column does not change within one."""
    rng = np.random.default_rng(seed)
    series = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.cumsum(rng.uniform(0.5, 3.0, n)) for n in lengths]) if lengths else np.zeros(0)
    values = rng.standard_normal((len(series), columns))
    values[:, 0] = rng.standard_normal(len(lengths))[series]
    chosen = rng.random(len(series)) < asked
    chosen[:2] = True
    return Sequenced(values, series, step, chosen)


def some_lengths(count: int, seed: int = 0) -> list[int]:
    return [1, 7, *np.random.default_rng(seed).integers(1, 7, count - 2).tolist()]


def labelled(rows: Sequenced, classes: int = 2, seed: int = 1) -> Labelled:
    """Whether the running sum of a column is above 0: asks for memory; a number beside it."""
    rng = np.random.default_rng(seed)
    memory = np.concatenate([np.cumsum(part) for part in np.split(rows.values[:, 1], rows.starts[1:-1])])
    labels = np.digitize(memory, [0.0, 0.8, 1.6][: classes - 1])[rows.asked]
    labels[:classes] = np.arange(classes)[: len(labels)]
    beside = (10 + 3 * memory + rng.standard_normal(len(memory)))[rows.asked]
    who = tuple(str(series) for series in rows.series[rows.asked])
    return Labelled(rows.values[rows.asked], labels.astype(np.int64), tuple("abcd"[:classes]), who, rows, beside)


def measured(rows: Sequenced) -> Measured:
    part = labelled(rows)
    assert part.beside is not None
    return Measured(part.inputs, part.beside, "d", part.subjects, rows)


def plain(said: Any) -> Array:
    return np.column_stack([said.probabilities, said.numbers]) if isinstance(said, Joint) else np.asarray(said)


def encoder_of(name: str, columns: int = 4, **settings: Any) -> Encoder:
    torch.manual_seed(3)
    encoder = change(MODELS[name], static_columns=1, **settings).encoder(columns)
    encoder.begin_epoch(Records(sequenced(some_lengths(20)), 1, 1.0), 0)
    return encoder.eval()


def batch_of(lengths: list[int], seed: int = 0) -> Any:
    return Records(sequenced(lengths, seed=seed), 1, 1.0).batch(np.arange(len(lengths)))


def states_of(encoder: Encoder, batch: Any) -> Any:
    with torch.inference_mode():
        return encoder(batch.series, batch.static, batch.mask, batch.gaps)


def test_all_are_found() -> None:
    expected = {"recurrent_network", "lstm", "gru", "temporal_convolution", "causal_transformer", "retain", "stagenet",
                "adacare", "concare", "mcgru", "dr_agent", "grasp", "record_perceptron"}  # fmt: skip
    assert expected <= set(MODELS)


# ---------------------------------------------------------------------------------------------------- the encoder


@ALL
def test_the_future_changes_nothing(name: str) -> None:
    encoder, batch = encoder_of(name), batch_of([7, 7, 7, 7])
    before = states_of(encoder, batch)
    for step in range(1, 7):
        series, gaps = batch.series.clone(), batch.gaps.clone()
        series[:, step:] += 100 * torch.randn(series[:, step:].shape)
        gaps[:, step:] += 5.0
        after = states_of(encoder, dataclasses.replace(batch, series=series, gaps=gaps))
        assert torch.equal(after[:, :step], before[:, :step])
        assert not torch.equal(after[:, step:], before[:, step:])


@ALL
def test_padding_changes_nothing(name: str) -> None:
    encoder, batch = encoder_of(name), batch_of([7, 4, 2, 1])
    before = states_of(encoder, batch)
    series, gaps = batch.series.clone(), batch.gaps.clone()
    series[~batch.mask], gaps[~batch.mask] = 1e3, 1e3
    after = states_of(encoder, dataclasses.replace(batch, series=series, gaps=gaps))
    assert torch.equal(after[batch.mask], before[batch.mask])
    more = {
        field: torch.nn.functional.pad(getattr(batch, field), (0, 0, 0, 3) if field == "series" else (0, 3))
        for field in ("series", "mask", "gaps", "rows", "asked")
    }
    longer = states_of(encoder, dataclasses.replace(batch, **more))[:, :7]
    assert torch.allclose(longer[batch.mask], before[batch.mask], atol=1e-6)


@ALL
def test_one_sequence_is_scored_as_among_others(name: str) -> None:
    encoder, rows = encoder_of(name), sequenced([3, 7, 1, 5])
    records = Records(rows, 1, 1.0)
    together = records.batch(np.arange(4))
    states = states_of(encoder, together)
    for one in range(4):
        alone = records.batch(np.array([one]))
        place = int((together.rows[:, 0] == alone.rows[0, 0]).nonzero())
        assert torch.allclose(states_of(encoder, alone)[0], states[place, : alone.rows.shape[1]], atol=1e-6)


@ALL
def test_every_prefix_gives_its_last_state(name: str) -> None:
    encoder, batch = encoder_of(name), batch_of([7, 7, 7])
    whole = states_of(encoder, batch)
    for length in range(1, 8):
        cut = dataclasses.replace(
            batch, series=batch.series[:, :length], mask=batch.mask[:, :length], gaps=batch.gaps[:, :length]
        )
        assert torch.allclose(states_of(encoder, cut)[:, -1], whole[:, length - 1], atol=1e-6)


@ALL
def test_without_static_columns_and_with_one_column(name: str) -> None:
    rows = sequenced(some_lengths(12), columns=1)
    rows = dataclasses.replace(rows, values=np.random.default_rng(0).standard_normal((len(rows.values), 1)))
    part = dataclasses.replace(labelled(sequenced(some_lengths(12))), inputs=rows.values, sequences=rows)
    said = MODELS[name].fit(part, None, 0).predict(rows)
    assert np.isfinite(said).all()


# ---------------------------------------------------------------------------------------------------- the model


@ALL
@pytest.mark.parametrize("kind", ["two", "four", "number", "joint"])
def test_stored_models_give_the_same_bits(name: str, kind: str, tmp_path: Path) -> None:
    rows, new = sequenced(some_lengths(24), asked=0.7), sequenced(some_lengths(9, seed=3), seed=4, asked=0.5)
    model = change(MODELS[name], static_columns=1, answers="joint" if kind == "joint" else "outcome")
    assert isinstance(model, Trainable)
    assert build(describe(model)) == model
    classes = 4 if kind == "four" else 2
    part = measured(rows) if kind == "number" else labelled(rows, classes)
    fitted = model.fit(part, None, seed=5)
    before = fitted.predict(new)
    assert isinstance(before, Joint) is (kind == "joint")
    flat = plain(before)
    assert np.isfinite(flat).all()
    assert flat.dtype == np.float64
    assert flat.shape == ((len(new.values),) if kind == "number" else (len(new.values), classes + (kind == "joint")))
    if kind != "number":
        np.testing.assert_allclose(flat[:, :classes].sum(axis=1), 1.0, atol=1e-9)
    fitted.save(tmp_path)
    assert plain(model.load(tmp_path).predict(new)).tobytes() == flat.tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.safetensors", "model.json"]


@ALL
def test_the_seed_alone_decides(name: str) -> None:
    part, rows = labelled(sequenced(some_lengths(20))), sequenced(some_lengths(6))
    model = MODELS[name]
    first = model.fit(part, part, seed=1).predict(rows)
    torch.manual_seed(99)
    kept = torch.random.get_rng_state()
    assert model.fit(part, part, seed=1).predict(rows).tobytes() == first.tobytes()
    assert torch.equal(torch.random.get_rng_state(), kept)
    assert model.fit(part, part, seed=2).predict(rows).tobytes() != first.tobytes()
    assert model.fit(part, part, seed=1).predict(rows).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "record_perceptron"])  # which has no memory
def test_training_learns_what_needs_memory(name: str) -> None:
    part = labelled(sequenced(some_lengths(60)))
    rate = {"recurrent_network": 3e-3}.get(name, 1e-2)
    model = change(MODELS[name], epochs=25, learning_rate=rate, dropout=0.0, sequences_per_step=20, static_columns=1)
    fitted = model.fit(part, None, seed=0)
    losses = fitted.history.losses
    assert losses[-1] < 0.75 * losses[0]
    said = fitted.predict(part.sequences)[:, 1] > 0.5
    assert (said == part.labels).mean() > 0.8


@ALL
def test_sequences_of_one_record(name: str) -> None:
    part = labelled(sequenced([1] * 12))
    fitted = MODELS[name].fit(part, None, seed=0)
    assert np.isfinite(fitted.predict(part.sequences)).all()
    empty = sequenced([])
    assert fitted.predict(empty).shape == (0, 2)


def test_settings_that_make_no_sense_are_refused() -> None:
    for name, model in MODELS.items():
        for wrong in ({"hidden": 0}, {"dropout": 1.0}, {"learning_rate": 0.0}, {"epochs": 0}, {"penalty": -1.0}):
            with pytest.raises(UsageError, match="make no sense"):
                change(model, **wrong)
        with pytest.raises(UsageError, match="no value of loss is called 'best'"):
            change(model, loss="best")
        assert describe(model).name == name


# ---------------------------------------------------------------------------------------------------- the shared part


def test_early_stopping_keeps_the_best_pass() -> None:
    rows, other = sequenced(some_lengths(40)), sequenced(some_lengths(30, seed=8), seed=9)
    for monitor in ("loss", "score"):
        model = change(MODELS["gru"], epochs=60, patience=4, learning_rate=3e-2, monitor=monitor, dropout=0.0)
        fitted = model.fit(labelled(rows), labelled(other), seed=0)
        history = fitted.history
        assert history.kept == int(np.argmin(history.validation))
        assert len(history.validation) == min(60, history.kept + 5)
        short = change(model, epochs=history.kept + 1).fit(labelled(rows), labelled(other), seed=0)
        assert short.predict(other).tobytes() == fitted.predict(other).tobytes()
        # Noise in what validation is asked for must not leak into what the weights learn.
        assert history.losses[: history.kept + 1] == short.history.losses


def test_context_is_read_and_never_asked_for() -> None:
    rows = sequenced(some_lengths(20), asked=0.5)
    part = labelled(rows)
    fitted = MODELS["gru"].fit(part, None, seed=0)
    assert fitted.predict(rows).shape == (len(rows.values), 2)
    whole = np.full(len(rows.values), 1, np.int64)
    whole[rows.asked] = part.labels
    numbers = np.full(len(rows.values), 1e6)
    numbers[rows.asked] = part.beside
    for filler in (0, 1):
        spread = np.where(rows.asked, whole, filler)
        same = MODELS["gru"].fit(dataclasses.replace(part, labels=spread, beside=numbers), None, seed=0)
        assert same.predict(rows).tobytes() == fitted.predict(rows).tobytes()
    moved = rows.values.copy()
    moved[~rows.asked] += 1.0
    other = fitted.predict(dataclasses.replace(rows, values=moved))
    assert not np.array_equal(other[rows.asked], fitted.predict(rows)[rows.asked])


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    rows = sequenced(some_lengths(12))
    part, model = labelled(rows), MODELS["gru"]
    with pytest.raises(DataError, match="handed single records"):
        model.fit(dataclasses.replace(part, sequences=None), None, 0)
    with pytest.raises(DataError, match="outcomes for"):
        model.fit(dataclasses.replace(part, labels=part.labels[:-1]), None, 0)
    with pytest.raises(DataError, match="one class alone"):
        model.fit(dataclasses.replace(part, labels=np.zeros_like(part.labels)), None, 0)
    with pytest.raises(DataError, match="beside the outcome of record 1 is not finite"):
        model.fit(dataclasses.replace(part, beside=part.beside * np.nan), None, 0)
    with pytest.raises(UsageError, match="need a number beside"):
        change(model, answers="joint").fit(dataclasses.replace(part, beside=None), None, 0)
    with pytest.raises(UsageError, match="need classes"):
        change(model, loss="balanced").fit(measured(rows), None, 0)
    with pytest.raises(DataError, match="static column changes within a sequence, at row"):
        change(model, static_columns=2).fit(part, None, 0)
    with pytest.raises(UsageError, match="leaves none that changes"):
        change(model, static_columns=5).fit(part, None, 0)
    with pytest.raises(DataError, match="class that train lacks"):
        model.fit(labelled(rows, 3), dataclasses.replace(labelled(rows, 3), labels=np.full(len(rows.values), 3)), 0)
    alone = dataclasses.replace(part, labels=np.ones_like(part.labels))
    with pytest.raises(DataError, match="average precision needs two"):
        change(model, monitor="score").fit(part, alone, 0)
    with pytest.raises(HilumError, match="diverged"):
        change(model, learning_rate=1e30, epochs=9).fit(measured(rows), None, 0)
    fitted = model.fit(part, None, 0)
    with pytest.raises(DataError, match="4 columns of inputs"):
        fitted.predict(sequenced([2, 3], columns=4))
    with pytest.raises(DataError, match="handed single records"):
        fitted.predict(rows.values)
    fitted.save(tmp_path)
    with pytest.raises(HilumError, match="do not fit these settings"):
        change(model, hidden=13).load(tmp_path)
    with pytest.raises(HilumError, match="holds a fitted gru, not a lstm"):
        MODELS["lstm"].load(tmp_path)


def test_numbers_are_in_the_unit_they_were_given_in() -> None:
    part = measured(sequenced(some_lengths(40)))
    model = change(MODELS["gru"], epochs=30, learning_rate=1e-2, monitor="score", dropout=0.0)
    said = model.fit(part, part, 0).predict(part.sequences)
    turned = dataclasses.replace(part, targets=part.targets * 24 + 7)
    np.testing.assert_allclose(model.fit(turned, turned, 0).predict(part.sequences), said * 24 + 7, rtol=1e-3)
    assert np.abs(said - part.targets).mean() < 0.8 * np.abs(part.targets - part.targets.mean()).mean()


def test_time_in_another_unit_changes_nothing() -> None:
    rows = sequenced(some_lengths(15))
    later = dataclasses.replace(rows, step=rows.step * 1024 + 4096)
    for model in MODELS.values():
        first = model.fit(labelled(rows), None, 0).predict(rows)
        second = model.fit(dataclasses.replace(labelled(rows), sequences=later), None, 0).predict(later)
        np.testing.assert_allclose(second, first, atol=1e-5)


@pytest.mark.parametrize("answers", ["outcome", "joint"])
@pytest.mark.parametrize("loss", ["plain", "balanced", "time_aware", "time_aware_published"])
def test_every_loss_trains(loss: str, answers: str) -> None:
    part = labelled(sequenced(some_lengths(40), asked=0.8))
    model = change(MODELS["gru"], loss=loss, answers=answers, epochs=12, learning_rate=1e-2, sequences_per_step=10)
    for optimizer in ("adamw", "adam"):
        fitted = change(model, optimizer=optimizer).fit(part, part, seed=0)
        assert min(fitted.history.validation) < 0.9 * fitted.history.validation[0]
        first = change(model, optimizer=optimizer, epochs=1).fit(part, part, seed=0)
        assert plain(first.predict(part.sequences)).tobytes() != plain(fitted.predict(part.sequences)).tobytes()
    # With as many of each class, or the same number beside each, a weight changes nothing.
    if loss == "time_aware":
        even = dataclasses.replace(part, beside=np.full(len(part.labels), 3.0))
        said = model.fit(even, None, 0).predict(part.sequences)
        same = change(model, loss="plain").fit(even, None, 0).predict(part.sequences)
        np.testing.assert_allclose(plain(said), plain(same), atol=1e-5)
