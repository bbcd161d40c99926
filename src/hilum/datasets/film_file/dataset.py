"""Films of one's own: a PNG strip, a folder or file of DICOM, or a NIfTI file; each is one recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.core.errors import DataError, UsageError
from hilum.modalities.recordings import find_recordings
from hilum.modalities.video.read_dicom import read_dicom
from hilum.modalities.video.read_nifti import read_nifti
from hilum.modalities.video.read_strip import read_strip
from hilum.modalities.video.sample import Region, Video

DICOM = (".dcm", ".dicom", ".ima")


@dataclass(frozen=True)
class FilmFile:
    """A user's films. What a format says itself (DICOM, NIfTI: rate, pixel size) need not be stated; what is stated overrides it.

    Attributes:
        files: Files or folders relative to the study's folder, or patterns: `films/*.png`, `films/{subject}_*` where names say whose
            recording it is.
        frames: Of a strip, how many frames it holds; this or `frame_height`.
        frame_height: Of a strip, rows of one frame.
        rate_hz: Frames a second; a strip does not say.
        pixel_mm: Side of a pixel, mm; a strip does not say.
        levels: Largest grey value: 255 for 8 bit, 4095 for 12 bit; a DICOM series says it itself.
        region: First row, end row, first column, end column of the region of interest, from 0, ends excluded; empty for none.
    """

    files: tuple[str, ...] = ()
    frames: int | None = None
    frame_height: int | None = None
    rate_hz: float | None = None
    pixel_mm: float | None = None
    levels: int | None = None
    region: tuple[int, ...] = ()

    name: ClassVar[str] = "film_file"
    ITEMS: ClassVar[tuple[str, ...]] = ()
    provides: ClassVar[Mapping[str, Field]] = {"video": Field("frames", "video", "grey")}

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        for name in ("frames", "frame_height", "rate_hz", "pixel_mm", "levels"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value:g}", where="a film", do="Give a number above 0, or leave it out")
        if self.region and (len(self.region) != 4 or not all(isinstance(edge, int) for edge in self.region)):
            raise UsageError(
                f"the region is {list(self.region)}",
                where="a film",
                do="Give first row, end row, first column, end column, from 0, ends excluded",
            )

    @property
    def names_subjects(self) -> bool:
        """Whether the names of files say whose a recording is."""
        return any("{subject}" in pattern for pattern in self.files)

    def items(self, folder: Path) -> Sequence[Item]:
        """One a file, in the order of their names; errors as in `find_recordings`."""
        return find_recordings(folder, self.files, noun="film")

    def load(self, folder: Path, item: Item) -> Video:
        """One recording, (frames, height, width).

        Raises:
            DataError: the file cannot be read, or is of another kind.
            UsageError: what its format does not say is not stated.
        """
        path = folder / item.attributes.get("name", item.files[0])
        name = path.name.lower()
        if name.endswith(".png"):
            return self._strip(path, item)
        if path.is_dir() or path.suffix.lower() in DICOM:
            if self.levels is not None:
                raise UsageError("a DICOM series says its bit depth itself", where=str(path), do="Leave levels out")
            return read_dicom(
                path,
                item=item.id,
                subject=item.subject,
                seconds_per_frame=self._interval,
                pixel_mm=self.pixel_mm,
                region=self._region,
            )
        if name.endswith((".nii", ".nii.gz")):
            return read_nifti(
                path,
                levels=self.levels,
                seconds_per_frame=self._interval,
                pixel_mm=self.pixel_mm,
                region=self._region,
                item=item.id,
                subject=item.subject,
            )
        raise DataError(
            f"'{path.suffix or path.name}' is no kind of film that is read here",
            where=str(path),
            do="Give a grey PNG strip, a folder or file of DICOM (.dcm), or NIfTI (.nii, .nii.gz)",
        )

    @property
    def _interval(self) -> float | None:
        return None if self.rate_hz is None else 1.0 / self.rate_hz

    @property
    def _region(self) -> Region | None:
        if not self.region:
            return None
        first_row, end_row, first_column, end_column = self.region
        return first_row, end_row, first_column, end_column

    def _strip(self, path: Path, item: Item) -> Video:
        if self.rate_hz is None or self.pixel_mm is None:
            lacking = "rate_hz" if self.rate_hz is None else "pixel_mm"
            told = "frames a second" if lacking == "rate_hz" else "the side of a pixel in mm"
            raise UsageError(
                f"a PNG strip does not say its {told}", where=str(path), do=f"State it under [data]: {lacking} = ..."
            )
        return read_strip(
            path,
            seconds_per_frame=1.0 / self.rate_hz,
            pixel_mm=self.pixel_mm,
            frames=self.frames,
            frame_height=self.frame_height,
            levels=self.levels,
            region=self._region,
            item=item.id,
            subject=item.subject,
        )
