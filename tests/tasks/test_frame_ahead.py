"""The frame task: parts, weights that know nothing of later frames, statistics against a hand-made pipeline, the ceiling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hilum.core.errors import DataError, UsageError
from hilum.datasets.cine_mri_frames.dataset import CineMriFrames
from hilum.engine.forecasts.views import views_of
from hilum.engine.runners.forecast import run
from hilum.metrics.frames import METRICS as FRAME_METRICS
from hilum.metrics.frames import add, field_statistics, frame_statistics
from hilum.modalities.series.sample import Series
from hilum.modalities.video.kept import ARROW_STEP, kept_forecasts
from hilum.modalities.video.optical_flow import OpticalFlow, flow_to, prepare
from hilum.modalities.video.sample import Video
from hilum.modalities.video.simulate import simulate_video
from hilum.modalities.video.view import draw_forecast
from hilum.modalities.video.warp import pull_back, push_forward
from hilum.models.hold_last import HoldLast
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.papers.cine_mri.experiment import ETH, OVGU, Setup
from hilum.tasks._film_views import KEPT_FRAMES, FilmView
from hilum.tasks.frame_ahead import FrameAhead

FRAMES, TRAIN, SCORED = 60, 24, 40
TASK = FrameAhead(
    horizons_s=(0.25, 1.0), train_s=6.0, score_from_s=10.0, components=(1, 2), flow=OpticalFlow(layers=2, iterations=2)
)


@pytest.fixture(scope="module")
def film() -> Video:
    return simulate_video(frames=FRAMES, height=48, width=40, seconds_per_frame=0.25, seed=3, item="film").video


@pytest.fixture(scope="module")
def views(film: Video) -> tuple[FilmView, ...]:
    return TASK.views(film)


# ---- horizons and parts


def test_parts_are_the_published_numbers_of_frames() -> None:
    for site, length, expected in (
        (ETH, 200, {"train": (0, 90), "choose": (90, 180), "score": (180, 200)}),
        (OVGU, 498, {"train": (0, 170), "choose": (170, 340), "score": (340, 498)}),
    ):
        online, offline = Setup(site).task(), Setup(site).task(offline=True)
        assert online.parts(length, 1.0 / site.rate_hz) == expected
        assert offline.parts(length, 1.0 / site.rate_hz)["train"] == (0, site.offline)
        assert offline.parts(length, 1.0 / site.rate_hz)["choose"] == (site.offline, site.chosen)
        assert online.horizons(1.0 / site.rate_hz) == tuple(range(1, site.horizons + 1))
    assert (ETH.offline, OVGU.offline) == (160, 303)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"components": ()}, "components"),
        ({"components": (2, 1)}, "components"),
        ({"components": (0, 1)}, "components"),
        ({"shown": "the future"}, "cannot be shown"),
        ({"rounding": "up"}, "rounding"),
        ({"horizons_s": (2.0, 1.0)}, "ascending"),
        ({"train_s": 80.0}, "training ends"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(TASK, **settings)  # type: ignore[arg-type]


def test_a_film_that_cannot_be_used_says_why(film: Video) -> None:
    still = replace(film, frames=np.repeat(film.frames[:1], FRAMES, axis=0))
    with pytest.raises(DataError, match="still"):
        TASK.views(still)
    broken = replace(film, frames=np.where(np.arange(FRAMES)[:, None, None] == 7, np.nan, film.frames))
    with pytest.raises(DataError, match="frame 7"):
        TASK.views(broken)
    with pytest.raises(DataError, match="2 train frames hold no 2 components"):
        replace(TASK, train_s=0.5).views(film)


# ---- nothing later than the frame


@pytest.mark.parametrize("length", [TRAIN, TRAIN + 1, 37, FRAMES - 1])
def test_weights_of_a_frame_do_not_change_when_later_ones_are_cut_off(
    film: Video, views: tuple[FilmView, ...], length: int
) -> None:
    for whole, cut in zip(views, TASK.views(film.prefix(length)), strict=True):
        assert np.array_equal(cut.series.values, whole.series.values[:length])
        assert cut.fitted == whole.fitted


def test_weights_of_a_frame_do_not_change_when_later_ones_are_others(film: Video, views: tuple[FilmView, ...]) -> None:
    later = film.frames.copy()
    later[30:] = film.levels - later[30:]
    for whole, other in zip(views, TASK.views(replace(film, frames=later)), strict=True):
        assert np.array_equal(other.series.values[:30], whole.series.values[:30])
        assert not np.array_equal(other.series.values[30:], whole.series.values[30:])


# ---- what the numbers are


def test_series_are_projections_of_the_flow_on_the_principal_motion_of_the_train_part(
    film: Video, views: tuple[FilmView, ...]
) -> None:
    reference = prepare(film.frames[0], TASK.flow)
    fields = np.stack([flow_to(reference, frame) for frame in film.frames]).reshape(FRAMES, -1)
    centred = fields[:TRAIN] - fields[:TRAIN].mean(axis=0)
    modes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    expected = (fields - fields[:TRAIN].mean(axis=0)) @ modes.T
    found = views[1].series.values
    signs = np.sign((found * expected).sum(axis=0))
    assert np.allclose(found, expected * signs, atol=1e-3)  # the task keeps fields in single precision
    assert np.array_equal(views[0].series.values, found[:, :1])
    assert (views[0].series.unit, views[0].series.item, views[1].series.channels) == (
        "weight",
        "film",
        ("component 1", "component 2"),
    )


def test_statistics_are_those_of_the_frames_and_fields_that_the_weights_stand_for(
    film: Video, views: tuple[FilmView, ...]
) -> None:
    view = views[1]
    forecasts = view.series.values[SCORED : SCORED + 5] * 0.9
    found = view.statistics(4, SCORED, forecasts)
    rows = []
    for number, weights in enumerate(forecasts):
        motion = view.film.motion
        field = motion.mean + np.tensordot(weights, motion.modes[:2], axes=1)
        picture = np.floor(push_forward(film.frames[0], field))
        true = view.film.fields[SCORED + number].astype(float)
        rows.append(
            frame_statistics(film.frames[SCORED + number], picture, film.levels, film.region)
            | field_statistics(true, field, film.pixel_mm, film.region)
        )
    for name, value in add(rows).items():
        assert found[name] == pytest.approx(value, rel=1e-9), name
    assert found["n"] == 5 * 2
    assert found["sum_abs"] == pytest.approx(np.abs(view.series.values[SCORED : SCORED + 5]).sum() * 0.1)
    assert {need for metric in FRAME_METRICS for need in metric.needs} <= found.keys()


def test_the_loss_pulls_frames_back_to_the_first(film: Video, views: tuple[FilmView, ...]) -> None:
    view = views[1]
    forecasts = view.series.values[30:33]
    first = film.frames[0]
    spread = np.sqrt(((first - first.mean()) ** 2).sum())
    errors = []
    for number, weights in enumerate(forecasts):
        pulled = pull_back(film.frames[30 + number], view.film.motion.field(weights))
        errors.append(np.sqrt(((pulled - first) ** 2).sum()) / spread)
    assert view.loss(4, 30, forecasts) == pytest.approx(np.mean(errors))
    assert view.loss(4, 30, forecasts) < views[0].loss(4, 30, forecasts[:, :1]) < view.loss(4, 30, 0 * forecasts)


def test_a_forecast_that_exploded_is_undefined_and_not_kept(views: tuple[FilmView, ...]) -> None:
    forecasts = np.full((3, 2), np.nan)
    found = views[1].statistics(4, SCORED, forecasts)
    assert np.isnan(found["frame_sum_nrmse"])
    assert np.isnan(found["field_sum_mean_mm"])
    assert np.isnan(views[1].loss(4, 30, forecasts))
    assert views[1].keep(4, SCORED, forecasts) == {}


# ---- the two references


def test_the_previous_image_is_that_of_a_horizon_ago(film: Video) -> None:
    view = replace(TASK, shown="previous image").views(film)[0]
    found = view.statistics(4, SCORED, np.zeros((6, 1)))
    rows = [
        frame_statistics(film.frames[t], film.frames[t - 4], film.levels, film.region)
        for t in range(SCORED, SCORED + 6)
    ]
    assert found["frame_sum_nrmse"] == pytest.approx(add(rows)["frame_sum_nrmse"])
    assert "field_n" not in found
    assert not view.knows_target


def test_the_true_field_beats_every_forecast_and_is_known_to_know_the_frame(film: Video) -> None:
    asked = {"model": RecursiveLeastSquares(history=4), "protocol": "causal", "search": None, "seeds": (0,)}
    figures = {}
    for shown in ("forecast motion", "true field"):
        (outcome,) = run(task=replace(TASK, shown=shown, components=(2,)), samples=[film], **asked)  # type: ignore[arg-type]
        figures[shown] = outcome.scores[0]["frame_sum_nrmse"]
        known = [probed.get("knows_target", False) for probed in outcome.evidence["future"]["horizons"].values()]
        assert known == [shown == "true field"] * 2
    assert (np.asarray(figures["true field"]) < np.asarray(figures["forecast motion"])).all()


# ---- through the runner


def test_a_run_chooses_components_by_horizon_keeps_a_few_frames_and_looks_at_nothing_later(film: Video) -> None:
    (outcome,) = run(task=TASK, model=HoldLast(), protocol="causal", search=None, seeds=(0,), samples=[film])
    chosen = [settings["components"] for settings in outcome.evidence["chosen"].values()]
    assert set(chosen) <= {1, 2}
    for probed in outcome.evidence["future"]["horizons"].values():
        assert (probed["truncated_max_difference"], probed["perturbed_max_difference"]) == (0.0, 0.0)
    kept = {
        name.removeprefix("view/h4/"): array for name, array in outcome.weights.items() if name.startswith("view/h4/")
    }
    assert kept["true"].shape == kept["forecast"].shape == (KEPT_FRAMES, 48, 40)
    assert kept["field"].shape == (KEPT_FRAMES, 2, 48 // ARROW_STEP, 40 // ARROW_STEP)
    assert np.allclose(kept["true"] * kept["grey"], film.frames[kept["time"]], atol=kept["grey"])
    assert not any(name.startswith("view/h1/") for name in outcome.weights)  # the one nearest to a second
    assert sum(array.nbytes for array in kept.values()) < 5 * KEPT_FRAMES * 48 * 40


def test_kept_frames_come_back_as_a_recording_that_can_be_drawn(film: Video, views: tuple[FilmView, ...]) -> None:
    view = views[1]
    forecasts = view.series.values[SCORED : SCORED + 5]
    short, told = kept_forecasts(view.keep(4, SCORED, forecasts), item="film", reason="synthetic")
    assert (short.count, short.region, short.pixel_mm, short.levels) == (5, film.region, film.pixel_mm, film.levels)
    assert short.start_s == pytest.approx(SCORED * film.seconds_per_frame)
    for number, one in enumerate(told):
        assert one.frame == number
        assert np.allclose(one.picture, view._shown_at(4, SCORED + number, forecasts[number])[1], atol=1.0)
        field = view._field(forecasts[number])
        assert one.field is not None
        assert np.allclose(one.field[:, ::ARROW_STEP, ::ARROW_STEP], field[:, ::ARROW_STEP, ::ARROW_STEP], atol=2e-2)
    assert draw_forecast(short, told[0], horizon=4, model="true weights", dpi=50)[:4] == b"\x89PNG"
    previous = replace(TASK, shown="previous image").views(film)[0]
    assert kept_forecasts(previous.keep(4, SCORED, forecasts[:, :1]))[1][0].field is None


def test_a_series_that_is_pretrained_on_stands_as_it_is() -> None:
    weights = Series("other", None, np.cumsum(np.ones((50, 2)), axis=0), 0.3, "weight", ("a", "b"))
    (view,) = views_of(TASK, weights)
    assert np.array_equal(view.series.values, weights.values)


def test_flow_and_motion_are_made_once_for_the_same_frames(film: Video) -> None:
    first = TASK.views(film)[0].film
    assert TASK.views(replace(film, frames=film.frames.copy()))[0].film is first
    own = replace(TASK, flow_by_item=(("film", OpticalFlow(layers=1)), ("another", TASK.flow)))
    assert own.views(film)[0].film is not first
    assert replace(own, flow_by_item=own.flow_by_item[1:]).views(film)[0].film is first


@pytest.mark.real_data
def test_published_weights_are_the_authors(real_data: Callable[[str], Path]) -> None:
    folder, films = real_data("cine_mri_frames"), CineMriFrames()
    with np.load(real_data("cine_mri_pca_weights") / "pca_weights.npz") as arrays:
        item = next(item for item in films.items(folder) if item.id == "eth_sl014_xcs95")
        found = Setup(ETH).task(components=(3,)).views(films.load(folder, item))[0].series.values
        published = arrays["eth_sl014_xcs95"].T
    assert np.abs(found - published).max() < 1e-5 * np.abs(published).max()
