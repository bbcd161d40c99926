"""Planted cases for every answer of every check, on tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from hilum.core.check import ArmStudy, Study
from tests.checks.planted import (
    ask,
    constant,
    control_of,
    knowing,
    predictions,
    proof,
    records,
    study,
    table_arm,
    trivial_arm,
)

NO_SPLIT = records().with_columns(pl.lit(None, dtype=pl.String).alias("part"))
NOBODY = records().with_columns(pl.lit(None, dtype=pl.String).alias("subject"))


def feature(**changes: Any) -> dict[str, Any]:
    """A continuous laboratory value, unique in each record: no identifier."""
    clean = {
        "name": "x",
        "type": "number",
        "n": 120,
        "missing": 0.0,
        "missing_train": 0.0,
        "missing_test": 0.0,
        "distinct": 120,
        "integer": False,
        "one_to_one_item": True,
        "one_to_one_subject": False,
        "subjects_repeat": 60,
        "rank_with_time": 0.2,
        "rank_with_id": 0.1,
        "epoch_like": None,
        "running_number": False,
        "equals": None,
        "low": 0.0,
        "high": 1.0,
        "shift": {
            "mean_train": 0.0,
            "mean_test": 0.0,
            "sd_train": 1.0,
            "sd_test": 1.0,
            "subjects_train": 150,
            "subjects_test": 150,
        },
        "alone": {"auroc": 0.7, "decides": False, "rule": ""},
    }
    return {**clean, **changes}


def shifted(by: float) -> dict[str, Any]:
    return {**feature()["shift"], "mean_test": by}


def of(**evidence: Any) -> Study:
    return study(table_arm(evidence=knowing(**evidence)))


def with_features(*features: dict[str, Any]) -> Study:
    return of(features=list(features))


def with_records(frame: pl.DataFrame | None, **changes: Any) -> Study:
    evidence = changes.pop("evidence", {})
    return study(table_arm(records=frame, evidence=evidence), **changes)


def same_content(*, across: bool = True) -> pl.DataFrame:
    """Two records share their content: of subjects 0 and 1, who stand in two parts; or of 0 and 2, who never do."""
    other = "r0002" if across else "r0004"
    return records(
        content=pl.when(pl.col("item").is_in(["r0000", other])).then(pl.lit("same")).otherwise(pl.col("content"))
    )


FILE = {"content": "declared", "chance": 0.0}
ROW = {"content": "row", "chance": 1e-9}
LOOSE = {"content": "row", "chance": 3.0}
SOURCE_LABEL = pl.when(pl.col("target") == 1).then(pl.lit("a")).otherwise(pl.lit("b"))
SOURCE_CHANCE = pl.when(pl.col("subject").str.slice(1).cast(pl.Int64) % 3 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
FROM_INPUT = {"auroc": 0.9, "low": 0.85, "high": 0.95}
IN_ORDER = pl.when(pl.col("part") == "train").then(0.0).otherwise(1.0)
FEW = predictions(subjects=5)
SMALL = pl.when(pl.col("subject") < "p005").then(pl.lit("a")).otherwise(pl.lit("b"))
BY_SUBJECT = pl.when(pl.col("subject").str.slice(1).cast(pl.Int64) % 3 == 0).then(pl.lit("f")).otherwise(pl.lit("m"))
LARGE = table_arm(predictions=predictions(400, 1))


def worse_in_f(seed: int = 0) -> pl.DataFrame:
    """The same risks, but for a third of the subjects they are turned round."""
    frame = predictions(400, 1, seed=seed).with_columns(BY_SUBJECT.alias("group:sex"))
    turned = pl.col("group:sex") == "f"
    return frame.with_columns(
        pl.when(turned).then(pl.col("p:1")).otherwise(pl.col("p:0")).alias("p:0"),
        pl.when(turned).then(pl.col("p:0")).otherwise(pl.col("p:1")).alias("p:1"),
    )


def easy_many() -> pl.DataFrame:
    """A tenth of the subjects has forty records, all called right; the others have one each, called at random."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(300):
        many = number % 10 == 0
        target = number // 10 % 2
        for record in range(40 if many else 1):
            risk = 0.05 + 0.9 * target if many else float(random.random())
            rows.append(
                (
                    f"r{number:04d}-{record:02d}",
                    f"p{number:04d}",
                    number % 2,
                    0,
                    float(target),
                    1 - risk,
                    risk,
                    float(record),
                )
            )
    names = ["item", "subject", "fold", "seed", "target", "p:0", "p:1", "time"]
    return pl.DataFrame(rows, schema=names, orient="row")


def permuted(count: int, signal: float) -> pl.DataFrame:
    """What the pipeline scores on permuted labels, one permutation a seed."""
    random = np.random.default_rng(11)
    frames = []
    for draw in range(count):
        frame = predictions(seed=100 + draw, signal=signal)
        dealt = frame if signal else frame.with_columns(pl.Series("p:1", random.random(frame.height)))
        frames.append(dealt.with_columns(pl.lit(draw, dtype=pl.Int32).alias("seed")))
    return pl.concat(frames)


def regress(error: float, **changes: Any) -> ArmStudy:
    """Measured numbers, predicted with an error."""
    random = np.random.default_rng(5)
    base = predictions(80, 2).drop("p:0", "p:1")
    target = random.normal(50, 10, base.height)
    frame = base.with_columns(
        pl.Series("target", target), pl.Series("prediction", target + random.normal(0, error, base.height))
    )
    return table_arm(kind="regress", leading=("mae", "lower"), predictions=frame, classes=(), **changes)


def pair(arm: ArmStudy, **changes: Any) -> Study:
    return study(arm, trivial_arm(arm), **changes)


def controlled(control: str, frame: pl.DataFrame, arm: ArmStudy | None = None) -> Study:
    arm = arm or table_arm(evidence=knowing(pretraining={"unknown": True}))
    return study(arm, control_of(arm, control, frame))


def miscalibrated(factor: float, shift: float = 0.0) -> ArmStudy:
    logit = (pl.col("p:1") / pl.col("p:0")).log() * factor + shift
    frame = predictions(400, 1).with_columns((1 / (1 + (-logit).exp())).alias("p:1"))
    return table_arm(predictions=frame.with_columns((1 - pl.col("p:1")).alias("p:0")))


OTHER_RECORDS = predictions(item=pl.lit("z") + pl.col("item"))


def sourced(arm: ArmStudy) -> ArmStudy:
    """A device that goes with the target, and shows in the input."""
    high = pl.when(pl.col("target") > 50).then(pl.lit("a")).otherwise(pl.lit("b"))
    random = np.random.default_rng(6)
    numbers = records().with_columns(pl.Series("target", np.tile(np.repeat(random.normal(50, 10, 60), 2), 2)))
    assert arm.predictions is not None
    return replace(
        arm,
        records=numbers.with_columns(source=high),
        predictions=arm.predictions.with_columns(source=high),
        evidence=knowing(source_from_input=FROM_INPUT),
    )


CASES: list[tuple[str, Study, str, str]] = [
    ("HIL001", study(table_arm()), "pass", "60 subjects in 2 parts of 2 folds, none shared"),
    (
        "HIL001",
        with_records(
            records(subject=pl.when(pl.col("item") == "r0002").then(pl.lit("p000")).otherwise(pl.col("subject")))
        ),
        "fail",
        "1 subject in both test and train; 1 of the 30 subjects outside train",
    ),
    ("HIL001", of(pretraining={"subjects": ["p000", "p007", "someone"]}), "fail", "2 test subjects in the data"),
    ("HIL001", of(pretraining={"subjects": ["someone"]}), "pass", "none shared"),
    ("HIL001", of(pretraining={"unknown": True}), "cannot tell", "pretrained part"),
    ("HIL001", with_records(NO_SPLIT), "cannot tell", "no split"),
    ("HIL001", with_records(NOBODY, known=False), "cannot tell", "not known"),
    (
        "HIL001",
        with_records(records(subject=pl.when(pl.col("item") == "r0002").then(None).otherwise(pl.col("subject")))),
        "cannot tell",
        "1 records do not say",
    ),
    ("HIL002", study(table_arm()), "pass", "120 records, 0 groups of identical records, none in two"),
    ("HIL002", with_records(same_content(across=False)), "pass", "1 group of identical records, none in two parts"),
    (
        "HIL002",
        with_records(same_content(), evidence=knowing(rows=FILE)),
        "fail",
        "1 group of identical records in two parts",
    ),
    ("HIL002", with_records(same_content()), "cannot tell", "nothing says what was hashed"),
    ("HIL002", with_records(same_content(), evidence=knowing(rows=ROW)), "fail", "(1 test record)"),
    ("HIL002", with_records(same_content(), evidence=knowing(rows=LOOSE)), "cannot tell", "coincidence"),
    (
        "HIL002",
        with_records(same_content().with_columns(NO_SPLIT["part"])),
        "cannot tell",
        "1 group of identical records",
    ),
    ("HIL002", with_records(records().drop("content")), "cannot tell", "no content"),
    ("HIL002", with_records(None), "cannot tell", "no content"),
    ("HIL003", study(table_arm()), "pass", "0 groups"),
    (
        "HIL003",
        with_records(same_content(across=False), evidence=knowing(rows=FILE)),
        "fail",
        "conflicting labels in 1 of 1 group of identical",
    ),
    ("HIL003", with_records(same_content()), "pass", "1 group of identical records, none with conflicting"),
    ("HIL003", with_records(same_content(across=False), evidence=knowing(rows=ROW)), "fail", "(2 records)"),
    ("HIL003", with_records(same_content(across=False), evidence=knowing(rows=LOOSE)), "cannot tell", "coincidence"),
    (
        "HIL003",
        with_records(
            same_content(across=False).with_columns(pl.lit("p000").alias("subject")), evidence=knowing(rows=ROW)
        ),
        "cannot tell",
        "within one subject",
    ),
    ("HIL003", with_records(records().drop("content")), "cannot tell", "no content"),
    ("HIL004", with_features(feature()), "pass", "1 feature, none an identifier"),
    ("HIL004", with_features(feature(integer=True, high=500_000.0)), "pass", "look at x"),
    ("HIL004", with_features(feature(integer=True, running_number=True)), "fail", "running number"),
    ("HIL004", with_features(feature(type="category")), "fail", "text, one to one with records"),
    (
        "HIL004",
        with_features(feature(type="category", one_to_one_item=False, one_to_one_subject=True, distinct=60)),
        "fail",
        "one to one with subjects",
    ),
    ("HIL004", with_features(feature(equals="subject", one_to_one_item=False)), "fail", "repeats the subject's id"),
    ("HIL004", with_features(feature(integer=True, rank_with_id=1.0)), "fail", "rank as the ids do"),
    (
        "HIL004",
        with_features(
            feature(integer=True, one_to_one_item=False, one_to_one_subject=True, distinct=60, low=1.0, high=99.0)
        ),
        "fail",
        "a whole number for each of 60 subjects",
    ),
    (
        "HIL004",
        with_features(
            feature(integer=True, one_to_one_item=False, one_to_one_subject=True, distinct=60, low=2000.0, high=4500.0)
        ),
        "pass",
        "none an identifier",
    ),
    ("HIL004", with_features(feature(rank_with_time=0.9995)), "fail", "|Spearman| 0.9995"),
    ("HIL004", with_features(feature(epoch_like="seconds since 1970")), "fail", "seconds since 1970"),
    ("HIL004", with_features(feature(epoch_like=True)), "fail", "dates or epochs"),
    ("HIL004", with_features(feature(n=10, distinct=10, type="category")), "cannot tell", "coincidence"),
    ("HIL004", of(), "cannot tell", "not profiled"),
    ("HIL005", of(charted={"lab": {"late": 0, "of": 50, "latest": 0.0, "examples": []}}), "pass", "50 charting times"),
    (
        "HIL005",
        of(charted={"lab": {"late": 3, "of": 50, "latest": 7200.0, "examples": ["r1"]}}),
        "fail",
        "'lab' in 3 of 50 records, by up to 7200",
    ),
    ("HIL005", of(charted={"lab": {"late": 0, "of": 0, "latest": 0.0, "examples": []}}), "cannot tell", "no record"),
    ("HIL005", of(), "cannot tell", "charted"),
    (
        "HIL006",
        of(preprocessing={"fitted on": "train", "test inputs moved": {"before": "a", "after": "a"}}),
        "pass",
        "last bit",
    ),
    (
        "HIL006",
        of(preprocessing={"fitted on": "train", "test inputs moved": {"before": "a", "after": "b"}}),
        "fail",
        "1 of 1",
    ),
    ("HIL006", of(preprocessing={"fitted on": "all"}), "fail", "fitted on 'all'"),
    ("HIL006", of(preprocessing={"fitted on": "train"}), "cannot tell", "not run"),
    ("HIL006", study(table_arm(kind="forecast")), "not applicable", "HIL005"),
    (
        "HIL007",
        with_records(records(source=SOURCE_LABEL), evidence=knowing(source_from_input=FROM_INPUT)),
        "fail",
        "AUROC 1.000",
    ),
    (
        "HIL007",
        with_records(records(source=SOURCE_CHANCE), evidence=knowing(source_from_input=FROM_INPUT)),
        "pass",
        "not shown",
    ),
    (
        "HIL007",
        with_records(
            records(source=SOURCE_LABEL), evidence=knowing(source_from_input={"auroc": 0.55, "low": 0.5, "high": 0.6})
        ),
        "pass",
        "the input predicts the source with AUROC 0.550",
    ),
    ("HIL007", with_records(records(source=SOURCE_LABEL)), "cannot tell", "not looked at"),
    ("HIL007", with_records(records(source=pl.lit("one"))), "not applicable", "one source"),
    ("HIL007", with_records(records(subjects=8, source=SOURCE_LABEL)), "cannot tell", "too few"),
    ("HIL007", study(table_arm()), "cannot tell", "nothing says"),
    ("HIL007", study(sourced(regress(1.0))), "fail", "AUROC"),
    ("HIL008", pair(table_arm()), "pass", "improvement"),
    ("HIL008", pair(table_arm(predictions=predictions(signal=0.0))), "fail", "not shown better"),
    ("HIL008", pair(table_arm(predictions=FEW)), "cannot tell", "no interval"),
    ("HIL008", study(trivial_arm(table_arm())), "not applicable", "trivial"),
    ("HIL008", study(table_arm()), "cannot tell", "not run"),
    ("HIL008", study(regress(1.0), replace(regress(10.0), id="t", trivial=True)), "pass", "improvement"),
    ("HIL008", study(regress(10.0), replace(regress(1.0), id="t", trivial=True)), "fail", "not shown better"),
    ("HIL009", controlled("random encoder", constant(predictions())), "pass", "improvement"),
    ("HIL009", controlled("hand features", predictions()), "fail", "not shown better"),
    ("HIL009", controlled("random encoder", FEW, table_arm(predictions=FEW)), "cannot tell", "no interval"),
    ("HIL009", of(pretraining={"unknown": True}), "cannot tell", "was not run"),
    ("HIL009", controlled("random encoder", OTHER_RECORDS), "cannot tell", "no record is shared"),
    (
        "HIL009",
        controlled("random encoder", predictions(), table_arm(predictions=None)),
        "cannot tell",
        "no predictions",
    ),
    ("HIL009", study(table_arm()), "not applicable", "no pretrained part"),
    ("HIL010", study(table_arm()), "pass", "12 %"),
    ("HIL010", study(table_arm(interval=(0.2, 0.9))), "fail", "127 %"),
    ("HIL010", study(table_arm(interval=None, predictions=None)), "not applicable", "nothing was predicted"),
    ("HIL010", study(table_arm(values={}), known=False), "fail", "nothing can be concluded about new people"),
    ("HIL011", study(table_arm()), "pass", "all 2 classes stand in every part of 2 folds; at least 15 subjects"),
    (
        "HIL011",
        with_records(records(target=pl.when(pl.col("subject") == "p001").then(2.0).otherwise(pl.col("target")))),
        "fail",
        "'class 2' in test of fold 0",
    ),
    ("HIL011", study(table_arm(classes=("no", "yes", "perhaps"))), "fail", "'perhaps' in test of fold 0"),
    ("HIL011", with_records(NO_SPLIT), "cannot tell", "no split"),
    ("HIL011", study(regress(1.0)), "not applicable", "not a class"),
    ("HIL012", study(table_arm()), "not applicable", "nothing at random"),
    ("HIL013", study(LARGE), "pass", "slope"),
    ("HIL013", study(miscalibrated(3.0)), "fail", "slope off"),
    ("HIL013", study(miscalibrated(1.0, 1.5)), "fail", "observed:expected off"),
    ("HIL013", study(table_arm(predictions=FEW)), "cannot tell", "neither"),
    ("HIL013", study(table_arm(predictions=None)), "cannot tell", "no predicted risks"),
    ("HIL013", study(trivial_arm(table_arm())), "not applicable", "do not vary"),
    ("HIL013", study(regress(1.0)), "not applicable", "two classes"),
    (
        "HIL014",
        study(table_arm(predictions=predictions(400, 1).with_columns(BY_SUBJECT.alias("group:sex")))),
        "pass",
        "1 subgroup, no gap is shown",
    ),
    ("HIL014", study(table_arm(predictions=worse_in_f())), "fail", "sex = f"),
    (
        "HIL014",
        study(table_arm(predictions=predictions().with_columns(SMALL.alias("group:sex")))),
        "cannot tell",
        "all too small",
    ),
    ("HIL014", study(table_arm()), "cannot tell", "no subgroup"),
    ("HIL014", study(trivial_arm(table_arm())), "not applicable", "the same of everybody"),
    ("HIL015", with_records(records().with_columns(IN_ORDER.alias("time")), future_use=True), "pass", "no later than"),
    (
        "HIL015",
        with_records(records().with_columns((1 - IN_ORDER).alias("time")), future_use=True),
        "fail",
        "60 of 60 records",
    ),
    ("HIL015", with_records(records(), future_use=True), "cannot tell", "no record says when"),
    (
        "HIL015",
        with_records(NO_SPLIT.with_columns(pl.lit(1.0).alias("time")), future_use=True),
        "cannot tell",
        "no split",
    ),
    ("HIL015", study(table_arm()), "not applicable", "no claim"),
    ("HIL016", controlled("permuted labels", permuted(20, 0.0)), "pass", "p = 0.048"),
    ("HIL016", controlled("permuted labels", permuted(20, 1.5)), "fail", "score as well"),
    (
        "HIL016",
        controlled("permuted labels", permuted(5, 0.0)),
        "cannot tell",
        "5 permutations were run, 20 are needed",
    ),
    ("HIL016", study(table_arm()), "cannot tell", "was not run"),
    ("HIL016", study(trivial_arm(table_arm())), "not applicable", "trivial"),
    (
        "HIL016",
        controlled("permuted labels", permuted(20, 0.0), table_arm(predictions=predictions(target=pl.lit(1.0)))),
        "cannot tell",
        "undefined",
    ),
    ("HIL017", of(choices={"test labels permuted": {"before": "a", "after": "a"}}), "pass", "last bit"),
    ("HIL017", of(choices={"test labels permuted": {"before": "a", "after": "b"}}), "fail", "1 of 1 cell"),
    (
        "HIL017",
        of(
            choices={
                "test labels permuted": {"before": {"fit": "a", "threshold": 1}, "after": {"fit": "a", "threshold": 2}}
            }
        ),
        "fail",
        "(threshold)",
    ),
    ("HIL017", of(choices={"settings": {}}), "cannot tell", "not run"),
    ("HIL018", of(eligibility={"late": 0, "of": 50, "examples": []}), "pass", "50 records, none"),
    (
        "HIL018",
        of(eligibility={"late": 2, "of": 50, "latest": 3.0, "examples": ["r1", "r2"]}),
        "fail",
        "2 of 50 records",
    ),
    ("HIL018", of(eligibility={"cohort": {"full": "a", "truncated": "a", "changed": 0}}), "pass", "the same"),
    ("HIL018", of(eligibility={"cohort": {"full": "a", "truncated": "b", "changed": 4}}), "fail", "deleted: 4 records"),
    ("HIL018", of(eligibility={"late": 0, "of": 0}), "cannot tell", "no record"),
    ("HIL018", of(), "cannot tell", "nothing says"),
    ("HIL019", with_features(feature()), "pass", "strongest: 'x', 0.700"),
    (
        "HIL019",
        of(features=[feature()], made_from={"label": ["urine"], "shared": []}),
        "pass",
        "none of what it is made from",
    ),
    (
        "HIL019",
        of(made_from={"label": ["urine", "creatinine"], "shared": ["urine"]}),
        "fail",
        "made from 1 of the features: urine",
    ),
    (
        "HIL019",
        with_features(feature(alone={"auroc": 1.0, "decides": True, "rule": "classes part at 3"})),
        "fail",
        "'x' (classes part at 3)",
    ),
    ("HIL019", of(), "cannot tell", "nothing says"),
    (
        "HIL019",
        with_features(feature(alone={"auroc": 1.0, "decides": False, "rule": "classes part at 3"})),
        "cannot tell",
        "a class has fewer than 10 subjects",
    ),
    ("HIL020", pair(table_arm()), "pass", "2 arms score the same 2 units"),
    ("HIL020", study(table_arm(), table_arm(id="b", scored={"fold 0": "abc"})), "fail", "1 arms lack"),
    ("HIL020", study(table_arm(), table_arm(id="b", scored={"fold 0": "abc", "fold 1": "x"})), "fail", "1 units"),
    (
        "HIL020",
        controlled("permuted labels", FEW, table_arm(scored={}, evidence=knowing(scored={"units": "u"}))),
        "pass",
        "1 arms",
    ),
    ("HIL020", study(table_arm(exploded={"fold 0": 2})), "fail", "2 runs of 1 arms"),
    ("HIL020", study(table_arm(scored={})), "cannot tell", "nothing says"),
    ("HIL021", study(table_arm()), "pass", "over subjects"),
    ("HIL021", study(trivial_arm(table_arm())), "not applicable", "the same of everybody"),
    ("HIL021", study(table_arm(predictions=easy_many())), "fail", "beyond the margin of 0.01"),
    ("HIL021", study(table_arm(predictions=predictions(each=1))), "not applicable", "one record"),
    ("HIL021", study(table_arm(predictions=FEW)), "cannot tell", "a class has no rows"),
    ("HIL021", study(table_arm(leading=("brier", "lower")), margin=None), "cannot tell", "no margin is set for Brier"),
    (
        "HIL021",
        study(table_arm(predictions=predictions().drop("time").with_columns(target=pl.int_range(120) % 2 * 1.0))),
        "cannot tell",
        "labels change within subjects",
    ),
    (
        "HIL021",
        study(
            table_arm(
                predictions=predictions()
                .drop("time")
                .with_columns(pl.col("subject").alias("sequence"), (pl.int_range(120) % 2 * 1.0).alias("step"))
            )
        ),
        "pass",
        "over first records",
    ),
    ("HIL021", study(table_arm(predictions=None)), "cannot tell", "no predictions"),
    ("HIL021", study(table_arm(), known=False), "cannot tell", "who is who"),
    ("HIL021", study(regress(1.0), margin=None), "cannot tell", "no margin"),
    ("HIL021", pair(regress(1.0), margin=None), "pass", "over first records"),
    ("HIL022", study(table_arm()), "pass", "no difference is shown"),
    (
        "HIL022",
        with_records(records(target=(pl.col("subject").str.slice(1).cast(pl.Int64) % 2).cast(pl.Float64))),
        "fail",
        "prevalence of 'yes' (fold 0) 1 in train, 0 in test",
    ),
    ("HIL022", with_features(feature(shift=shifted(1.0))), "fail", "mean of 'x' 0 in train, 1 in test"),
    ("HIL022", with_features(feature(shift=shifted(0.1))), "pass", "no difference"),
    ("HIL022", with_features(feature(missing_test=0.5)), "fail", "missing share of 'x' 0 in train, 0.5 in test"),
    ("HIL022", with_records(records(), prevalence=0.1), "fail", "prevalence 0.1 in intended use, 0.5 in tested"),
    ("HIL022", with_records(records(), prevalence=0.45), "pass", "no difference"),
    ("HIL022", with_records(NO_SPLIT, prevalence=0.5), "pass", "0.5 in intended use"),
    ("HIL022", with_records(NO_SPLIT), "cannot tell", "no split"),
    ("HIL022", study(regress(1.0)), "pass", "mean target"),
]


@pytest.mark.parametrize(("code", "asked", "status", "words"), CASES, ids=[f"{c}-{s}-{w[:30]}" for c, _, s, w in CASES])
def test_planted(code: str, asked: Study, status: str, words: str) -> None:
    answer, message = ask(code, asked)
    assert (answer, words in message) == (status, True), message


def test_evidence_of_the_data_may_stand_with_another_arm() -> None:
    arm = table_arm(records=same_content())
    told = replace(trivial_arm(arm), evidence=knowing(rows=FILE))
    assert ask("HIL002", study(arm, told))[0] == "fail"
    assert ask("HIL002", study(arm, replace(told, data="another table")))[0] == "cannot tell"


def test_the_score_within_sources_stands_beside() -> None:
    """Risks that know the source only: useless within it."""
    source = pl.when(pl.col("target") == 1).then(pl.lit("a")).otherwise(pl.lit("b"))
    mixed = pl.when(pl.col("item").str.ends_with("7")).then(pl.lit("b")).otherwise(source)
    frame = predictions().with_columns(source=mixed)
    risk = pl.when(pl.col("source") == "a").then(0.9).otherwise(0.1)
    arm = table_arm(
        records=records(source=SOURCE_LABEL),
        predictions=frame.with_columns(risk.alias("p:1"), (1 - risk).alias("p:0")),
        evidence=knowing(source_from_input=FROM_INPUT),
    )
    beside = proof("HIL007", study(arm))["within sources"]["Logistic regression"]
    assert beside["within"] == pytest.approx(0.5)
    assert beside["all"] > 0.85


def test_several_sources_and_classes() -> None:
    three = records(target=(pl.col("subject").str.slice(1).cast(pl.Int64) % 3).cast(pl.Float64))
    arm = table_arm(
        records=three.with_columns((pl.lit("device ") + pl.col("target").cast(pl.String)).alias("source")),
        evidence=knowing(source_from_input=FROM_INPUT),
        classes=("a", "b", "c"),
    )
    assert ask("HIL007", study(arm))[0] == "fail"


def test_seeds_are_paired_where_both_have_them() -> None:
    many = table_arm(predictions=predictions(seeds=3), stochastic=True)
    single = trivial_arm(table_arm())
    same = trivial_arm(many)
    for other in (single, same):
        status, message = ask("HIL008", study(many, other))
        assert status == "pass"
        assert "0.500 of 'Class shares'" in message
        assert "over 60 subjects" in message
    status, _ = ask("HIL008", study(table_arm(), same))
    assert status == "pass"


def test_the_auroc_of_the_source_by_hand() -> None:
    """Sources a (3 of 4 positive) and b (1 of 4): AUROC = P(a, b) + ties / 2 = (3 * 3 + (3 * 1 + 1 * 3) / 2) / 16."""
    from hilum.checks.hil007_source_predicts_label import _area

    assert _area(np.array([[1.0, 3.0], [3.0, 1.0]])) == pytest.approx((9 + 3) / 16)


def test_a_difference_of_two_groups_of_subjects_is_that_of_two_bootstraps() -> None:
    """Subgroups hold different subjects: the spread of the gap is that of both, added."""
    from hilum.checks._pooled import contrast, metric_of, rows_of
    from hilum.metrics.stats import pooled_interval

    frame = predictions(600, 1).with_columns(BY_SUBJECT.alias("group:sex"))
    metric = metric_of("classify", "auroc")
    assert metric is not None
    sides = [rows_of("classify", frame.filter(pl.col("group:sex") == sex)) for sex in ("f", "m")]
    made = contrast(metric, *sides)
    alone = [pooled_interval(side.columns, side.subject, metric).width for side in sides]
    assert made.interval.width == pytest.approx(np.hypot(*alone), rel=0.1)
    assert made.interval.covers(made.difference)


def test_no_metric_of_that_name() -> None:
    assert ask("HIL021", study(table_arm(leading=("no-such-metric", "higher"))))[0] == "cannot tell"
    assert ask("HIL014", study(table_arm(leading=("no-such-metric", "higher"))))[0] == "cannot tell"
