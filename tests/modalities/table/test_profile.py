"""What is known of a table before a model sees it: by hand, and beside scipy and scikit-learn."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.modalities.table.equal_rows import equal_rows
from hilum.modalities.table.profile import charted, eligibility, feature_profile, label_made_from, profile
from hilum.modalities.table.sample import Table
from hilum.modalities.table.source import source_from_input

SUBJECTS, EACH = 40, 3
N = SUBJECTS * EACH


def table(features: dict[str, Any] | None = None, classes: tuple[str, ...] = ("no", "yes"), **rows: Any) -> Table:
    """Synthetic: forty subjects of three records; every other subject is positive."""
    random = np.random.default_rng(1)
    who = np.repeat(np.arange(SUBJECTS), EACH)
    base = {
        "item": [f"r{n:03d}" for n in range(N)],
        "subject": [f"p{n:02d}" for n in who],
        "target": (who % 2).astype(float),
        "time": np.arange(N, dtype=float) * 3600,
    }
    made = features or {"x": random.normal(size=N), "y": random.normal(size=N)}
    frame = pl.DataFrame({name: pl.Series(list(v), strict=False) for name, v in made.items()})
    cast = [pl.col(n).cast(pl.Float64) for n, k in frame.schema.items() if k not in (pl.String, pl.Null)]
    cast += [pl.col(n).cast(pl.Float64) for n, k in frame.schema.items() if k == pl.Null]
    return Table("synthetic", pl.DataFrame({**base, **rows}), frame.with_columns(cast), classes)


def one(values: Any, **rows: Any) -> dict[str, Any]:
    return feature_profile(table({"x": values}, **rows))[0]


WHO = np.repeat(np.arange(SUBJECTS), EACH)
RANDOM = np.random.default_rng(2)


def test_counts_by_hand() -> None:
    found = one([1.0, 1.0, None, 2.0, *np.full(N - 4, 3.0)])
    assert (found["n"], found["distinct"], found["integer"], found["low"], found["high"]) == (N - 1, 3, True, 1.0, 3.0)
    assert found["missing"] == pytest.approx(1 / N)
    assert not found["one_to_one_item"]


def test_nan_is_missing() -> None:
    assert one([float("nan"), *np.arange(N - 1.0)])["n"] == N - 1


def test_missing_by_part() -> None:
    part = np.array(["train"] * 60 + ["test"] * 60)
    found = feature_profile(table({"x": [None] * 6 + [1.0] * (N - 6)}), part)[0]
    assert found["missing_train"] == pytest.approx(0.1)
    assert found["missing_test"] == 0.0


@pytest.mark.parametrize(
    ("values", "fact", "expected"),
    [
        (np.arange(N), "running_number", True),
        (np.arange(N) * 10, "running_number", False),
        (RANDOM.normal(size=N), "running_number", False),
        (RANDOM.normal(size=N), "one_to_one_item", True),
        (WHO * 7 + 3, "one_to_one_subject", True),
        (WHO // 2, "one_to_one_subject", False),
        (np.arange(N), "one_to_one_subject", False),
        (WHO, "subjects_repeat", SUBJECTS),
        (1.6e9 + np.arange(N) * 86400, "epoch_like", "seconds since 1970"),
        ((1.6e9 + np.arange(N) * 86400) * 1000, "epoch_like", "milliseconds since 1970"),
        ([20200101 + d for d in range(28)] * 4 + [20210315] * 8, "epoch_like", "dates written as numbers"),
        (np.round(RANDOM.normal(2.5e8, 1e7, N)), "epoch_like", None),
        ([f"2020-01-{1 + n % 28:02d}" for n in range(N)], "epoch_like", "dates written as text"),
        ([f"ward {n % 4}" for n in range(N)], "epoch_like", None),
        ([f"r{n:03d}" for n in range(N)], "equals", "item"),
        ([f"p{n:02d}" for n in WHO], "equals", "subject"),
        ([f"ward {n % 4}" for n in range(N)], "equals", None),
        (["one"] * N, "type", "category"),
        ([None] * N, "n", 0),
    ],
)
def test_facts(values: Any, fact: str, expected: Any) -> None:
    assert one(values)[fact] == expected


def test_rank_correlations_as_scipy_has_them() -> None:
    from scipy.stats import spearmanr

    x = np.round(RANDOM.normal(size=N), 1) + np.arange(N) / 100
    found = one(x)
    assert found["rank_with_time"] == pytest.approx(abs(spearmanr(x, np.arange(N)).statistic), abs=1e-12)
    assert one(np.arange(N) ** 3.0)["rank_with_time"] == pytest.approx(1.0)
    assert one(-np.arange(N))["rank_with_id"] == pytest.approx(1.0)
    assert one(np.full(N, 2.0))["rank_with_time"] is None


def test_alone_is_the_auroc_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    x = np.round(RANDOM.normal(size=N) - 0.5 * (WHO % 2), 1)
    area = roc_auc_score(WHO % 2, x)
    assert one(x)["alone"]["auroc"] == pytest.approx(max(area, 1 - area), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (np.where(WHO % 2, 5.0, 1.0) + RANDOM.random(N), "classes part at"),
        (np.where(WHO % 2, "a", "b"), "one class only"),
        ([1.0 if n % 2 else None for n in WHO], "known in every 'yes' and in no 'no'"),
        (RANDOM.random(N), ""),
        (np.where(WHO % 2, 5.0, 1.0) + np.where(np.arange(N) == 3, -4.0, 0.0), ""),  # one record is an exception
        ([f"ward {n % 7}" for n in range(N)], ""),
        ([f"unique {n}" for n in range(N)], ""),  # unique text is an identifier, no rule
        ([1.0] * N, ""),
        ([None] * N, ""),
    ],
)
def test_what_alone_gives_the_label(values: Any, rule: str) -> None:
    alone = one(values)["alone"]
    assert (alone["decides"], rule in alone["rule"], bool(alone["rule"])) == (bool(rule), True, bool(rule))


def test_three_classes_can_be_read_off_one_number() -> None:
    target = (WHO % 3).astype(float)
    found = feature_profile(table({"x": target * 10 + RANDOM.random(N)}, ("a", "b", "c"), target=target))[0]["alone"]
    assert found["decides"]
    assert found["rule"].count(",") == 1


def test_few_subjects_decide_nothing() -> None:
    target = (WHO < 9).astype(float)
    few = feature_profile(table({"x": target}, target=target))[0]["alone"]
    assert not few["decides"]
    assert "classes part at" in few["rule"]
    assert feature_profile(table({"x": (WHO < 10) * 1.0}, target=(WHO < 10) * 1.0))[0]["alone"]["decides"]


def test_a_number_that_gives_a_number() -> None:
    target = RANDOM.normal(size=N)
    found = feature_profile(table({"x": np.exp(target), "y": RANDOM.normal(size=N)}, (), target=target))
    assert found[0]["alone"]["decides"]
    assert not found[1]["alone"]["decides"]


def test_shift_is_over_subjects() -> None:
    x = WHO.astype(float) + np.tile([-1.0, 0.0, 1.0], SUBJECTS)
    part = np.where(WHO < 20, "train", "test")
    found = feature_profile(table({"x": x}), part)[0]["shift"]
    assert found["mean_train"] == pytest.approx(9.5)
    assert found["sd_test"] == pytest.approx(np.arange(20).std(ddof=1))
    assert found["subjects_test"] == 20
    assert feature_profile(table({"x": x}), np.where(WHO < 38, "train", "test"))[0]["shift"] is None


# Equal rows


def continuous(n: int = 4, seed: int = 3) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {f"x{j}": np.round(random.normal(50, 10, N), 2) for j in range(n)}


def with_twins(features: dict[str, Any], pairs: int = 3) -> dict[str, Any]:
    return {name: [*list(values)[:-pairs], *list(values)[:pairs]] for name, values in features.items()}


def test_equal_rows_have_equal_hashes() -> None:
    rows, content = equal_rows(table(with_twins(continuous())))
    assert rows["content"] == "row"
    assert rows["chance"] < 0.01
    assert content[:3] == content[-3:]
    assert len(set(content)) == N - 3


def mixed(x: int, salt: int) -> int:
    """SplitMix64 in plain Python."""
    z = (x + salt * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def test_hashes_are_the_same_on_every_machine() -> None:
    found = Table(
        "t",
        pl.DataFrame({"item": ["a", "b"], "subject": ["p", "q"], "target": [0.0, 1.0]}),
        pl.DataFrame({"x": [1.5, None], "y": [-0.0, 2.0], "z": ["é", "b"]}),
    )
    bits = {value: int.from_bytes(np.float64(value).tobytes(), "little") for value in (1.5, 0.0, 2.0)}
    text = {word: int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little") for word in "éb"}
    first = mixed(bits[1.5], 1) + mixed(bits[0.0], 2) + mixed(text["é"], 3)
    second = mixed(0, -1) + mixed(bits[2.0], 2) + mixed(text["b"], 3)
    assert equal_rows(found)[1] == [f"{word % 2**64:016x}" for word in (first, second)]


@pytest.mark.parametrize(
    "features",
    [
        {"age": RANDOM.integers(20, 90, N), "sex": RANDOM.integers(0, 2, N)},
        {"a": RANDOM.integers(0, 2, N), "b": RANDOM.integers(0, 2, N), "c": RANDOM.integers(0, 3, N)},
        {"age": (age := RANDOM.integers(20, 90, N)), "months": age * 12, "square": age**2},
        {"ward": [f"w{n % 3}" for n in range(N)], "drug": [f"d{n % 5}" for n in range(N)]},
        {"count": RANDOM.poisson(0.2, N), "other": RANDOM.poisson(0.2, N), "third": RANDOM.poisson(0.3, N)},
    ],
    ids=["age and sex", "binary", "functions of age", "categories", "counts"],
)
def test_where_coincidence_could_make_rows_equal_chance_says_so(features: dict[str, Any]) -> None:
    made = table(features)
    content = equal_rows(made)[1]
    assert len(set(content)) < N  # some rows are equal, and nobody copied them
    assert equal_rows(made)[0]["chance"] > 0.5


def test_rows_of_which_little_is_known_are_not_compared() -> None:
    features = {name: [None] * 20 + list(values)[20:] for name, values in continuous(4).items()}
    assert equal_rows(table(features))[1][:20] == [None] * 20


def test_declared_content_is_taken_as_it_stands() -> None:
    rows, content = equal_rows(table(content=["h"] * N))
    assert rows == {"content": "declared", "chance": 0.0}
    assert content == ["h"] * N


def test_one_feature_is_no_content() -> None:
    assert equal_rows(table({"x": np.arange(N)}))[0]["content"] == "none"


@given(st.integers(0, 2**32 - 1))
def test_row_order_leaves_no_trace(seed: int) -> None:
    made = table(with_twins(continuous()))
    order = np.random.default_rng(seed).permutation(N)
    turned = Table("t", made.rows[order], made.features[order], made.classes)
    assert equal_rows(turned) == equal_rows(made)


def test_clean_continuous_tables_have_no_chance() -> None:
    chances = [equal_rows(table(continuous(5, seed)))[0]["chance"] for seed in range(20)]
    assert max(chances) < 0.01


# Times, origin of the label


def test_late_charting_by_hand() -> None:
    zero = np.zeros(N)
    lab = np.where(np.arange(N) < 3, 60.0, -60.0)
    found = charted(table(time_zero=zero, **{"charted:x": [*lab[:-1], None]}))
    assert found == {"x": {"late": 3, "of": N - 1, "latest": 60.0, "examples": ["r000", "r001", "r002"]}}
    assert charted(table()) is None
    assert charted(table(**{"charted:x": lab})) is None


def test_late_eligibility_by_hand() -> None:
    found = eligibility(table(time_zero=np.zeros(N), eligible=np.where(np.arange(N) == 5, 1.0, 0.0)))
    assert found == {"late": 1, "of": N, "latest": 1.0, "examples": ["r005"]}
    assert eligibility(table()) is None


def test_label_made_from() -> None:
    assert label_made_from(table(), ("y", "z")) == {"label": ["y", "z"], "shared": ["y"]}
    assert label_made_from(table(), ()) is None


# The source


def sourced(strength: float, seed: int = 4, kinds: int = 2) -> Table:
    random = np.random.default_rng(seed)
    device = WHO % 4 // 2 if kinds == 2 else WHO % kinds
    x = random.normal(size=N) + strength * device
    return table({"x": x, "y": random.normal(size=N)}, source=[f"device {d}" for d in device])


def test_a_source_that_shows_is_found() -> None:
    found = source_from_input(sourced(4.0))
    assert found is not None
    assert found["low"] > 0.9
    assert (found["sources"], found["subjects"], found["records"]) == (2, SUBJECTS, N)


def test_many_sources() -> None:
    found = source_from_input(sourced(3.0, kinds=4))
    assert found is not None
    assert found["sources"] == 4
    assert found["low"] > 0.6


def test_a_source_that_does_not_show_seldom_has_a_lower_bound_above_the_limit() -> None:
    found = [source_from_input(sourced(0.0, seed)) for seed in range(40)]
    assert sum(one is not None and one["low"] > 0.6 for one in found) <= 1


def test_the_interval_is_wider_over_subjects_than_over_records() -> None:
    """Three equal records a subject hold no more than one."""
    device = WHO % 4 // 2
    x = np.repeat(np.random.default_rng(5).normal(size=SUBJECTS), EACH) + 0.7 * device
    known = source_from_input(table({"x": x}, source=[f"d{d}" for d in device]))
    apart = source_from_input(
        table({"x": x}, source=[f"d{d}" for d in device], subject=[f"s{n:03d}" for n in range(N)])
    )
    assert known is not None
    assert apart is not None
    assert known["high"] - known["low"] > 1.4 * (apart["high"] - apart["low"])


def test_no_source_no_answer() -> None:
    assert source_from_input(table()) is None
    assert source_from_input(table(source=["one"] * N)) is None
    assert source_from_input(table(source=["a"] * (N - 3) + ["b"] * 3)) is None  # one subject


def test_large_tables_are_sampled_by_subject_and_say_so() -> None:
    found = source_from_input(sourced(2.0), most=60)
    assert found is not None
    assert found["records"] <= 66
    assert f"of {N} records" in found["method"]


def test_profile_holds_what_can_be_known() -> None:
    found = profile(sourced(1.0), np.where(WHO < 20, "train", "test"))
    assert set(found) == {"features", "rows", "source from input"}


def test_a_table_without_features() -> None:
    bare = Table("t", table().rows, pl.DataFrame(height=N), ("no", "yes"))
    assert profile(bare)["features"] == []
