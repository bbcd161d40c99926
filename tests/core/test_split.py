"""Splits deal subjects: balanced, the same in any row order, and nobody on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from hilum.core.errors import DataError, UsageError
from hilum.core.split import Records, Rule, deal, fold_names, k_folds


def records(subjects: int = 40, each: int = 3, seed: int = 0, kind: str = "classify", **columns: object) -> Records:
    random = np.random.default_rng(seed)
    subject = np.repeat([f"p{n}" for n in range(subjects)], each)
    target = np.repeat((random.random(subjects) < 0.3).astype(float), each)
    if kind == "regress":
        target = np.repeat(random.normal(size=subjects), each) + random.normal(size=subjects * each)
    item = np.array([f"{who}/{n}" for n, who in enumerate(subject)])
    return Records(item, subject, target, kind, **columns)  # type: ignore[arg-type]


def shuffled(given_records: Records, order: np.ndarray) -> Records:
    def moved(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[order]

    r = given_records
    return Records(
        r.item[order], r.subject[order], r.target[order], r.kind, moved(r.time), moved(r.source), moved(r.declared)
    )


@given(
    st.integers(6, 60),
    st.integers(1, 4),
    st.integers(2, 6),
    st.integers(0, 99),
    st.sampled_from(["classify", "regress"]),
)
def test_k_folds_hold_each_subject_once_and_are_balanced(
    subjects: int, each: int, folds: int, seed: int, kind: str
) -> None:
    dealt = records(subjects, each, seed, kind)
    fold = k_folds(dealt, folds, seed)
    for who in np.unique(dealt.subject):
        assert len(set(fold[dealt.subject == who])) == 1
    sizes = np.bincount(fold[::each], minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    if kind == "classify":
        positives = np.bincount(fold[::each], weights=dealt.target[::each], minlength=folds)
        assert positives.max() - positives.min() <= 1


@given(
    st.permutations(range(30)),
    st.sampled_from(["k-fold", "hold-out", "time", "leave-one-source-out"]),
    st.sampled_from(["classify", "regress"]),
)
def test_the_order_of_rows_changes_nothing(order: list[int], rule: str, kind: str) -> None:
    time = np.random.default_rng(1).permutation(30).astype(float)
    dealt = records(10, 3, kind=kind, time=time, source=np.repeat(["a", "b", "c"], [9, 9, 12]))
    moved = np.array(order)
    for one, other in zip(
        deal(Rule(rule, folds=3), dealt), deal(Rule(rule, folds=3), shuffled(dealt, moved)), strict=True
    ):
        assert (one[moved] == other).all()


@given(st.integers(0, 200), st.sampled_from(["k-fold", "hold-out", "time", "leave-one-source-out"]))
def test_nobody_stands_on_both_sides(seed: int, rule: str) -> None:
    random = np.random.default_rng(seed)
    dealt = records(20, 3, seed, time=random.random(60), source=np.repeat(["a", "b", "c", "d"], 15))
    for part in deal(Rule(rule, seed=seed), dealt):
        assert not set(dealt.subject[part == "train"]) & set(dealt.subject[part == "test"])


def test_a_deal_by_hand() -> None:
    """Four subjects, two of each class, two folds: each fold takes one of each class."""
    dealt = Records(np.array(list("abcd")), np.array(list("abcd")), np.array([0.0, 0, 1, 1]), "classify")
    first, second = deal(Rule("k-fold", folds=2), dealt)
    assert sorted(first) == sorted(second) == ["test", "test", "train", "train"]
    assert (first != second).all()
    assert (first[:2] == "test").sum() == (first[2:] == "test").sum() == 1


def test_the_hash_of_an_id_decides_and_nothing_else() -> None:
    """SHA-256 of "0:a" ... "0:f", ascending, dealt out in turn to three folds: worked out by hand."""
    import hashlib

    ids = np.array(list("abcdef"))
    order = sorted(ids, key=lambda name: hashlib.sha256(f"0:{name}".encode()).hexdigest())
    fold = k_folds(Records(ids, ids, np.zeros(6), "classify"), 3, 0)
    assert {name: int(fold[list(ids).index(name)]) for name in order} == {name: n % 3 for n, name in enumerate(order)}


def test_a_hold_out_takes_its_share_of_every_class() -> None:
    dealt = records(200, 1)
    (part,) = deal(Rule("hold-out", share=0.25), dealt)
    for label in (0, 1):
        mask = dealt.target == label
        assert abs((part[mask] == "test").mean() - 0.25) < 0.02


def test_by_time_later_subjects_are_tested_and_nothing_later_is_learned() -> None:
    time = np.array([1.0, 5, 2, 9, 8, 9])
    dealt = Records(np.array(list("abcdef")), np.array(["p", "p", "q", "q", "r", "r"]), np.zeros(6), "classify", time)
    (part,) = deal(Rule("time", cut=7.0), dealt)
    assert part.tolist() == ["train", "train", "train", "", "test", "test"]
    assert time[part == "train"].max() < time[part == "test"].min()


def test_by_source_a_subject_of_two_sources_is_left_out_of_train() -> None:
    source = np.array(["a", "b", "a", "b"])
    dealt = Records(np.array(list("wxyz")), np.array(["p", "p", "q", "r"]), np.zeros(4), "classify", source=source)
    first, second = deal(Rule("leave-one-source-out"), dealt)
    assert first.tolist() == ["test", "", "test", "train"]
    assert second.tolist() == ["", "test", "train", "test"]
    assert fold_names(Rule("leave-one-source-out"), dealt) == ["a", "b"]


def test_a_column_is_taken_as_it_stands() -> None:
    declared = np.array(["Train", "train", "val", "TEST"])
    dealt = Records(np.array(list("wxyz")), np.array(["p", "p", "q", "p"]), np.zeros(4), "classify", declared=declared)
    assert [p.tolist() for p in deal(Rule("column"), dealt)] == [["train", "train", "validation", "test"]]
    by_value = Records(dealt.item, dealt.subject, dealt.target, "classify", declared=np.array(["1", "2", "1", "2"]))
    assert [p.tolist() for p in deal(Rule("column"), by_value)] == [
        ["test", "train", "test", "train"],
        ["train", "test", "train", "test"],
    ]
    assert fold_names(Rule("column"), by_value) == ["1", "2"]


def test_an_empty_part_is_left_out_and_an_odd_one_refused() -> None:
    declared = np.array(["train", "", "test", "train"])
    dealt = Records(np.array(list("wxyz")), np.array(list("pqrs")), np.zeros(4), "classify", declared=declared)
    assert [part.tolist() for part in deal(Rule("column"), dealt)] == [["train", "", "test", "train"]]
    odd = Records(dealt.item, dealt.subject, dealt.target, "classify", declared=np.array(["train", "no", "test", "no"]))
    with pytest.raises(DataError, match="'no' beside train and test"):
        deal(Rule("column"), odd)
    by_value = Records(dealt.item, dealt.subject, dealt.target, "classify", declared=np.array(["1", "2", "", "1"]))
    assert [part.tolist() for part in deal(Rule("column"), by_value)] == [
        ["test", "train", "", "test"],
        ["train", "test", "", "train"],
    ]
    late = Records(dealt.item, dealt.subject, dealt.target, "classify", time=np.array([1.0, np.nan, 2.0, 3.0]))
    with pytest.raises(UsageError, match="1 have none: x"):
        deal(Rule("time"), late)


@pytest.mark.parametrize(
    ("rule", "columns", "words"),
    [
        (Rule("k-fold", folds=41), {}, "40 subjects cannot be dealt into 41 folds"),
        (Rule("time"), {}, "needs a time"),
        (Rule("column"), {}, "needs one"),
        (Rule("leave-one-source-out"), {}, "needs a source"),
        (Rule("column"), {"declared": np.repeat("train", 120)}, "fold 0 has no test records"),
        (Rule("column"), {"declared": np.arange(120).astype(str)}, "120 different values"),
        (Rule("time", cut=-1.0), {"time": np.arange(120.0)}, "no train records: the records lie between"),
    ],
)
def test_what_cannot_be_dealt_is_refused(rule: Rule, columns: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises((DataError, UsageError), match=words):
        deal(rule, records(**columns))  # type: ignore[arg-type]


def test_rules_that_make_no_sense_are_refused() -> None:
    for settings in ({"name": "k-folds"}, {"folds": 1}, {"repeats": 0}, {"share": 1.0}):
        with pytest.raises(UsageError):
            Rule(**settings)


def test_repeats_deal_anew() -> None:
    dealt = records(30, 1)
    parts = deal(Rule("k-fold", folds=3, repeats=2), dealt)
    assert len(parts) == 6
    assert not all((one == other).all() for one, other in zip(parts[:3], parts[3:], strict=True))
    assert fold_names(Rule("k-fold", folds=3), dealt) == ["0", "1", "2"]


def of_stays(stays: int = 60, kind: str = "classify", seed: int = 0) -> Records:
    """Two stays a subject, three records a stay."""
    made = records(stays // 2, 6, seed, kind)
    sequence = np.array([f"s{n // 3:03d}" for n in range(len(made.item))])
    return replace(made, sequence=sequence)


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_shuffled_folds_are_those_of_scikit_learn(kind: str) -> None:
    dealt = records(50, 3, kind=kind)
    names = np.unique(dealt.subject)
    label = np.array([dealt.target[dealt.subject == who].max() for who in names])
    oracle = StratifiedKFold if kind == "classify" else KFold
    expected = oracle(5, shuffle=True, random_state=42).split(names, label)
    parts = deal(Rule("shuffled-k-fold", folds=5, seed=42, validation=0.25), dealt)
    for part, (train, test) in zip(parts, expected, strict=True):
        assert set(dealt.subject[part == "test"]) == set(names[test])
        stratify = label[train] if kind == "classify" else None
        _, held = train_test_split(names[train], test_size=0.25, random_state=42, stratify=stratify)
        assert set(dealt.subject[part == "validation"]) == set(held)


@pytest.mark.parametrize("name", ["k-fold", "shuffled-k-fold"])
def test_every_fold_stands_once_for_each_inner_fold(name: str) -> None:
    dealt = of_stays()
    parts = deal(Rule(name, folds=3, inner=4), dealt)
    assert len(parts) == 12
    for first in range(0, 12, 4):
        tests = {tuple(part == "test") for part in parts[first : first + 4]}
        assert len(tests) == 1
        held = [set(dealt.subject[part == "validation"]) for part in parts[first : first + 4]]
        assert sum(map(len, held)) == len(set.union(*held))
        rest = set(dealt.subject[parts[first] != "test"])
        assert set.union(*held) == rest


@given(st.sampled_from(["k-fold", "hold-out", "shuffled-k-fold", "leave-one-source-out"]), st.integers(0, 20))
def test_validation_shares_no_subject_with_train_or_test(name: str, seed: int) -> None:
    dealt = replace(of_stays(seed=seed), source=np.array([f"c{n // 36 % 3}" for n in range(180)]))
    for part in deal(Rule(name, folds=3, validation=0.2, seed=seed), dealt):
        held = {one: set(dealt.subject[part == one]) for one in ("train", "validation", "test")}
        assert held["validation"]
        assert not held["validation"] & (held["train"] | held["test"])
        assert not held["train"] & held["test"]


def test_sequences_are_dealt_where_a_paper_did() -> None:
    dealt = of_stays()
    shared = [
        set(dealt.subject[part == "train"]) & set(dealt.subject[part == "test"])
        for part in deal(Rule(folds=3, unit="sequence"), dealt)
    ]
    assert any(shared)
    for part in deal(Rule(folds=3, unit="sequence"), dealt):
        assert dealt.sequence is not None
        assert not set(dealt.sequence[part == "train"]) & set(dealt.sequence[part == "test"])
    with pytest.raises(UsageError, match="sequences cannot be dealt"):
        deal(Rule(unit="sequence"), records())


def test_a_small_source_is_always_train() -> None:
    source = np.array(["large"] * 60 + ["middle"] * 48 + ["small"] * 12)
    dealt = replace(records(40, 3), source=source)
    rule = Rule("leave-one-source-out", fewest=10)
    parts = deal(rule, dealt)
    assert fold_names(rule, dealt) == ["large", "middle"]
    assert all((part[source == "small"] != "test").all() for part in parts)


@pytest.mark.parametrize(
    "wrong", [{"unit": "ward"}, {"validation": 1.0}, {"inner": 1}, {"inner": 3, "validation": 0.1}, {"inner": -2}]
)
def test_nonsense_of_validation_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Rule(**wrong)


def test_a_rare_class_cannot_be_stratified() -> None:
    few = records(40, 1)
    few = replace(few, target=np.array([1.0, 1.0] + [0.0] * 38))
    with pytest.raises(DataError, match="2 subjects of a class"):
        deal(Rule("shuffled-k-fold", folds=5), few)


@pytest.mark.parametrize(("cut", "part"), [(1e9, "test"), (-1.0, "train")])
def test_a_cut_outside_the_times_is_said(cut: float, part: str) -> None:
    dealt = replace(records(10, 2), time=np.arange(20.0))
    with pytest.raises(DataError, match=f"no {part} records: the records lie between 0 and 19"):
        deal(Rule("time", cut=cut), dealt)
