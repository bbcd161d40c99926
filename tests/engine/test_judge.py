"""The judge: from stored scores and a binding to a row, every kind of claim and every reason for no verdict. *Synthetic*."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from hilum.core.binding import Arithmetic, Binding, Bound, Estimand, StandIn, Unbound, read_folds
from hilum.core.claim import Claim
from hilum.core.errors import DataError
from hilum.core.experiment import Arm
from hilum.core.row import CheckRow, Row
from hilum.engine.contrasts import paired, ranked
from hilum.engine.figures import ArmScores, metrics_of
from hilum.engine.judge import Bench, judge

MAE = metrics_of("regress")["mae"]
AUROC = metrics_of("classify")["auroc"]


@dataclass(frozen=True)
class Method:
    """A method's settings."""

    name: str = "method"
    stochastic: bool = False


@dataclass(frozen=True)
class Asked:
    """A task's settings."""

    kind: str = "regress"
    unit: str = "subject"


@dataclass(frozen=True)
class Data:
    """A dataset's settings."""

    name: str = "synthetic"


def arm(name: str, *, stochastic: bool = False, kind: str = "regress") -> Arm:
    return Arm(Data(), Asked(kind), Method(name, stochastic), "published", title=name)


def claim(printed: str, id: str = "c", **changes: str) -> Claim:
    blank = dict.fromkeys(
        (
            "dataset",
            "task",
            "model",
            "protocol",
            "statement",
            "n",
            "of",
            "spread",
            "spread_kind",
            "where",
            "data_access",
            "note",
        ),
        "",
    )
    facts = {"kind": "value", "metric": "mae", "unit": "1", "relation": "eq", "evidence": "read", **blank, **changes}
    return Claim(id=id, printed=printed, **facts)  # type: ignore[arg-type]


def errors(values: np.ndarray, *, seeds: tuple[float, ...] = (0.0,)) -> pl.DataFrame:
    """Scores of absolute errors, one row a subject and seed; a seed moves every subject by its number."""
    names = [f"s{i}" for i in range(len(values))]
    return pl.concat(
        pl.DataFrame({"item": names, "subject": names, "sum_abs": values + move}).with_columns(
            fold=pl.lit(0), seed=pl.lit(seed), horizon=pl.lit(0), horizon_s=pl.lit(0.0), n=pl.lit(1.0)
        )
        for seed, move in enumerate(seeds)
    )


def scores(of: Arm, frame: pl.DataFrame) -> ArmScores:
    return ArmScores(of, frame, ())


def verdict(
    made: Claim,
    bound: Bound,
    *stored: ArmScores,
    checks: tuple[CheckRow, ...] = (),
    primary: bool = True,
    synthetic: bool = False,
) -> Row:
    bench = Bench(
        {made.id: bound}, {each.arm.id: each for each in stored}, checks, (made.id,) if primary else (), synthetic
    )
    return judge((made,), bench)[0]


OURS, TRIVIAL, OTHER = arm("ours"), arm("trivial"), arm("other")
UNITS = np.array([0.8, 1.2, 1.0, 0.9, 1.1, 0.7, 1.3, 1.0])
STORED = scores(OURS, errors(UNITS))
BASE = scores(TRIVIAL, errors(UNITS + 1.0))
BINDING = Binding(("*",), OURS, TRIVIAL, Estimand("subject"), "same-data")


def test_a_deterministic_method_is_a_point() -> None:
    row = verdict(claim("1.05"), BINDING, STORED, BASE)
    assert row.verdict == "reproduced"  # 5 % of the trivial 2.0 is 0.1
    assert row.difference_low == row.difference_high == pytest.approx(-0.05)
    assert row.margin == pytest.approx(0.105)
    assert verdict(claim("0.85"), BINDING, STORED, BASE).verdict == "worse"
    assert verdict(claim("1.25"), BINDING, STORED, BASE).verdict == "better"


def test_identical_to_every_printed_digit() -> None:
    assert verdict(claim("1.00"), replace(BINDING, basis="identical"), STORED, BASE).verdict == "reproduced, exact"


def test_seeds_give_the_interval_and_one_seed_gives_none() -> None:
    drawn = arm("drawn", stochastic=True)
    bound = replace(BINDING, arm=drawn)
    many = verdict(claim("1.00"), bound, scores(drawn, errors(UNITS, seeds=(-0.01, 0.0, 0.01))), BASE)
    assert many.verdict == "reproduced"
    assert many.difference_low is not None
    half = 4.302653 * 0.01 * math.sqrt(1 / 3 + 1)
    assert many.difference_low == pytest.approx(-half, abs=1e-6)
    wide = verdict(claim("1.00"), bound, scores(drawn, errors(UNITS, seeds=(-0.1, 0.0, 0.1))), BASE)
    assert (wide.verdict, "seeds would settle" in wide.reason) == ("inconclusive", True)
    one = verdict(claim("1.00"), bound, scores(drawn, errors(UNITS)), BASE)
    assert (one.verdict, "one seed" in one.reason) == ("not comparable", True)


def test_printed_folds_are_matched() -> None:
    drawn = arm("drawn", stochastic=True)
    frame = errors(UNITS).with_columns(fold=pl.Series([0, 0, 1, 1, 2, 2, 3, 3]))
    bound = replace(
        BINDING,
        arm=drawn,
        estimand=Estimand("subject", pool="fold"),
        folds=lambda _: {"0": 1.01, "1": 0.95, "2": 0.89, "3": 1.15},
    )
    row = verdict(claim("1.00"), bound, scores(drawn, frame), BASE)
    assert row.verdict == "reproduced"
    differences = np.array([-0.01, 0.0, 0.01, 0.0])
    half = 3.182446 * differences.std(ddof=1) * math.sqrt(1 / 4 + 1 / 4)
    assert row.difference_high == pytest.approx(half, abs=1e-6)


def test_new_data_needs_a_standard_error_of_theirs() -> None:
    bound = replace(BINDING, basis="new-data")
    assert "no standard error" in verdict(claim("1.00"), bound, STORED, BASE).reason
    close = verdict(claim("1.00", spread="0.01", spread_kind="ci95-half"), bound, STORED, BASE)
    assert (close.verdict, "subjects on both sides" in close.reason) == ("inconclusive", True)
    tight = scores(OURS, errors(1 + 0.01 * (UNITS - 1)))
    assert verdict(claim("1.00", spread="0.01", spread_kind="ci95-half"), bound, tight, BASE).verdict == "replicated"


@pytest.mark.parametrize(
    ("made", "bound", "expected", "said"),
    [
        (claim("1.0", kind="statement"), BINDING, "not judged", "statement"),
        (claim("1.0", kind="cost"), Unbound(("*",), "hardware"), "not judged", "hardware"),
        (claim("1.0"), Unbound(("*",), "not built"), "not run", "not built"),
        (claim("1.0", metric="unheard-of"), BINDING, "not run", "'unheard-of' is not built yet"),
        (claim("1.0"), replace(BINDING, arm=OTHER), "not run", "not part of this preset"),
        (claim("1.0", evidence="memory"), BINDING, "not comparable", "memory"),
        (claim("1.0"), replace(BINDING, differs=("units: 3 for 4",)), "not comparable", "3 for 4"),
        (claim("1.0"), replace(BINDING, estimand=Estimand("subject", items=("s99",))), "not comparable", "s99 missing"),
        (
            claim("1.0"),
            replace(BINDING, estimand=Estimand("subject", horizons=(0, 5))),
            "not comparable",
            "1 of 2 horizons",
        ),
        (claim("1.0"), replace(BINDING, trivial=OTHER), "not comparable", "trivial predictor's figure is missing"),
        (claim("1.0", metric="bias"), BINDING, "not comparable", "undefined"),
        (claim("0.1", kind="difference", metric="delta-mae"), BINDING, "not run", "names no other arm"),
        (
            claim("0.1", kind="derived", metric="wins"),
            replace(BINDING, metric="mae"),
            "not comparable",
            "derived 'wins'",
        ),
        (claim("0.9", kind="bound", relation="gt"), BINDING, "supported", "claimed side"),
        (claim("0.9", kind="bound", relation="lt"), BINDING, "contradicted", "other side"),
        (claim("1", kind="count"), BINDING, "reproduced, exact", "equal"),
        (claim("2", kind="count"), BINDING, "contradicted", "we count 1"),
    ],
)
def test_every_other_answer(made: Claim, bound: Bound, expected: str, said: str) -> None:
    row = verdict(made, bound, STORED, BASE)
    assert (row.verdict, said in row.reason) == (expected, True), row.reason


def test_synthetic_data_are_not_judged() -> None:
    assert verdict(claim("1.00"), BINDING, STORED, BASE, synthetic=True).verdict == "not comparable"


def test_a_missing_cell_is_partial_data() -> None:
    cell, folder = SimpleNamespace(items=("s9",)), SimpleNamespace(done=False)
    partial = ArmScores(OURS, errors(UNITS), ((cell, folder),))  # type: ignore[arg-type]
    assert "1 of 1 cells" in verdict(claim("1.00"), BINDING, partial, BASE).reason
    empty = ArmScores(OURS, pl.DataFrame(), ((cell, folder),))  # type: ignore[arg-type]
    assert "no cell of this arm is finished" in verdict(claim("1.00"), BINDING, empty, BASE).reason


def test_arithmetic_uses_the_papers_own_figures() -> None:
    bound = Arithmetic(("*",), lambda made, claims: 2 * claims["c"].value, "twice itself")
    assert verdict(claim("1.00"), bound).verdict == "contradicted"


def check(severity: str, status: str = "fail", arm_id: str = "") -> CheckRow:
    return CheckRow("HIL005", "Later", severity, "defect", "arm", "ours", arm_id or OURS.id, status, "m", {})


def test_a_failed_critical_check_withdraws_support() -> None:
    made = claim("1.00")
    row = verdict(made, BINDING, STORED, BASE, checks=(check("critical"),))
    assert (row.verdict, row.supported, row.codes) == ("reproduced", False, ("HIL005",))
    assert verdict(made, BINDING, STORED, BASE, checks=(check("major"),)).supported
    assert verdict(made, BINDING, STORED, BASE, checks=(check("critical", "cannot tell"),)).supported
    assert verdict(made, BINDING, STORED, BASE, checks=(check("critical", arm_id="another"),)).supported


def test_the_honest_figure_stands_beside() -> None:
    honest = scores(OTHER, errors(UNITS + 0.5))
    row = verdict(claim("1.00"), replace(BINDING, honest=OTHER), STORED, BASE, honest)
    assert row.honest is not None
    assert row.honest.value == pytest.approx(1.5)
    assert row.verdict == "reproduced"


def test_many_claims_need_benjamini_and_yekutieli() -> None:
    # Barely worse by its own interval: alone it stands (if primary), among twenty others it does not.
    drawn = arm("drawn", stochastic=True)
    stored = scores(drawn, errors(UNITS, seeds=(-0.01, 0.0, 0.01, 0.0)))
    bound = replace(BINDING, arm=drawn)
    barely, rest = claim("0.86", "c"), [claim("1.00", f"r{i}") for i in range(20)]
    bench = Bench(
        {each.id: bound for each in (barely, *rest)}, {s.arm.id: s for s in (stored, BASE)}, (), (), synthetic=False
    )
    rows = judge((barely, *rest), bench)
    assert (rows[0].verdict, "Benjamini-Yekutieli" in rows[0].reason) == ("inconclusive", True)
    assert judge((barely, *rest), replace(bench, primary=("c",)))[0].verdict == "worse"


# Differences


def test_a_difference_is_paired_by_subject() -> None:
    # Subjects differ by far more than the methods: only pairing sees it.
    gaps = np.array([0.29, 0.31, 0.30, 0.28, 0.32, 0.30, 0.29, 0.31])
    other = scores(OTHER, errors(UNITS + gaps))
    bound = replace(BINDING, against=OTHER)
    row = verdict(claim("-0.30", kind="difference", metric="delta-mae"), bound, STORED, BASE, other)
    assert row.verdict == "supported"
    assert "size: reproduced" in row.reason
    assert row.ours is not None
    assert row.ours.value == pytest.approx(-0.3)
    other_way = verdict(claim("0.30", kind="difference", metric="delta-mae"), bound, STORED, BASE, other)
    assert other_way.verdict == "contradicted"
    absent = verdict(claim("-0.30", kind="difference", metric="delta-mae"), bound, STORED, BASE)
    assert (absent.verdict, "other: not part" in absent.reason) == ("not run", True)
    nowhere = verdict(
        claim("-0.30", kind="difference", metric="delta-mae"), replace(bound, trivial=arm("x")), STORED, other
    )
    assert (nowhere.verdict, "size: not comparable, no margin" in nowhere.reason) == ("supported", True)


def test_a_difference_below_six_subjects_has_no_direction() -> None:
    few = (scores(OURS, errors(UNITS[:4])), scores(OTHER, errors(UNITS[:4] + 0.3)), BASE)
    row = verdict(claim("-0.30", kind="difference", metric="delta-mae"), replace(BINDING, against=OTHER), *few)
    assert (row.verdict, "below 6" in row.reason) == ("not comparable", True)


def classified(signal: float, seed: int, *, n: int = 80) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    target = (np.arange(n) % 2).astype(float)
    score = 1 / (1 + np.exp(-(signal * target + random.normal(size=n))))
    names = [f"s{i:02d}" for i in range(n)]
    frame = pl.DataFrame({"item": names, "subject": names, "target": target, "p:0": 1 - score, "p:1": score})
    return frame.with_columns(fold=pl.Series(np.arange(n) // 2 % 4), seed=pl.lit(0))


@pytest.mark.parametrize("pool", ["all", "fold"])
def test_pooled_differences_join_on_ids_and_not_on_position(pool: Any) -> None:
    one, two = arm("one", kind="classify"), arm("two", kind="classify")
    a, b = classified(3.0, 1), classified(0.2, 2)
    found = paired(scores(one, a), scores(two, b), AUROC, Estimand("subject", pool=pool))
    assert found.interval is not None
    assert found.interval.low > 0
    shuffled = paired(
        scores(one, a), scores(two, b.sample(fraction=1.0, shuffle=True, seed=3)), AUROC, Estimand("s", pool=pool)
    )
    assert shuffled.interval == found.interval
    assert shuffled.value == pytest.approx(found.value)
    same = paired(scores(one, a), scores(two, a), AUROC, Estimand("s", pool=pool))
    assert same.value == 0


def test_pooled_differences_of_different_rows_have_no_interval() -> None:
    one, two = arm("one", kind="classify"), arm("two", kind="classify")
    a, b = classified(3.0, 1), classified(0.2, 2)
    cut = paired(scores(one, a), scores(two, b.head(70)), AUROC, Estimand("s", pool="all"))
    assert (cut.interval, "different rows: 80 and 70" in cut.reason) == (None, True)
    twice = paired(scores(one, a), scores(two, pl.concat([b, b])), AUROC, Estimand("s", pool="all"))
    assert (twice.interval, "cannot be paired" in twice.reason) == (None, True)
    none = paired(scores(one, a), scores(two, pl.DataFrame()), AUROC, Estimand("s", pool="all"))
    assert none.value is None


def test_every_classify_metric_has_a_paired_interval() -> None:
    one, two = arm("one", kind="classify"), arm("two", kind="classify")
    a, b = scores(one, classified(3.0, 1)), scores(two, classified(0.2, 2))
    for name in ("auroc", "accuracy", "brier"):
        found = paired(a, b, metrics_of("classify")[name], Estimand("s", pool="all"))
        assert found.interval is not None, (name, found.reason)
        assert found.interval.low <= found.value <= found.interval.high  # type: ignore[operator]


# Ranks


def per_unit(values: np.ndarray) -> dict[str, float]:
    return {str(i): float(v) for i, v in enumerate(values)}


def test_a_rank_is_one_only_when_clear_of_every_rival() -> None:
    wobble = np.array([0.01, -0.01, 0.02, -0.02, 0.0, 0.01, -0.01, 0.0])
    clear = ranked(1, per_unit(UNITS), [per_unit(UNITS + 0.3 + wobble), per_unit(UNITS + 0.5)], MAE)
    assert (clear.ours, clear.low, clear.high, clear.clear) == (1, 1, 1, True)
    close = ranked(1, per_unit(UNITS), [per_unit(UNITS + 0.001 + wobble * 5), per_unit(UNITS + 0.5)], MAE)
    assert (close.ours, close.high, close.clear) == (1, 2, False)
    higher = ranked(1, per_unit(UNITS), [per_unit(UNITS + 0.3)], AUROC)
    assert (higher.ours, higher.clear) == (2, False)
    few = ranked(1, per_unit(UNITS[:4]), [per_unit(UNITS)], MAE)
    assert math.isnan(few.ours)


def test_a_claimed_rank() -> None:
    bound = replace(BINDING, metric="mae", rivals=(OTHER,))
    rival = scores(OTHER, errors(UNITS + np.linspace(0.2, 0.4, 8)))
    row = verdict(claim("1", kind="derived", metric="rank"), bound, STORED, BASE, rival)
    assert row.verdict == "supported"
    assert row.ours is not None
    assert row.ours.value == 1
    assert verdict(claim("2", kind="derived", metric="rank"), bound, STORED, BASE, rival).verdict == "contradicted"
    few = (scores(OURS, errors(UNITS[:3])), scores(OTHER, errors(UNITS[:3])), BASE)
    assert verdict(claim("1", kind="derived", metric="rank"), bound, *few).verdict == "not comparable"


def at(horizon: int, values: np.ndarray) -> pl.DataFrame:
    return errors(values).with_columns(horizon=pl.lit(horizon))


def test_a_rank_is_made_over_the_horizons_that_all_arms_share() -> None:
    """Ours is better at horizon 5 and worse at 20; the rival was only run at 5."""
    mine = scores(OURS, pl.concat([at(5, UNITS), at(20, UNITS + 9)]))
    rival = scores(OTHER, at(5, UNITS + np.linspace(0.2, 0.4, 8)))
    asked = claim("1", kind="derived", metric="rank")
    bound = replace(BINDING, metric="mae", rivals=(OTHER,))
    row = verdict(asked, bound, mine, BASE, rival)
    assert (row.ours and row.ours.value, row.verdict) == (1, "supported")
    missing = verdict(asked, replace(bound, estimand=Estimand("subject", horizons=(5, 20))), mine, BASE, rival)
    assert (missing.verdict, missing.ours and missing.ours.value) == ("not comparable", 1)
    assert "1 of 2 horizons" in missing.reason
    apart = verdict(asked, replace(bound, estimand=Estimand("subject", horizons=(20,))), mine, BASE, rival)
    assert apart.ours is not None
    assert (apart.ours.value, apart.ours.reason) == (None, "the arms share none of these horizons")


def test_a_rank_that_may_not_be_compared_is_still_shown_as_a_rank() -> None:
    bound = replace(BINDING, metric="mae", rivals=(OTHER,), differs=("units: 3 for 4",))
    row = verdict(claim("1", kind="derived", metric="rank"), bound, STORED, BASE, scores(OTHER, errors(UNITS - 0.3)))
    assert row.verdict == "not comparable"
    assert row.ours is not None
    assert row.ours.value == 2
    assert row.trivial is None


def test_what_is_counted_in_the_cells_that_ran() -> None:
    scored = {f"s{i}": {"scored": {"first": 600, "end": 700}} for i in range(8)}
    folder = SimpleNamespace(done=True, evidence=lambda: scored)
    cell = SimpleNamespace(items=tuple(scored))
    frame = errors(UNITS).with_columns(n=pl.lit(300.0))
    stored = ArmScores(OURS, frame, ((cell, folder),))  # type: ignore[arg-type]
    for what, right, wrong in (("items", "8", "9"), ("objects", "3", "2")):
        bound = replace(BINDING, metric=what)
        row = verdict(claim(right, kind="count", metric="count"), bound, stored, BASE)
        assert (row.verdict, row.ours and row.ours.value) == ("reproduced, exact", float(right))
        assert verdict(claim(wrong, kind="count", metric="count"), bound, stored, BASE).verdict == "contradicted"
    partial = replace(BINDING, metric="items", estimand=Estimand("subject", items=("s0", "s99")))
    assert verdict(claim("8", kind="count", metric="count"), partial, stored, BASE).verdict == "not comparable"


def in_folds(values: np.ndarray, folds: int = 8) -> pl.DataFrame:
    """One row a fold and subject, no horizons; the errors of a fold are its value."""
    frames = [
        errors(np.full(4, value)).with_columns(fold=pl.lit(number)) for number, value in enumerate(values[:folds])
    ]
    return pl.concat(frames).drop("horizon", "horizon_s")


def test_a_rank_of_figures_by_fold_is_made_over_folds() -> None:
    bound = replace(BINDING, metric="mae", rivals=(OTHER,), estimand=Estimand("record", pool="fold"))
    asked = claim("1", kind="derived", metric="rank")
    rival = in_folds(UNITS + np.linspace(0.2, 0.4, 8))
    base = scores(TRIVIAL, in_folds(UNITS + 1))
    row = verdict(asked, bound, scores(OURS, in_folds(UNITS)), base, scores(OTHER, rival))
    assert (row.verdict, row.ours and row.ours.value) == ("supported", 1)
    few = verdict(asked, bound, scores(OURS, in_folds(UNITS, 5)), base, scores(OTHER, rival))
    assert few.verdict == "not comparable"


def test_what_is_counted_in_the_table_behind_the_cells() -> None:
    counted = {"subjects": 8, "records": 40, "sequences": 8, "positive sequences": 3}
    folder = SimpleNamespace(done=True, evidence=lambda: {"fold 0": {"cohort": counted}})
    cell = SimpleNamespace(items=("table",))
    frame = pl.concat([errors(UNITS), errors(UNITS)]).with_columns(
        beside=pl.Series([*map(float, range(8)), *[2.0] * 8])
    )
    stored = ArmScores(OURS, frame, ((cell, folder),))  # type: ignore[arg-type]
    p95 = float(np.quantile([2, 2, 2, 3, 4, 5, 6, 7], 0.95))
    for what, kind, value in (
        ("records", "count", 40.0),
        ("negative sequences", "count", 5.0),
        ("course-p95", "value", p95),
    ):
        row = verdict(claim(str(value), kind=kind, metric="count"), replace(BINDING, metric=what), stored, BASE)
        assert row.verdict == "reproduced, exact", what
        assert row.ours is not None
        assert row.ours.value == pytest.approx(value)
    part = ArmScores(OURS, frame.filter(pl.col("subject") != "s0"), stored.cells)
    row = verdict(claim("6.65", kind="value", metric="count"), replace(BINDING, metric="course-p95"), part, BASE)
    assert (row.verdict, row.ours) == ("not comparable", None)
    assert "needs cells that were not run" in row.reason


def test_a_stand_in_takes_over_where_a_rival_was_not_run() -> None:
    small = StandIn(OURS, ("3 of 90 candidates",), rivals=(OTHER,))
    bound = replace(BINDING, rivals=(arm("whole"),), stand_in=small)
    assert bound.within({OURS.id, OTHER.id}).rivals == (OTHER,)
    assert bound.within({OURS.id, arm("whole").id}).rivals == (arm("whole"),)


# Printed folds


def test_folds_of_a_paper_are_read_from_its_file(tmp_path: Any) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("model,fold,auroc\nGRU,0,0.8\nGRU,0,0.9\nGRU,1,\nGRU,2,0.7\nLSTM,0,0.1\n", encoding="utf-8")
    found = read_folds(path, columns={"model": "GRU"}, metric="auroc")
    assert found == {"0": pytest.approx(0.85), "2": 0.7}
    assert read_folds(path, columns={"model": "none"}, metric="auroc") == {}
    with pytest.raises(DataError, match="no column auprc"):
        read_folds(path, columns={}, metric="auprc")
    path.write_text("model,fold,auroc\nGRU,0,many\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2, column auroc"):
        read_folds(path, columns={}, metric="auroc")


def test_a_smaller_run_shows_its_stand_in_and_is_not_compared() -> None:
    full, small = arm("full"), arm("small")
    bound = replace(BINDING, arm=full, stand_in=StandIn(small, ("one run a candidate",)))
    shown = verdict(claim("1.00"), bound, scores(small, errors(UNITS)), BASE)
    assert (shown.verdict, shown.reason, shown.arm) == ("not comparable", "one run a candidate", "small")
    assert shown.ours is not None
    assert shown.ours.value == pytest.approx(1.0)
    judged = verdict(claim("1.00"), bound, scores(small, errors(UNITS)), scores(full, errors(UNITS)), BASE)
    assert (judged.verdict, judged.arm) == ("reproduced", "full")
    assert verdict(claim("1.00"), bound, BASE).verdict == "not run"


def test_a_note_of_a_binding_is_told_and_changes_no_verdict() -> None:
    plain, noted = (
        verdict(claim("1.05"), replace(BINDING, notes=notes), STORED, BASE) for notes in ((), ("chosen by hand",))
    )
    assert noted.settings == (*plain.settings, "chosen by hand")
    assert noted.verdict == plain.verdict == "reproduced"
