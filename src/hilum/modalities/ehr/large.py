"""Large databases: a cohort built chunk by chunk, so that memory is that of a chunk of subjects and not of the database.

    raw tables --one pass--> events in files of n subjects --one file at a time--> parts on disk --criteria--> triple, or Cohorts

Held at a time: what polars reads ahead, then the events and the hours of n subjects. What grows with the database are the table of stays
and one row of facts a stay (age, length, onset, ...), some hundred bytes a stay: criteria may ask for all stays at once (the share of a
hospital's stays that have the event). HiRID's reader also sorts the urine totals of all patients.

The cohort is the one that `cohort.build` gives: same stays, labels, cells and attrition; only the order of the stays in the files differs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.core.store import new_folder
from hilum.modalities.ehr.cohort import Cohort, Part, choose, cohort_of, parts_of, summed
from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.meds import spool
from hilum.modalities.ehr.rules import Rules
from hilum.modalities.ehr.stays import Records
from hilum.modalities.ehr.task_file import CohortTask
from hilum.modalities.ehr.yaib import as_triple, id_type, write_beside

if TYPE_CHECKING:
    import polars as pl

SUBJECTS_A_CHUNK = 200
_ON_DISK = ("facts", "hourly", "static", "outcome")


def build_to(
    folder: Path,
    records: Records,
    task: CohortTask,
    rules: Rules | str = "clean",
    *,
    dictionary: Dictionary | None = None,
    subjects_a_chunk: int = SUBJECTS_A_CHUNK,
) -> pl.DataFrame:
    """Build the cohort of a task into a folder as YAIB's triple (see `yaib.py`); it appears whole or not at all.

    Args:
        folder: Must not exist. Beside it there is room for the events of the database once more, while it runs.
        records: Stays and events, as a reader returns them; spooled ones (`meds.spool`) are not spooled again.
        task: What to build.
        rules: A preset of the task ("clean", "yaib"), or single choices.
        dictionary: What the codes mean; ours without one.
        subjects_a_chunk: So many subjects are held at a time.

    Returns:
        The attrition: see `Cohort`.

    Raises:
        DataError: the folder exists, no stay is left, or the events cannot be read.
    """
    import polars as pl

    if folder.exists():
        raise DataError("the folder exists", where=str(folder), do="Choose another, or delete it")
    with new_folder(folder) as made:
        laid = _lay_down(made / ".work", records, task, rules, dictionary, subjects_a_chunk)
        kept, ids = laid.kept.lazy(), id_type(laid.kept["stay_id"])
        for part, file in (("hourly", "dyn"), ("static", "sta"), ("outcome", "outc")):
            frame = pl.scan_parquet(made / ".work" / f"*-{part}.parquet").join(kept, on="stay_id", how="semi")
            as_triple(frame, task.kind, task.label_is, ids).sink_parquet(made / f"{file}.parquet")
        shutil.rmtree(made / ".work")
        write_beside(made, laid.who(records), laid.attrition, laid.rejected)
    return laid.attrition


def build_chunks(
    records: Records,
    task: CohortTask,
    rules: Rules | str = "clean",
    *,
    dictionary: Dictionary | None = None,
    subjects_a_chunk: int = SUBJECTS_A_CHUNK,
    work: Path | None = None,
) -> Iterator[Cohort]:
    """Build the cohort of a task and give it some subjects at a time.

    Args:
        records: Stays and events, as a reader returns them; spooled ones (`meds.spool`) are not spooled again.
        task: What to build.
        rules: A preset of the task ("clean", "yaib"), or single choices.
        dictionary: What the codes mean; ours without one.
        subjects_a_chunk: So many subjects are held at a time.
        work: Where there is room for the events of the database once more, while it runs; the system's temporary folder without it.

    Returns:
        Cohorts of different subjects; attrition and rejected values of each are those of the whole database.

    Raises:
        DataError: no stay is left, or the events cannot be read.
    """
    import polars as pl

    chosen = task.rules_of(rules) if isinstance(rules, str) else rules
    with tempfile.TemporaryDirectory(dir=work) as place:
        laid = _lay_down(Path(place) / "work", records, task, chosen, dictionary, subjects_a_chunk)
        for n in range(laid.chunks):
            frames = {name: pl.read_parquet(_file(Path(place) / "work", n, name)) for name in _ON_DISK}
            cohort = cohort_of(Part(**frames, rejected=laid.rejected), records, task, chosen, laid.kept, laid.attrition)
            if cohort.stays.height:
                yield cohort


@dataclass(frozen=True)
class _Laid:
    """What stays in memory of a cohort whose parts lie on disk."""

    chunks: int
    kept: pl.DataFrame
    attrition: pl.DataFrame
    rejected: pl.DataFrame

    def who(self, records: Records) -> pl.DataFrame:
        """stay_id, subject_id and hospital of the stays that are left, sorted."""
        stays = records.stays.join(self.kept, on="stay_id", how="semi")
        return stays.select("stay_id", "subject_id", "hospital").sort("stay_id")


def _lay_down(
    work: Path,
    records: Records,
    task: CohortTask,
    rules: Rules | str,
    dictionary: Dictionary | None,
    subjects_a_chunk: int,
) -> _Laid:
    """Spool the events, build every chunk, and leave its parts in `work`."""
    import polars as pl

    chosen = task.rules_of(rules) if isinstance(rules, str) else rules
    work.mkdir()
    if not records.shards:
        records = spool(records, work / "events", subjects_a_shard=subjects_a_chunk)
    facts, rejected, chunks = [], [], 0
    for part in parts_of(records, task, chosen, dictionary or read_concepts(), subjects_a_chunk=subjects_a_chunk):
        for name in _ON_DISK:
            getattr(part, name).write_parquet(_file(work, chunks, name))
        facts.append(part.facts)
        rejected.append(part.rejected)
        chunks += 1
    shutil.rmtree(work / "events", ignore_errors=True)
    kept, attrition = choose(pl.concat(facts), task, where=records.where)
    return _Laid(chunks, kept, attrition, summed(pl.concat(rejected)))


def _file(work: Path, chunk: int, name: str) -> Path:
    return work / f"{chunk:06d}-{name}.parquet"
