"""The nine recordings as their card has them, and simulated breathing that looks like breathing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hilum.core.errors import DataError, UsageError
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.engine.download import verify_dataset
from hilum.modalities.series.simulate import simulate_breathing

LENGTHS = [2220, 1383, 1297, 1422, 1307, 1171, 726, 3199, 3061]


@pytest.mark.real_data
def test_nine_recordings(real_data: Callable[[str], Path]) -> None:
    folder, markers = real_data("extmarkers"), ExternalMarkers()
    recordings = [markers.load(folder, item) for item in markers.items(folder)]
    assert [r.samples for r in recordings] == LENGTHS
    for recording in recordings:
        assert (recording.unit, recording.points, recording.subject) == ("mm", 3, None)
        assert recording.channels[:4] == ("x1", "x2", "x3", "y1")
        assert np.isfinite(recording.values).all()
        assert np.abs(recording.values[0]).max() == 0


@pytest.mark.real_data
@pytest.mark.parametrize(("rate", "seconds"), [(10 / 3, 0.3), (30.0, 1 / 30)])
def test_other_rates(real_data: Callable[[str], Path], rate: float, seconds: float) -> None:
    folder, markers = real_data("extmarkers"), ExternalMarkers(rate_hz=rate)
    recording = markers.load(folder, markers.items(folder)[6])
    assert recording.seconds_per_sample == pytest.approx(seconds)
    assert recording.samples == pytest.approx(72.6 * rate, rel=0.02)
    assert ("next real sample" in recording.reason) == (rate > 20)


@pytest.mark.real_data
def test_every_file_is_the_one_on_the_card(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = real_data("extmarkers")
    assert verify_dataset("extmarkers", folder) == []
    copy = tmp_path / "extmarkers"
    shutil.copytree(folder, copy)
    broken = copy / "mat" / "Ext_markers_seq_1.mat"
    broken.write_bytes(broken.read_bytes()[:-1])
    (problem,) = verify_dataset("extmarkers", copy)
    assert "Ext_markers_seq_1.mat" in str(problem)
    with pytest.raises(DataError, match="not the one on the card"):
        ExternalMarkers().load(copy, ExternalMarkers().items(copy)[0])


def test_a_rate_that_was_not_published() -> None:
    with pytest.raises(UsageError, match="closest is 10 Hz"):
        ExternalMarkers(rate_hz=12.0)


def test_simulated_breathing() -> None:
    made = SimulatedBreathing()
    items = made.items(Path())
    assert [item.id for item in items] == list(made.ITEMS)
    for item in items:
        recording = made.load(Path(), item)
        assert recording.values.shape == (1500, 9)
        reach = np.ptp(recording.values, axis=0)
        assert 4 < reach[6:].max() < 80
        assert reach[6:].mean() > reach[:3].mean()
        assert recording.subject is not None
        assert recording.reason == "synthetic"


def test_simulation_repeats_and_tells_its_truth() -> None:
    one, same, other = (simulate_breathing(seconds=200.0, rate_hz=10.0, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.values, same.values)
    assert not np.array_equal(one.values, other.values)
    assert (np.diff(one.phase) >= 0).all()
    assert (one.amplitude > 0).all()
    assert {kind for kind, _ in one.events + other.events} <= {"pause", "cough", "shift"}
    breaths = (one.phase[-1] - one.phase[0]) / (2 * np.pi)
    assert 2.0 < 200.0 / breaths < 9.0
