"""Cohorts from raw tables: seconds and peak memory, on the open MIMIC-III demo and on the demo replicated many times.

    python benchmarks/cohort.py [--copies 100] [--task mortality24] [--chunk 100] [--data DIR]

Each step runs in a process of its own (peak = its resident set). "At once" is `cohort.build`; "in chunks" is `large.build_to`: raw tables
to events in files of `--chunk` subjects, file by file to the triple on disk. A tenth of the copies is measured first, so that the growth
a patient is that of large databases. The replicated tables are parquet (row groups of 100,000), with ids moved a million apart a copy:
*not* new patients, only more of them. POLARS_MAX_THREADS=1 gives the figures of one core.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _memory import peak_mb

APART = 1_000_000
ROW_GROUP = 100_000
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
    """The demo's tables, `copies` times, as parquet."""
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
                writer.write_table(moved.to_arrow().cast(pa.schema(schema)), row_group_size=ROW_GROUP)


def step(what: str, raw: Path, work: Path, task: str, rules: str, size: int) -> None:
    """One step, in this process: prints wall s, CPU s, peak MB, patients and what came out."""
    if what == "replicate":
        # Here as well, in a process of its own: a child's peak may start from its parent's resident set.
        replicate(raw, work, size)
        print("0;0;0;0;")
        return
    import polars as pl

    from hilum.modalities.ehr.cohort import build
    from hilum.modalities.ehr.large import build_to
    from hilum.modalities.ehr.readers import mimic3
    from hilum.modalities.ehr.task_file import task_named

    began = time.perf_counter()
    records = mimic3.read(raw, tables=("chart", "lab", "output"))
    if what == "at once":
        cohort = build(records, task_named(task), rules)
        kept, hours = cohort.stays.height, cohort.hourly.height
    else:
        build_to(work, records, task_named(task), rules, subjects_a_chunk=size)
        kept = pl.scan_parquet(work / "sta.parquet").select(pl.len()).collect().item()
        hours = pl.scan_parquet(work / "dyn.parquet").select(pl.len()).collect().item()
    spent = time.perf_counter() - began
    user = resource.getrusage(resource.RUSAGE_SELF)
    patients = records.stays["subject_id"].n_unique()
    out = f"{kept:,} stays kept, {hours:,} hours"
    print(f"{spent:.2f};{user.ru_utime + user.ru_stime:.2f};{peak_mb():.0f};{patients};{out}")


def measured(
    what: str, raw: Path, work: Path, task: str, rules: str, size: int
) -> tuple[float, float, float, int, str]:
    """Run one step in a process of its own: wall s, CPU s, peak MB, patients, what came out."""
    settings = [what, str(raw), str(work), task, rules, str(size)]
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
    parser.add_argument("--chunk", type=int, default=100)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HILUM_DATA", "data")))
    parser.add_argument("--step", nargs=6)
    chosen = parser.parse_args()
    if chosen.step:
        what, raw, work, task, rules, size = chosen.step
        step(what, Path(raw), Path(work), task, rules, int(size))
        return
    demo = chosen.data / "mimic3_demo"
    told = "  {:<34} {:7.2f} s  {:7.2f} s CPU  peak {:6.0f} MB   {}"
    print(f"{chosen.task}, rules {chosen.rules}, POLARS_MAX_THREADS={os.environ.get('POLARS_MAX_THREADS', 'all')}")
    once = measured("at once", demo, demo, chosen.task, chosen.rules, 0)
    print(told.format("the demo (csv.gz), at once", *once[:3], once[4]))
    if chosen.copies < 2:
        return
    found = []
    with tempfile.TemporaryDirectory() as place:
        for copies in (max(chosen.copies // 10, 1), chosen.copies):
            raw, made = Path(place) / f"raw-{copies}", Path(place) / f"made-{copies}"
            measured("replicate", demo, raw, chosen.task, chosen.rules, copies)
            each = measured("in chunks", raw, made, chosen.task, chosen.rules, chosen.chunk)
            shutil.rmtree(raw)
            print(told.format(f"{copies} copies, {chosen.chunk} patients at a time", *each[:3], each[4]))
            found.append(each)
    small, large = found
    more = large[3] - small[3]
    print(f"  growth of the peak: {(large[2] - small[2]) / more * 1024:.1f} kB a patient ({more:,} more patients)")
    print(f"  {large[2] / small[2]:.2f} times the peak for {large[3] / small[3]:.0f} times the patients")
    print(f"  time: {large[0] / large[3] * 1000:.2f} ms a patient, {large[1] / large[3] * 1000:.2f} ms CPU")


if __name__ == "__main__":
    main()
