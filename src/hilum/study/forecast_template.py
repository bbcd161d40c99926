"""Begin a study of forecasts: an annotated study.toml for a trace or a film, with what the file says guessed and every guess said."""

from __future__ import annotations

import json
from pathlib import Path

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.datasets.film_file.dataset import FilmFile
from hilum.study.models import USUAL
from hilum.tasks.frame_ahead import FrameAhead

USUAL_HORIZONS_S = (0.5, 1.0, 2.0)
NEARLY_WHOLE = 0.02  # a rate this close to a whole number was meant to be one
TUNED = {
    "least_mean_squares": "tune = { rate = [1e-4, 2e-4, 5e-4], history = [12, 24, 48] }",
    "recursive_least_squares": "# tune = { history = [12, 24, 48] }",
    "mixture": "# of several forecasters, weighted by the errors they have been seen to make",
}


def trace_text(name: str, path: Path, shown: str, unit: str = "") -> tuple[str, tuple[str, ...]]:
    """A study of a trace, and what its author should look at.

    Args:
        name: What the study is called.
        path: The trace.
        shown: The same, relative to the study's folder.
        unit: Unit of the channels, where it is known.

    Raises:
        DataError: the trace cannot be read.
    """
    from hilum.modalities.series.guess import guess_trace

    guess = guess_trace(path, unit=unit)
    columns = guess.columns
    rate, stated, remarks = _rate(guess.rate_hz, even=guess.even)
    parts = _parts(guess.seconds)
    data = [
        f'trace = {json.dumps(shown)}   # CSV, Parquet or xlsx; a list, or a pattern: "traces/*.csv", '
        '"traces/{subject}_*.csv"',
        _line("time", columns.time, "the column that says when; without one state rate_hz"),
        f"time_unit = {json.dumps(columns.time_unit)}   # s, ms, us or min; dates and times of day need none",
        f"channels = {json.dumps(list(columns.channels), ensure_ascii=False)}   # of points in space x of all, then y, then z",
        f"unit = {json.dumps(guess.unit)}   # of every channel; mm asks for positions, any other unit for a signal",
        f"points = {guess.points}   # points in space, of three channels each; 0: every channel on its own",
        _line("subject", columns.subject, "a column that says whose recording it is"),
        stated,
        f"# longest_hold_s = {2.5 / (rate or 10.0):.3g}   # how old a value may be before it is missing; two and a half intervals by "
        "default",
    ]
    horizons = _horizons(rate)
    forecast = [
        f"horizons_s = {json.dumps(horizons)}   # whole numbers of samples",
        f"train_s = {parts[0]:g}   # what scaling may be fitted on",
        f"score_from_s = {parts[1]:g}   # figures are made from here on; settings may be chosen on what lies between",
        f'# tune_by = "{"rmse" if guess.unit == "mm" else "nrmse"}"   # what settings are chosen by; mae, max-error, ...',
    ]
    return _text(name, data, forecast), (*guess.remarks, *remarks, *parts[2])


def film_text(name: str, path: Path, shown: str) -> tuple[str, tuple[str, ...]]:
    """A study of a film, and what its author should look at; arguments as in `trace_text`.

    Raises:
        DataError: the film cannot be read.
    """
    seen, rate, seconds, remarks = _seen(path)
    data = [
        f"film = {json.dumps(shown)}   # a grey PNG strip, a folder or file of DICOM, or NIfTI; a list, or a pattern",
        *seen,
        "# region = [0, 0, 0, 0]   # first row, end row, first column, end column of the region of interest, from 0",
    ]
    parts = _parts(seconds)
    usual = FrameAhead()
    forecast = [
        f"horizons_s = {json.dumps(_horizons(rate))}   # whole numbers of frames",
        f"train_s = {parts[0]:g}   # what the motion model is fitted on",
        f"score_from_s = {parts[1]:g}   # figures are made from here on; settings may be chosen on what lies between",
        f"components = {json.dumps(list(usual.components))}   # of the motion; how many is chosen too",
        f"# rounding = {json.dumps(usual.rounding)}   # forecast frames in whole grey values: none or floor",
        '# tune_by = "nrmse"   # what settings of a model are chosen by, on the weights of the motion',
    ]
    return _text(name, data, forecast), (*remarks, *parts[2])


def _text(name: str, data: list[str], forecast: list[str]) -> str:
    lines = [
        "# A study of one's own. Run it with `hilum run study.toml`; lines behind # are suggestions.",
        f"name = {json.dumps(name)}",
        f"title = {json.dumps(name)}",
        "",
        "[data]",
        *data,
        "",
        "[forecast]",
        *forecast,
        "",
        "[use]   # goes into the report; what is empty is reported as not stated",
        *(f'{key} = ""' for key in ("intended", "population", "dates", "sites", "limits")),
        '# excluded = [["coughing", 2]]   # which recordings were left out: why, and how many',
        "",
        "[origin]",
        'source = ""',
        'licence = ""',
        'access = "private"   # open, registration, credentialed or private',
        "# synthetic = true   # simulated data: every table and figure then says so",
        "",
        *(line for model in USUAL["forecast"] for line in ("[[model]]", f'name = "{model}"', TUNED[model], "")),
    ]
    return "\n".join(lines)


def _rate(measured: float | None, *, even: bool) -> tuple[float | None, str, tuple[str, ...]]:
    """The rate of the series, its line, and what to say."""
    if measured is None:
        return None, "rate_hz = 0   # samples a second: nothing in the file says it", ()
    near = float(round(measured))
    off = abs(measured - near) / measured
    if near < 1 or off > NEARLY_WHOLE or (even and off <= 1e-3):
        return measured, f"# rate_hz = {measured:.4g}   # another rate puts the trace on that grid", ()
    told = f"{measured:.5g} samples a second are taken for {near:g}: the trace is put on that grid, each sample held."
    return near, f"rate_hz = {near:g}   # measured: {measured:.5g}", (told,) if off > 1e-5 else ()


def _horizons(rate: float | None) -> list[float]:
    if rate is None:
        return list(USUAL_HORIZONS_S)
    return sorted({round(max(1, round(seconds * rate)) / rate, 6) for seconds in USUAL_HORIZONS_S})


def _parts(seconds: float | None) -> tuple[float, float, tuple[str, ...]]:
    """Where training ends and scoring begins: half a minute and a minute, where the trace is long enough."""
    if seconds is None or seconds >= 90:
        return 30.0, 60.0, ()
    train, score = max(1.0, seconds // 4), max(2.0, seconds // 2)
    told = f"The trace is short: {train:g} s to train and {score:g} s before scoring leave little to learn from."
    return train, score, (told,)


def _seen(path: Path) -> tuple[list[str], float | None, float | None, tuple[str, ...]]:
    """What a film's file says itself: lines for [data], its rate and length, and remarks."""
    if path.suffix.lower() == ".png":
        lines, remarks = _of_strip(path)
        return lines, None, None, remarks
    dataset = FilmFile((str(path.resolve()),))
    try:
        (item,) = dataset.items(path.parent)
        video = dataset.load(path.parent, item)
    except UsageError as error:
        return [f"# {key} = 0   # {why}" for key, why in STATED], None, None, (f"{error.what}: {error.do}.",)
    told = (
        f"{video.count} frames of {video.height} x {video.width} pixels of {video.pixel_mm:.3g} mm, "
        f"{1 / video.seconds_per_frame:.4g} a second, grey values up to {video.levels}."
    )
    lines = [
        f"# {key} = 0   # {why}; the file says it, and what is stated here overrides it" for key, why in STATED[:2]
    ]
    return lines, 1.0 / video.seconds_per_frame, video.seconds, (told,)


STATED = (
    ("rate_hz", "frames a second"),
    ("pixel_mm", "side of a pixel, mm"),
    ("levels", "largest grey value: 255 for 8 bit, 4095 for 12 bit"),
)


def _of_strip(path: Path) -> tuple[list[str], tuple[str, ...]]:
    from PIL import Image

    if not path.is_file():
        raise DataError("the film is missing", where=str(path), do="Mend the name")
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            deep = picture.mode != "L"
    except (OSError, Image.DecompressionBombError) as error:
        raise HilumError(f"this is no PNG ({error})", where=str(path), do="Export it again") from error
    square = height % width == 0 and height > width
    lines = [
        f"frames = {height // width if square else 0}   # how many are stacked top to bottom; or frame_height = rows of one",
        "rate_hz = 0   # frames a second: a PNG does not say it",
        "pixel_mm = 0   # side of a pixel, mm: a PNG does not say it",
        f"levels = {0 if deep else 255}   # largest grey value: 255 for 8 bit, 4095 for 12 bit",
    ]
    guessed = (
        f"{height // width} square frames are guessed" if square else "how many frames there are is for you to state"
    )
    return lines, (f"A strip of {height} x {width} pixels: {guessed}.", "State what stands as 0 before you run.")


def _line(key: str, value: str, told: str) -> str:
    return f"{key} = {json.dumps(value)}   # {told}" if value else f'# {key} = ""   # {told}'
