"""What holds for every check that the finder finds."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.core.check import ArmStudy, Study
from hilum.core.finder import find, get

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "checks"
KINDS = Path(__file__).parents[2] / "src" / "hilum" / "core" / "kinds"
EMPTY = ArmStudy("a", "A", "causal", True, False, (), {}, False, ("rmse", "lower"), {}, {}, {}, {})


@pytest.mark.parametrize("name", find("checks"))
def test_check(name: str) -> None:
    found = get("checks", name)
    facts = found.facts
    assert name.startswith(facts["CODE"].lower() + "_")
    assert facts["SEVERITY"] in {"critical", "major", "note"}
    assert facts["KIND"] in {"defect", "finding"}
    assert facts["SCOPE"] in {"arm", "data", "experiment"}
    assert facts["TITLE"]
    assert all((KINDS / f"{kind}.py").is_file() for kind in facts.get("KINDS", ()))
    assert found.text.startswith(facts["CODE"])
    for said in ("Why it matters", "Proof printed", "Severity", "Cannot tell"):
        assert said in found.text, said
    assert f"{facts['SEVERITY']}; scope: {facts['SCOPE']}; kind: {facts['KIND']}" in found.text
    page = (DOCS / f"{facts['CODE']}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {facts['CODE']}: {facts['TITLE']}\n\n{facts['SEVERITY']}, {facts['KIND']}\n")
    for said in (
        "**Why it matters.**",
        "**Proof printed.**",
        "**What to do.**",
        "**Limits.**",
        f"$ hilum show {facts['CODE']}",
    ):
        assert said in page, said
    check = found.load().check
    assert list(inspect.signature(check).parameters) == ["study"]


@pytest.mark.parametrize("name", find("checks"))
def test_no_evidence_of_a_table_is_no_pass(name: str) -> None:
    arm = replace(EMPTY, kind="classify", leading=("auroc", "higher"))
    study = Study(arm=arm, arms=(arm,), subjects_known=True, synthetic=False, future_use=True)
    assert get("checks", name).load().check(study).status in {"cannot tell", "not applicable"}


def test_there_are_twenty_two() -> None:
    codes = {get("checks", name).facts["CODE"] for name in find("checks")}
    assert codes >= {f"HIL{number:03d}" for number in range(1, 23)}


@pytest.mark.parametrize("name", find("checks"))
def test_no_evidence_is_no_pass(name: str) -> None:
    study = Study(arm=EMPTY, arms=(EMPTY,), subjects_known=True, synthetic=False)
    assert get("checks", name).load().check(study).status in {"cannot tell", "not applicable"}
