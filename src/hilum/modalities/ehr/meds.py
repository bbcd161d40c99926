"""MEDS: the Medical Event Data Standard, version 0.4, read and written. One folder, one parquet file a shard of whole subjects.

    data/<shard>.parquet              subject_id Int64, time Datetime(us), code String, numeric_value Float32, text_value String
    metadata/dataset.json             name, versions
    metadata/codes.parquet            code, description (what the dictionary calls it), parent_codes
    metadata/subject_splits.parquet   subject_id, split; only where splits are handed in (ours are dealt by hash)
    stays.parquet, hilum.json         ours, beside them: what `stays.py` says; whose codes these are

Within a shard a subject's rows are together and in order of time, static ones (no time) first. Our two further columns, stay_id and
unit, are allowed by the standard; numbers are kept as 32-bit floats, which it asks for: one read back may differ in the eighth digit.
Writing passes once over the source and holds one shard at a time.

Labels: see `meds_labels.py`. Source: Medical-Event-Data-Standard/meds 0.4.1, its schemas.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.core.store import new_folder, read_json, write_json
from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events, event_schema
from hilum.modalities.ehr.measure import ways_of
from hilum.modalities.ehr.readers._tables import explain
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

MEDS_VERSION = "0.4.0"
SUBJECTS_A_SHARD = 2_000
ROWS_HELD = 100_000  # while the source is passed


def write_meds(
    records: Records,
    folder: Path,
    *,
    name: str,
    subjects_a_shard: int = SUBJECTS_A_SHARD,
    splits: pl.DataFrame | None = None,
    dictionary: Dictionary | None = None,
) -> None:
    """Write stays and events as a MEDS folder; it appears whole or not at all.

    Args:
        records: What a reader returned.
        folder: Must not exist.
        name: Of the dataset, for its metadata.
        subjects_a_shard: So many subjects are held at a time.
        splits: subject_id and split ("train", "tuning", "held_out" by custom); one row a subject.
        dictionary: Describes the codes; ours without one.

    Raises:
        DataError: the folder exists, the events cannot be read, or a subject has two splits.
    """
    import polars as pl

    if folder.exists():
        raise DataError("the folder exists", where=str(folder), do="Choose another, or delete it")
    with new_folder(folder) as made:
        write_shards(records, made / "data", subjects_a_shard=subjects_a_shard, number=pl.Float32())
        codes = pl.scan_parquet(made / "data" / "*.parquet").select(pl.col("code").unique().sort()).collect()
        (made / "metadata").mkdir()
        described = codes.join(
            _descriptions(codes, records.database, dictionary or read_concepts()), on="code", how="left"
        )
        described.sort("code").write_parquet(made / "metadata" / "codes.parquet")
        facts = {"dataset_name": name, "etl_name": "hilum", "meds_version": MEDS_VERSION}
        ours = {"raw_source_id_columns": ["stay_id"], "code_modifier_columns": ["unit"]}
        write_json(made / "metadata" / "dataset.json", {**facts, **ours})
        write_json(made / "hilum.json", {"database": records.database})
        if splits is not None:
            _splits(splits, "splits").write_parquet(made / "metadata" / "subject_splits.parquet")
        records.stays.write_parquet(made / "stays.parquet")


def _descriptions(codes: pl.DataFrame, database: str, dictionary: Dictionary) -> pl.DataFrame:
    """code, description, parent_codes (none: the dictionary knows no ontology)."""
    import polars as pl

    units = codes.with_columns(pl.lit(None, dtype=pl.String).alias("unit"))
    told = [
        (row["code"], f"{concept.name} ({concept.unit})" if concept.unit else concept.name)
        for row in ways_of(units, dictionary.codes(database, alarms=True)).iter_rows(named=True)
        for concept in [dictionary.concepts[row["concept"]]]
    ]
    frame = pl.DataFrame(told, schema={"code": pl.String, "description": pl.String}, orient="row")
    frame = frame.group_by("code").agg(pl.col("description").sort().str.join("; "))
    return frame.with_columns(pl.lit(None, dtype=pl.List(pl.String)).alias("parent_codes"))


def read_splits(folder: Path) -> pl.DataFrame | None:
    """subject_id and split of a MEDS folder, sorted; None where it has none.

    Raises:
        DataError: the file cannot be read, a column is missing, or a subject has two splits.
    """
    path = folder / "metadata" / "subject_splits.parquet"
    return _splits(_parquet(path), str(path)) if path.is_file() else None


def _splits(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    import polars as pl

    for column in ("subject_id", "split"):
        if column not in frame.columns or frame[column].null_count():
            raise DataError(f"the column '{column}' is missing, or empty in a row", where=where, do="Name both")
    known = frame.select(pl.col("subject_id").cast(pl.Int64), pl.col("split").cast(pl.String)).unique()
    twice = known.filter(pl.col("subject_id").is_duplicated())
    if twice.height:
        raise DataError(f"subject {twice['subject_id'].sort()[0]} has two splits", where=where, do="Keep one")
    return known.sort("subject_id")


def spool(records: Records, folder: Path, *, subjects_a_shard: int = SUBJECTS_A_SHARD) -> Records:
    """The same records, with the events in files of some subjects each: what is read in chunks is then read once, not once a chunk.

    Args:
        records: What a reader returned, from files of any size.
        folder: An empty folder with room for the events; the caller deletes it.
        subjects_a_shard: So many subjects are held at a time.
    """
    import polars as pl

    write_shards(records, folder, subjects_a_shard=subjects_a_shard, number=pl.Float64())
    shards = tuple(sorted(folder.glob("*.parquet"), key=lambda path: int(path.stem)))
    return replace(records, events=pl.scan_parquet(list(shards)), shards=shards)


def write_shards(records: Records, folder: Path, *, subjects_a_shard: int, number: pl.DataType) -> None:
    """Events as one parquet file for so many subjects, sorted; one pass over the source, then one shard in memory at a time.

    Held at a time: what polars reads ahead, `ROWS_HELD` rows to be dealt out, then one shard. Neighbours in the order of their ids share
    a shard, so that a shard holds just so many subjects.

    Raises:
        DataError: the events cannot be read.
    """
    import polars as pl

    subjects = records.stays.select(pl.col("subject_id").unique().sort()).with_row_index("n")
    shards = subjects.select("subject_id", (pl.col("n") // subjects_a_shard).cast(pl.Int64).alias("shard"))
    folder.mkdir(parents=True, exist_ok=True)
    rough = folder / ".rough"
    rough.mkdir()
    held: list[pl.DataFrame] = []
    try:
        for batch in records.events.collect_batches(chunk_size=ROWS_HELD // 4, maintain_order=True):
            held.append(batch)
            if sum(part.height for part in held) >= ROWS_HELD:
                _deal(held, shards, rough)
        _deal(held, shards, rough)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, records.where) from error
    # All columns take part, so that equal content gives equal files whatever the order of the rows was.
    order = ["subject_id", "time", "code", "stay_id", "numeric_value", "text_value", "unit"]
    for path in sorted(rough.iterdir()):
        shard = pl.concat(_appended(path)).sort(order, nulls_last=False)
        path.unlink()
        shard.with_columns(pl.col("numeric_value").cast(number)).write_parquet(folder / f"{path.name}.parquet")
    rough.rmdir()
    if not any(folder.glob("*.parquet")):
        empty = pl.DataFrame(schema=dict(event_schema())).with_columns(pl.col("numeric_value").cast(number))
        empty.write_parquet(folder / "0.parquet")


def _deal(held: list[pl.DataFrame], shards: pl.DataFrame, rough: Path) -> None:
    """Append what is held to the rough files of its shards, and forget it."""
    import polars as pl

    if not held:
        return
    dealt = pl.concat(held).join(shards, on="subject_id", how="inner")
    held.clear()
    for (shard,), part in dealt.partition_by("shard", as_dict=True, include_key=False).items():
        stream = io.BytesIO()
        part.write_ipc_stream(stream, compression="lz4")
        with (rough / str(shard)).open("ab") as file:
            file.write(stream.tell().to_bytes(8))
            file.write(stream.getbuffer())


def _appended(path: Path) -> Iterator[pl.DataFrame]:
    """What was appended to a rough file, in turn: each part's length in bytes, then an Arrow stream."""
    import polars as pl

    with path.open("rb") as file:
        while length := file.read(8):
            yield pl.read_ipc_stream(io.BytesIO(file.read(int.from_bytes(length))))


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
    about = folder / "hilum.json"
    told = read_json(about) if about.is_file() else {}
    try:
        frames = [as_events(pl.scan_parquet(path), where=str(path)) for path in files]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(folder)) from error
    found = database or str(told.get("database", "") if isinstance(told, dict) else "")
    if not found:
        raise DataError(
            "the folder does not say whose codes it holds", where=str(folder), do='Name it: database = "mimic4"'
        )
    return Records(found, as_stays(known, where=str(folder)), pl.concat(frames), where=str(folder), shards=tuple(files))


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
