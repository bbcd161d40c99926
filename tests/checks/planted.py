"""Studies to plant defects in: *synthetic* records, splits and predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from hilum.core.check import ArmStudy, Study
from hilum.core.finder import find

CHECKS = {name[:6].upper(): found for name, found in find("checks").items()}


def ask(code: str, asked: Study) -> tuple[str, str]:
    finding = CHECKS[code].load().check(asked)
    return finding.status, finding.message


def proof(code: str, asked: Study) -> Any:
    return CHECKS[code].load().check(asked).proof


def records(subjects: int = 60, each: int = 2, seed: int = 0, **changes: Any) -> pl.DataFrame:
    """Two folds by subject: even subjects are tested in fold 0, odd ones in fold 1; half of the subjects are positive."""
    subject = np.repeat(np.arange(subjects), each)
    frame = pl.DataFrame(
        {
            "item": [f"r{n:04d}" for n in range(subjects * each)],
            "subject": [f"p{n:03d}" for n in subject],
            "target": (subject // 2 % 2).astype(float),
            "content": [f"hash-{n}" for n in range(subjects * each)],
        }
    ).with_columns(**changes)
    parts = [np.where(subject % 2 == fold, "test", "train") for fold in (0, 1)]
    return pl.concat(
        frame.with_columns(pl.lit(fold, dtype=pl.Int32).alias("fold"), pl.Series("part", part.tolist()))
        for fold, part in enumerate(parts)
    )


def predictions(
    subjects: int = 60, each: int = 2, signal: float = 1.5, seeds: int = 1, seed: int = 0, **changes: Any
) -> pl.DataFrame:
    """Calibrated risks of two classes: the log odds are drawn, and the labels from them; every record is tested once."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(subjects), each)
    logit = np.repeat(random.normal(0, signal, subjects), each)
    target = np.repeat(random.random(subjects), each) < 1 / (1 + np.exp(-logit))
    frames = []
    for draw in range(seeds):
        told = logit + random.normal(0, 0.05, len(who))
        risk = 1 / (1 + np.exp(-told))
        frames.append(
            pl.DataFrame(
                {
                    "item": [f"r{n:04d}" for n in range(len(who))],
                    "subject": [f"p{n:03d}" for n in who],
                    "fold": pl.Series((who % 2).tolist(), dtype=pl.Int32),
                    "seed": pl.Series([draw] * len(who), dtype=pl.Int32),
                    "target": target.astype(float),
                    "p:0": 1 - risk,
                    "p:1": risk,
                    "time": random.random(len(who)),
                }
            ).with_columns(**changes)
        )
    return pl.concat(frames)


def constant(frame: pl.DataFrame) -> pl.DataFrame:
    """What the trivial predictor says of the same records."""
    return frame.with_columns(pl.lit(0.5).alias("p:0"), pl.lit(0.5).alias("p:1"))


def table_arm(**changes: Any) -> ArmStudy:
    """A clean arm of a binary classification on a table."""
    clean = ArmStudy(
        id="a",
        name="Logistic regression",
        protocol="honest",
        stochastic=False,
        trivial=False,
        seeds=(0,),
        split={},
        personal=False,
        leading=("auroc", "higher"),
        values={None: {"0": 0.8, "1": 0.8}},
        scored={"fold 0": "abc", "fold 1": "def"},
        exploded={"fold 0": 0},
        evidence={"fold 0": {}},
        interval=(0.75, 0.85),
        kind="classify",
        records=records(),
        predictions=predictions(),
        classes=("no", "yes"),
        data="d",
    )
    return replace(clean, **changes)


def trivial_arm(of: ArmStudy) -> ArmStudy:
    assert of.predictions is not None
    return replace(of, id="t", name="Class shares", trivial=True, predictions=constant(of.predictions), figure=0.5)


def control_of(arm: ArmStudy, control: str, frame: pl.DataFrame) -> ArmStudy:
    return replace(
        arm, id="c", name=f"{arm.name}, {control}", control=control, of=arm.id, predictions=frame, records=None
    )


def knowing(**evidence: Any) -> dict[str, dict[str, Any]]:
    """Evidence of fold 0; underscores stand for spaces."""
    return {"fold 0": {name.replace("_", " "): value for name, value in evidence.items()}}


def study(one: ArmStudy, *others: ArmStudy, known: bool = True, **changes: Any) -> Study:
    return Study(
        arm=one,
        arms=(one, *others),
        subjects_known=known,
        synthetic=True,
        margin=changes.pop("margin", 0.01),
        **changes,
    )
