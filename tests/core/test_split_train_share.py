"""Learning curves: fewer train subjects, the same test parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import UsageError
from hilum.core.split import LEFT_OUT, Records, Rule, deal


def records(subjects: int, each: int, seed: int, kind: str = "classify") -> Records:
    draw = np.random.default_rng(seed)
    who = np.repeat(np.arange(subjects), each)
    label = draw.random(subjects) < 0.3 if kind == "classify" else draw.normal(size=subjects)
    item = np.array([f"r{n:04d}" for n in range(len(who))])
    source = np.where(who % 2 == 0, "a", "b")
    return Records(item, np.array([f"s{n:03d}" for n in who]), label[who].astype(float), kind, source=source)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 5),
    share=st.sampled_from([0.1, 0.25, 0.5, 0.9]),
    kind=st.sampled_from(["classify", "regress"]),
    name=st.sampled_from(["k-fold", "shuffled-k-fold", "leave-one-source-out"]),
)
def test_test_parts_stay_and_smaller_shares_lie_within_larger_ones(
    seed: int, share: float, kind: str, name: str
) -> None:
    dealt = records(60, 3, seed, kind)
    whole = deal(Rule(name, folds=3), dealt)
    fewer = deal(Rule(name, folds=3, train_share=share), dealt)
    more = deal(Rule(name, folds=3, train_share=min(1.0, share + 0.1)), dealt)
    for all_, few, some in zip(whole, fewer, more, strict=True):
        assert ((all_ == "test") == (few == "test")).all()
        assert ((few == "train") <= (some == "train")).all()
        assert ((some == "train") <= (all_ == "train")).all()
        units = {part: len(set(dealt.subject[part_of == "train"])) for part, part_of in (("all", all_), ("few", few))}
        # At most one unit more than the share in each of at most four strata.
        assert share * units["all"] - 1e-9 <= units["few"] < share * units["all"] + 4
        # Whoever is dropped is dropped whole.
        dropped = set(dealt.subject[(few == LEFT_OUT) & (all_ == "train")])
        assert not dropped & set(dealt.subject[few == "train"])


def test_each_class_keeps_its_share_and_the_validation_part_is_of_those_who_are_left() -> None:
    dealt = records(100, 2, 1)
    (one, *_) = deal(Rule(folds=5, train_share=0.5, inner=4), dealt)
    (all_, *_) = deal(Rule(folds=5, inner=4), dealt)
    used, before = np.isin(one, ["train", "validation"]), np.isin(all_, ["train", "validation"])
    assert abs(dealt.target[used].mean() - dealt.target[before].mean()) < 0.02
    assert 0.2 < (one == "validation").sum() / used.sum() < 0.3
    assert not (used & ~before).any()


def test_no_row_order_leaves_a_trace() -> None:
    dealt = records(40, 3, 2)
    order = np.random.default_rng(0).permutation(len(dealt.item))
    turned = Records(dealt.item[order], dealt.subject[order], dealt.target[order], "classify")
    rule = Rule(folds=4, train_share=0.3, validation=0.2)
    for part, other in zip(deal(rule, dealt), deal(rule, turned), strict=True):
        assert (part[order] == other).all()


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="share of train"):
        Rule(train_share=share)
