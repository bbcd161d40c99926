"""The cine-MRI data as their cards have them, and simulated sequences that say what they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hilum.core.errors import DataError
from hilum.core.finder import get
from hilum.datasets.cine_mri_frames.dataset import CineMriFrames
from hilum.datasets.cine_mri_pca_weights.dataset import CineMriPcaWeights
from hilum.datasets.simulated_cine.dataset import SimulatedCine
from hilum.engine.download import verify_dataset
from hilum.modalities.series import sample as series
from hilum.modalities.video import sample as video

SHAPES = {
    "eth_sl010_xcs125": (200, 270, 270),
    "eth_sl014_xcs95": (200, 290, 290),
    "ovgu_jy02": (498, 143, 81),
    "ovgu_ks81": (498, 152, 87),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", SHAPES)
def test_four_sequences(name: str, real_data: Callable[[str], Path]) -> None:
    folder, frames = real_data("cine_mri_frames"), CineMriFrames()
    item = next(item for item in frames.items(folder) if item.id == name)
    found = frames.load(folder, item)
    facts = json.loads((folder / "meta.json").read_text())[name]
    assert found.frames.shape == SHAPES[name] == (facts["frames"], facts["height"], facts["width"])
    assert found.frames.max() == facts["max"] <= found.levels
    assert 1.0 / found.seconds_per_frame == pytest.approx(facts["fps"])
    assert found.pixel_mm == facts["pixel_mm"]
    assert found.subject == name.split("_")[1] == item.subject
    assert item.attributes["group"] == ("ETH" if name.startswith("eth") else "OvGU")
    assert video.assess(found).quality == 1.0
    assert found.reason
    # The strip is cut at frame borders: neighbours in time are far more alike than a frame and its shifted self.
    step = np.abs(found.frames[1] - found.frames[0]).mean()
    assert step < 0.5 * np.abs(np.roll(found.frames[0], found.height // 4, axis=0) - found.frames[0]).mean()


@pytest.mark.real_data
def test_regions_count_from_0_within_the_crop(real_data: Callable[[str], Path]) -> None:
    folder, frames = real_data("cine_mri_frames"), CineMriFrames()
    regions = {item.id: frames.load(folder, item).region for item in frames.items(folder)}
    # Columns 52 to 134 and rows 154 to 230 from 1, ends included; OvGU crops begin 8 pixels before the region.
    assert regions["eth_sl010_xcs125"] == (153, 230, 51, 134)
    assert regions["eth_sl014_xcs95"] == (62, 199, 125, 201)
    assert regions["ovgu_jy02"] == (8, 8 + 160 - 34 + 1, 8, 8 + 109 - 45 + 1)
    assert regions["ovgu_ks81"] == (8, 8 + 175 - 33 + 1, 8, 8 + 120 - 50 + 1)


@pytest.mark.real_data
def test_twelve_series_of_weights(real_data: Callable[[str], Path]) -> None:
    folder, weights = real_data("cine_mri_pca_weights"), CineMriPcaWeights()
    items = weights.items(folder)
    found = {item.id: weights.load(folder, item) for item in items}
    with np.load(folder / "pca_weights.npz") as arrays:
        assert sorted(arrays.files) == sorted(found)
        for name, one in found.items():
            assert np.array_equal(one.values.T, arrays[name])
    for item in items:
        one = found[item.id]
        eth = item.attributes["group"] == "ETH"
        assert one.values.shape == ((200, 3) if eth else (498, 3))
        assert 1.0 / one.seconds_per_sample == pytest.approx(3.18 if eth else 6.0)
        assert (one.unit, one.points, len(one.channels)) == ("weight", 0, 3)
        assert series.assess(one).quality == 1.0
    assert len({item.subject for item in items}) == 10


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cine_mri_frames", "cine_mri_pca_weights"])
def test_files_are_those_of_the_card(name: str, real_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = real_data(name)
    assert verify_dataset(name, folder) == []
    made = CineMriFrames() if name == "cine_mri_frames" else CineMriPcaWeights()
    item = made.items(folder)[-1]
    copy = tmp_path / name
    copy.mkdir()
    with pytest.raises(DataError, match="missing"):
        made.load(copy, item)
    for file in item.files:
        shutil.copy(folder / file, copy / file)
    broken = copy / item.files[0]
    broken.chmod(0o644)
    broken.write_bytes(broken.read_bytes()[:-1])
    with pytest.raises(DataError, match="not the one on the card"):
        made.load(copy, item)


def test_cards_say_what_must_be_known() -> None:
    notes = " ".join(note["text"] for note in get("datasets", "cine_mri_frames").facts["note"])
    for word in ("LICENCE FLAG", "headers", "cropped", "inferred"):
        assert word in notes
    assert "confirm before a public release" in get("datasets", "cine_mri_frames").facts["licence"]


def test_simulated_cine() -> None:
    made = SimulatedCine(frames=40)
    items = made.items(Path())
    assert [item.id for item in items] == list(made.ITEMS)
    recordings = [made.load(Path(), item) for item in items]
    for recording in recordings:
        assert recording.frames.shape == (40, 96, 80)
        assert recording.reason == "synthetic"
        assert recording.subject is not None
        assert video.assess(recording).quality == 1.0
    assert not np.array_equal(recordings[0].frames, recordings[1].frames)
    assert np.array_equal(made.load(Path(), items[0]).frames, recordings[0].frames)
