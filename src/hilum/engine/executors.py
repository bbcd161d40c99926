"""Executors: where cells are computed. Inline, or in a pool of spawned workers that stay alive.

Both give the same bits: one thread each for BLAS and torch, inline too. An executor takes jobs and yields a result for each as
it finishes; a cluster can join by offering the same two methods.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Protocol

from hilum.core.errors import HilumError
from hilum.engine.cells import Job, run_job

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Result:
    """What became of a job: its seconds, or why it failed."""

    job: Job
    seconds: float = 0.0
    error: str = ""
    trace: str = ""

    @property
    def failed(self) -> bool:
        """Whether the cell was not stored."""
        return bool(self.error)


class Executor(Protocol):
    """Computes jobs, in any order."""

    def results(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """One result a job, as each finishes."""
        ...

    def close(self) -> None:
        """Stop at once; cells that are not finished leave nothing behind."""
        ...


class Inline:
    """In this process, one after the other."""

    def results(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """One result a job, in order."""
        import scipy.linalg  # noqa: F401  (it brings a BLAS of its own, which a limit set before it is loaded would not reach)
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            for job in jobs:
                yield _attempt(job)

    def close(self) -> None:
        """Nothing to stop."""


class Processes:
    """In `workers` spawned processes that stay alive; they end when this process does, however it ends."""

    def __init__(self, workers: int) -> None:
        self._saved = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, "1"))  # read by the libraries when a worker first imports them
        self._pool = ProcessPoolExecutor(
            max_workers=workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(os.getpid(),)
        )

    def results(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """One result a job, as each finishes; a worker that dies fails its own job and no other."""
        waiting: dict[Future[Result], Job] = {self._pool.submit(_attempt, job): job for job in jobs}
        while waiting:
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                job = waiting.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Result(job, error="a worker process died (out of memory, or killed)")

    def close(self) -> None:
        """Cancel what has not begun, and stop the workers."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(timeout=5)
        for name, value in self._saved.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def executor_for(name: str, jobs: int) -> Executor:
    """The executor by name; one job runs inline."""
    if name == "inline" or jobs <= 1:
        return Inline()
    return Processes(jobs)


def _attempt(job: Job) -> Result:
    try:
        return Result(job, seconds=run_job(job).seconds)
    except HilumError as error:
        return Result(job, error=str(error))
    except Exception as error:  # a model may fail in any way: its cell fails, the others go on
        return Result(job, error=f"{type(error).__name__}: {error}", trace=traceback.format_exc(limit=8))


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    sys.stderr.flush()
    os._exit(1)
