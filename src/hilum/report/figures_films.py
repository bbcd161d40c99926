"""Forecast frames beside the recorded ones: a still picture of each film and a short animation, as the cells kept them.

Which    the best causal forecaster of a group; the horizon nearest to 1 s; the first frames of the scored part, so that nothing is
         picked by eye. Of more than six films those at equal steps of their error, the least and the largest among them
Size     an animation stays below 1 MB, and all of a page together below 4 MB
Motion   nothing moves by itself: an animation stands behind a line that opens and closes it
Privacy  a frame is a picture of one person: none where rows of single subjects may not be shown
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.modalities.video.kept import kept_forecasts
from hilum.modalities.video.view import animate_forecasts, draw_forecast
from hilum.report.contents import Contents
from hilum.report.figures_forecast import cell_of
from hilum.report.forecasts import ForecastArm, ForecastGroup
from hilum.report.numbers import told
from hilum.report.privacy import Privacy

MOST_FILMS = 6
MOST_BYTES, MOST_BYTES_ALL = 950_000, 3_800_000
DOTS_AN_INCH = 110
NEEDED = {"time", "true", "forecast", "grey", "levels", "pixel_mm", "seconds_per_frame", "start_s"}


@dataclass(frozen=True)
class FilmPicture:
    """A film's forecasts, drawn.

    Attributes:
        name: For its files, without ending.
        still: PNG.
        moving: GIF; empty where one frame alone was kept.
        frames: How many it shows.
        seconds: How long it lasts.
        alt: What is to be seen, in words.
        note: What must be said below it.
    """

    name: str
    still: bytes
    moving: bytes
    frames: int
    seconds: float
    alt: str
    note: str

    @property
    def still_uri(self) -> str:
        """The picture as text that a page can hold."""
        return f"data:image/png;base64,{b64encode(self.still).decode('ascii')}"

    @property
    def moving_uri(self) -> str:
        """The animation as text that a page can hold."""
        return f"data:image/gif;base64,{b64encode(self.moving).decode('ascii')}" if self.moving else ""

    @property
    def files(self) -> dict[str, bytes]:
        """Both as files."""
        return {f"{self.name}.png": self.still, **({f"{self.name}.gif": self.moving} if self.moving else {})}


def film_pictures(contents: Contents, group: ForecastGroup, privacy: Privacy) -> tuple[FilmPicture, ...]:
    """A picture for each film of a group; none where nothing was kept, or where it may not be shown."""
    best = group.best
    if best is None or not group.film or not privacy.rows_shown:
        return ()
    kept = {item: found for item in _chosen(group, best) if (found := _kept(contents, best, item)) is not None}
    limit = min(MOST_BYTES, MOST_BYTES_ALL // max(1, len(kept)))
    return tuple(
        _drawn(contents, group, best, privacy.name(item), item, horizon, arrays, number, limit)
        for number, (item, (horizon, arrays)) in enumerate(kept.items(), 1)
    )


def _chosen(group: ForecastGroup, arm: ForecastArm) -> list[str]:
    units = [u for u in arm.figures[group.leading.metric].per_unit if u.value is not None]
    ranked = [unit.unit for unit in sorted(units, key=lambda unit: (unit.value or 0.0, unit.unit))]
    if len(ranked) <= MOST_FILMS:
        return ranked
    return [ranked[int(place)] for place in np.linspace(0, len(ranked) - 1, MOST_FILMS).round()]


def _kept(contents: Contents, arm: ForecastArm, item: str) -> tuple[int, dict[str, NDArray[Any]]] | None:
    """The horizon in frames, and the arrays that the task kept of this film."""
    from safetensors import safe_open

    folder = cell_of(contents, arm, item)
    path = None if folder is None else folder.path / "weights" / "state.safetensors"
    if path is None or not path.is_file():
        return None
    prefix = f"{item}/view/h"
    with safe_open(path, framework="numpy") as stored:
        names = [name for name in stored.keys() if name.startswith(prefix)]  # noqa: SIM118
        if not names:
            return None
        head = min(name.removeprefix(prefix).partition("/")[0] for name in names)
        arrays = {name.rpartition("/")[2]: stored.get_tensor(name) for name in names if f"/h{head}/" in name}
    return (int(head), arrays) if set(arrays) >= NEEDED else None


def _drawn(
    contents: Contents,
    group: ForecastGroup,
    arm: ForecastArm,
    shown: str,
    item: str,
    horizon: int,
    arrays: Mapping[str, NDArray[Any]],
    number: int,
    limit: int,
) -> FilmPicture:
    video, forecasts = kept_forecasts(arrays, item=shown, reason="synthetic" if contents.synthetic else "")
    model = arm.short
    still = draw_forecast(video, forecasts[len(forecasts) // 2], horizon=horizon, model=model, dpi=DOTS_AN_INCH)
    moving = b""
    if len(forecasts) > 1:
        moving = animate_forecasts(video, forecasts, horizon=horizon, model=model, limit_bytes=limit)
    ahead = horizon * video.seconds_per_frame
    said = f"Film {shown}: recorded frame, frame forecast {ahead:.2f} s ahead by {model}, their difference"
    fields = ", and the recorded frame with the forecast displacement" if forecasts[0].field is not None else ""
    return FilmPicture(
        name=f"{group.anchor}-film-{number}",
        still=still,
        moving=moving,
        frames=len(forecasts),
        seconds=len(forecasts) * video.seconds_per_frame,
        alt=f"{said}{fields}",
        note=f"{said}{fields}. {_figures(group, arm, item, ahead, video.levels)}",
    )


def _figures(group: ForecastGroup, arm: ForecastArm, item: str, ahead: float, levels: int) -> str:
    """The film's own figures, and the range of SSIM."""
    near = min(arm.by_horizon, key=lambda seconds: abs(seconds - ahead))
    unit = next((u.value for u in arm.by_horizon[near].per_unit if u.unit == item), None)
    text = f"All its scored frames: {group.leading.metric_title} {told(unit, group.leading.unit)} at this horizon"
    ssim = arm.figures.get("ssim")
    own = None if ssim is None else next((u.value for u in ssim.per_unit if u.unit == item), None)
    if own is not None:
        text += f"; SSIM {told(own, '1')}, {group.over}, with a data range L of {levels}"
    return f"{text}."
