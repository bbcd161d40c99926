"""Planted cases for every answer of every check, on forecasts; those of tables stand in test_table_checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hilum.core.check import ArmStudy, Study
from tests.checks.planted import CHECKS, ask
from tests.checks.test_table_checks import CASES as TABLE_CASES

ITEMS = [f"recording-{n}" for n in range(8)]


def arm(**changes: Any) -> ArmStudy:
    """A clean arm of eight items at two horizons."""
    clean = ArmStudy(
        id="a",
        name="Method",
        protocol="causal",
        stochastic=True,
        trivial=False,
        seeds=(0, 1),
        split={"train": ["p1", "p2"], "test": ["p3"]},
        personal=False,
        leading=("rmse", "lower"),
        values={h: {item: 1.0 + n / 10 for n, item in enumerate(ITEMS)} for h in (1, 5)},
        scored=dict.fromkeys(ITEMS, "samples 600 to 900"),
        exploded=dict.fromkeys(ITEMS, 0),
        evidence={item: {"future": {"unit": "mm", "horizons": {"1": probe(), "5": probe()}}} for item in ITEMS},
        interval=(0.9, 1.3),
    )
    return replace(clean, **changes)


def probe(truncated: float | None = 0.0, perturbed: float | None = 0.0, ahead: int = 0) -> dict[str, Any]:
    return {
        "origin": 640,
        "truncated_max_difference": truncated,
        "perturbed_max_difference": perturbed,
        "labels_ahead": ahead,
    }


def trivial(factor: float = 2.0) -> ArmStudy:
    values = {h: {item: factor * v for item, v in row.items()} for h, row in arm().values.items()}
    return arm(id="t", name="Hold last", trivial=True, values=values)


def study(one: ArmStudy, *others: ArmStudy, known: bool = True) -> Study:
    return Study(arm=one, arms=(one, *others), subjects_known=known, synthetic=False)


def future(**horizons: dict[str, Any]) -> dict[str, Any]:
    return {"future": {"unit": "mm", "horizons": {name.lstrip("h"): found for name, found in horizons.items()}}}


def learnt_from(*subjects: str, unknown: bool = False) -> dict[str, Any]:
    return {"a": {"pretraining": {"subjects": list(subjects), "unknown": unknown}}}


CASES = [
    ("HIL001", study(arm()), "pass", "none shared"),
    ("HIL001", study(arm(split={"train": ["p1", "p2"], "test": ["p2"]})), "fail", "1 subject in both"),
    ("HIL001", study(arm(), known=False), "cannot tell", "not known"),
    ("HIL001", study(arm(split={})), "cannot tell", "not known"),
    ("HIL001", study(arm(personal=True)), "not applicable", "its own past"),
    ("HIL001", study(arm(evidence=learnt_from("p8", "p9"))), "pass", "3 subjects forecast, none among the 2"),
    ("HIL001", study(arm(evidence=learnt_from("p8", "p3"))), "fail", "1 subject in the data of the pretrained"),
    ("HIL001", study(arm(evidence=learnt_from("p8", unknown=True))), "cannot tell", "is not known"),
    ("HIL005", study(arm()), "pass", "equal to the last bit"),
    (
        "HIL005",
        study(arm(evidence={"a": future(h5={**probe(), "knows_target": True})})),
        "fail",
        "a ceiling, no forecast",
    ),
    ("HIL005", study(arm(evidence={"a": future(h1=probe(), h5=probe(1e-15, 0.0, 4))})), "fail", "lie up to 4 samples"),
    ("HIL005", study(arm(evidence={"a": future(h5=probe(0.0, 3.0))})), "fail", "1 of 1 items at 1 of 1 horizons"),
    ("HIL005", study(arm(evidence={"a": future(h5=probe(None, 3.0))})), "fail", "and 3 mm when its future"),
    ("HIL005", study(arm(evidence={"a": future(h5=probe(None, 0.0))})), "cannot tell", "undefined"),
    ("HIL005", study(arm(evidence={})), "cannot tell", "no probe"),
    ("HIL008", study(arm(), trivial()), "pass", "improvement"),
    ("HIL008", study(arm(), trivial(1.0)), "fail", "not shown better"),
    ("HIL008", study(arm(), trivial(0.5)), "fail", "not shown better"),
    ("HIL008", study(arm(leading=("r2", "higher")), trivial(0.5)), "pass", "improvement"),
    ("HIL008", study(trivial()), "not applicable", "trivial"),
    ("HIL008", study(arm()), "cannot tell", "not run"),
    (
        "HIL008",
        study(arm(values={1: {"a": 1.0}}), replace(trivial(), values={1: {"a": 2.0}})),
        "cannot tell",
        "1 units",
    ),
    ("HIL010", study(arm()), "pass", "36 %"),
    ("HIL010", study(arm(interval=(0.1, 2.0))), "fail", "limit 100 %"),
    ("HIL010", study(arm(interval=(-1.0, 1.0))), "fail", "inf"),
    ("HIL010", study(arm(), known=False), "fail", "nothing can be concluded about new people"),
    ("HIL010", study(arm(interval=None), known=False), "fail", "nothing can be concluded"),
    ("HIL010", study(arm(interval=None)), "cannot tell", "no interval"),
    ("HIL012", study(arm()), "pass", "2 seeds"),
    ("HIL012", study(arm(seeds=(0,))), "fail", "one seed"),
    ("HIL012", study(arm(seeds=())), "cannot tell", "no seed"),
    ("HIL012", study(arm(stochastic=False)), "not applicable", "nothing at random"),
    ("HIL020", study(arm(), trivial()), "pass", "same 8 units"),
    ("HIL020", study(arm(), replace(trivial(), scored={ITEMS[0]: "samples 600 to 900"})), "fail", "1 arms lack"),
    ("HIL020", study(arm(), replace(trivial(), scored=dict.fromkeys(ITEMS, "samples 0 to 9"))), "fail", "8 units"),
    ("HIL020", study(arm(), replace(trivial(), scored={"other": "samples 0 to 9"})), "pass", "same 9 units"),
    (
        "HIL020",
        study(arm(), replace(trivial(), data="d", scored={ITEMS[0]: "samples 0 to 9"})),
        "pass",
        "same 9 units",
    ),
    ("HIL020", study(arm(exploded={ITEMS[0]: 2})), "fail", "2 runs of 1 arms"),
    (
        "HIL020",
        study(arm(), replace(trivial(), data="30 Hz", scored=dict.fromkeys(ITEMS, "samples 0 to 9"))),
        "pass",
        "same 16 units",
    ),
    ("HIL008", study(arm(), replace(trivial(), data="30 Hz")), "cannot tell", "was not run"),
    ("HIL020", study(arm(scored={})), "cannot tell", "nothing says"),
]


@pytest.mark.parametrize(("code", "asked", "status", "words"), CASES)
def test_planted(code: str, asked: Study, status: str, words: str) -> None:
    answer, message = ask(code, asked)
    assert (answer, words in message) == (status, True), message


def test_every_answer_of_every_check_is_planted() -> None:
    planted = {(code, status) for code, _, status, _ in (*CASES, *TABLE_CASES)}
    for code in CHECKS:
        mentioned = {status for c, status in planted if c == code}
        assert mentioned >= {"pass", "fail", "cannot tell"}, code
        assert ("not applicable" in mentioned) == ("Not applicable" in CHECKS[code].text), code


def test_overlap_prints_its_proof() -> None:
    asked = study(arm(split={"train": [f"p{n}" for n in range(20)], "test": [f"p{n}" for n in range(5, 25)]}))
    proof = CHECKS["HIL001"].load().check(asked).proof
    assert proof["subjects"] == {"train": 20, "test": 20}
    assert proof["shared"] == {"test and train": 15}
    assert len(proof["examples"]) == 10
