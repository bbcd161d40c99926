"""SOFA: sequential organ failure assessment, hour by hour. Six organs, 0 to 4 points each; missing counts as 0.

    points(organ, t) = most points of the hours (t - 24, t]          SOFA(t) = sum over organs

    respiration   PaO2/FiO2 (mmHg) < 400: 1, < 300: 2, < 200 and ventilated: 3, < 100 and ventilated: 4
    coagulation   platelets (K/uL) < 150: 1, < 100: 2, < 50: 3, < 20: 4
    liver         bilirubin (mg/dL) >= 1.2: 1, >= 2: 2, >= 6: 3, >= 12: 4
    circulation   MAP < 70 mmHg: 1; dopamine > 0 or dobutamine > 0: 2; dopamine > 5, (nor)epinephrine > 0: 3; dopamine > 15,
                  (nor)epinephrine > 0.1: 4      (mcg/kg/min)
    nerves        Glasgow coma scale < 15: 1, < 13: 2, < 10: 3, < 6: 4
    kidney        creatinine (mg/dL) >= 1.2: 1, >= 2: 2, >= 3.5: 3, >= 5: 4; urine of 24 h < 500 mL: 3, < 200 mL: 4

What is measured holds on: PaO2 and FiO2 for 2 h (without FiO2, room air, 21 %), coma scale, infusion rates and ventilator settings for 6.
The verbal score of an intubated patient counts as normal. Urine of 24 h is judged from 12 h of records on, scaled to 24 h.

Source: Vincent et al., Intensive Care Med 22:707-710 (1996); windows as in the published cohorts of van de Water et al. (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import Clock
from hilum.modalities.ehr.labels.kdigo import USUAL_WEIGHT_KG

if TYPE_CHECKING:
    import polars as pl

ORGANS = ("respiration", "coagulation", "liver", "circulation", "nerves", "kidney")
WINDOW_H = 24
DRUGS = ("norepinephrine", "epinephrine", "dopamine", "dobutamine")
_COMA = ("gcs_eye", "gcs_verbal", "gcs_motor", "gcs_total")
_NORMAL = {"gcs_eye": 4.0, "gcs_verbal": 5.0, "gcs_motor": 6.0}
_HELD_H, _GAS_H = 6, 2


def label(clock: Clock) -> pl.DataFrame:
    """stay_id, hour, label: the score at every hour of the stay (Float64, 0 to 24)."""
    import polars as pl

    found = score(clock).filter(pl.col("hour") >= 0)
    return found.select("stay_id", "hour", pl.col("sofa").cast(pl.Float64).alias("label"))


def score(clock: Clock) -> pl.DataFrame:
    """stay_id, hour, the points of each organ, and sofa (Int64), from a stay's first record (before admission too) to its end."""
    import polars as pl

    hours = _hours(clock)
    points = hours.select("stay_id", "hour", *_points(clock, hours))
    most = (
        pl.col(organ).fill_null(0).rolling_max_by("hour", window_size=f"{WINDOW_H}i", closed="right").over("stay_id")
        for organ in ORGANS
    )
    return points.with_columns(most).with_columns(pl.sum_horizontal(ORGANS).alias("sofa"))


def _hours(clock: Clock) -> pl.DataFrame:
    """Every hour with the columns that the points need, held on as the head says."""
    import polars as pl

    table = _every_hour(clock)
    vitals = ("po2", "fio2", "plt", "bili", "map", "crea", "urine")
    parts = [clock.cells.select("stay_id", "hour", *vitals), _coma(clock), _rates(clock), _ventilation(clock)]
    for part in parts:
        table = table.join(part, on=["stay_id", "hour"], how="left")
    table = table.sort("stay_id", "hour")

    def held(name: str, hours: int) -> pl.Expr:
        return pl.col(name).forward_fill(limit=hours).over("stay_id")

    return table.with_columns(
        held("po2", _GAS_H),
        held("fio2", _GAS_H).fill_null(21.0),
        *(held(name, _HELD_H) for name in (*_COMA, *DRUGS, "ventilated")),
    ).with_columns(_day_of_urine().alias("urine_day"))


def _every_hour(clock: Clock) -> pl.DataFrame:
    import polars as pl

    seen = pl.concat([clock.cells.select("stay_id", "hour"), clock.measured.select("stay_id", "hour")])
    ends = clock.stays.select("stay_id", pl.col("hours").floor().cast(pl.Int64).alias("until"))
    spans = seen.group_by("stay_id").agg(pl.col("hour").min().alias("first")).join(ends, on="stay_id")
    # A day of records before admission is enough for the first window.
    spans = spans.with_columns(pl.col("first").clip(-WINDOW_H, 0)).filter(pl.col("until") >= pl.col("first"))
    hours = spans.select("stay_id", pl.int_ranges("first", pl.col("until") + 1).alias("hour"))
    return hours.explode("hour").with_columns(pl.col("hour").cast(pl.Int64))


def _wide(clock: Clock, names: Sequence[str], value: pl.Expr, *, most: bool) -> pl.DataFrame:
    """stay_id, hour and one column a concept: the most, or the least, of the hour."""
    import polars as pl

    of_these = clock.measured.filter(pl.col("concept").is_in(list(names))).with_columns(value.alias("value"))
    each = pl.col("value").max() if most else pl.col("value").min()
    long = of_these.group_by("stay_id", "hour", "concept").agg(each)
    return long.pivot(
        on="concept", on_columns=list(names), index=["stay_id", "hour"], values="value", aggregate_function="first"
    )


def _coma(clock: Clock) -> pl.DataFrame:
    """The least of each part in the hour; the verbal part normal where a tube keeps the patient from speaking."""
    import polars as pl

    tube = (pl.col("concept") == "gcs_verbal") & pl.col("text").str.contains("(?i)ET/Trach|ETT").fill_null(False)
    return _wide(clock, _COMA, pl.when(tube).then(_NORMAL["gcs_verbal"]).otherwise("value"), most=False)


def _rates(clock: Clock) -> pl.DataFrame:
    """Infusion rates in mcg/kg/min; a rate per minute is divided by the weight, 75 kg where there is none."""
    import polars as pl

    weighed = clock.measured.join(clock.static.select("stay_id", "weight"), on="stay_id", how="left")
    unit = pl.col("unit").str.to_lowercase().str.replace_all(r"[^a-z]", "")
    each = (
        pl.when(unit == "mcgmin").then(pl.col("value") / pl.col("weight").fill_null(USUAL_WEIGHT_KG)).otherwise("value")
    )
    rates = weighed.with_columns(each.alias("value")).drop("weight")
    return _wide(replace(clock, measured=rates), DRUGS, pl.col("value"), most=True)


def _ventilation(clock: Clock) -> pl.DataFrame:
    """Ventilated at the hours with a setting of the ventilator (1), not from the hour of an end on (0)."""
    import polars as pl

    on = pl.when(pl.col("concept") == "extubated").then(0.0).otherwise(pl.col("value").fill_null(1.0).clip(0.0, 1.0))
    marks = clock.measured.filter(pl.col("concept").is_in(["ventilated", "extubated"]))
    return marks.group_by("stay_id", "hour").agg(on.max().alias("ventilated"))


def _day_of_urine() -> pl.Expr:
    """Urine of 24 h in mL, scaled up from 12 h of records on; null before, and where none was recorded at all."""
    import polars as pl

    first = pl.col("hour").filter(pl.col("urine").is_not_null()).min().over("stay_id")
    covered = (pl.col("hour") - first + 1).clip(0, WINDOW_H)
    volume = pl.col("urine").fill_null(0.0).rolling_sum_by("hour", window_size=f"{WINDOW_H}i", closed="right")
    return pl.when(covered >= WINDOW_H // 2).then(volume.over("stay_id") * WINDOW_H / covered)


def _points(clock: Clock, hours: pl.DataFrame) -> list[pl.Expr]:
    import polars as pl

    ratio = 100 * pl.col("po2") / pl.col("fio2")
    blown = pl.col("ventilated").fill_null(0.0) > 0
    pressor = pl.max_horizontal("norepinephrine", "epinephrine")
    dopamine, dobutamine = pl.col("dopamine"), pl.col("dobutamine")
    parts = pl.sum_horizontal(pl.col(name).fill_null(normal) for name, normal in _NORMAL.items())
    coma = pl.coalesce("gcs_total", parts)
    steps = {
        "respiration": ((ratio < 100) & blown, (ratio < 200) & blown, ratio < 300, ratio < 400),
        "coagulation": tuple(pl.col("plt") < least for least in (20, 50, 100, 150)),
        "liver": tuple(pl.col("bili") >= least for least in (12, 6, 2, 1.2)),
        "circulation": (
            (dopamine > 15) | (pressor > 0.1),
            (dopamine > 5) | (pressor > 0),
            (dopamine > 0) | (dobutamine > 0),
            pl.col("map") < 70,
        ),
        "nerves": tuple(coma < most for most in (6, 10, 13, 15)),
        "kidney": (
            (pl.col("crea") >= 5) | (pl.col("urine_day") < 200),
            (pl.col("crea") >= 3.5) | (pl.col("urine_day") < 500),
            pl.col("crea") >= 2,
            pl.col("crea") >= 1.2,
        ),
    }
    return [_graded(levels).alias(organ) for organ, levels in steps.items()]


def _graded(levels: Sequence[pl.Expr]) -> pl.Expr:
    """4 points where the first holds, 3 where the second does, ...; 0 where none does or nothing is known."""
    import polars as pl

    known = [level.fill_null(False) for level in levels]
    chain = pl.when(known[0]).then(4).when(known[1]).then(3).when(known[2]).then(2).when(known[3]).then(1)
    return chain.otherwise(0).cast(pl.Int64)
