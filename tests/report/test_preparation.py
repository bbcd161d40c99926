"""Preparation in words: of single records and of recipes, from what cells store."""

from __future__ import annotations

from hilum.core.component import describe
from hilum.modalities.table.prepare import Prepare
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.flag_missing import FlagMissing
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.scale import Scale
from hilum.report import preparation


def test_of_single_records() -> None:
    stored = describe(Prepare(fill="mean", missing="ignore")).to_json()
    assert ("a missing number becomes", "the mean of train") in preparation.rows(stored)
    assert ("levels of a category with a column", "at most 50") in preparation.rows(stored)
    assert preparation.fill(stored) == "the mean of train"
    assert not preparation.flagged(stored)
    assert preparation.fill(describe(Prepare(fill="zero")).to_json()) == "zero"


def test_of_a_recipe() -> None:
    recipe = Recipe((FlagMissing(), ForwardFill(), Scale(by="band", but=("male",)), Fill(by="median")))
    stored = describe(recipe).to_json()
    told = dict(preparation.rows(stored))
    assert told["step 1"].startswith("flag missing: on measured")
    assert "band 0.05, 0.95" in told["step 3"]
    assert "but male" in told["step 3"]
    assert preparation.fill(stored) == "the last value of the sequence, then by the median of train"
    assert preparation.flagged(stored)
    constant = describe(Recipe((Fill(by="constant", value=-1.0),))).to_json()
    assert preparation.fill(constant) == "-1"


def test_of_nothing() -> None:
    assert preparation.rows({}) == []
    assert preparation.fill({}) == ""
