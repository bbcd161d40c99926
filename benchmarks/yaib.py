"""The 5x5 nested run on the eICU demo (death after 24 h): seconds and peak memory, beside what YAIB's own code took for a fifth of it.

    python benchmarks/yaib.py [--data DIR] [--models lr,lgbm]

Each model runs in a child process of its own, through the engine, cells stored, all in one process on one thread: reading the cohort, 25
folds with their preprocessing and fit, the probes of fold 0, and the figure. Imports are counted; the interpreter's own start is not.
Peak = the child's resident set. pandas is no dependency of hilum, but where it is installed scikit-learn and LightGBM import it: each model
runs once with it, if it is here, and once as where it is not. YAIB 0.3.1 was measured for `research/ehr.md` 6.1 on the same kind of
machine, earlier and under other load: LightGBM 48 s wall (19.8 s CPU) and 1.45 GB, logistic regression 48 s (19.0 s CPU) and 1.40 GB,
each for 5 of 25 fits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from _memory import peak_mb

# Model to YAIB's wall s, CPU s and GB, for 5 of 25 fits.
YAIB = {"lgbm": (48.0, 19.8, 1.45), "lr": (48.0, 19.0, 1.40)}
LIMITS = {"lgbm": (30.0, 400.0), "lr": (5.0, 400.0)}


class NoPandas:
    """As where pandas is not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse pandas; leave everything else to the other finders."""
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def child(model: str, data: Path | None) -> None:
    """One model, in this process: prints wall s, CPU s, peak MB, AUROC and records."""
    began, cpu = time.perf_counter(), time.process_time()
    from hilum.core.experiment import Experiment
    from hilum.core.run import RunFolder
    from hilum.engine.executors import Inline
    from hilum.engine.figures import estimate, metrics_of, read_scores, usual_estimand
    from hilum.engine.plan import make_plan
    from hilum.papers.yaib.experiment import of_eicu

    question = of_eicu("honest")
    arm = question.arm(model)
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(Experiment("yaib", tuple(question.cells(arm))), RunFolder(Path(folder)), data=data)
        absent = [planned.reason for planned in plan if planned.job is None]
        if absent:
            raise SystemExit(absent[0])
        results = list(Inline().results([planned.job for planned in plan if planned.job is not None]))
        failed = [result.error for result in results if result.failed]
        if failed:
            raise SystemExit(failed[0])
        scores = read_scores(arm, [(planned.cell, planned.folder) for planned in plan])
        metric = metrics_of("classify")["auroc"]
        value = estimate(scores, metric, usual_estimand(scores, metric), interval=False).value
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{wall:.2f};{cpu:.2f};{peak_mb():.0f};{value:.4f};{scores.frame.height}")


def main() -> None:
    """Print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--models", default="lr,lgbm")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--without-pandas", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.without_pandas:
        sys.meta_path.insert(0, NoPandas())
    if asked.child:
        child(asked.child, asked.data)
        return
    print(
        "model  pandas  wall s   CPU s   peak MB   AUROC    limits                  YAIB's for a fifth of it, in ours (measured earlier)"
    )
    pandas = (True, False) if find_spec("pandas") else (False,)
    for model, there in ((model, there) for model in asked.models.split(",") for there in pandas):
        command = [sys.executable, __file__, "--child", model]
        command += ["--data", str(asked.data)] if asked.data else []
        command += [] if there else ["--without-pandas"]
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=one_thread, check=False)
        if done.returncode:
            raise SystemExit(done.stderr or done.stdout)
        wall, cpu, peak, auroc, _ = (float(figure) for figure in done.stdout.strip().split(";"))
        seconds, memory = LIMITS[model]
        theirs = YAIB[model]
        told = f"{theirs[0] / wall:.1f} x wall, {theirs[1] / cpu:.1f} x CPU, {1024 * theirs[2] / peak:.1f} x memory"
        missed = [
            what for what, over in (("wall", wall > seconds), ("CPU", cpu > seconds), ("memory", peak > memory)) if over
        ]
        held = f"missed: {', '.join(missed)}" if missed else "held"
        figures = f"{wall:8.2f}{cpu:8.2f}{peak:10.0f}{auroc:8.4f}"
        print(f"{model:7}{'yes' if there else 'no':6}{figures}    {seconds:g} s, {memory:g} MB {held:18}{told}")


if __name__ == "__main__":
    main()
