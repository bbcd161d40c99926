"""Which cells answer which claims of arXiv 2306.05109, and why the others are not answered.

Values   192 figures of four credentialed databases: bound to arms on a user's own cohorts, which read "not run" while there are none
Counts   of the demo cohorts: MIMIC-III's as they are built here from raw tables by YAIB's rules, sepsis and eICU's as published
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import mean, median

from hilum.core.binding import Arithmetic, Binding, Bound, Estimand, Unbound
from hilum.core.claim import Claim
from hilum.papers.yaib.experiment import NUMBERS, Question, counted, of_own

FOLDS = Estimand("fold", pool="fold", runs=5)
# How claims call a task, a database and a model, and how they are called here.
TASK_OF = {
    "mortality": "mortality24",
    "aki": "aki",
    "sepsis": "sepsis",
    "kidney-function": "kidney_function",
    "los": "length_of_stay",
}
DATABASE_OF = {"aumcdb": "aumc", "hirid": "hirid", "eicu": "eicu", "mimic-iv": "mimic4"}
MODELS = ("lr", "en", "lgbm", "gru", "lstm", "tcn", "transformer")
CREDENTIALED = (
    "credentialed: put the cohort as yaib_cohorts/{task}/{database}/{{dyn,sta,outc}}.parquet into a directory DIR, and run "
    "`hilum run yaib --preset full --data DIR`"
)
TUNED = (
    "settings are chosen inside train from a grid of two to eight; the paper draws thirty candidates of wider ranges"
)
UNKNOWN_FOLDS = (
    "the paper's folds are of stays and cannot be repeated: its split paired stays and labels in different orders"
)


SEPSIS = (
    "built by the rules that are known: four of the 115 stays have another label than the published file "
    "(modalities/ehr/labels/sepsis3.py says which rules are not published)"
)


def bindings() -> tuple[Bound, ...]:
    """Every claim of the paper, bound or with the reason why not."""
    values = [
        _value(task, database, model)
        for task in TASK_OF
        for database in DATABASE_OF
        for model in MODELS
        if model not in {"lr" if TASK_OF[task] in NUMBERS else "en"}
    ]
    return (
        *values,
        *_counts(),
        Arithmetic(
            ("data-vs-model.effect",),
            _effect,
            "range over the four databases of the mean over models, divided by the range over models of the mean over databases, by AUROC "
            "or MAE; the median of the five tasks. The table holds cohort rules and preprocessing fixed, which the statement names too",
        ),
        Unbound(
            ("tasks.count",), "what the authors' code offers; no data can say it. The five are all in `hilum run yaib`"
        ),
        Unbound(
            ("demo.*.eicu_demo.*",),
            "counted in the published cohort files, which hilum reads and does not build: the raw eICU tables here lack the periodic "
            "vital signs. A count that is read back proves nothing",
        ),
    )


def _value(task: str, database: str, model: str) -> Binding:
    ours, place = TASK_OF[task], DATABASE_OF[database]
    published, honest = of_own(ours, place, "published"), of_own(ours, place, "honest")
    folders = {"task": "los" if task == "los" else ours, "database": "miiv" if place == "mimic4" else place}
    return Binding(
        (f"{task}.{database}.{model}.*",),
        arm=published.arm(model, search=True),
        honest=honest.arm(model, search=True),
        trivial=published.arm("constant"),
        estimand=FOLDS,
        basis="same-data",
        notes=(TUNED, UNKNOWN_FOLDS),
        absent=CREDENTIALED.format(**folders),
    )


def _counts() -> list[Binding]:
    """Stays, positive stays and exclusions of the demo cohorts."""
    left_out = {"died-before-30h": "died before hour 30", "los-below-30h": "stay shorter than 30 hours"}
    made = []
    for question in counted():
        name = f"demo.{'los' if question.task == 'length_of_stay' else question.task}.mimic_demo"
        made.append(_count(f"{name}.stays", question, "sequences"))
        if question.task not in NUMBERS:
            made.append(_count(f"{name}.positive", question, "positive sequences"))
        if name == "demo.mortality24.mimic_demo":
            made += [
                _count(f"{name}.excluded.{claim}", question, f"excluded: stays: {why}")
                for claim, why in left_out.items()
            ]
    return made


def _count(claim: str, question: Question, what: str) -> Binding:
    arm = question.arm("constant")
    notes = (SEPSIS,) if question.task == "sepsis" else ()
    return Binding(
        (claim,), arm=arm, trivial=arm, estimand=Estimand("stay"), basis="identical", metric=what, notes=notes
    )


def _effect(_: Claim, claims: Mapping[str, Claim]) -> float:
    """How much more the choice of database moves a score than the choice of model: the median of the tasks."""
    tables: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for one in claims.values():
        if one.kind == "value" and one.metric in {"auroc", "mae"}:
            task, database, model, _metric = one.id.split(".")
            tables[task][database, model] = one.value
    return median(_reach(table, 0) / _reach(table, 1) for table in tables.values())


def _reach(table: Mapping[tuple[str, str], float], of: int) -> float:
    """The range of the means over the other dimension."""
    names = {pair[of] for pair in table}
    means = [mean(value for pair, value in table.items() if pair[of] == name) for name in names]
    return max(means) - min(means)
