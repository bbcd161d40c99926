"""A cohort as records: which hours, whose, where something is asked, and what stands first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hilum.core.errors import UsageError
from hilum.modalities.ehr.as_table import STATIC, table_of
from hilum.modalities.ehr.cohort import Cohort
from hilum.modalities.ehr.task_file import task_named


def cohort(*, label_is: str = "one a stay", kind: str = "classify", unit: str = "") -> Cohort:
    """Stays 9 (hours 0 to 2, a man of 71 who dies) and 10 (hours 0 to 1, of a subject not known)."""
    hourly = pl.DataFrame(
        {"stay_id": [9, 9, 9, 10, 10], "hour": [0, 1, 2, 0, 1], "hr": [60.0, None, 62.0, 80.0, 81.0]},
        schema={"stay_id": pl.Int64, "hour": pl.Int64, "hr": pl.Float64},
    )
    outcome = pl.DataFrame({"stay_id": [9, 10], "label": [1.0, 0.0]})
    if label_is == "hourly":
        outcome = hourly.select("stay_id", "hour", label=pl.when(pl.col("hour") < 2).then(pl.col("hour") * 1.0))
    return Cohort(
        "mortality24",
        "hand",
        kind,
        label_is,
        hourly,
        pl.DataFrame(
            {
                "stay_id": [9, 10],
                "age": [71.0, 17.0],
                "sex": ["Male", None],
                "height": [180.0, None],
                "weight": [80.0, 60.0],
            }
        ),
        outcome,
        pl.DataFrame({"stay_id": [9, 10], "subject_id": [5, None], "hospital": ["7", None]}),
        pl.DataFrame(
            {
                "criterion": ["too short", "too young"],
                "excluded_alone": [3, 0],
                "excluded": [3, 0],
                "left": [2, 2],
            }
        ),
        pl.DataFrame(),
        unit=unit,
    )


def test_a_record_is_an_hour_of_a_stay() -> None:
    table = table_of(cohort(), task_named("mortality24"))
    assert table.rows["item"].to_list() == ["10-000", "10-001", "9-000", "9-001", "9-002"]
    assert table.rows["sequence"].to_list() == ["10", "10", "9", "9", "9"]
    assert table.rows["step"].to_list() == [0.0, 1.0, 0.0, 1.0, 2.0]
    assert table.rows["subject"].to_list() == [None, None, "5", "5", "5"]
    assert table.rows["site"].to_list() == [None, None, "7", "7", "7"]
    assert table.rows["group:sex"].to_list() == [None, None, "male", "male", "male"]
    assert table.rows["group:age band"].to_list() == ["under 18"] * 2 + ["65 to 79"] * 3
    assert table.features.columns == [*STATIC, "hr"]
    assert table.static == STATIC
    assert table.features["male"].to_list() == [None, None, 1.0, 1.0, 1.0]
    assert table.features["hr"].to_list() == [80.0, 81.0, 60.0, None, 62.0]
    assert table.attrition == (("stays: too short", 3),)
    assert table.classes == ("left intensive care alive", "died")
    assert "cannot be judged" in table.unjudgeable


def test_one_outcome_a_stay_is_asked_at_the_last_hour() -> None:
    table = table_of(cohort())
    assert table.rows["target"].to_list() == [None, 0.0, None, None, 1.0]
    assert np.flatnonzero(table.asked).tolist() == [1, 4]
    assert table.classes == ("no event", "event")
    assert table_of(cohort(), hours="all").rows["target"].to_list() == [0.0, 0.0, 1.0, 1.0, 1.0]
    with pytest.raises(UsageError, match="Did you mean 'asked'"):
        table_of(cohort(), hours="askd")


def test_an_hourly_outcome_stands_where_it_is_known() -> None:
    for hours in ("asked", "all"):
        table = table_of(cohort(label_is="hourly"), hours=hours)
        assert table.rows["target"].to_list() == [0.0, 1.0, 0.0, 1.0, None]
    assert table_of(cohort(label_is="hourly", kind="regress", unit="h")).classes == ()


def test_a_cohort_without_hospitals_has_no_site() -> None:
    one = cohort()
    nowhere = replace(one, stays=one.stays.with_columns(hospital=pl.lit(None, pl.String)))
    assert "site" not in table_of(nowhere).rows.columns


def test_the_order_of_the_rows_leaves_no_trace() -> None:
    one = cohort()
    stirred = replace(one, hourly=one.hourly.reverse(), static=one.static.reverse(), outcome=one.outcome.reverse())
    first, second = table_of(one), table_of(stirred)
    assert second.rows.equals(first.rows)
    assert second.features.equals(first.features)
