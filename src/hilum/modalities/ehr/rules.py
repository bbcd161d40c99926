"""Rules: what may be decided one way or another when a record becomes a cohort, each by name. Two presets a task file.

    yaib    as the published cohorts were made, quirks included: for comparison with published figures, not for new work
    clean   as we would define it

A task file states both presets setting by setting, so that a reader sees what differs; `hour_rule` and the rest can also be set
one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hilum.core.errors import unknown

PRESETS = ("yaib", "clean")
_ALLOWED = {
    "hour_rule": ("floor", "trunc"),
    "alarm_limits": ("left out", "counted"),
    "urine_rate": ("spread", "mean", "yaib", "yaib divided"),
    "missing_weight": ("no urine criterion", "75 kg", "undivided"),
    "suspected_infection": ("antibiotics and culture", "antibiotics"),
    "culture": ("taken", "grown"),
    "antibiotics": ("given or prescribed", "given"),
    "unknown_units": ("left out", "read as if known"),
    "year": ("365.25 days", "365 days"),
}


@dataclass(frozen=True)
class Rules:
    """One way to build a cohort; the defaults are the clean ones.

    Attributes:
        hour_rule: "floor", or "trunc": what was measured in the hour before admission counts as hour 0 (see `grid.py`).
        alarm_limits: "left out", or "counted": settings of the monitor's alarm count as measurements.
        urine_rate: How the urine criterion of acute kidney injury averages (see `labels/kdigo.py`).
        missing_weight: What the urine criterion does without a weight.
        suspected_infection: What it takes (see `labels/suspected_infection.py`).
        culture: Which cultures count: all that are "taken", or those that have "grown" an organism only.
        antibiotics: "given or prescribed", or "given" (recorded infusions only).
        unknown_units: What becomes of a value in a unit that the dictionary does not list for its code (see `measure.py`).
        year: Days in a year of age.
    """

    hour_rule: str = "floor"
    alarm_limits: str = "left out"
    urine_rate: str = "spread"
    missing_weight: str = "no urine criterion"
    suspected_infection: str = "antibiotics and culture"
    culture: str = "taken"
    antibiotics: str = "given or prescribed"
    unknown_units: str = "left out"
    year: str = "365.25 days"

    def __post_init__(self) -> None:
        """Refuse what is not one of the choices, naming the closest."""
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                raise unknown(f"choice of {name}", str(getattr(self, name)), allowed, where="rules")

    @property
    def counts_alarms(self) -> bool:
        """Whether alarm settings count as measurements."""
        return self.alarm_limits == "counted"


def rules_from(settings: Mapping[str, Any], *, where: str) -> Rules:
    """Rules of a table of a task file.

    Raises:
        UsageError: a setting or its choice does not exist.
    """
    known = [field.name for field in fields(Rules)]
    for name in settings:
        if name not in known:
            raise unknown("rule", name, known, where=where)
    return Rules(**settings)
