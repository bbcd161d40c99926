"""MEDS: the Medical Event Data Standard, version 0.4, read and written. One folder, one parquet file a shard of whole subjects.

    data/<shard>.parquet              subject_id Int64, time Datetime(us), code String, numeric_value Float32, text_value String
    metadata/dataset.json             name, versions
    metadata/codes.parquet            code, description, parent_codes
    metadata/subject_splits.parquet   subject_id, split; only where the cohort has splits (ours are dealt by hash, so not written)
    stays.parquet                     ours, beside them: what `stays.py` says

Within a shard a subject's rows are together and in order of time, static ones (no time) first. Our two further columns, stay_id and
unit, are allowed by the standard; numbers are kept as 32-bit floats, which it asks for: one read back may differ in the eighth digit.
Writing holds one shard at a time.

Source: Medical-Event-Data-Standard/meds, schema of 0.4 (columns and files; checked against the package's own description in `meds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.core.store import new_folder, read_json, write_json
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.readers._tables import explain
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

MEDS_VERSION = "0.4.0"
SUBJECTS_A_SHARD = 2_000


def write_meds(records: Records, folder: Path, *, name: str, subjects_a_shard: int = SUBJECTS_A_SHARD) -> None:
    """Write stays and events as a MEDS folder; it appears whole or not at all.

    Args:
        records: What a reader returned.
        folder: Must not exist.
        name: Of the dataset, for its metadata.
        subjects_a_shard: So many subjects are held at a time.

    Raises:
        DataError: the folder exists, or the events cannot be read.
    """
    import polars as pl

    if folder.exists():
        raise DataError("the folder exists", where=str(folder), do="Choose another, or delete it")
    subjects = records.stays["subject_id"].unique().sort()
    with new_folder(folder) as made:
        (made / "data").mkdir()
        for shard, start in enumerate(range(0, len(subjects), subjects_a_shard)):
            some = subjects.slice(start, subjects_a_shard)
            _events_of(records, some).write_parquet(made / "data" / f"{shard}.parquet")
        codes = pl.scan_parquet(made / "data" / "*.parquet").select(pl.col("code").unique().sort()).collect()
        (made / "metadata").mkdir()
        about: dict[str, pl.DataType] = {"description": pl.String(), "parent_codes": pl.List(pl.String())}
        columns = (pl.lit(None, dtype=kind).alias(column) for column, kind in about.items())
        codes.with_columns(columns).write_parquet(made / "metadata" / "codes.parquet")
        facts = {"dataset_name": name, "dataset_version": "", "etl_name": "hilum", "meds_version": MEDS_VERSION}
        write_json(made / "metadata" / "dataset.json", {**facts, "hilum_database": records.database})
        records.stays.write_parquet(made / "stays.parquet")


def _events_of(records: Records, subjects: pl.Series) -> pl.DataFrame:
    """The events of some subjects in the order of the standard."""
    import polars as pl

    try:
        events = records.events.filter(pl.col("subject_id").is_in(subjects.implode())).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, records.where) from error
    # All columns take part, so that equal content gives equal files whatever the order of the rows was.
    order = ["subject_id", "time", "code", "stay_id", "numeric_value", "text_value", "unit"]
    return events.sort(order, nulls_last=False).with_columns(pl.col("numeric_value").cast(pl.Float32))


def read_meds(
    folder: Path, *, database: str = "", stays: pl.DataFrame | None = None, shards: Sequence[str] = ()
) -> Records:
    """Read a MEDS folder, ours or another's.

    Args:
        folder: Holds data/ with parquet files, nested or not.
        database: Whose codes these are in the dictionary; without one, what the folder says of itself.
        stays: See `stays.py`; without it, `stays.parquet` of the folder.
        shards: Only these files, relative to data/ without their ending.

    Raises:
        DataError: there are no data, no stays, or a column is missing or of another type.
    """
    import polars as pl

    files = sorted((folder / "data").rglob("*.parquet"))
    if shards:
        files = [path for path in files if str(path.relative_to(folder / "data").with_suffix("")) in set(shards)]
    if not files:
        raise DataError("there are no events", where=str(folder / "data"), do="A MEDS folder holds data/*.parquet")
    known = stays
    if known is None:
        known = _parquet(folder / "stays.parquet")
    about = folder / "metadata" / "dataset.json"
    told = read_json(about) if about.is_file() else {}
    try:
        frames = [as_events(pl.scan_parquet(path), where=str(path)) for path in files]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(folder)) from error
    found = database or str(told.get("hilum_database", "") if isinstance(told, dict) else "")
    if not found:
        raise DataError(
            "the folder does not say whose codes it holds", where=str(folder), do='Name it: database = "mimic4"'
        )
    return Records(found, as_stays(known, where=str(folder)), pl.concat(frames), where=str(folder))


def _parquet(path: Path) -> pl.DataFrame:
    import polars as pl

    if not path.is_file():
        raise DataError(
            "the stays are missing",
            where=str(path),
            do="MEDS knows no stays: hand them in, or write stays.parquet beside data/",
        )
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(path)) from error
