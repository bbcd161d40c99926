"""Views of a film: frames become weights of their motion, and forecast weights become fields and frames again.

    frames --flow from frame 0--> fields --principal motion of the train part--> weights --forecast--> field --frame 0 pushed--> frame

Flow of a frame reads frame 0 and that frame; mean and modes read train frames: so the weights of a frame know nothing of later ones.
Flow and motion model of the last few films are kept, for several cells of one process ask for the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from hilum.metrics.forecast import statistics
from hilum.metrics.frames import add, field_statistics, frame_statistics
from hilum.modalities.series.sample import Series
from hilum.modalities.video.kept import keep_forecasts
from hilum.modalities.video.optical_flow import OpticalFlow, flow_of
from hilum.modalities.video.principal_motion import PrincipalMotion
from hilum.modalities.video.sample import Video
from hilum.modalities.video.view import Forecast
from hilum.modalities.video.warp import Splatting, pull_back, push_forward

Array = NDArray[np.float64]
Shown = Literal["forecast motion", "previous image", "true field"]

Kept = TypeVar("Kept")

UNIT = "weight"
KEPT_FILMS = 4
KEPT_FRAMES = 8


@dataclass(frozen=True)
class Film:
    """A film with the flow of every frame from frame 0, its motion model, and the weights of all frames.

    Attributes:
        video: The frames.
        fields: (frames, 2, height, width), pixels; single precision.
        motion: Fitted on the train part.
        weights: (frames, components).
    """

    video: Video
    fields: NDArray[np.float32]
    motion: PrincipalMotion
    weights: Array


_flows: dict[tuple[Any, ...], NDArray[np.float32]] = {}
_films: dict[tuple[Any, ...], Film] = {}


def film_of(video: Video, flow: OpticalFlow, train: int, components: int) -> Film:
    """Flow and motion model of a film, made once for the same frames and settings.

    Args:
        video: The frames.
        flow: Settings of the flow.
        train: Frames from the first that the motion model is fitted on.
        components: Its modes.

    Raises:
        DataError: the frames are too small for the flow, or move in fewer ways than there are modes.
    """
    content = hashlib.blake2b(np.ascontiguousarray(video.frames).data).digest()
    key = (video.item, video.frames.shape, content, flow)
    fields = _kept(_flows, key, lambda: flow_of(video.frames, flow))

    def fit() -> Film:
        motion = PrincipalMotion.fit(fields, train, components)
        return Film(video, fields, motion, motion.weights(fields))

    return _kept(_films, (*key, train, components), fit)


def _kept(kept: dict[tuple[Any, ...], Kept], key: tuple[Any, ...], make: Callable[[], Kept]) -> Kept:
    """What was made for this key; the oldest of more than a few films is let go."""
    if key not in kept:
        while len(kept) >= KEPT_FILMS:
            kept.pop(next(iter(kept)))
        kept[key] = make()
    return kept[key]


@dataclass(frozen=True)
class FilmView:
    """A film as the weights of its first few components of motion.

    Attributes:
        film: Frames, flow and motion model.
        components: How many of its modes are forecast.
        train: Frames that the motion model was fitted on.
        shown: What stands for the forecast frame.
        splatting: How frame 0 is pushed forward.
        kept: The horizon, in frames, whose forecasts a report draws; 0 for none.
    """

    film: Film
    components: int
    train: int
    shown: Shown
    splatting: Splatting
    kept: int

    @property
    def series(self) -> Series:
        """The weights, (frames, components)."""
        video = self.film.video
        return Series(
            video.item,
            video.subject,
            np.ascontiguousarray(self.film.weights[:, : self.components]),
            video.seconds_per_frame,
            UNIT,
            tuple(f"component {number + 1}" for number in range(self.components)),
            start_s=video.start_s,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """How many components."""
        return {"components": self.components}

    @property
    def knows_target(self) -> bool:
        """Whether the shown frame is made from the very frame that is forecast: the ceiling, no competitor."""
        return self.shown == "true field"

    @property
    def fitted(self) -> dict[str, Any]:
        """The motion model: what it was fitted on, what its modes explain, and its fingerprint."""
        motion = self.film.motion
        return {
            "PrincipalMotion": {
                "fitted on samples": [0, self.train],
                "explained": [float(share) for share in motion.explained()],
                "sha256": motion.fingerprint(),
            }
        }

    def statistics(self, horizon: int, first: int, forecasts: Array) -> dict[str, float]:
        """Those of the weights, of the frames and, where motion is forecast, of the fields; see hilum.metrics."""
        series = self.series
        true = series.values[first : first + len(forecasts)]
        found = statistics(true, forecasts, points=0, seconds_per_sample=series.seconds_per_sample, tolerances_mm=())
        return found | add(
            self._frame(horizon, first + number, weights) for number, weights in enumerate(np.asarray(forecasts))
        )

    def _frame(self, horizon: int, time: int, weights: Array) -> dict[str, float]:
        video = self.film.video
        true, picture, field = self._shown_at(horizon, time, weights)
        found = frame_statistics(true, picture, video.levels, video.region)
        if field is None or self.knows_target:
            return found
        return found | field_statistics(self.film.fields[time].astype(np.float64), field, video.pixel_mm, video.region)

    def _shown_at(self, horizon: int, time: int, weights: Array) -> tuple[Array, Array, Array | None]:
        """The recorded frame, the one shown in its place, and the field behind that."""
        frames = self.film.video.frames
        if self.shown == "previous image":
            return frames[time], frames[time - horizon], None
        field = self.film.fields[time].astype(np.float64) if self.knows_target else self._field(weights)
        return frames[time], push_forward(frames[0], field, self.splatting), field

    def _field(self, weights: Array) -> Array:
        return self.film.motion.first(self.components).field(weights)

    def loss(self, horizon: int, first: int, forecasts: Array) -> float:
        """Mean over frames of the nRMSE of each frame pulled back along its forecast field, against frame 0; the whole frame."""
        frames = self.film.video.frames
        spread = float(np.linalg.norm(frames[0] - frames[0].mean()))
        errors = [
            np.linalg.norm(pull_back(frames[first + number], self._field(weights)) - frames[0]) / spread
            for number, weights in enumerate(np.asarray(forecasts))
        ]
        return float(np.mean(errors))

    def keep(self, horizon: int, first: int, forecasts: Array) -> dict[str, NDArray[Any]]:
        """A few consecutive frames at one horizon, as hilum.modalities.video.kept stores them; none where no forecast is finite."""
        usable = np.flatnonzero(np.isfinite(forecasts).all(axis=1))[:KEPT_FRAMES]
        if horizon != self.kept or not len(usable):
            return {}
        shown = [
            (first + int(number), self._shown_at(horizon, first + int(number), forecasts[number])) for number in usable
        ]
        return keep_forecasts(self.film.video, [Forecast(time, picture, field) for time, (_, picture, field) in shown])
