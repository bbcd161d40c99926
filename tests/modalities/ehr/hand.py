"""Hand-written stays and measurements for the tests of labels and criteria."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from hilum.modalities.ehr.clock import Clock, clock_of
from hilum.modalities.ehr.concepts import read_concepts
from hilum.modalities.ehr.events import event_schema
from hilum.modalities.ehr.rules import Rules
from hilum.modalities.ehr.stays import as_stays

START = datetime.fromisoformat("2150-01-01T10:00:00")
Value = tuple[float, float | None]


def stay(stay_id: int = 1, subject_id: int = 1, hours: float = 48.0, **more: object) -> pl.DataFrame:
    end = START + timedelta(hours=hours)
    row = {
        "stay_id": stay_id,
        "subject_id": subject_id,
        "start": START,
        "end": end,
        "age": 60.0,
        "sex": "Male",
        "died": False,
    }
    return as_stays(pl.DataFrame([{**row, **more}]), where="hand")


def events(
    values: Mapping[str, Sequence[Value]], *, stay_id: int = 1, subject_id: int = 1, text: str = ""
) -> pl.DataFrame:
    """Concept to (hour, value), as the plain layout writes it."""
    rows = [
        (subject_id, START + timedelta(hours=hour), concept, value, text or None, stay_id, None)
        for concept, pairs in values.items()
        for hour, value in pairs
    ]
    return pl.DataFrame(rows, schema=dict(event_schema()), orient="row")


def clock(
    values: Mapping[str, Sequence[Value]],
    *,
    rules: Rules | None = None,
    stays: pl.DataFrame | None = None,
    text: str = "",
) -> Clock:
    known = stay() if stays is None else stays
    return clock_of(known, events(values, text=text), "plain", read_concepts(), rules or Rules())
