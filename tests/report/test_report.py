"""Reports from a run folder alone: complete, self-contained, escaped, and fitting a narrow window."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import asdict, replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

from hilum.core.errors import UsageError
from hilum.core.row import CheckRow, Estimate, Range, Row, UnitValue
from hilum.core.run import RunFolder
from hilum.core.store import write_json
from hilum.report.contents import read_contents
from hilum.report.numbers import between, figure, signed, with_interval
from hilum.report.plots import interval_bar, spread_apart, ticks, unit_dots
from hilum.report.terminal import explain, render, why
from hilum.report.write import html_report, markdown_report, write_report

EVIL = "<script>alert(1)</script></script><b>bold</b>"
CHROMIUM = shutil.which("chromium")


def estimate(value: float | None = 1.25) -> Estimate:
    if value is None:
        return Estimate(None, None, reason="undefined")
    units = tuple(UnitValue(f"recording-{n}", value + n / 10) for n in range(9))
    return Estimate(value, Range(value - 0.2, value + 0.3, "t", 9), per_unit=units, per_seed=(value, value))


def row(number: int, **changes: object) -> Row:
    fields: dict[str, object] = {
        "id": f"mean.10hz.method-{number}.rmse", "kind": "value", "statement": f"Error of method {number} {EVIL}",
        "metric": "rmse", "metric_title": "RMSE", "unit": "mm", "direction": "lower", "relation": "eq", "printed": "1.2",
        "claimed": 1.2, "evidence": "read", "where": "table 2", "primary": number < 2, "verdict": "not run",
        "reason": "not built yet",
    }  # fmt: skip
    return Row(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def stored(tmp_path: Path) -> RunFolder:
    return make(tmp_path / "run", synthetic=False)


def make(path: Path, *, synthetic: bool) -> RunFolder:
    measured = {
        "ours": estimate(), "honest": estimate(2.5), "difference_low": -0.01, "difference_high": 0.11, "margin": 0.2,
        "smallest_margin": 0.11, "trivial": 4.0, "verdict": "reproduced", "reason": "within", "arm": "A (published)",
        "arm_id": "a1", "codes": ("HIL005",), "supported": False, "settings": ("rate = 1", EVIL), "basis": "same-data",
        "differs": ("rounding",), "estimand": "mean over seeds",
    }  # fmt: skip
    rows = [row(0, **measured), row(1, ours=estimate(None)), *(row(n) for n in range(2, 320))]
    checks = [
        CheckRow("HIL005", "Later", "critical", "defect", "arm", "A (published)", "a1", "fail", EVIL, {"proof": EVIL}),
        CheckRow("HIL012", "Seeds", "note", "finding", "arm", "A (published)", "a1", "pass", "fine", {}),
        CheckRow("HIL012", "Seeds", "note", "finding", "arm", "A (causal)", "a2", "pass", "fine", {}),
    ]
    lines = [
        {
            "arm_id": arm, "arm": f"A ({protocol})", "protocol": protocol, "metric": "rmse", "metric_title": "RMSE",
            "unit": "mm", "direction": "lower", "horizon": h, "horizon_s": None if h is None else h / 10,
            "estimate": asdict(estimate(1.0 + (h or 0) / 10)),
        }
        for arm, protocol in (("a1", "published"), ("a2", "causal"))
        for h in (None, 5, 10, 20)
    ]  # fmt: skip
    info = {
        "format": 1, "experiment": "an-experiment", "paper": {"name": "p", "title": f"A title {EVIL}"}, "preset": "quick",
        "synthetic": synthetic, "started": "2026-11-23T12:00:00+00:00", "seconds": 12.5, "command": "hilum run p",
        "hilum": "0.1.0", "margins_dated": "2026-11-23",
        "environment": {"python": "3.11", "platform": "x", "processor": "y", "cores": 2, "packages": {"numpy": "2"}},
        "datasets": [{"name": "d", "title": "Data", "licence": "CC0", "access": "open", "subjects": "unknown",
                      "synthetic": synthetic, "items": 9, "cite": [], "notes": [EVIL]}],
        "cells": [{"folder": "cell-a", "arm_id": "a1", "item": "r", "status": "done", "reason": "", "seconds": 1.0},
                  {"folder": "cell-b", "arm_id": "a2", "item": "r", "status": "failed", "reason": EVIL, "seconds": None}],
        "arms": [{"id": key, "name": f"A ({protocol})", "model": "m", "protocol": protocol, "dataset": "d", "task": "t",
                  "trivial": False, "settings": {"rate": 1}} for key, protocol in (("a1", "published"), ("a2", "causal"))],
        "bibliography": [{"key": "p", "text": EVIL}], "statement": {"intended_use": "research"},
    }  # fmt: skip
    write_json(path / "run.json", info)
    write_json(path / "claims.json", [r.to_json() for r in rows])
    write_json(path / "checks.json", [c.to_json() for c in checks])
    write_json(path / "results.json", lines)
    write_json(path / "forecasts.json", [group()])
    return RunFolder(path)


def group() -> dict[str, object]:
    arms = [
        {
            "arm_id": arm, "role": "", "horizons_s": [0.5, 1.0, 2.0], "recordings": 9, "figures": {"rmse": asdict(estimate(1.0))},
            "lost": 0, "runs": 9, "labels_ahead": 0, "latency": None, "searched": None, "chosen": {},
        }
        for arm in ("a1", "a2")
    ]  # fmt: skip
    return {
        "label": "d, 10 Hz", "dataset": "d", "task": "t", "unit": "mm", "leading": "rmse", "rates_hz": [10.0],
        "recordings": [f"recording-{n}" for n in range(9)], "compared_s": [0.5, 1.0, 2.0], "arms": arms,
    }  # fmt: skip


class Page(HTMLParser):
    """Collects what a browser would load, and whether tags close."""

    VOID: ClassVar = {"meta", "input", "br", "line", "circle", "rect", "polyline"}

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.loads += [str(v) for k, v in attributes if k in {"src", "href"} and not str(v).startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_html_is_whole_and_loads_nothing(stored: RunFolder) -> None:
    text = html_report(stored)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert not re.search(r"@import|url\(", text)
    assert page.tags["script"] == 1
    assert "alert(1)</script>" not in text
    assert "<b>bold" not in text
    for claim in read_contents(stored).rows:
        assert claim.id in text
    assert "figure reproduced, claim not supported" in text
    assert write_report(stored).read_text() == text


def test_synthetic_is_loud(tmp_path: Path) -> None:
    run = make(tmp_path / "s", synthetic=True)
    assert "SYNTHETIC DATA" in html_report(run)
    assert "SYNTHETIC" in markdown_report(run)
    assert "SYNTHETIC DATA" in printed(render(read_contents(run)), 80)


def printed(thing: object, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_fits(stored: RunFolder, width: int) -> None:
    contents = read_contents(stored)
    for text in (printed(render(contents, width=width), width), printed(why(contents, contents.rows[0].id), width)):
        assert max(map(len, text.splitlines())) <= width
    told = " ".join(printed(render(contents, width=width), width).split())
    for words in ("HIL005", "not built yet", "All 320 claims", "2 primary claims"):
        assert words in told


def test_why_says_everything(stored: RunFolder) -> None:
    told = " ".join(printed(why(read_contents(stored), "mean.10hz.method-0.rmse"), 200).split())
    for words in ("claim not supported", "table 2", "evidence: read", "1.250", "rounding", "rate = 1", "cell-a", "HIL005",
                  "recording-8", "causal protocol", "from 0.1100 on"):  # fmt: skip
        assert words in told
    with pytest.raises(UsageError, match=r"Did you mean 'mean.10hz.method-0.rmse'"):
        why(read_contents(stored), "mean.10hz.method-0.rms")


def test_why_says_each_metrics_own_margin(stored: RunFolder) -> None:
    measured = read_contents(stored).rows[0]
    of_error = "5 % of the trivial predictor's 4.000 plus half"
    for metric, trivial, words in (("auroc", 0.5, "0.2000: 0.01 plus half"), ("rmse", 4.0, of_error)):
        lines = dict(explain(read_contents(stored), replace(measured, metric=metric, trivial=trivial)))
        assert words in lines["margin"]


def test_what_is_exploratory_is_said_everywhere(stored: RunFolder) -> None:
    note = "exploratory: chosen after these folds had been seen"
    claims = [row(0, ours=estimate(), honest=estimate(2.5), settings=("rate = 1", note)), row(1, settings=(note,))]
    write_json(stored.path / "claims.json", [claim.to_json() for claim in claims])
    contents = read_contents(stored)
    assert contents.exploratory == (note,)
    assert ("exploratory", "chosen after these folds had been seen") in explain(contents, contents.rows[0])
    for text in (printed(render(contents, width=80), 80), markdown_report(stored), html_report(stored)):
        assert f"is {note}." in " ".join(text.split()).replace("&#39;", "'")
    write_json(stored.path / "claims.json", [replace(claims[0], settings=()).to_json()])
    assert note not in html_report(stored)


def test_markdown_is_tables(stored: RunFolder) -> None:
    text = markdown_report(stored)
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_numbers() -> None:
    assert [figure(v) for v in (None, float("nan"), 0, 1.23456, 123456.7, 0.000123)] == [
        "-", "-", "0", "1.235", "123457", "0.000123"]  # fmt: skip
    assert (signed(0.0123), signed(None), signed(1234.0)) == ("+0.012", "-", "+1234")
    assert between(None, 1.0) == "-"
    assert with_interval(None) == "-"
    assert with_interval(Estimate(1.0, None)) == "1.000"
    assert with_interval(estimate()) == "1.250 (1.05 to 1.55)"


def test_plots() -> None:
    assert ticks(0.0, 2.1) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert "margin 0.2" in interval_bar(low=-0.1, high=0.1, margin=0.2)
    assert unit_dots([("a<b", 1.0)], low=0.0, high=2.0).count("<circle") == 1
    assert "a&lt;b" in unit_dots([("a<b", 1.0)], low=0.0, high=2.0)
    assert spread_apart([1.0, 1.0, 9.0], 2.0) == [0.0, 2.0, 9.0]
    assert spread_apart([9.5, 9.0], 2.0, low=0.0, high=10.0) == [10.0, 8.0]
    assert spread_apart([], 2.0) == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
@pytest.mark.parametrize("width", [360, 1440])
def test_in_a_browser(stored: RunFolder, width: int) -> None:
    from playwright.sync_api import sync_playwright

    path = write_report(stored).resolve()
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
    ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": width, "height": 800})
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#shown").inner_text() == "2 of 320 claims"
        page.select_option("#verdict", "")
        page.fill("#filter", "method-31")
        assert page.locator("#claims tbody tr:visible").count() == 11
        page.fill("#filter", "")
        page.locator("#claims th button").first.dispatch_event("click")
        first = page.locator("#claims tbody tr td").first.inner_text()
        assert first == "mean.10hz.method-0.rmse"
        assert page.locator("#claims th[aria-sort=ascending]").count() == 1
        browser.close()
    assert asked == [path.as_uri()]
    assert errors == []
