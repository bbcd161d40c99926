"""Models of sequences that go on from a fit on other data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from hilum.core.errors import DataError, HilumError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.sequence import Sequenced
from hilum.models._sequence_model import FittedSequences
from hilum.models.gru import GRU


def rows(sequences: int, seed: int, columns: int = 3) -> Sequenced:
    draw = np.random.default_rng(seed)
    series = np.repeat(np.arange(sequences), 4)
    step = np.tile(np.arange(4.0), sequences)
    return Sequenced(draw.normal(size=(4 * sequences, columns)), series, step, np.ones(4 * sequences, dtype=bool))


def labelled(inputs: Sequenced, classes: tuple[int, ...] = (0, 1), flip: bool = False) -> Labelled:
    said = (inputs.values[:, 0] > 0) != flip
    labels = np.where(said, classes[-1], classes[0]).astype(np.int64)
    names = tuple(f"class {n}" for n in range(max(2, max(classes) + 1)))
    subjects = tuple(f"s{n}" for n in inputs.series)
    return Labelled(inputs.values, labels, names, subjects, inputs)


SMALL = GRU(hidden=8, epochs=15, learning_rate=0.03)


def accuracy(fitted: FittedSequences, part: Labelled) -> float:
    assert part.sequences is not None
    said: Any = fitted.predict(part.sequences)
    return float((said.argmax(axis=1) == part.labels).mean())


def test_no_pass_leaves_the_start_as_it_was_and_one_moves_it() -> None:
    born = SMALL.fit(labelled(rows(60, 0)), None, 0)
    other = labelled(rows(20, 1))
    slow = GRU(hidden=8, epochs=1, learning_rate=1e-12, penalty=0.0)
    still = slow.fit(other, None, 1, start=born)
    test = labelled(rows(30, 2))
    assert test.sequences is not None
    np.testing.assert_allclose(
        np.asarray(still.predict(test.sequences)), np.asarray(born.predict(test.sequences)), atol=1e-6
    )
    moved = SMALL.fit(labelled(rows(60, 3), flip=True), None, 1, start=born)
    assert accuracy(born, test) > 0.9
    assert accuracy(moved, test) < 0.35  # the other data say the opposite, and it went on from there


def test_a_few_sequences_are_enough_to_go_on_from() -> None:
    few, test = labelled(rows(4, 4)), labelled(rows(100, 5))
    short = GRU(hidden=8, epochs=3, learning_rate=0.003)
    born = SMALL.fit(labelled(rows(60, 0)), None, 0)
    assert accuracy(short.fit(few, None, 0, start=born), test) > accuracy(short.fit(few, None, 0), test) + 0.1


def test_units_of_numbers_are_those_of_the_start(tmp_path: Path) -> None:
    first, second = rows(40, 0), rows(10, 1)
    born = SMALL.fit(Measured(first.values, 100 + 10 * first.values[:, 0], "h", (), first), None, 0)
    fitted = SMALL.fit(Measured(second.values, 100 + 10 * second.values[:, 0], "h", (), second), None, 0, start=born)
    assert (fitted.facts.middle, fitted.facts.spread) == (born.facts.middle, born.facts.spread)
    fitted.save(tmp_path)
    np.testing.assert_array_equal(np.asarray(SMALL.load(tmp_path).predict(second)), np.asarray(fitted.predict(second)))


def test_the_start_is_left_alone() -> None:
    born = SMALL.fit(labelled(rows(30, 0)), None, 0)
    test = rows(10, 2)
    before = np.asarray(born.predict(test)).copy()
    SMALL.fit(labelled(rows(30, 3), flip=True), None, 1, start=born)
    np.testing.assert_array_equal(np.asarray(born.predict(test)), before)


def test_what_does_not_fit_the_start_is_refused() -> None:
    born = SMALL.fit(labelled(rows(30, 0)), None, 0)
    with pytest.raises(DataError, match="columns"):
        SMALL.fit(labelled(rows(10, 1, columns=4)), None, 0, start=born)
    with pytest.raises(DataError, match="classes"):
        SMALL.fit(labelled(rows(10, 1), classes=(0, 2)), None, 0, start=born)
    with pytest.raises(HilumError, match="do not fit"):
        GRU(hidden=9, epochs=1).fit(labelled(rows(10, 1)), None, 0, start=born)
