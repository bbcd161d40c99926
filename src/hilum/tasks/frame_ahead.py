"""What will the next frames show?

Kind        forecast
Needs       a film: frames of one slice over time, with region of interest where there is one
Unit        the recording
How         optical flow of every frame from frame 0; a few principal components of it, learnt on the train part; their weights are what
            is forecast; frame 0 pushed forward along the forecast field is the forecast frame (hilum.tasks._film_views)
Parts       train      [0, train_s)              what the motion model and scaling are fitted on
            choose     [train_s, score_from_s)   what settings and the number of components are chosen on, horizon by horizon: the one
                                                 whose forecast fields pull these frames back closest to frame 0
            score      [score_from_s, end)       what figures are made of
Metrics     image-nrmse leads; ssim, ssim-255, pearson, and the displacement errors in mm, all also inside the region (-roi); of the
            weights nrmse and the others of hilum.metrics.forecast, in weights where they say mm
Trivial     hold the last weights
References  `shown` "previous image": the frame of h frames ago stands for the forecast, whatever the model: run it with hold_last.
            "true field": frame 0 pushed along the field found in the very frame: the ceiling of flow and warping. It knows the target,
            and HIL005 says so
Source      Pohl et al., arXiv 2410.05882, and its released code (c31ee37f): up to four components, chosen as above; frames rounded down
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hilum.core.data import Need
from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.optical_flow import OpticalFlow
from hilum.modalities.video.sample import Video, assess
from hilum.modalities.video.warp import Splatting
from hilum.tasks._ahead import Parts, in_samples, parts_of, refuse_times
from hilum.tasks._film_views import FilmView, Shown, film_of

NEAR_S = 1.0  # a report draws the horizon closest to this


@dataclass(frozen=True)
class FrameAhead:
    """Forecast of frames; times in seconds, so that they mean the same at every frame rate.

    Attributes:
        horizons_s: How far ahead to look, s, ascending.
        train_s: Length of the part that the motion model and scaling are fitted on, s.
        score_from_s: Where the scored part begins, s.
        components: Numbers of components to choose from, ascending; one number is no choice.
        flow: Settings of the optical flow.
        flow_by_item: Recordings that have settings of their own, and these: pairs of item and settings.
        shown: What stands for the forecast frame: see References above.
        rounding: Whether forecast frames are rounded down to whole grey values.
    """

    horizons_s: tuple[float, ...] = (0.5, 1.0, 2.0)
    train_s: float = 30.0
    score_from_s: float = 60.0
    components: tuple[int, ...] = (1, 2, 3, 4)
    flow: OpticalFlow = field(default_factory=OpticalFlow)
    flow_by_item: tuple[tuple[str, OpticalFlow], ...] = ()
    shown: Shown = "forecast motion"
    rounding: Literal["none", "floor"] = "floor"

    kind: ClassVar[str] = "forecast"
    unit: ClassVar[str] = "recording"
    leading_metric: ClassVar[str] = "image-nrmse"
    trivial: ClassVar[str] = "hold_last"
    needs: ClassVar[Mapping[str, Need]] = {"video": Need("video")}

    def __post_init__(self) -> None:
        """Refuse horizons, parts and numbers of components that make no sense."""
        refuse_times(self.horizons_s, self.train_s, self.score_from_s, where="FrameAhead")
        if not self.components or list(self.components) != sorted(set(self.components)) or self.components[0] < 1:
            raise UsageError(
                f"components {self.components} are not whole, positive and ascending",
                where="FrameAhead",
                do="Give numbers of components in ascending order, e.g. (1, 2, 3, 4)",
            )
        if self.shown not in ("forecast motion", "previous image", "true field"):
            raise UsageError(
                f"'{self.shown}' cannot be shown",
                where="FrameAhead",
                do="Choose forecast motion, previous image or true field",
            )
        Splatting(rounding=self.rounding)

    def horizons(self, seconds_per_sample: float) -> tuple[int, ...]:
        """The horizons in frames at a frame interval; a UsageError names the closest where one is no whole number."""
        return in_samples(self.horizons_s, seconds_per_sample, where="FrameAhead")

    def parts(self, samples: int, seconds_per_sample: float) -> Parts:
        """First frame and end (exclusive) of each part of a film of `samples` frames."""
        return parts_of(samples, seconds_per_sample, train_s=self.train_s, score_from_s=self.score_from_s)

    def views(self, video: Video) -> tuple[FilmView, ...]:
        """One a number of components.

        Raises:
            DataError: the film cannot be used, has too few train frames, or moves in fewer ways than components are asked for.
        """
        usable = assess(video)
        if usable.quality == 0:
            raise DataError(
                f"the film cannot be used: {usable.reason}",
                where=f"recording '{video.item}'",
                do="Mend it, or leave it out and say so",
            )
        train = self.parts(video.count, video.seconds_per_frame)["train"][1]
        if train <= max(self.components):
            raise DataError(
                f"{train} train frames hold no {max(self.components)} components",
                where=f"recording '{video.item}'",
                do="Train on more seconds, or ask for fewer components",
            )
        film = film_of(video, dict(self.flow_by_item).get(video.item, self.flow), train, max(self.components))
        horizons = self.horizons(video.seconds_per_frame)
        near = min(horizons, key=lambda horizon: abs(horizon * video.seconds_per_frame - NEAR_S))
        return tuple(
            FilmView(film, number, train, self.shown, Splatting(rounding=self.rounding), near)
            for number in self.components
        )
