"""One self-contained HTML file: no script, font, style or picture comes from anywhere else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from hilum.core.row import Row
from hilum.report import preparation
from hilum.report.contents import Contents, absent_cells, verdict_text
from hilum.report.figures_classify import Picture, pictures_of_classes
from hilum.report.figures_regress import pictures_of_numbers
from hilum.report.flow import flow_diagram
from hilum.report.forecast_page import globals_of, page_of
from hilum.report.forecasts import read_forecasts
from hilum.report.groups import first_records, groups_of
from hilum.report.learning import learning_curve
from hilum.report.numbers import between, figure, like, signed, told, told_between, with_interval
from hilum.report.plots import interval_bar
from hilum.report.privacy import Privacy
from hilum.report.probast import OPEN, sheet
from hilum.report.sets import sets_of
from hilum.report.spread import spreads
from hilum.report.tables import Tables
from hilum.report.terminal import MEANING
from hilum.report.view import (
    benefit_rows,
    calibration_rows,
    calls,
    choice_rows,
    features,
    fold_rows,
    glances,
    group_strips,
    metric_rows,
    missing_in_words,
    no_interval,
    part_rows,
    statement,
    undefined_metrics,
    unsaid,
    waivers,
)

TEMPLATES = Path(__file__).parent / "templates"


def html(contents: Contents, privacy: Privacy) -> tuple[str, list[Picture], dict[str, bytes]]:
    """The report; its drawings, and its other pictures by file name, which can also stand in files of their own."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
    )
    environment.filters.update(figure=figure, signed=signed, interval=with_interval)
    environment.globals.update(
        no_interval=no_interval,
        told=told,
        told_between=told_between,
        between=between,
        like=like,
        verdict_text=verdict_text,
        bar=_bar,
        word=_word,
        **globals_of(),
    )
    every = contents.tables
    tables = every[0] if len(every) == 1 else None
    pictures = [] if tables is None else _pictures(tables, contents, privacy)
    many = [_group(number, each, contents, privacy) for number, each in enumerate(every, 1)] if len(every) > 1 else []
    pictures += [replace(one, name=f"{each['at']}{one.name}") for each in many for one in each["drawn"]]
    groups = read_forecasts(contents)
    forecasts, drawn, files = page_of(contents, groups, privacy) if groups else (None, [], {})
    pictures += drawn
    text = environment.get_template("report.html.j2").render(
        c=contents,
        info=contents.info,
        meaning=MEANING,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
        f=forecasts,
        t=None if tables is None else _tables(tables, contents, privacy),
        many=many,
        at="",
        pictures={one.name: one for one in pictures},
        statement=statement(contents.info),
        unsaid=unsaid(contents.info),
        verdicts=[name for name, _ in Counter(row.verdict for row in contents.rows).most_common()],
        tally=Counter(check.status for check in contents.checks),
        audit=_audit(contents, privacy),
        waived=waivers(contents),
        sheet=sheet(contents, every[0] if every else None),
        open_question=OPEN,
        failed_cells=sum(cell["status"] != "done" for cell in contents.info["cells"]),
        reasons=absent_cells(contents.info),
        privacy=privacy,
    )
    return text, pictures, files


def _group(number: int, tables: Tables, contents: Contents, privacy: Privacy) -> dict[str, Any]:
    """One of several groups of arms: what its part of the page shows, under ids of its own."""
    drawn = _pictures(tables, contents, privacy)
    return {
        "at": f"g{number}-",
        "t": _tables(tables, contents, privacy),
        "drawn": drawn,
        "pictures": {one.name: one for one in drawn},
    }


def _pictures(tables: Tables, contents: Contents, privacy: Privacy) -> list[Picture]:
    synthetic = contents.synthetic
    made = [Picture("flow", "Flow of records", flow_diagram(tables, synthetic=synthetic))]
    if tables.kind == "classify":
        made += pictures_of_classes(tables, synthetic=synthetic)
    else:
        made += pictures_of_numbers(tables, synthetic=synthetic, dots=privacy.rows_shown)
    curve = learning_curve(tables, synthetic=synthetic)
    made += [curve] if curve else []
    return [picture for picture in made if picture.svg]


def _tables(tables: Tables, contents: Contents, privacy: Privacy) -> dict[str, Any]:
    """What the page of a table shows beside its pictures."""
    rows, scale = glances(tables, contents.checks, synthetic=contents.synthetic)
    part_head, parts = part_rows(tables)
    fold_names, folds = fold_rows(tables)
    groups = groups_of(tables, privacy)
    strips, group_scale = group_strips(groups, tables, synthetic=contents.synthetic)
    together = {arm.data for arm in tables.arms}
    asked = [arm for arm in contents.info["arms"] if not arm.get("control") and arm.get("data", "") in together]
    lost = {arm["id"]: arm["name"] for arm in asked}
    first = tables.arms[0].lines.get(tables.leading.name)
    return {
        "tables": tables,
        "times": tables.best.predicted.times if tables.best and tables.best.predicted else 1,
        "estimand": first.estimand if first else "",
        "models": sum(not arm.trivial for arm in tables.arms),
        "ranking": tables.ranking,
        "glances": rows,
        "scale": scale,
        "permuted": any(row.permuted for row in rows),
        "part_head": part_head,
        "parts": parts,
        "missing": missing_in_words(tables),
        "features": features(tables, extremes=privacy.rows_shown),
        "groups": list(zip(groups, strips, strict=True)),
        "group_scale": group_scale,
        "lost": [name for key, name in lost.items() if key not in {arm.id for arm in tables.arms}],
        "prepared": preparation.rows(tables.prepare),
        "metrics": metric_rows(tables),
        "undefined": undefined_metrics(tables),
        "calls": calls(tables, small=privacy.rows_shown),
        "calibration": calibration_rows(tables),
        "benefit": benefit_rows(tables),
        "fold_names": fold_names,
        "folds": folds,
        "whole_figures": {
            arm.name: line.estimate.value
            for arm in tables.arms
            if (line := arm.lines.get(tables.leading.name)) is not None
        },
        "firsts": first_records(tables, privacy),
        "sets": sets_of(tables),
        "spreads": spreads(tables),
        "seeds": max((len(seeds) for _, _, seeds in folds), default=0),
        "choices": choice_rows(tables),
    }


def _audit(contents: Contents, privacy: Privacy) -> list[dict[str, Any]]:
    """The audit with ids salted; the first row of a code carries its anchor."""
    seen: set[str] = set()
    rows = []
    for check, arms in contents.audit:
        rows.append(
            {
                "check": check,
                "arms": arms,
                "anchor": "" if check.code in seen else f"check-{check.code}",
                "message": privacy.text(check.message),
                "proof": privacy.proof(check.proof),
            }
        )
        seen.add(check.code)
    return rows


def _word(verdict: str) -> str:
    """The class of a verdict: its first word, for colour."""
    return verdict.split(",")[0].split(" ")[0]


def _bar(row: Row) -> Markup:
    if row.difference_low is None or row.difference_high is None or row.margin is None:
        return Markup("")
    return interval_bar(low=row.difference_low, high=row.difference_high, margin=row.margin)
