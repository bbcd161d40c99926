"""The [split] section: a date is a date, in quotation marks or without."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hilum.core.errors import UsageError
from hilum.study.table import split_of


def test_a_cut_is_a_date_with_or_without_quotation_marks() -> None:
    second = datetime(2024, 1, 30, tzinfo=UTC).timestamp()
    for cut in (date(2024, 1, 30), "2024-01-30", "2024-01-30T00:00", second):
        assert split_of({"rule": "time", "cut": cut}, "study.toml")[0]["cut"] == second
    assert split_of({"rule": "time", "cut": "2024-01-30 01:00+01:00"}, "study.toml")[0]["cut"] == second


def test_a_cut_that_is_no_date_says_how_one_is_written() -> None:
    with pytest.raises(UsageError, match=r"cut is '30\.01\.24', and no date.*2024-01-31"):
        split_of({"rule": "time", "cut": "30.01.24"}, "study.toml")
