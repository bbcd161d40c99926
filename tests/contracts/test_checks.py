"""What holds for every check that the finder finds."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from hilum.core.check import ArmStudy, Study
from hilum.core.finder import find, get

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "checks"
EMPTY = ArmStudy("a", "A", "causal", True, False, (), {}, False, ("rmse", "lower"), {}, {}, {}, {})


@pytest.mark.parametrize("name", find("checks"))
def test_check(name: str) -> None:
    found = get("checks", name)
    facts = found.facts
    assert name.startswith(facts["CODE"].lower() + "_")
    assert facts["SEVERITY"] in {"critical", "major", "note"}
    assert facts["KIND"] in {"defect", "finding"}
    assert facts["SCOPE"] in {"arm", "experiment"}
    assert facts["TITLE"]
    assert found.text.startswith(facts["CODE"])
    assert (DOCS / f"{facts['CODE']}.md").is_file()
    check = found.load().check
    assert list(inspect.signature(check).parameters) == ["study"]


@pytest.mark.parametrize("name", find("checks"))
def test_no_evidence_is_no_pass(name: str) -> None:
    study = Study(arm=EMPTY, arms=(EMPTY,), subjects_known=True, synthetic=False)
    assert get("checks", name).load().check(study).status in {"cannot tell", "not applicable"}
