"""Integrated gradients and attention of models of sequences, on small *synthetic* data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from hilum.core.component import change
from hilum.core.errors import DataError, UsageError
from hilum.core.kinds.classify import Joint
from hilum.core.sequence import Sequenced
from hilum.explain import attention as attention_module
from hilum.explain import integrated_gradients as gradients_module
from hilum.explain._answer import Attribution, Question
from hilum.explain.attention import attention
from hilum.explain.integrated_gradients import integrated_gradients, sequence_score
from hilum.models.ridge_linear import RidgeLinear
from tests.explain.sequences import networks, sequenced, train

Array = NDArray[np.float64]
NAMES = tuple("abcde")
MODELS = networks()
SHOWN = ("adacare", "causal_transformer", "concare", "retain")


def one(length: int = 6, seed: int = 5) -> Sequenced:
    return sequenced([length], seed=seed)


def fitted(name: str, kind: str = "two", **changes: Any) -> Any:
    return change(MODELS[name], **{"static_columns": 1, **changes}).fit(train(kind), None, 0)


def answer(model: Any, rows: Sequenced, record: int) -> float:
    """The score that is explained, from the model's own answer."""
    said = model.predict(rows)
    said = said.probabilities if isinstance(said, Joint) else said
    if said.ndim == 1:
        return float(said[record])
    if said.shape[1] == 2:
        return float(np.log(said[record, 1] / said[record, 0]))
    return float(np.log(said[record].max()))


@given(st.integers(0, 30), st.sampled_from(["gauss-legendre", "midpoint"]), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_a_linear_score_is_explained_by_its_weights(seed: int, rule: Any, steps: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, base = (rng.standard_normal((3, 2)) for _ in range(3))
    weights = torch.from_numpy(w.astype(np.float32))
    found = integrated_gradients(
        lambda rows: (rows * weights).sum(dim=(1, 2)) + 3.0, x, ("a", "b"), baseline=base, steps=steps, rule=rule
    )
    np.testing.assert_allclose(found.values, w * (x - base), rtol=1e-5, atol=1e-5)
    assert abs(found.gap) < 1e-5
    assert found.base == pytest.approx(3.0 + (w * base).sum(), abs=1e-4)


def test_rules_converge_as_they_should() -> None:
    # f = (sum x)^3 from zero: a_i = x_i s^2, s the sum. Two of Gauss's nodes are exact, midpoints err as 1 / steps^2.
    x = np.array([[1.0, 0.5], [-0.25, 0.75]])

    def error(steps: int, rule: Any) -> float:
        found = integrated_gradients(lambda rows: rows.sum(dim=(1, 2)) ** 3, x, ("a", "b"), steps=steps, rule=rule)
        return float(np.abs(found.values - x * x.sum() ** 2).max())

    assert error(2, "gauss-legendre") < 1e-6
    assert error(2, "midpoint") / error(8, "midpoint") == pytest.approx(16, rel=0.01)


def test_an_interaction_is_shared_as_the_path_says() -> None:
    # f = x y^2 from zero: the path integral gives x a third and y two thirds.
    found = integrated_gradients(
        lambda rows: rows[:, 0, 0] * rows[:, 0, 1] ** 2, np.array([[2.0, 3.0]]), ("a", "b"), steps=4
    )
    np.testing.assert_allclose(found.values, [[6.0, 12.0]], rtol=1e-6)


@pytest.mark.parametrize("kind", ["two", "three", "number"])
@pytest.mark.parametrize("name", MODELS)
def test_figures_add_up_to_the_score_and_later_records_give_nothing(name: str, kind: str) -> None:
    model, rows, record = fitted(name, kind), one(), 3
    question = Question(model, rows, NAMES, {n: (i,) for i, n in enumerate(NAMES)}, record=record)
    found = gradients_module.explain(question)
    assert isinstance(found, Attribution)
    assert found.score == pytest.approx(answer(model, rows, record), rel=1e-4, abs=1e-4)
    assert abs(found.gap) <= 0.01 * max(abs(found.score - found.base), 1e-3)
    assert (found.values[record + 1 :] == 0).all()
    assert found.values[:, 1:][: record + 1].any()
    assert (found.values[:record, 0] == 0).all()  # what does not change enters once, and stands in the record's own row
    moved = replace(rows, values=np.vstack([rows.values[: record + 1], rows.values[record + 1 :] + 9.0]))
    moved.values[:, 0] = rows.values[:, 0]
    again = gradients_module.explain(replace(question, inputs=moved))
    np.testing.assert_allclose(again.values, found.values, rtol=1e-4, atol=1e-5)


def test_a_model_that_answers_both_is_explained_by_its_class() -> None:
    model, rows = fitted("gru" if "gru" in MODELS else "mcgru", answers="joint"), one()
    score = sequence_score(model, rows, 2)
    found = integrated_gradients(score, rows.values, NAMES, steps=64)
    assert found.score == pytest.approx(answer(model, rows, 2), abs=1e-4)
    assert abs(found.gap) < 0.01


@pytest.mark.parametrize("name", SHOWN)
def test_attention_is_there_is_causal_and_says_that_it_is_not_importance(name: str) -> None:
    model, rows = fitted(name, static_columns=0), one()
    found = attention(model, rows, NAMES, 3)
    assert (found.values[4:] == 0).all()
    assert found.values[:4].any(axis=1).all()
    assert "not importance" in found.means
    shorter = replace(rows, values=rows.values[:4], series=rows.series[:4], step=rows.step[:4], asked=rows.asked[:4])
    np.testing.assert_allclose(attention(model, shorter, NAMES, 3).values, found.values[:4], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("order", ["paper", "released"])
@pytest.mark.parametrize("embedding", ["linear", "none"])
@pytest.mark.parametrize("kind", ["two", "three", "number"])
def test_retain_gives_its_score_value_by_value(order: str, embedding: str, kind: str) -> None:
    model = fitted("retain", kind, order=order, embedding=embedding)
    with torch.no_grad():
        if embedding == "linear":
            model.network.encoder.embed.bias.zero_()
    bases = []
    for seed in (5, 6):
        found = attention(model, one(seed=seed), NAMES, 4, of_class=2 if kind == "three" else None)
        bases.append(found.base)
        if kind != "three":
            assert found.score == pytest.approx(answer(model, one(seed=seed), 4), abs=1e-4)
    assert found.values.shape == (6, 5)
    # What is left of the score when all values' parts are taken off is the same for every sequence: the offsets of the read-out.
    assert bases[0] == pytest.approx(bases[1], abs=1e-5)


def test_retain_shows_alpha_where_its_read_out_is_not_linear() -> None:
    found = attention(fitted("retain", answers="joint"), one(), NAMES, 3)
    assert found.names == ("record",)
    assert found.values.sum() == pytest.approx(1, abs=1e-5)
    assert found.score is None


@pytest.mark.parametrize("changes", [{}, {"layers": 2}, {"window": 2}, {"query": "first", "positions": "none"}])
def test_the_transformers_weights_are_those_that_it_heard_by(changes: dict[str, Any]) -> None:
    model, rows = fitted("causal_transformer", **changes), one()
    encoder = model.network.encoder
    batch = model.batch(rows)
    layer = encoder.layers[-1]
    joined: list[Any] = []
    hook = layer.join.register_forward_hook(lambda _, inputs, __: joined.append(inputs[0].detach()))
    with torch.no_grad():
        _, asking, states, allowed = encoder._run(batch.series, batch.static)
        share = layer.shares(asking, states, allowed)
        value = layer.offer(states).chunk(2, dim=2)[1]
        value = value.reshape(1, 6, layer.heads, -1).transpose(1, 2)
        heard = (share @ value).transpose(1, 2).reshape(1, 6, -1)
    hook.remove()
    np.testing.assert_allclose(heard, joined[-1], atol=1e-5)  # torch's own attention
    found = attention(model, rows, NAMES, 3)
    np.testing.assert_allclose(found.values[:, 0], share[0, :, 3].mean(dim=0), atol=1e-7)
    assert found.values.sum() == pytest.approx(1, abs=1e-5)
    assert (found.values[:2] == 0).all() == ("window" in changes)


@pytest.mark.parametrize("intervals", ["observed", "steps"])
def test_concares_weights_by_its_equations(intervals: str) -> None:
    model, rows, record = fitted("concare", intervals=intervals), one(), 3
    encoder = model.network.encoder
    batch = model.batch(rows)
    found = attention(model, rows, NAMES, record)
    assert found.values.sum() == pytest.approx(1, abs=1e-5)
    with torch.no_grad():
        states = torch.stack(encoder.grus(batch.series, [1] * 6))[:, :, 0]  # (time, columns, hidden)
    times = batch.gaps[0].cumsum(0).numpy() if intervals == "observed" else np.arange(6)
    for column in range(4):
        g = states[: record + 1, column].numpy()
        past = encoder.past
        query = g[record] @ past.queries[column].detach().numpy()
        p = 1 / (1 + np.exp(-(g @ past.keys[column].detach().numpy()) @ query))
        rate = 1 / (1 + np.exp(-float(past.rates[column].detach())))
        e = p / (rate * np.log(2.72 + 1 - p) * (1 + times[record] - times[: record + 1]))
        share = np.exp(e) / np.exp(e).sum()
        mine = found.values[: record + 1, column + 1]
        np.testing.assert_allclose(mine / mine.sum(), share, atol=1e-5)


def test_adacares_gate_is_the_one_that_it_used() -> None:
    model, rows = fitted("adacare", static_columns=0, gate="sparsemax"), one()
    used: list[Any] = []
    hook = model.network.encoder.record_gate.register_forward_hook(lambda _, __, out: used.append(out.detach().clone()))
    model.predict(rows)
    hook.remove()
    found = attention(model, rows, NAMES, 5)
    np.testing.assert_allclose(found.values, used[0][0], atol=1e-7)
    assert found.pool == "mean"
    assert found.grouped({"ab": (0, 1), "no": ()}).values[:, 0] == pytest.approx(found.values[:, :2].mean(axis=1))


def test_what_cannot_be_asked_is_refused() -> None:
    model, rows, two = fitted("mcgru"), one(), sequenced([2, 3])
    question = Question(model, rows, NAMES, {})
    for module in (gradients_module, attention_module):
        with pytest.raises(UsageError, match="none is named"):
            module.explain(question)
        assert module.obstacle(RidgeLinear().fit(train("number", single=True), None, 0))
    with pytest.raises(UsageError, match="Use integrated_gradients"):
        attention(model, rows, NAMES, 0)
    refused: list[Callable[[], Any]] = [
        lambda: attention(model, two, NAMES, 0),
        lambda: sequence_score(model, two, 0),
    ]
    for ask in refused:
        with pytest.raises(DataError, match="2 sequences"):
            ask()
    for ask in (
        lambda: attention(fitted("retain", "three"), rows, NAMES, 0, of_class=7),
        lambda: sequence_score(fitted("mcgru", "three"), rows, 0, of_class=7),
    ):
        with pytest.raises(UsageError, match="no record of class 7"):
            ask()
    linear = (lambda points: points.sum(dim=(1, 2)), rows.values, NAMES)
    with pytest.raises(UsageError, match="0 steps"):
        integrated_gradients(*linear, steps=0)
    with pytest.raises(UsageError, match="no rule"):
        integrated_gradients(*linear, rule="simpson")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="baseline of shape"):
        integrated_gradients(*linear, baseline=np.zeros(3))
    with pytest.raises(DataError, match="not finite"):
        integrated_gradients(lambda points: torch.sqrt(points - 100).sum(dim=(1, 2)), rows.values, NAMES)
