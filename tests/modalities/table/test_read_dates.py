"""Dates in text: against Python's own calendar, and what is refused."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.modalities.table.dates import parse_dates

FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%b %d, %Y %H:%M:%S",
    "%B %d %Y %H:%M:%S",
    "%Y-%m-%d %I:%M:%S %p",
)


@given(st.lists(st.integers(-5_300_000_000, 7_200_000_000), min_size=1), st.sampled_from(FORMS))
def test_forms(moments: list[int], form: str) -> None:
    texts = [datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime(form) for moment in moments]
    found, why = parse_dates(pl.Series("t", texts))
    assert why == ""
    assert found.to_list() == moments


@given(st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), min_size=1), st.booleans())
def test_day_and_month(days: list[datetime.date], day_first: bool) -> None:
    form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    found, why = parse_dates(pl.Series("t", [day.strftime(form) for day in days]))
    told_apart = any(day.day > 12 for day in days) or all(day.day == day.month for day in days)
    assert (why == "") == told_apart
    if told_apart:
        assert found.to_list() == [
            datetime.datetime(d.year, d.month, d.day, tzinfo=datetime.UTC).timestamp() for d in days
        ]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2020-01-31T10:00:00Z", "2020-01-31T10:00:00+00:00"),
        ("2020-01-31 10:00+01:00", "2020-01-31T09:00:00+00:00"),
        ("2020-01-31 10:00:00.250-0530", "2020-01-31T15:30:00.250+00:00"),
        ("2020-1-5 7:05", "2020-01-05T07:05:00+00:00"),
        ("20200131", "2020-01-31T00:00:00+00:00"),
        ("2020-01-31 12:10 AM", "2020-01-31T00:10:00+00:00"),
        ("2020-01-31 12:10 pm", "2020-01-31T12:10:00+00:00"),
    ],
)
def test_single_dates(text: str, iso: str) -> None:
    found, why = parse_dates(pl.Series("t", [text]))
    assert why == ""
    assert found.to_list() == [datetime.datetime.fromisoformat(iso).timestamp()]


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-30",
        "31.13.2020",
        "2020-01-31 24:00",
        "2020-01-31 13:00 PM",
        "yesterday",
        "12:30",
        "5",
        "0020-01-01",
        "1.5",
    ],
)
def test_what_is_no_date(text: str) -> None:
    found, why = parse_dates(pl.Series("t", [text]))
    assert why == ""
    assert found.to_list() == [None]


def test_missing_stays_missing() -> None:
    found, _ = parse_dates(pl.Series("t", [None, "2020-01-01", None], dtype=pl.String))
    assert found.to_list() == [None, 1577836800.0, None]
