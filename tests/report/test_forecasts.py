"""Reports of forecasts: compared within what is forecast, causal ones first, figures that a second way of computing confirms."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from hilum import api
from hilum.core.experiment import Arm, Cell
from hilum.core.run import CellFolder, RunFolder
from hilum.core.store import read_json, write_json
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.engine.figures import ArmScores
from hilum.engine.forecasts.comparison import comparisons
from hilum.metrics.forecast import statistics
from hilum.modalities.video.kept import keep_forecasts
from hilum.modalities.video.sample import Video
from hilum.modalities.video.view import Forecast
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.repeat_last_label import RepeatLastLabel
from hilum.report.contents import read_contents
from hilum.report.figures_films import film_pictures
from hilum.report.forecast_page import chosen_rows
from hilum.report.forecasts import CAUSAL, ForecastGroup, read_forecasts
from hilum.report.numbers import percent
from hilum.report.privacy import privacy_of
from hilum.report.terminal import render
from hilum.report.write import html_report, markdown_report, write_report
from hilum.tasks.position_ahead import PositionAhead
from tests.report.test_report import CHROMIUM, Page, printed

MODELS = ["least_mean_squares", "snap1", "recursive_least_squares", "repeat_last_label"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A few methods of the marker paper on simulated breathing."""
    out = tmp_path_factory.mktemp("forecasts") / "run"
    result = api.run(
        "online-rnn-markers", preset="smoke", models=MODELS, synthetic=True, executor="inline", jobs=1, out=out
    )
    assert result.failed == 0
    return result.folder


def the_group(run: RunFolder) -> ForecastGroup:
    (group,) = read_forecasts(read_contents(run))
    return group


def cells_of(run: RunFolder, arm_id: str) -> list[CellFolder]:
    return [CellFolder(run.cells / c["folder"]) for c in run.info()["cells"] if c["arm_id"] == arm_id]


def by_hand(folder: CellFolder) -> dict[tuple[str, int], np.ndarray[Any, Any]]:
    """Recording and horizon to the errors of every marker and sample, straight from the stored predictions."""
    frame = pl.read_parquet(folder.predictions)
    found = {}
    for (item, horizon), rows in frame.group_by("item", "horizon"):
        apart = [
            [(rows[f"prediction:{axis}{n}"] - rows[f"target:{axis}{n}"]).to_numpy() for axis in "xyz"]
            for n in (1, 2, 3)
        ]
        found[str(item), int(horizon)] = np.sqrt(np.square(np.array(apart)).sum(axis=1))  # type: ignore[call-overload]
    return found


# ---- figures


def test_figures_equal_those_made_from_the_stored_predictions(ran: RunFolder) -> None:
    group = the_group(ran)
    assert group.compared_s == (0.5, 1.0, 2.0)
    checked = 0
    for arm in group.arms:
        errors: dict[tuple[str, int], Any] = {}
        for folder in cells_of(ran, arm.id):
            errors |= by_hand(folder)
        items = sorted({item for item, _ in errors})
        assert len(items) == arm.recordings == 2
        rmse = {key: float(np.sqrt(np.mean(np.square(each)))) for key, each in errors.items()}
        for seconds in group.compared_s:
            at = arm.at(seconds)
            assert at is not None
            assert at.value == pytest.approx(np.mean([rmse[item, round(10 * seconds)] for item in items]), rel=1e-9)
        mean = np.mean([np.mean([rmse[item, h] for h in (5, 10, 20)]) for item in items])
        within = np.mean([np.mean([np.mean(errors[item, h] <= 2.0) for h in (5, 10, 20)]) for item in items])
        assert arm.figures["rmse"].value == pytest.approx(mean, rel=1e-9)
        assert arm.figures["within-2mm"].value == pytest.approx(within, rel=1e-9)
        checked += 1
    assert checked >= 8


def test_latency_is_the_median_over_recordings_and_seeds(ran: RunFolder) -> None:
    arm = the_group(ran).arms[0]
    events = [
        json.loads(line)
        for folder in cells_of(ran, arm.id)
        for line in (folder.path / "log.jsonl").read_text().splitlines()
    ]
    there = [event for event in events if event["event"] == "latency"]
    assert len(there) == 2
    assert arm.latency is not None
    assert arm.latency["p99_ms"] == median(event["p99_ms"] for event in there)
    assert arm.latency["worst_share_p99"] == max(event["share_of_interval_p99"] for event in there)
    assert arm.latency["share_p99"] == pytest.approx(arm.latency["p99_ms"] / 100)  # of 100 ms


def test_the_causal_ones_stand_first_best_first_and_the_bound_never_leads(ran: RunFolder) -> None:
    group = the_group(ran)
    causal = [arm for arm in group.part("causal") if not arm.role]
    assert group.best is causal[0]
    assert all(arm.protocol == "causal" for arm in causal)
    assert group.part("published")[-1].role == "bound"
    (pair,) = group.twins
    places = [group.part("causal").index(arm) for arm in (pair.retuned, pair.published)]
    assert places[1] == places[0] + 1  # beside each other, wherever their figures would put them
    a, b = (
        {u.unit: u.value for u in arm.figures["rmse"].per_unit if u.value is not None}
        for arm in (pair.retuned, pair.published)
    )
    assert pair.difference.mean == pytest.approx(np.mean([a[unit] - b[unit] for unit in a]))
    singles = [group.value(arm) for arm in causal if arm not in (pair.retuned, pair.published)]
    assert singles == sorted(singles, key=lambda value: value or 0.0)


def test_choices_are_counted_over_recordings_and_horizons(ran: RunFolder) -> None:
    group = the_group(ran)
    searched = next(arm for arm in group.arms if arm.name == "LMS (causal)")
    tally: dict[str, int] = {}
    for folder in cells_of(ran, searched.id):
        for item in folder.evidence().values():
            for settings in item["chosen"].values():
                tally[str(settings["history"])] = tally.get(str(settings["history"]), 0) + 1
    assert {value: count for value, count in searched.chosen["history"].items() if count} == tally
    assert sum(tally.values()) == 6
    assert set(searched.chosen["history"]) == {"12", "24", "36", "48", "60"}  # what was never chosen is listed too
    assert any(arm is searched for arm, _, _ in chosen_rows(group))


# ---- what may be compared


def scored(
    arm: Arm,
    *,
    rate_hz: float = 10.0,
    horizons_s: tuple[float, ...] = (0.5, 1.0),
    items: tuple[str, ...] = ("a", "b"),
    lost: int = 0,
) -> ArmScores:
    """An arm whose error is 1 mm at half a second, 2 mm at one ...; the first `lost` recordings exploded at the last horizon."""
    rows = []
    for number, item in enumerate(items):
        for h in horizons_s:
            target = np.linspace(0.0, 9.0, 90).reshape(10, 9)
            forecast = target + np.array([2 * h, 0, 0] * 3).reshape(3, 3).T.ravel()
            if number < lost and h == horizons_s[-1]:
                forecast = forecast * np.nan
            found = statistics(target, forecast, points=3, seconds_per_sample=1 / rate_hz)
            rows.append({"item": item, "seed": 0, "horizon": round(h * rate_hz), "horizon_s": h, **found})
    return ArmScores(arm, pl.DataFrame(rows), tuple((Cell(arm, (item,)), CellFolder(Path("none"))) for item in items))


def arm(model: Any, rate_hz: float = 10.0, protocol: str = "causal", **task: Any) -> Arm:
    return Arm(ExternalMarkers(rate_hz=rate_hz), PositionAhead(**task), model, protocol)


def test_rates_and_scored_parts_are_never_mixed() -> None:
    scores = [
        scored(arm(HoldLast())), scored(arm(LeastMeanSquares())), scored(arm(HoldLast(), 30.0), rate_hz=30.0),
        scored(arm(HoldLast(), score_from_s=40.0)), scored(arm(RepeatLastLabel(), protocol="published")),
    ]  # fmt: skip
    found = comparisons(scores)
    assert [(group.label, len(group.members)) for group in found] == [
        ("extmarkers, 10 Hz, score from s 60.0", 3),
        ("extmarkers, 30 Hz", 1),
        ("extmarkers, 10 Hz, score from s 40.0", 1),
    ]
    roles = [member["role"] for member in found[0].to_json()["arms"]]
    assert roles == ["trivial", "", "bound"]


def test_arms_of_other_recordings_are_not_compared() -> None:
    found = comparisons([scored(arm(HoldLast())), scored(arm(LeastMeanSquares()), items=("c", "d"))])
    assert [group.label for group in found] == ["extmarkers, 10 Hz (1)", "extmarkers, 10 Hz (2)"]


def test_only_shared_horizons_enter_a_figure() -> None:
    near, far = scored(arm(HoldLast())), scored(arm(LeastMeanSquares()), horizons_s=(0.5, 1.0, 2.0))
    (group,) = comparisons([near, far])
    assert group.compared_s == (0.5, 1.0)
    told = group.to_json()["arms"]
    assert [one["figures"]["rmse"]["value"] for one in told] == [pytest.approx(1.5), pytest.approx(1.5)]
    (group,) = comparisons([near, scored(arm(LeastMeanSquares()), horizons_s=(2.0,))])
    first, second = group.to_json()["arms"]
    assert first["figures"] != {}
    assert second["figures"] == {}  # it has none of the compared horizons, and no figure stands for them


def test_recordings_at_several_rates_share_horizons_in_seconds() -> None:
    one, two = (
        scored(arm(HoldLast()), items=("a",)),
        scored(arm(HoldLast()), rate_hz=25.0, horizons_s=(0.4, 1.0), items=("b",)),
    )
    both = replace(one, frame=pl.concat([one.frame, two.frame]))
    (group,) = comparisons([both])
    assert group.rates_hz == (10.0, 25.0)
    assert group.label == "extmarkers, 10 to 25 Hz"
    assert group.compared_s == (0.4, 0.5, 1.0)


def test_lost_runs_are_counted_and_no_part_of_a_figure() -> None:
    (group,) = comparisons([scored(arm(HoldLast()), lost=1, items=("a", "b", "c"))])
    (told,) = group.to_json()["arms"]
    assert (told["lost"], told["runs"]) == (1, 3)
    assert told["figures"]["rmse"]["value"] == pytest.approx(np.mean([1.0, 1.5, 1.5]))


# ---- groups of recordings


def nine(run: RunFolder, path: Path) -> RunFolder:
    """The same run as if it had nine recordings, five of them regular and three irregular."""
    copied = RunFolder(path)
    path.mkdir()
    names = [f"recording-{n}" for n in range(1, 10)]
    info = {**run.info(), "recording_groups": {"regular": names[:5], "irregular": names[5:8]}}
    groups = read_json(run.path / "forecasts.json")
    for group in groups:
        group["recordings"] = names
        for one in group["arms"]:
            one["recordings"] = 9
            for figure in one["figures"].values():
                figure["per_unit"] = [{"unit": name, "value": 1.0 + n} for n, name in enumerate(names)]
    write_json(path / "run.json", info)
    write_json(path / "forecasts.json", groups)
    for name in ("results", "checks", "claims"):
        write_json(path / f"{name}.json", read_json(run.path / f"{name}.json"))
    return copied


def test_groups_of_recordings_stand_apart_without_an_interval(ran: RunFolder, tmp_path: Path) -> None:
    run = nine(ran, tmp_path / "nine")
    regular, irregular, rest = the_group(run).splits
    assert [split.name for split in (regular, irregular, rest)] == ["regular", "irregular", "in neither"]
    assert regular.figures[0].value == pytest.approx(3.0)
    assert irregular.figures[0].value == pytest.approx(7.0)
    assert regular.figures[0].interval is None
    assert regular.figures[0].reason == "no interval: 5 recordings"
    text = html_report(run)
    assert "Regular and irregular recordings apart" in text
    assert "regular: no interval: 5 recordings" in text


# ---- the page


def test_the_page_is_whole_and_causal_comes_first(ran: RunFolder) -> None:
    began = time.perf_counter()
    text = html_report(ran)
    assert time.perf_counter() - began < 20
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert not re.search(r"@import|url\(", text)
    assert text.index(f"<h4>{CAUSAL}") < text.index("<h4>Published order of operations")
    assert text.count('class="word">synthetic data') >= 6  # every table and drawing says so
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    for words in (
        "a bound and no competitor",
        "Networks at two settings",
        "p50",
        "samples within",
        "mean of 0.5, 1, 2 s",
        "lost",
    ):
        assert words in text
    for table in re.findall(r"<caption>(.*?)</caption>", text[text.index('id="results"') : text.index('id="arms"')]):
        assert "synthetic data" in table


def test_ids_are_salted_and_restricted_data_show_no_recording(ran: RunFolder, tmp_path: Path) -> None:
    items = read_json(ran.path / "forecasts.json")[0]["recordings"]
    text = html_report(ran)
    results = text[text.index('id="results"') : text.index('id="arms"')]
    assert not any(item in results for item in items)
    assert "A stretch of one recording" in results
    run = nine(ran, tmp_path / "private")
    info = run.info()
    write_json(run.path / "run.json", {**info, "datasets": [{**d, "access": "private"} for d in info["datasets"]]})
    hidden = html_report(run)
    assert "A stretch of one recording" not in hidden
    assert "Every recording's own" not in hidden


def test_markdown_and_terminal_lead_with_the_causal_ones(ran: RunFolder) -> None:
    text = markdown_report(ran)
    assert text.index("## Causal: no label before it exists") < text.index("## Published order of operations")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1
    for width in (80, 120):
        shown = printed(render(read_contents(ran), width=width), width)
        assert max(map(len, shown.splitlines())) <= width
        assert "SYNTHETIC data: simulated_breathing, 10 Hz, 2 recordings" in " ".join(shown.split())
        assert shown.index("Causal") < shown.index("Published order")


def test_pictures_are_files_too(ran: RunFolder) -> None:
    write_report(ran)
    names = {path.name for path in (ran.path / "figures").iterdir()}
    assert {"group-1-by-horizon-causal.svg", "group-1-by-horizon-published.svg", "group-1-stretch.svg"} <= names
    panels = [(ran.path / "figures" / f"group-1-by-horizon-{p}.svg").read_text() for p in ("causal", "published")]
    scales = [re.findall(r'text-anchor="end">([\d.]+)<', panel) for panel in panels]
    assert scales[0] == scales[1] != []  # one scale
    assert all(panel.count('class="name') <= 8 for panel in panels)


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    assert [percent(v) for v in (None, 0.0, 0.0001, 0.5, 0.99999, 1.0)] == [
        "-",
        "0.0",
        "< 0.1",
        "50.0",
        "> 99.9",
        "100.0",
    ]


# ---- films


def with_film(run: RunFolder, path: Path) -> tuple[RunFolder, ForecastGroup]:
    """The run as if its best causal forecaster had forecast frames, as a task of frames keeps them."""
    copied = nine(run, path)
    group = replace(the_group(copied), film=True)
    assert group.best is not None
    rng = np.random.default_rng(0)
    frames = rng.uniform(0, 200, (6, 48, 40))
    video = Video("recording-1", None, frames, 0.3, 1.5, 255, (8, 40, 8, 32), reason="synthetic")
    field = rng.normal(0, 2, (2, 48, 40))
    kept = keep_forecasts(video, [Forecast(n, frames[n] + 5, field) for n in range(6)])
    folder = copied.cells / "kept"
    (folder / "weights").mkdir(parents=True)
    save_file(
        {f"recording-1/view/h3/{name}": array for name, array in kept.items()}, folder / "weights" / "state.safetensors"
    )
    (folder / "DONE").write_text("x")
    info = copied.info()
    write_json(
        copied.path / "run.json",
        {**info, "cells": [{**info["cells"][0], "folder": "kept", "arm_id": group.best.id, "item": "recording-1"}]},
    )
    return copied, group


def test_frames_are_drawn_still_and_moving(ran: RunFolder, tmp_path: Path) -> None:
    run, group = with_film(ran, tmp_path / "film")
    contents = read_contents(run)
    privacy = privacy_of(run, contents.info)
    (film,) = film_pictures(contents, group, privacy)
    assert film.still.startswith(b"\x89PNG")
    assert film.moving.startswith(b"GIF89a")
    assert len(film.moving) < 1_000_000
    assert film.frames == 6
    assert film.seconds == pytest.approx(1.8)
    assert "recording-1" not in film.note
    assert "0.90 s ahead" in film.note
    assert set(film.files) == {"group-1-film-1.png", "group-1-film-1.gif"}
    assert film.still_uri.startswith("data:image/png;base64,")
    assert film_pictures(contents, group, replace(privacy, restricted=True)) == ()
    assert film_pictures(contents, replace(group, film=False), privacy) == ()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_window(ran: RunFolder, width: int) -> None:
    from playwright.sync_api import sync_playwright

    path = write_report(ran).resolve()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert asked == [path.as_uri()]
