"""Stored arms: what a run folder holds of each arm, read back without the experiment that made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hilum.core.component import Spec, build
from hilum.core.errors import HilumError, UsageError, unknown
from hilum.core.row import read_estimate
from hilum.core.run import CellFolder, RunFolder
from hilum.core.store import read_json

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class StoredArm:
    """One arm of a run.

    Attributes:
        id: Its id.
        name: Its title.
        trivial: Whether it is the trivial predictor.
        control: Empty, or what it is a control for.
        cells: Its finished cells.
    """

    id: str
    name: str
    trivial: bool
    control: str
    cells: tuple[CellFolder, ...]

    @property
    def spec(self) -> dict[str, Any]:
        """The specification of its first cell.

        Raises:
            HilumError: no cell of it is finished.
        """
        if not self.cells:
            raise HilumError(f"no cell of '{self.name}' is finished", do="Run it again")
        return self.cells[0].spec()

    @property
    def task(self) -> Any:
        """Its task."""
        return build(Spec.from_json(self.spec["task"]))

    def predictions(self) -> pl.DataFrame:
        """What it predicted of its test parts, of every cell that tests any.

        Raises:
            HilumError: nothing is stored.
        """
        import polars as pl

        frames = [pl.read_parquet(cell.predictions) for cell in self.cells]
        frames = [frame for frame in frames if frame.height]
        if not frames:
            raise HilumError(f"'{self.name}' has predicted nothing", do="Run it again with --preset quick")
        return pl.concat(frames, how="diagonal_relaxed")

    def final(self) -> CellFolder:
        """The cell that was fitted on every record.

        Raises:
            HilumError: there is none.
        """
        for cell in self.cells:
            if cell.spec()["fold"] is None:
                return cell
        raise HilumError(f"no cell of '{self.name}' was fitted on all records", do="Run the study again")


def stored_arms(run: RunFolder) -> tuple[StoredArm, ...]:
    """Every arm of a run, controls left out."""
    info = run.info()
    cells: dict[str, list[CellFolder]] = {}
    for cell in info["cells"]:
        folder = CellFolder(run.cells / cell["folder"])
        if folder.done:
            cells.setdefault(cell["arm_id"], []).append(folder)
    return tuple(
        StoredArm(arm["id"], arm["name"], arm["trivial"], arm.get("control", ""), tuple(cells.get(arm["id"], ())))
        for arm in info["arms"]
        if not arm.get("control")
    )


def arm_by_name(arms: Sequence[StoredArm], name: str, *, where: str) -> StoredArm:
    """An arm by its title, its id, or a title that begins like it.

    Raises:
        UsageError: there is none, or more than one.
    """
    wanted = name.replace("_", " ").lower()
    exact = [arm for arm in arms if wanted in {arm.name.lower(), arm.id}]
    found = exact or [arm for arm in arms if arm.name.lower().startswith(wanted)]
    if not found:
        raise unknown("arm", name, [arm.name for arm in arms], where=where)
    if len(found) > 1:
        raise UsageError(
            f"'{name}' fits {', '.join(arm.name for arm in found)}", where=where, do="Write the whole name"
        )
    return found[0]


def best_arm(run: RunFolder, model: str = "") -> tuple[StoredArm, str, str]:
    """The arm of this title, or the one with the best leading figure; why it was chosen; and that figure in words.

    Raises:
        HilumError: no arm has a figure.
        UsageError: there is no such arm.
    """
    arms = stored_arms(run)
    lines = [line for line in read_json(run.path / "results.json") if line["horizon"] is None]
    leading = lines[0]["metric"] if lines else ""
    own = {line["arm_id"]: line for line in lines if line["metric"] == leading}
    if model:
        arm = arm_by_name(arms, model, where=str(run.path))
        return arm, "as asked", _told(own.get(arm.id))
    sign = 1.0 if lines and lines[0]["direction"] == "higher" else -1.0
    ranked = sorted(
        (arm for arm in arms if not arm.trivial and own.get(arm.id, {}).get("estimate", {}).get("value") is not None),
        key=lambda arm: -sign * own[arm.id]["estimate"]["value"],
    )
    if not ranked:
        raise HilumError(
            "no model of this run has a figure", where=str(run.path), do="Name one with --model, or run it again"
        )
    extreme = "highest" if sign > 0 else "lowest"
    first = own[ranked[0].id]
    return ranked[0], f"the {extreme} {first['metric_title']} of {len(ranked)} models", _told(first)


def _told(line: dict[str, Any] | None) -> str:
    estimate = read_estimate(line["estimate"]) if line else None
    if line is None or estimate is None or estimate.value is None:
        return "no figure was measured of it"
    told = f"{line['metric_title']} {estimate.value:.3f}"
    if estimate.interval is not None:
        units = "recordings" if estimate.per_unit else "subjects"
        told += (
            f" ({estimate.interval.low:.3f} to {estimate.interval.high:.3f}, 95 % over {estimate.interval.n} {units})"
        )
    return f"{told} on test parts"
