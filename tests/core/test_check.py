"""Pairing of arms on shared items and horizons."""

from __future__ import annotations

from dataclasses import replace

from hilum.core.check import ArmStudy, Finding, Study

ARM = ArmStudy(
    id="a",
    name="A",
    protocol="causal",
    stochastic=False,
    trivial=False,
    seeds=(0,),
    split={},
    personal=True,
    leading=("rmse", "lower"),
    values={5: {"x": 1.0, "y": 2.0}, 10: {"x": 3.0, "y": 4.0}},
    scored={},
    exploded={},
    evidence={},
)


def test_arms_are_paired_on_what_they_share() -> None:
    other = replace(ARM, id="b", values={10: {"y": 1.0, "x": 2.0, "z": 9.0}, 20: {"x": 0.0}})
    items, mine, theirs = ARM.paired(other)
    assert (items, mine.tolist(), theirs.tolist()) == (["x", "y"], [3.0, 4.0], [2.0, 1.0])
    assert ARM.paired(replace(ARM, values={}))[0] == []


def test_the_trivial_arm_is_found_by_protocol_first() -> None:
    one, two = replace(ARM, id="t1", trivial=True, protocol="published"), replace(ARM, id="t2", trivial=True)
    assert Study(ARM, (ARM, one, two), True, False).trivial == two
    assert Study(ARM, (ARM, one), True, False).trivial == one
    assert Study(ARM, (ARM,), True, False).trivial is None


def test_findings() -> None:
    assert Finding.passed("m", a=1) == Finding("pass", "m", {"a": 1})
    assert Finding.failed("m").status == "fail"
    assert Finding.cannot_tell("m").status == "cannot tell"
    assert Finding.not_applicable("m").status == "not applicable"
