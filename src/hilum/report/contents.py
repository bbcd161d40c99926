"""What a report is made of: everything read once from a run folder, typed, and nothing computed but counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hilum.core.row import CheckRow, Estimate, Row, read_estimate
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.report.numbers import told, told_with_interval

if TYPE_CHECKING:
    from hilum.report.tables import Tables

EXPLORATORY = "exploratory:"  # how a binding's note begins that says so of the honest figure
STATUS_ORDER = {"fail": 0, "cannot tell": 1, "pass": 2, "not applicable": 3}


@dataclass(frozen=True)
class Line:
    """One line of results.json: a figure of an arm, over all horizons or at one."""

    arm_id: str
    arm: str
    protocol: str
    metric: str
    metric_title: str
    unit: str
    direction: str
    horizon: int | None
    horizon_s: float | None
    estimate: Estimate
    estimand: str = ""
    group: str = ""


@dataclass(frozen=True)
class Contents:
    """A run, read; `groups` is what forecasts.json holds."""

    run: RunFolder
    info: dict[str, Any]
    rows: tuple[Row, ...]
    checks: tuple[CheckRow, ...]
    lines: tuple[Line, ...]
    groups: tuple[dict[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """The paper's or the study's title, or the experiment's name."""
        told = self.info.get("paper") or self.info.get("study") or {}
        return str(told.get("title") or self.info["experiment"])

    @property
    def synthetic(self) -> bool:
        """Whether it was run on simulated data."""
        return bool(self.info.get("synthetic"))

    @property
    def primary(self) -> tuple[Row, ...]:
        """The claims that make the headline."""
        order = list((self.info.get("paper") or {}).get("primary") or [])
        rows = [row for row in self.rows if row.primary]
        return tuple(sorted(rows, key=lambda row: order.index(row.id) if row.id in order else len(order)))

    @property
    def measured(self) -> tuple[Row, ...]:
        """Claims that have a figure of ours."""
        return tuple(row for row in self.rows if row.ours is not None)

    @property
    def exploratory(self) -> tuple[str, ...]:
        """What notes of claims with a figure of ours say is exploratory, each once."""
        said = (text for row in self.measured if row.honest is not None for text in row.settings)
        return tuple(dict.fromkeys(text for text in said if text.startswith(EXPLORATORY)))

    @property
    def counts(self) -> Counter[str]:
        """How many claims of each verdict."""
        return Counter(row.verdict for row in self.rows)

    @property
    def audit(self) -> tuple[tuple[CheckRow, tuple[str, ...]], ...]:
        """The audit, failures first; arms of which a check says the same stand together."""
        return grouped(self.checks)

    @cached_property
    def tables(self) -> tuple[Tables, ...]:
        """What it holds of tables, read once."""
        from hilum.report.tables import read_every

        return read_every(self)

    @cached_property
    def headline(self) -> str:
        """The run in two sentences."""
        if self.synthetic:
            warning = "SYNTHETIC data: nothing below is a result about people, and no claim is judged."
            return warning if self.rows else f"{warning} {leader_in_words(self)}".strip()
        critical = sorted({c.code for c in self.checks if c.status == "fail" and c.severity == "critical"})
        audit = f"Critical checks failed: {', '.join(critical)}." if critical else "No critical check failed."
        if not self.checks:
            audit = "Nothing was audited: no cell is finished."
        missing = sum(cell["status"] != "done" for cell in self.info["cells"])
        if missing:
            audit += f" {missing} of {len(self.info['cells'])} cells are missing."
        if not self.rows:
            return f"{leader_in_words(self)} {audit}".strip()
        primary = f"{len(self.primary)} primary claims: {_tally(self.primary)}. " if self.primary else ""
        return f"{primary}All {len(self.rows)} claims: {_tally(self.rows)}. {audit}"


@dataclass(frozen=True)
class Leader:
    """The model with the best leading figure, the trivial predictor's line, and of how many models it is the best."""

    best: Line
    trivial: Line | None
    models: int


def leader(contents: Contents) -> Leader | None:
    """Who leads, by the figures of this run; None where no model has one. Of forecasts no bound and nothing that is told labels early.

    Models of tables that were scored on other records than the first arm (another split) are not compared.
    """
    lines = [line for line in contents.lines if line.horizon is None and line.metric == contents.lines[0].metric]
    aside = {
        arm["arm_id"] for group in contents.groups for arm in group["arms"] if arm["role"] in {"bound", "reference"}
    }
    arms = [arm for arm in contents.info["arms"] if arm.get("kind") != "forecast"]
    aside |= {arm["id"] for arm in arms if arm.get("data") != arms[0].get("data")}
    lines = [line for line in lines if line.arm_id not in aside and line.protocol != "published"]
    trivial = {arm["id"] for arm in contents.info["arms"] if arm.get("trivial")}
    models = [line for line in lines if line.arm_id not in trivial and line.estimate.value is not None]
    if not models:
        return None
    sign = -1.0 if models[0].direction == "lower" else 1.0
    best = max(models, key=lambda line: sign * (line.estimate.value or 0.0))
    return Leader(best, next((line for line in lines if line.arm_id in trivial), None), len(models))


def leader_in_words(contents: Contents) -> str:
    """One sentence: the best model, its figure with interval, and the trivial predictor's."""
    found = leader(contents)
    if found is None:
        return ""
    first = f"Best of {found.models} models: {found.best.arm}," if found.models > 1 else f"{found.best.arm}:"
    why_not = _why_not_ranked(contents, found)
    extreme = "Lowest" if found.best.direction == "lower" else "Highest"
    if why_not:
        first = f"{why_not}. {extreme} of {found.models} models: {found.best.arm},"
    against = (
        ""
        if found.trivial is None
        else f", against {told(found.trivial.estimate.value, found.best.unit)} of the {found.trivial.arm}"
    )
    return f"{first} {found.best.metric_title} {told_with_interval(found.best.estimate, found.best.unit)}{against}."


def _why_not_ranked(contents: Contents, found: Leader) -> str:
    """Why models of tables are not ranked; empty where they are, and of forecasts, which are ranked over recordings elsewhere."""
    holding = (tables for tables in contents.tables if found.best.arm_id in {arm.id for arm in tables.arms})
    ranked = next((tables.ranking for tables in holding), None)
    return ranked.why_not if ranked and found.models > 1 else ""


def grouped(checks: Sequence[CheckRow]) -> tuple[tuple[CheckRow, tuple[str, ...]], ...]:
    """Checks by what they say, failures first; arms of which a check says the same stand together."""
    groups: dict[tuple[str, str, str], list[CheckRow]] = {}
    for check in checks:
        groups.setdefault((check.code, check.status, check.message), []).append(check)
    rows = [(found[0], tuple(check.arm for check in found)) for found in groups.values()]
    return tuple(sorted(rows, key=lambda row: STATUS_ORDER.get(row[0].status, 9)))


def _tally(rows: tuple[Row, ...]) -> str:
    return "; ".join(f"{count} {name}" for name, count in Counter(verdict_text(row) for row in rows).most_common())


def verdict_text(row: Row) -> str:
    """The verdict in words; a reproduced figure whose claim the audit does not support says both."""
    return row.verdict if row.supported else f"figure {row.verdict}, claim not supported"


def absent_cells(info: Mapping[str, Any]) -> list[tuple[str, str, int, str]]:
    """Cells that are not there, by state and reason: state, reason, how many, and the first of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in info["cells"]:
        if cell["status"] != "done":
            found.setdefault((cell["status"], cell["reason"]), []).append(cell["folder"])
    return [(status, reason, len(folders), folders[0]) for (status, reason), folders in found.items()]


def read_contents(run: RunFolder) -> Contents:
    """Read a run folder."""
    rows = tuple(Row.from_json(row) for row in _list(run, "claims.json"))
    checks = tuple(CheckRow.from_json(check) for check in _list(run, "checks.json"))
    lines = tuple(_line(line) for line in _list(run, "results.json"))
    return Contents(run, run.info(), rows, checks, lines, tuple(_list(run, "forecasts.json")))


def _list(run: RunFolder, name: str) -> list[dict[str, Any]]:
    path = run.path / name
    found: list[dict[str, Any]] = read_json(path) if path.is_file() else []
    return found


def _line(data: dict[str, Any]) -> Line:
    estimate = read_estimate(data["estimate"])
    assert estimate is not None
    return Line(**{**data, "estimate": estimate})
