"""Cohorts from raw tables: seconds and peak memory, on the open MIMIC-III demo and on the demo replicated many times.

    python benchmarks/cohort.py [--copies 100] [--task mortality24] [--chunk 2000] [--data DIR]

Each step runs in a process of its own (peak = its resident set). `spool` passes once over the raw tables and writes events in files
of `--chunk` subjects; `build` makes the cohort from them. The replicated tables are parquet, with ids moved a million apart a copy:
*not* new patients, only more of them. POLARS_MAX_THREADS=1 gives the figures of one core.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

APART = 1_000_000
TABLES = {
    "ICUSTAYS": ("subject_id", "hadm_id", "icustay_id"),
    "ADMISSIONS": ("subject_id", "hadm_id"),
    "PATIENTS": ("subject_id",),
    "TRANSFERS": ("subject_id", "hadm_id", "icustay_id"),
    "CHARTEVENTS": ("subject_id", "hadm_id", "icustay_id"),
    "LABEVENTS": ("subject_id", "hadm_id"),
    "OUTPUTEVENTS": ("subject_id", "hadm_id", "icustay_id"),
}


def replicate(source: Path, target: Path, copies: int) -> None:
    """The demo's tables, `copies` times, as parquet; a copy's rows are a row group."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    target.mkdir(parents=True, exist_ok=True)
    for name, ids in TABLES.items():
        table = pl.read_csv(
            source / f"{name}.csv.gz", infer_schema_length=None, schema_overrides=dict.fromkeys(ids, pl.Int64)
        )
        schema = table.to_arrow().schema
        with pq.ParquetWriter(target / f"{name}.parquet", schema) as writer:
            for copy in range(copies):
                moved = table.with_columns(pl.col(name) + copy * APART for name in ids)
                writer.write_table(moved.to_arrow().cast(pa.schema(schema)))


def step(what: str, raw: Path, work: Path, task: str, rules: str, chunk: int) -> None:
    """One step, in this process: prints seconds, peak megabytes and what came out."""
    from dataclasses import replace

    import polars as pl

    from hilum.modalities.ehr.cohort import build
    from hilum.modalities.ehr.meds import spool
    from hilum.modalities.ehr.readers import mimic3
    from hilum.modalities.ehr.task_file import task_named

    if what == "replicate":
        # Here as well, in a process of its own: a child's peak starts from its parent's resident set.
        replicate(raw, work, chunk)
        print("0;0;0;0;")
        return
    began = time.perf_counter()
    records = mimic3.read(raw, tables=("chart", "lab", "output"))
    if what == "spool":
        spool(records, work, subjects_a_shard=chunk)
        out = f"{records.stays.height:,} stays"
    else:
        if what == "build spooled":
            records = replace(records, events=pl.scan_parquet(work / "*.parquet"))
        cohort = build(records, task_named(task), rules, subjects_a_chunk=0 if what == "build" else chunk)
        out = f"{cohort.stays.height:,} stays kept, {cohort.hourly.height:,} hours, {cohort.hourly.estimated_size('mb'):.0f} MB of cohort"
    spent = time.perf_counter() - began
    user = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{spent:.2f};{user.ru_utime + user.ru_stime:.2f};{user.ru_maxrss / 1024:.0f};{records.stays['subject_id'].n_unique()};{out}"
    )


def measured(
    what: str, raw: Path, work: Path, task: str, rules: str, chunk: int
) -> tuple[float, float, float, int, str]:
    """Run one step in a process of its own: wall s, CPU s, peak MB, patients, what came out."""
    settings = [what, str(raw), str(work), task, rules, str(chunk)]
    done = subprocess.run(
        [sys.executable, __file__, "--step", *settings], capture_output=True, text=True, check=False, env=os.environ
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    wall, cpu, peak, patients, out = done.stdout.strip().splitlines()[-1].split(";", 4)
    return float(wall), float(cpu), float(peak), int(patients), out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--task", default="mortality24")
    parser.add_argument("--rules", default="yaib")
    parser.add_argument("--chunk", type=int, default=500)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HILUM_DATA", "data")))
    parser.add_argument("--step", nargs=6)
    chosen = parser.parse_args()
    if chosen.step:
        what, raw, work, task, rules, chunk = chosen.step
        step(what, Path(raw), Path(work), task, rules, int(chunk))
        return
    demo = chosen.data / "mimic3_demo"
    told = "  {:<34} {:7.2f} s  {:7.2f} s CPU  peak {:6.0f} MB   {}"
    small = measured("build", demo, demo, chosen.task, chosen.rules, 0)
    print(f"{chosen.task}, rules {chosen.rules}, POLARS_MAX_THREADS={os.environ.get('POLARS_MAX_THREADS', 'all')}")
    print(told.format("the demo (csv.gz), at once", *small[:3], small[4]))
    if chosen.copies < 2:
        return
    with tempfile.TemporaryDirectory() as place:
        raw, work = Path(place) / "raw", Path(place) / "events"
        measured("replicate", demo, raw, chosen.task, chosen.rules, chosen.copies)
        spooled = measured("spool", raw, work, chosen.task, chosen.rules, chosen.chunk)
        print(told.format(f"{chosen.copies} copies: spool", *spooled[:3], spooled[4]))
        built = measured("build spooled", raw, work, chosen.task, chosen.rules, chosen.chunk)
        print(told.format(f"{chosen.copies} copies: build, {chosen.chunk} at a time", *built[:3], built[4]))
        more = built[3] - small[3]
        grown = max(spooled[2], built[2]) - small[2]
        print(f"  growth of the peak: {grown / more * 1024:.1f} kB a patient ({more:,} more patients)")
        print(f"  time: {(spooled[0] + built[0]) / built[3] * 1000:.2f} ms a patient")


if __name__ == "__main__":
    main()
