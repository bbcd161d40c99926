"""What the cells of a table stored, read for a report: arms, parts of the split, choices, controls, predictions.

Only counts are made here; figures come from results.json, or from metrics applied to stored predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.finder import find
from hilum.core.metric import Metric
from hilum.core.run import CellFolder
from hilum.core.store import read_json
from hilum.report.contents import Contents, Line

if TYPE_CHECKING:
    import polars as pl

    from hilum.report.ranking import Ranking

Array = NDArray[np.float64]
KINDS = ("classify", "regress")
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Predicted:
    """Rows of predictions, all of one length.

    Attributes:
        target: Class index, or the measured value.
        said: Probabilities (rows, classes), or predicted values (rows,).
        subject: Whose each row is, as 0 ... n - 1.
        group: Fold and seed of each row, as one label.
        seed: Seed of each row.
        columns: Time, source, site and subgroups, where there are any: texts.
        times: How often each record was tested with a seed: nested folds test it once for each validation part.
        first: Which rows are the first asked of their sequence, in their fold and seed; None where records have no step.
    """

    target: Array
    said: Array
    subject: NDArray[np.intp]
    group: NDArray[np.int64]
    seed: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    times: int = 1
    first: NDArray[np.bool_] | None = None

    @property
    def subjects(self) -> int:
        """How many."""
        return len(np.unique(self.subject))

    def take(self, chosen: NDArray[np.bool_]) -> Predicted:
        """Some of the rows."""
        kept = {name: column[chosen] for name, column in self.columns.items()}
        rows = (self.target[chosen], self.said[chosen], self.subject[chosen], self.group[chosen], self.seed[chosen])
        return Predicted(*rows, kept, self.times, None if self.first is None else self.first[chosen])

    @property
    def first_seed(self) -> Predicted:
        """The rows of the first seed: each record once a fold."""
        return self.take(self.seed == self.seed.min()) if len(self.seed) else self


@dataclass(frozen=True)
class TableArm:
    """One arm of a table and what its finished cells stored.

    Attributes:
        id: Its id.
        name: Its title.
        model: Its model's name.
        trivial: Whether it is the trivial predictor.
        data: What arms that were scored on the same records share.
        settings: What it was run with, and what was to be chosen.
        colour: Its place in the palette.
        tested: Cells that test a fold.
        final: The cell that was fitted on every record; None where there is none.
        controls: Cells on permuted labels.
        lines: Its figures by metric.
    """

    id: str
    name: str
    model: str
    trivial: bool
    data: str
    settings: Mapping[str, Any]
    colour: int
    tested: tuple[CellFolder, ...]
    final: CellFolder | None
    controls: tuple[CellFolder, ...]
    lines: Mapping[str, Line]

    @property
    def rows(self) -> pl.DataFrame | None:
        """predictions.parquet of its test parts; None where nothing is stored."""
        return _read(self.tested, "predictions")

    @cached_property
    def predicted(self) -> Predicted | None:
        """What it predicted of its test parts; None where nothing is stored."""
        frame = self.rows
        return None if frame is None else predicted_of(frame)

    @cached_property
    def records(self) -> pl.DataFrame | None:
        """split.parquet of every fold."""
        return _read(self.tested, "split")

    @property
    def chosen(self) -> list[tuple[str, dict[str, Any], list[tuple[dict[str, Any], float | None]]]]:
        """Fold to the settings that were fitted, and every candidate with its score inside train."""
        found = []
        for cell in (*self.tested, *((self.final,) if self.final else ())):
            for name, evidence in cell.evidence().items():
                choices = evidence.get("choices") or {}
                tried = [(settings, score) for settings, score in choices.get("tried") or ()]
                found.append((name, dict(choices.get("settings") or {}), tried))
        return found

    def by_seed_and_fold(self, metric: Metric) -> Array:
        """The metric of every seed on every fold (seeds, folds); `nan` where a seed was not run on one."""
        frame = _read(self.tested, "scores")
        if frame is None:
            return np.empty((0, 0))
        columns = _columns_of(frame, metric)
        seeds, seed = np.unique(frame["seed"].to_numpy(), return_inverse=True)
        folds, fold = np.unique(frame["fold"].to_numpy(), return_inverse=True)
        figures = np.full((len(seeds), len(folds)), np.nan)
        for place in np.unique(np.stack([seed, fold]), axis=1).T.tolist():
            rows = (seed == place[0]) & (fold == place[1])
            figures[tuple(place)] = metric({name: column[rows] for name, column in columns.items()}).value
        return figures

    def permuted(self, metric: Metric) -> list[float]:
        """The metric on permuted labels, one figure a permutation, made as the arm's own is."""
        frame = _read(self.controls, "scores")
        if frame is None:
            return []
        columns = _columns_of(frame, metric)
        seed, fold = frame["seed"].to_numpy(), frame["fold"].to_numpy()
        figures = []
        for one in np.unique(seed):
            mine = seed == one
            folds = [mine & (fold == k) for k in np.unique(fold[mine])] if metric.pooling == "ranks" else [mine]
            scores = [metric({name: column[rows] for name, column in columns.items()}) for rows in folds]
            if not all(score.defined for score in scores):
                scores = [metric({name: column[mine] for name, column in columns.items()})]
            figures.append(float(np.mean([score.value for score in scores])))
        return [value for value in figures if np.isfinite(value)]


@dataclass(frozen=True)
class PartLine:
    """One part of one fold, counted.

    Attributes:
        fold: What the fold is called.
        part: train, validation or test.
        subjects: How many; None where who is who is not known.
        records: How many.
        events: Records of each class; of a number its mean and standard deviation.
        event_subjects: Subjects with a record of each class; None where who is who is not known, or the outcome is a number.
    """

    fold: str
    part: str
    subjects: int | None
    records: int
    events: tuple[float, ...]
    event_subjects: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Tables:
    """The part of a run that was run on tables.

    Attributes:
        kind: classify or regress.
        classes: Names of the classes.
        arms: Every arm with a finished cell, controls left out.
        leading: The leading metric.
        whole: All records, counted.
        parts: Every part of every fold, counted.
        study: What the study said; empty for a paper.
        prepare: How features were made ready.
        dropped: Features that train had nothing to learn from, and why.
        title: What the arms have in common, in words; empty where the run has nothing else.
        left_out: Why, and how many, before the records were made (stays of a cohort); empty where a study says it.
    """

    kind: str
    classes: tuple[str, ...]
    arms: tuple[TableArm, ...]
    leading: Metric
    whole: PartLine | None
    parts: tuple[PartLine, ...]
    study: Mapping[str, Any]
    prepare: Mapping[str, Any]
    dropped: tuple[tuple[str, str], ...]
    title: str = ""
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def binary(self) -> bool:
        """Whether a risk of one event is predicted."""
        return self.kind == "classify" and len(self.classes) == 2

    @property
    def event(self) -> str:
        """The outcome, and of two classes the positive one."""
        target = str(self.study.get("target") or "the outcome")
        return f"{target} = {self.classes[1]}" if self.binary else target

    @property
    def unit(self) -> str:
        """Unit of a measured outcome."""
        return str(self.study.get("unit") or "")

    @property
    def trivial(self) -> TableArm | None:
        """The constant comparator."""
        return next((arm for arm in self.arms if arm.trivial), None)

    @cached_property
    def ranking(self) -> Ranking | None:
        """Whether the best model may be called so; None where there are not two."""
        from hilum.report.ranking import ranking

        return ranking(self)

    @property
    def best(self) -> TableArm | None:
        """The model with the best leading figure, of those scored on the records of the first; the trivial predictor does not count."""
        sign = -1.0 if self.leading.direction == "lower" else 1.0
        scored = [
            (sign * value, arm)
            for arm in self.arms
            if not arm.trivial
            and arm.data == self.arms[0].data
            and (value := _value(arm, self.leading.name)) is not None
        ]
        return max(scored, key=lambda pair: pair[0])[1] if scored else None


def read_tables(contents: Contents) -> Tables | None:
    """The first of `read_every`; None where there is none."""
    return next(iter(read_every(contents)), None)


def read_every(contents: Contents) -> tuple[Tables, ...]:
    """What a run holds of tables, in the order of its arms: together stand the arms that were scored on the same records.

    Nothing where it was run on something else, or no cell of it is finished.
    """
    listed = [arm for arm in contents.info.get("arms", ()) if arm.get("kind") in KINDS]
    groups: dict[str, list[dict[str, Any]]] = {}
    for arm in listed:
        groups.setdefault(str(arm.get("data", "")), []).append(arm)
    found = (_of_group(contents, group, alone=len(groups) == 1) for group in groups.values())
    return tuple(tables for tables in found if tables is not None)


def _of_group(contents: Contents, listed: list[dict[str, Any]], *, alone: bool) -> Tables | None:
    info = contents.info
    arms = tuple(arm for arm in _arms(contents, listed) if arm.tested)
    if not arms or not contents.lines:
        return None
    kind = listed[0]["kind"]
    lines = [line for line in contents.lines if line.arm_id in {arm.id for arm in arms}]
    if not lines:
        return None
    metrics = metrics_of(kind)
    study = info.get("study") or {}
    classes = tuple(study.get("classes") or _classes(arms))
    records = next((arm.records for arm in arms if arm.records is not None), None)
    prepare, dropped = _prepared(arms)
    return Tables(
        kind=kind,
        classes=classes,
        arms=arms,
        leading=metrics[lines[0].metric],
        whole=None if records is None else _counted(records.unique("item"), "all", "all", kind, len(classes)),
        parts=() if records is None else _parts(records, list(study.get("folds") or ()), kind, len(classes)),
        study=study,
        prepare=prepare,
        dropped=dropped,
        left_out=() if study else _left_out(arms),
        title=""
        if alone
        else str(listed[0].get("group") or f"{listed[0]['dataset']}: {listed[0]['task'].replace('_', ' ')}"),
    )


@lru_cache(maxsize=8)
def metrics_of(kind: str) -> Mapping[str, Metric]:
    """Every metric of a task kind, by name."""
    found: dict[str, Metric] = {}
    for family in find("metrics").values():
        if family.facts.get("KIND") == kind:
            found.update({metric.name: metric for metric in family.load().METRICS})
    return found


def columns_for(kind: str, rows: Predicted) -> tuple[dict[str, Array], Array, Array]:
    """What metrics of the kind read, with the subject and the group of each row: of numbers, one row a subject and group."""
    if kind == "classify":
        said = {f"p:{k}": np.ascontiguousarray(rows.said[:, k]) for k in range(rows.said.shape[1])}
        return {"target": rows.target, **said}, rows.subject.astype(np.float64), rows.group.astype(np.float64)
    from hilum.metrics.regress import statistics_by

    keys, member = np.unique(np.stack([rows.subject, rows.group]), axis=1, return_inverse=True)
    columns = statistics_by(member.reshape(-1), rows.target, rows.said)
    return {name: np.asarray(each) for name, each in columns.items()}, keys[0].astype(np.float64), keys[1].astype(float)


def _arms(contents: Contents, listed: list[dict[str, Any]]) -> list[TableArm]:
    cells: dict[str, list[CellFolder]] = {}
    for cell in contents.info["cells"]:
        folder = CellFolder(contents.run.cells / cell["folder"])
        if folder.done:
            cells.setdefault(cell["arm_id"], []).append(folder)
    lines: dict[str, dict[str, Line]] = {}
    for line in contents.lines:
        if line.horizon is None:
            lines.setdefault(line.arm_id, {})[line.metric] = line
    controls = [arm for arm in listed if arm.get("control")]
    made = []
    colour = 0
    for arm in listed:
        if arm.get("control"):
            continue
        own = cells.get(arm["id"], [])
        final = next((cell for cell in own if cell.spec()["fold"] is None), None)
        named = [c for c in controls if c.get("of") == arm["id"]]
        if not arm["trivial"]:
            colour += 1
        made.append(
            TableArm(
                id=arm["id"],
                name=_within(arm),
                model=arm["model"],
                trivial=arm["trivial"],
                data=str(arm.get("data", "")),
                settings=arm["settings"],
                colour=0 if arm["trivial"] else 1 + (colour - 1) % 7,
                tested=tuple(cell for cell in own if cell is not final),
                final=final,
                controls=tuple(cell for control in named[:1] for cell in cells.get(control["id"], ())),
                lines=lines.get(arm["id"], {}),
            )
        )
    return made


def _within(arm: Mapping[str, Any]) -> str:
    """An arm's title among those it is compared with: what all of them have in common is said once."""
    group = arm.get("group")
    return str(arm["name"]).removesuffix(f", {group}") if group else str(arm["name"])


def _read(cells: tuple[CellFolder, ...], name: str) -> pl.DataFrame | None:
    import polars as pl

    frames = [pl.read_parquet(path) for cell in cells if (path := cell.path / f"{name}.parquet").is_file()]
    frames = [frame for frame in frames if frame.height]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None


def predicted_of(frame: pl.DataFrame) -> Predicted:
    """Rows of predictions.parquet, in their order."""
    import polars as pl

    names = sorted((name for name in frame.columns if name.startswith("p:")), key=lambda name: int(name[2:]))
    said = frame.select(names).to_numpy() if names else frame["prediction"].to_numpy()
    whose = frame["item"].cast(pl.String)
    if "subject" in frame.columns:
        whose = frame.select(pl.coalesce(pl.col("subject").cast(pl.String), "record " + pl.col("item"))).to_series()
    _, subject = np.unique(whose.to_numpy().astype(str), return_inverse=True)
    seed, fold = frame["seed"].to_numpy().astype(np.int64), frame["fold"].to_numpy().astype(np.int64)
    kept = [name for name in frame.columns if name in {"source", "site"} or name.startswith("group:")]
    return Predicted(
        target=frame["target"].to_numpy().astype(np.float64),
        said=np.asarray(said, dtype=np.float64),
        subject=subject.astype(np.intp),
        group=seed * (int(fold.max()) + 1) + fold,
        seed=seed,
        columns={name: frame[name].cast(pl.String).to_numpy() for name in kept},
        times=_times(frame),
        first=_first(frame),
    )


def _first(frame: pl.DataFrame) -> NDArray[np.bool_] | None:
    """Which rows are the first of their sequence by step, the first item of equals; None where records have no step."""
    if not {"sequence", "step"} <= set(frame.columns) or frame["step"].null_count():
        return None
    keys = ("sequence", "fold", "seed")
    numbered = frame.select("step", "item", *keys).with_row_index("row").sort("step", "item")
    first = np.zeros(frame.height, dtype=bool)
    first[numbered.unique(keys, keep="first", maintain_order=True)["row"].to_numpy()] = True
    return first


def _times(frame: pl.DataFrame) -> int:
    """How often every record stands for one seed; 1 where that differs from record to record."""
    counts = frame.group_by("seed", "item").len()["len"].unique().to_list()
    return int(counts[0]) if len(counts) == 1 else 1


def _columns_of(frame: pl.DataFrame, metric: Metric) -> dict[str, Array]:
    import polars as pl

    names = [name for name in frame.columns if name in metric.needs or name.startswith("p:")]
    return {name: frame[name].cast(pl.Float64).to_numpy() for name in names}


def _parts(records: pl.DataFrame, names: list[str], kind: str, classes: int) -> tuple[PartLine, ...]:
    import polars as pl

    found = []
    for fold in sorted(records["fold"].unique().to_list()):
        name = names[fold] if 0 <= fold < len(names) else str(fold)
        for part in PARTS:
            own = records.filter((pl.col("fold") == fold) & (pl.col("part") == part))
            if own.height:
                found.append(_counted(own, name, part, kind, classes))
    return tuple(found)


def _counted(own: pl.DataFrame, fold: str, part: str, kind: str, classes: int) -> PartLine:
    import polars as pl

    known = "subject" in own.columns and own["subject"].null_count() == 0
    subjects = own["subject"].n_unique() if known else None
    target = own["target"].to_numpy()
    if kind == "regress":
        spread = float(np.std(target, ddof=1)) if len(target) > 1 else float("nan")
        return PartLine(fold, part, subjects, own.height, (float(target.mean()), spread))
    events = tuple(float((target == k).sum()) for k in range(classes))
    each = tuple(own.filter(pl.col("target") == k)["subject"].n_unique() for k in range(classes)) if known else None
    return PartLine(fold, part, subjects, own.height, events, each)


def _classes(arms: tuple[TableArm, ...]) -> tuple[str, ...]:
    for arm in arms:
        for cell in arm.tested:
            for evidence in cell.evidence().values():
                if evidence.get("classes"):
                    return tuple(map(str, evidence["classes"]))
    return ()


def _left_out(arms: tuple[TableArm, ...]) -> tuple[tuple[str, int], ...]:
    for arm in arms:
        for cell in arm.tested:
            for evidence in cell.evidence().values():
                counted = evidence.get("cohort") or {}
                if counted.get("attrition"):
                    return tuple((str(why), int(count)) for why, count in counted["attrition"])
    return ()


def _prepared(arms: tuple[TableArm, ...]) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    arm = next((arm for arm in arms if not arm.trivial), arms[0])
    cell = arm.tested[0]
    settings = dict((cell.spec()["task"].get("settings") or {}).get("prepare") or {})
    path = cell.path / "preprocess.json"
    stored = read_json(path) if path.is_file() else {}
    dropped = [
        (str(name), str(why))
        for each in stored.values()
        for name, why in (each.get("prepare") or {}).get("dropped", ())
    ]
    return settings, tuple(dropped)


def _value(arm: TableArm, metric: str) -> float | None:
    line = arm.lines.get(metric)
    return None if line is None else line.estimate.value
