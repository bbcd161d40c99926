"""From stored cells to claims.json, checks.json, results.json and (of forecasts) forecasts.json: made again at will, nothing refitted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hilum.core.binding import Bound, Estimand, match
from hilum.core.claim import Claim, read_claims
from hilum.core.component import describe
from hilum.core.experiment import Arm, Cell
from hilum.core.finder import Found
from hilum.core.metric import Metric
from hilum.core.row import Estimate, Row
from hilum.core.run import CellFolder, RunFolder
from hilum.core.store import write_json
from hilum.engine.audit import Use, audit
from hilum.engine.figures import ArmScores, estimate, metrics_of, read_scores, usual_estimand
from hilum.engine.forecasts.comparison import at, comparisons, horizons_s
from hilum.engine.judge import Bench, judge
from hilum.engine.progress import Reporter, Silent


@dataclass(frozen=True)
class Evaluation:
    """What a run says."""

    rows: tuple[Row, ...]
    audit_failed: bool


def evaluate(
    run: RunFolder,
    cells: Sequence[tuple[Cell, CellFolder]],
    paper: Found | None,
    *,
    synthetic: bool,
    use: Use | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Judge, audit and tabulate what the run's cells stored, and write it beside them.

    Args:
        run: The run's folder.
        cells: Its cells and their folders.
        paper: The paper whose claims are judged; None for a study of one's own.
        synthetic: Whether the data are simulated.
        use: What a study says of its intended use.
        reporter: Where progress goes.
    """
    reporter = reporter or Silent()
    arms = dict.fromkeys(cell.arm for cell, _ in cells)
    scores = [read_scores(arm, [pair for pair in cells if pair[0].arm == arm]) for arm in arms]
    checks = audit(scores, synthetic=synthetic, use=use, reporter=reporter)
    rows: list[Row] = []
    if paper is not None:
        claims, bound = paper_claims(paper)
        bench = Bench(
            bound=bound,
            scores={each.arm.id: each for each in scores},
            checks=tuple(checks),
            primary=tuple(paper.facts.get("primary", ())),
            synthetic=synthetic,
        )
        rows = judge(claims, bench)
    write_json(run.path / "checks.json", [check.to_json() for check in checks])
    write_json(run.path / "claims.json", [row.to_json() for row in rows])
    groups = comparisons(scores)
    labels = {each.arm.id: group.label for group in groups for each in group.members}
    tables = [_table(each, labels.get(each.arm.id, "")) for each in reporter.track(scores, len(scores), "figures")]
    write_json(run.path / "results.json", [line for table in tables for line in table])
    if groups:
        write_json(run.path / "forecasts.json", [group.to_json() for group in groups])
    failed = any(check.status == "fail" and check.severity == "critical" for check in checks)
    return Evaluation(tuple(rows), failed)


def paper_claims(paper: Found) -> tuple[tuple[Claim, ...], dict[str, Bound]]:
    """A paper's claims, each with what answers it.

    Raises:
        UsageError: a claim is neither bound nor listed with a reason, or a pattern matches nothing.
    """
    claims = read_claims(paper.path / "claims.csv")
    return claims, match(claims, paper.load("bindings").bindings(), paper=paper.path.name)


def _table(scores: ArmScores, group: str) -> list[dict[str, Any]]:
    """Every figure of an arm; a control's are no result, and stand with the check that reads them."""
    if not scores.frame.height or scores.arm.control:
        return []
    arm = scores.arm
    metrics = metrics_of(arm.task.kind)
    leading = arm.task.leading_metric
    # A metric whose columns were not stored is about other data (frames, where positions were forecast).
    read = {name for name in metrics if set(metrics[name].needs) <= set(scores.frame.columns)}
    names = sorted(read, key=lambda name: (name != leading, list(metrics).index(name)))
    # All metrics over all horizons, and the leading one at each horizon: what the report draws. Recordings at different rates
    # share a horizon in seconds, not in samples.
    asked: list[tuple[str, ArmScores, float | None]] = [(name, scores, None) for name in names]
    if scores.horizons:
        asked += [(leading, at(scores, (seconds,)), seconds) for seconds in horizons_s(scores)]
    return [
        {
            "arm_id": arm.id,
            "arm": arm.name,
            "protocol": arm.protocol,
            "group": group,
            "metric": name,
            "metric_title": metrics[name].title,
            "unit": _unit(arm, metrics[name]),
            "direction": metrics[name].direction,
            "horizon": None if seconds is None else here.horizons[0],
            "horizon_s": seconds,
            "estimate": asdict(_estimate(here, metrics[name], estimand)),
            "estimand": str(estimand),
        }
        for name, here, seconds in asked
        for estimand in (usual_estimand(here, metrics[name]),)
    ]


def _unit(arm: Arm, metric: Metric) -> str:
    """The metric's unit; errors of a series that is not in mm are in its own."""
    offered = arm.dataset.provides.get("series")
    return re.sub(r"\bmm\b", offered.unit, metric.unit) if offered is not None and offered.unit else metric.unit


def _estimate(scores: ArmScores, metric: Metric, estimand: Estimand) -> Estimate:
    if metric.name == "calibration-slope" and describe(scores.arm.model).name == scores.arm.task.trivial:
        return Estimate(None, None, reason="a constant has no slope: what varies from fold to fold is train's share")
    constant = describe(scores.arm.model).name == scores.arm.task.trivial
    if constant and metric.pooling == "ranks" and estimand.pool == "all" and scores.frame["fold"].n_unique() > 1:
        return Estimate(
            None, None, reason="some folds lack a class, and ranks of a constant cannot be pooled over folds"
        )
    return estimate(scores, metric, estimand)
