"""The 2022 marker paper on the nine real recordings: what can be judged without its networks, and what its protocol does to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hilum
from hilum.core.kinds.forecast import ForecastSetting
from hilum.core.row import Row
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.engine.forecasts.stream import stream_record
from hilum.metrics.forecast import statistics
from hilum.models.hold_last import HoldLast
from hilum.papers.uoro_markers.experiment import NETWORKS

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


def test_records_and_markers_are_counted_and_nothing_else_is_judged(tmp_path: Path, real_data_root: Path) -> None:
    hilum.run(
        "uoro-markers",
        models=("hold_last",),
        data=real_data_root,
        out=tmp_path / "run",
        executor="inline",
    )
    rows = {row["id"]: Row.from_json(row) for row in read_json(RunFolder(tmp_path / "run").path / "claims.json")}
    counts = {name: rows[name] for name in ("data.records", "data.markers")}
    assert {row.verdict for row in counts.values()} == {"reproduced, exact"}
    assert [row.ours.value for row in counts.values() if row.ours] == [9.0, 3.0]
    assert {row.verdict for name, row in rows.items() if name not in counts} == {"not run", "not judged"}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_early_labels_beat_the_clock_and_causal_networks_do_not(name: str, real_data: Callable[[str], Path]) -> None:
    """Recording 7 at 2 s and a published rate: below a third of hold last as published, and above two thirds of it causally."""
    folder, markers = real_data("extmarkers"), ExternalMarkers()
    item = next(each for each in markers.items(folder) if each.id == "recording-7")
    values = np.ascontiguousarray(markers.load(folder, item).values)
    setting = ForecastSetting(channels=9, horizons=(20,), seconds_per_sample=0.1, unit="mm")

    def rmse(model: object, protocol: str) -> float:
        (forecast,) = stream_record(model, setting, values, 300, protocol, 0).forecasts  # type: ignore[arg-type]
        row = statistics(values[600:], forecast[600:], points=3, seconds_per_sample=0.1)
        return float((row["sum_sq"] / row["n"]) ** 0.5)

    model = type(NETWORKS[name])(**{**vars(NETWORKS[name]), "units": 20, "history": 10, "rate": 0.05})
    hold = rmse(HoldLast(), "causal")
    assert rmse(model, "published") < hold / 3
    assert rmse(model, "causal") > 2 * hold / 3
