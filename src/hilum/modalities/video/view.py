"""Pictures of a forecast: recorded frame, forecast frame, their difference and the displacement behind it, still or moving.

Panels      recorded | forecast (one grey scale for both) | forecast - recorded (blue below, red above, white where equal) |
            recorded frame with forecast displacement from frame 0 as arrows, coloured by length in mm
Scales      every colour bar has its unit; a bar on the first panel is a stated number of mm; arrows are drawn to scale, or enlarged by a
            factor that is printed. The dashed box is the region of interest.
Colours     ColorBrewer's red-blue and matplotlib's plasma without its dark end: both can be read with any colour vision and in grey
Synthetic   a recording whose reason says synthetic is labelled so in every picture
Animation   GIF, because every browser and mail program shows it inline; resolution, then colours, then the number of frames give way
            until it is smaller than asked
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.modalities.video.sample import Video

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image as Picture

Array = NDArray[np.float64]

PANEL_INCHES = 2.5
BAR_INCHES = 0.48
HEAD_INCHES = 0.56
GAP_INCHES = 0.16
ARROWS_ACROSS = 22
FAINTEST = 0.35  # where plasma begins: darker colours would not be seen on a dark frame
# Dots an inch and colours of an animation, tried in this order.
QUALITIES = ((84, 128), (72, 96), (64, 64), (56, 48), (48, 32))
SAMPLED = 4


@dataclass(frozen=True)
class Forecast:
    """One forecast of one frame.

    Attributes:
        frame: Which frame of the recording it is a forecast of, counted from 0.
        picture: The forecast frame, (height, width), grey values.
        field: Displacement of each pixel of frame 0, (2, height, width), pixels; None where the forecast has none.
    """

    frame: int
    picture: Array
    field: Array | None = None


@dataclass(frozen=True)
class _Scales:
    """What all frames of one picture or animation share: grey values, their difference, mm, the arrows' factor."""

    grey: float
    difference: float
    mm: float
    enlarged: float


@dataclass(frozen=True)
class _Drawing:
    """A figure, and the parts of it that change from frame to frame: pictures of the panels, arrows, the heading."""

    figure: Figure
    recorded: tuple[Any, ...]
    forecast: Any
    difference: Any
    arrows: Any
    heading: Any


def draw_forecast(
    video: Video, forecast: Forecast, *, horizon: int | None = None, model: str = "", dpi: int = 150
) -> bytes:
    """One forecast beside the truth, as PNG.

    Args:
        video: The recording.
        forecast: What was forecast.
        horizon: How many frames ahead, for the heading.
        model: What forecast it, for the heading.
        dpi: Dots an inch; panels are 2.5 inches.

    Raises:
        DataError: the forecast does not fit the recording.
    """
    _check(video, [forecast])
    scales = _scales(video, [forecast])
    drawing = _drawing(video, scales, has_field=forecast.field is not None)
    _show(drawing, video, forecast, scales, _heading(video, forecast, horizon, model))
    stream = BytesIO()
    drawing.figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def animate_forecasts(
    video: Video,
    forecasts: Sequence[Forecast],
    *,
    horizon: int | None = None,
    model: str = "",
    seconds_per_picture: float | None = None,
    limit_bytes: int = 1_000_000,
) -> bytes:
    """Several forecasts as a GIF that repeats without end.

    Args:
        video: The recording.
        forecasts: What was forecast, in the order of time.
        horizon: How many frames ahead, for the heading.
        model: What forecast them, for the heading.
        seconds_per_picture: How long each stays, s; as recorded by default.
        limit_bytes: Largest size.

    Raises:
        DataError: a forecast does not fit the recording, or not even two small pictures fit the limit.
    """
    _check(video, forecasts)
    scales = _scales(video, forecasts)
    shown = list(forecasts)
    seconds = seconds_per_picture or video.seconds_per_frame

    drawing = _drawing(video, scales, has_field=forecasts[0].field is not None)

    def encoded(some: Sequence[Forecast], dpi: int, colours: int, each: float) -> bytes:
        pictures = []
        take = _camera(drawing, dpi)
        for one in some:
            _show(drawing, video, one, scales, _heading(video, one, horizon, model))
            pictures.append(take())
        return _gif(pictures, colours, each)

    for dpi, colours in QUALITIES:
        sample = shown[:: max(1, len(shown) // SAMPLED)]
        if len(encoded(sample, dpi, colours, seconds)) * len(shown) / len(sample) < 0.95 * limit_bytes:
            made = encoded(shown, dpi, colours, seconds)
            if len(made) < limit_bytes:
                return made
    dpi, colours = QUALITIES[-1]
    while len(shown) > 2:
        shown, seconds = shown[::2], 2 * seconds
        made = encoded(shown, dpi, colours, seconds)
        if len(made) < limit_bytes:
            return made
    raise DataError(
        f"no animation of {len(forecasts)} frames fits {limit_bytes} bytes",
        where=f"recording '{video.item}'",
        do="Allow more bytes, or draw single frames",
    )


def _check(video: Video, forecasts: Sequence[Forecast]) -> None:
    where = f"recording '{video.item}'"
    if not forecasts:
        raise DataError("there is no forecast to draw", where=where, do="Pass at least one")
    for one in forecasts:
        if not 0 <= one.frame < video.count:
            raise DataError(f"there is no frame {one.frame}", where=where, do=f"Frames are 0 to {video.count - 1}")
        size = (video.height, video.width)
        if one.picture.shape != size or (one.field is not None and one.field.shape != (2, *size)):
            raise DataError(
                f"the forecast of frame {one.frame} has another size than the recording's {video.height} x {video.width}",
                where=where,
                do="Forecast whole frames",
            )
        if (one.field is None) != (forecasts[0].field is None):
            raise DataError(
                "some forecasts have a displacement field and some have none",
                where=where,
                do="Draw them apart",
            )


def _scales(video: Video, forecasts: Sequence[Forecast]) -> _Scales:
    """Shared by all pictures, so that an animation does not flicker; the few brightest pixels may saturate."""
    true = np.stack([video.frames[one.frame] for one in forecasts])
    ahead = np.stack([one.picture for one in forecasts])
    grey = float(np.percentile(true, 99.8)) or 1.0
    difference = float(np.nanpercentile(np.abs(ahead - true), 99.5)) if np.isfinite(ahead).any() else 0.0
    lengths = [np.hypot(*one.field) for one in forecasts if one.field is not None]
    finite = [length[np.isfinite(length)] for length in lengths]
    longest = max((float(np.percentile(length, 99.8)) for length in finite if length.size), default=0.0)
    spacing = max(video.height, video.width) / ARROWS_ACROSS
    # Enlarged so far that the longest arrow spans about two spacings; never drawn smaller than it is.
    room = 2.0 * spacing / longest if longest > 0 else 1.0
    enlarged = max(factor for factor in (1.0, 2.0, 5.0, 10.0) if factor <= max(1.0, room))
    return _Scales(_round_up(grey), _round_up(difference) or 1.0, _round_up(longest * video.pixel_mm) or 1.0, enlarged)


def _round_up(value: float) -> float:
    """The next number of two digits, so that colour bars end at round figures."""
    if not value > 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(np.ceil(value / unit - 1e-9) * unit)


def _drawing(video: Video, scales: _Scales, *, has_field: bool) -> _Drawing:
    """All that does not change: axes, names, colour bars, scale bar, region."""
    from matplotlib.figure import Figure

    panels = 4 if has_field else 3
    longest = max(video.height, video.width)
    tall, wide = PANEL_INCHES * video.height / longest, PANEL_INCHES * video.width / longest
    width, height = panels * wide + (panels + 1) * GAP_INCHES, HEAD_INCHES + tall + BAR_INCHES
    figure = Figure(figsize=(width, height), facecolor="white")
    nothing = np.zeros((video.height, video.width))

    def panel(number: int, name: str, colours: str, low: float, high: float, label: str) -> tuple[Any, Any]:
        left = (GAP_INCHES + number * (wide + GAP_INCHES)) / width
        axes = figure.add_axes((left, BAR_INCHES / height, wide / width, tall / height))
        axes.set_axis_off()
        axes.text(0.0, 1.015, name, transform=axes.transAxes, ha="left", va="bottom", fontsize=8)
        shown = axes.imshow(nothing, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
        bar = figure.add_axes((left, 0.62 * BAR_INCHES / height, wide / width, 0.09 / height))
        if label:
            _bar(figure, shown, bar, label)
        return shown, bar

    recorded, _ = panel(0, "recorded", "gray", 0.0, scales.grey, "grey value")
    forecast, _ = panel(1, "forecast", "gray", 0.0, scales.grey, "grey value")
    name, reach = "forecast \N{MINUS SIGN} recorded", scales.difference
    difference, _ = panel(2, name, "RdBu_r", -reach, reach, "grey value")
    _scale_bar(recorded.axes, video)
    for shown, colour in ((recorded, "#e69f00"), (forecast, "#e69f00"), (difference, "#333333")):
        _region(shown.axes, video, colour)
    under, arrows = [recorded], None
    if has_field:
        factor = f", arrows \N{MULTIPLICATION SIGN}{scales.enlarged:g}" if scales.enlarged > 1 else ""
        below, bar = panel(3, f"displacement{factor}", "gray", 0.0, scales.grey, "")
        arrows = _arrows(below.axes, video, scales)
        _bar(figure, arrows, bar, "mm from frame 0")
        under.append(below)
    top = 1 - 0.12 / height
    heading = figure.text(GAP_INCHES / width, top, "", ha="left", va="top", fontsize=9)
    if "synthetic" in video.reason:
        end = 1 - GAP_INCHES / width
        figure.text(end, top, "synthetic", ha="right", va="top", fontsize=9, fontweight="bold", color="#b2182b")
    return _Drawing(figure, tuple(under), forecast, difference, arrows, heading)


def _show(drawing: _Drawing, video: Video, forecast: Forecast, scales: _Scales, heading: str) -> None:
    """Put one forecast into the drawing."""
    true = video.frames[forecast.frame]
    for shown in drawing.recorded:
        shown.set_data(true)
    drawing.forecast.set_data(forecast.picture)
    drawing.difference.set_data(forecast.picture - true)
    drawing.heading.set_text(heading)
    if drawing.arrows is not None and forecast.field is not None:
        rows, columns, step = _grid(video)
        across, down = (part[np.ix_(rows, columns)] * scales.enlarged for part in forecast.field)
        lengths = np.hypot(across, down)
        # An arrow shorter than its head would be a dot that says nothing.
        short = ~(lengths > 0.12 * step)
        across, down, mm = (np.ma.array(part, mask=short) for part in (across, down, lengths * video.pixel_mm))
        drawing.arrows.set_UVC(across, down, mm / scales.enlarged)


def _grid(video: Video) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Rows and columns that bear an arrow, and their distance in pixels."""
    step = max(1, round(max(video.height, video.width) / ARROWS_ACROSS))
    return np.arange(step // 2, video.height, step), np.arange(step // 2, video.width, step), step


def _arrows(axes: Any, video: Video, scales: _Scales) -> Any:
    """Arrows from where a point was in frame 0 towards where it is forecast to be; their lengths come later."""
    from matplotlib.colors import ListedColormap

    rows, columns, _ = _grid(video)
    at_column, at_row = np.meshgrid(columns, rows)
    nothing = np.zeros(at_row.shape)
    arrows = axes.quiver(
        at_column,
        at_row,
        nothing,
        nothing,
        nothing,
        angles="xy",
        scale_units="xy",
        scale=1.0,
        units="width",
        width=0.008,
        headwidth=3.5,
        headlength=4.0,
        headaxislength=3.6,
        minlength=0.1,
        cmap=ListedColormap(_bright(128)),
        clim=(0.0, scales.mm),
    )
    axes.set_xlim(-0.5, video.width - 0.5)
    axes.set_ylim(video.height - 0.5, -0.5)
    return arrows


def _bright(colours: int) -> Array:
    """Plasma without its dark end, (colours, 4), red, green, blue and opacity from 0 to 1."""
    from matplotlib import colormaps

    return np.asarray(colormaps["plasma"](np.linspace(FAINTEST, 1.0, colours)))


def _bar(figure: Figure, shown: Any, place: Any, label: str) -> None:
    bar = figure.colorbar(shown, cax=place, orientation="horizontal")
    low, high = shown.get_clim()
    # Scales end at a percentile, so the ends stand for what lies beyond them too.
    first = f"\N{LESS-THAN OR EQUAL TO} \N{MINUS SIGN}{-low:g}" if low < 0 else "0"
    bar.set_ticks([low, (low + high) / 2, high], labels=[first, label, f"\N{GREATER-THAN OR EQUAL TO} {high:g}"])
    bar.ax.tick_params(length=0, labelsize=7, pad=2)
    left, _, right = bar.ax.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    bar.outline.set_linewidth(0.4)


def _scale_bar(axes: Any, video: Video) -> None:
    """A white bar of a round number of mm, about a quarter of the frame's width."""
    quarter = video.width * video.pixel_mm / 4
    mm = max(length for length in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if length <= max(quarter, 0.1))
    across = mm / video.pixel_mm / video.width
    axes.plot([0.04, 0.04 + across], [0.045, 0.045], transform=axes.transAxes, color="black", linewidth=3.4)
    axes.plot([0.04, 0.04 + across], [0.045, 0.045], transform=axes.transAxes, color="white", linewidth=1.8)
    text = axes.text(0.04, 0.06, f"{mm:g} mm", transform=axes.transAxes, color="white", fontsize=7, va="bottom")
    _outlined(text)


def _outlined(text: Any) -> None:
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=1.6, foreground="black")])


def _region(axes: Any, video: Video, colour: str) -> None:
    if video.region is None:
        return
    from matplotlib.patches import Rectangle

    top, bottom, left, right = video.region
    axes.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),
            right - left,
            bottom - top,
            fill=False,
            edgecolor=colour,
            linewidth=0.8,
            linestyle=(0, (3, 2)),
        )
    )


def _heading(video: Video, forecast: Forecast, horizon: int | None, model: str) -> str:
    parts = [video.item, f"{video.start_s + forecast.frame * video.seconds_per_frame:.2f} s"]
    if horizon is not None:
        parts.append(f"forecast {horizon * video.seconds_per_frame:.2f} s ahead")
    if model:
        parts.append(model)
    return "  \N{MIDDLE DOT}  ".join(parts)


def _camera(drawing: _Drawing, dpi: int) -> Callable[[], Picture]:
    """What takes pictures of the drawing as it is now; colour bars, which cost most, are drawn once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure = drawing.figure
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    panels = [shown.axes for shown in (*drawing.recorded, drawing.forecast, drawing.difference)]
    moving = [*panels, drawing.heading]
    for part in moving:
        part.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)

    def take() -> Picture:
        canvas.restore_region(still)
        for part in moving:
            figure.draw_artist(part)
        return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())

    return take


def _gif(pictures: Sequence[Picture], colours: int, seconds: float) -> bytes:
    """Every picture in one fixed palette; no dithering, which would flicker and not compress."""
    from PIL import Image

    palette = _palette(colours)
    indexed = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    stream = BytesIO()
    indexed[0].save(
        stream,
        "GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=max(20, round(1000 * seconds)),
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def _palette(colours: int) -> Picture:
    """Half greys, a quarter red to blue, the rest for arrows, and the colours of the region and of the word synthetic."""
    from matplotlib import colormaps
    from PIL import Image

    # White stands apart from the lightest grey: Pillow's search for the nearest colour is coarse.
    greys = np.repeat(np.append(np.linspace(0.0, 0.94, colours // 2 - 1), 1.0)[:, np.newaxis], 3, axis=1)
    spread = np.asarray(colormaps["RdBu_r"](np.linspace(0.0, 1.0, colours // 4)))[:, :3]
    lines = np.array([[0xE6, 0x9F, 0x00], [0xB2, 0x18, 0x2B]]) / 255.0
    arrows = _bright(colours - len(greys) - len(spread) - len(lines))[:, :3]
    palette = Image.new("P", (1, 1))
    every = np.concatenate([greys, spread, arrows, lines])
    palette.putpalette(np.rint(255.0 * every).astype(np.uint8).tobytes())
    return palette
