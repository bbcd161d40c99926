"""Does the audit find what was planted, and keep silent where nothing was? *Synthetic* throughout.

Each study is a simulated table of patients (hilum.modalities.table.simulate) or a simulated breathing trace, clean of every defect; one
defect is planted by replacing columns, or by a protocol that commits it. The runner of every real study (hilum.engine.tables.runner,
hilum.engine.runners.forecast) makes the cells, hilum.engine.audit reads them as it reads stored ones, and the check answers.

Defects    deterministic proof: the smallest planting that is one (one record, one subject, one pair). At least 99 % found over all
           sizes; no clean study of any size alarms.
Findings   at the stated effect: at least 95 % found with 200 subjects; power at 20, 50 and 100 is printed, not judged.
Clean      at most 5 % of the studies of 200 subjects raise any critical or major check. Four designs in turn: two folds; split by time
           with use on later patients claimed; coarse whole numbers with age and sex; a number as outcome. Each says when its
           features were charted, when its records became eligible and what the label is made from, has a part that claims to be pretrained,
           a random encoder, 20 permutations of the labels, devices, sites and subgroups: every check has something to look at.
Answers    "cannot tell" counts as neither found nor false alarm.
Error      in brackets stands the Monte Carlo standard error; a bar is missed where a share lies more than two of them beyond it.

Run        python benchmarks/planted_defects.py [--quick] [--cases TEXT]      exit code 1 where a bar is missed
Seconds    517 on one core of a busy machine; seeded (20261124, case, subjects, trial), so the figures are the same every time
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from plantings import defects, findings
from plantings.studies import Place, Study
from threadpoolctl import threadpool_limits

from hilum.core.finder import Found, find
from hilum.core.row import CheckRow
from hilum.engine.audit import audit
from hilum.models.constant_prediction import ConstantPrediction

SEED = 20261124
SIZES = (20, 50, 100, 200)
DEFECTS_FOUND, FINDINGS_FOUND, CLEAN_ALARMED = 0.99, 0.95, 0.05
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One way to plant one defect.

    Attributes:
        code: The check that must fail.
        planted: How, in words.
        effect: How much.
        plant: Makes one study.
        kind: "defect": judged over all sizes; "finding": judged at 200 subjects.
        sizes: Numbers of subjects; one recording each where it is (1,).
        least: Fewest subjects of which the check claims to find it; below, its power is only printed.
    """

    code: str
    planted: str
    effect: str
    plant: Callable[[Place], Study]
    kind: Literal["defect", "finding"] = "defect"
    sizes: tuple[int, ...] = SIZES
    least: int = 0


CASES = (
    Case("HIL001", "a record of a test subject in train", "1 record", defects.subject_on_both_sides),
    Case("HIL001", "a test subject in the pretraining data", "1 subject", defects.subject_in_pretraining),
    Case("HIL002", "identical content in train and test; by rows, by files' hashes", "1 pair", defects.content_twice),
    Case("HIL003", "identical rows of two subjects, other labels", "1 pair", defects.conflicting_labels),
    Case("HIL004", "running, ordered, drawn or written id among the features", "1 feature", defects.identifier),
    Case("HIL004", "seconds, days, dates as text or number among the features", "1 feature", defects.clock),
    Case("HIL005", "a feature charted an hour after time zero", "1 record", defects.charted_late),
    Case(
        "HIL005", "forecasts that learn labels ahead of the clock", "2 or 4 samples", defects.labels_early, sizes=(1,)
    ),
    Case("HIL005", "a forecaster that reads the record ahead", "up to 1 s", defects.reads_ahead, sizes=(1,)),
    Case("HIL006", "preprocessing fitted on all; said, hidden", "the pipeline", defects.fitted_on_all),
    Case("HIL011", "no event in test", "1 class", defects.class_missing),
    Case("HIL015", "a record learned from is later than the first tested", "1 record", defects.overlap_in_time),
    Case("HIL017", "one of two penalties chosen on test", "the pipeline", defects.chosen_on_test),
    Case("HIL018", "eligibility decided a day after time zero", "1 record", defects.eligible_late),
    Case("HIL019", "the label is said to be made from a feature", "1 feature", defects.label_made_from_a_feature),
    Case("HIL019", "a number, category or gap alone gives the label", "1 feature", defects.label_given_away, least=50),
    Case("HIL020", "an arm lacks a test record, or a fold", "1 unit", defects.other_units),
    Case("HIL020", "a prediction that is not a number", "1 record", defects.dropped_runs),
    Case(
        "HIL007", "device with label 3:1, and moves a feature", "AUROC 0.75; 1.5 SD", findings.source_tells, "finding"
    ),
    Case("HIL008", "features say nothing", "AUROC 0.5", findings.nothing_learned, "finding"),
    Case("HIL016", "features say nothing", "AUROC 0.5", findings.nothing_to_permute, "finding"),
    Case(
        "HIL009",
        "an encoder adds noise, as its random control does",
        "AUROC 0.8 for both",
        findings.encoder_adds_nothing,
        "finding",
    ),
    Case("HIL010", "nobody known", "all records", findings.nobody_known, "finding"),
    Case("HIL010", "a limit of 5 % of the AUROC", "AUROC 0.8", findings.too_wide, "finding"),
    Case("HIL012", "a forest with one seed", "1 seed", findings.one_seed, "finding"),
    Case("HIL013", "log odds times 2.5, or plus 1", "slope 0.4; O:E 0.7", findings.miscalibrated, "finding"),
    Case("HIL014", "men's labels say nothing", "AUROC 0.5 and 0.85", findings.subgroup_fails, "finding"),
    Case("HIL021", "first of four records says nothing", "AUROC 0.5 and 0.7", findings.first_records_fail, "finding"),
    Case(
        "HIL021",
        "a fifth of the subjects: eight easy records each",
        "AUROC 0.8 and 0.6",
        findings.few_carry_many,
        "finding",
    ),
    Case(
        "HIL022",
        "prevalence of test and train, or of use",
        "0.3 and 0.5; 0.4 and 0.2",
        findings.other_prevalence,
        "finding",
    ),
)


@dataclass(frozen=True)
class Counts:
    """Of one case and size: studies, found, "cannot tell"."""

    studies: int
    found: int
    cannot_tell: int


@dataclass(frozen=True)
class Clean:
    """Of clean studies of one size: studies, any critical or major alarm, and alarms and "cannot tell" by check."""

    studies: int
    alarmed: int
    alarms: Counter[str]
    cannot_tell: Counter[str]


@cache
def checks() -> dict[str, Found]:
    return {str(found.facts["CODE"]): found for found in find("checks").values()}


def answer(made: Study, code: str) -> str:
    """What a check says of a study: of the models where there are any, else of the trivial predictor or the data."""
    said = audit(made.scores, synthetic=True, use=made.use, checks=[checks()[code]])
    trivial = {each.arm.id for each in made.scores if isinstance(each.arm.model, ConstantPrediction)}
    said = [row for row in said if row.arm_id not in trivial] or said
    return next((status for status in ("fail", "cannot tell") if any(row.status == status for row in said)), "pass")


def plant(number: int, n: int, trials: int) -> Counts:
    """Plant one case in studies of one size."""
    case = CASES[number]
    places = (Place(n, trial, (SEED, number, n, trial)) for trial in range(trials))
    said = Counter(answer(case.plant(place), case.code) for place in places)
    return Counts(trials, said["fail"], said["cannot tell"])


def audit_clean(n: int, trials: int, make: Callable[[Place], Study] = findings.clean) -> Clean:
    """Ask every check of clean studies."""
    alarmed, alarms, unsure = 0, Counter[str](), Counter[str]()
    for trial in range(trials):
        made = make(Place(n, trial, (SEED, 1000, n, trial)))
        said = audit(made.scores, synthetic=True, use=made.use, checks=list(checks().values()))
        failed = [row for row in said if row.status == "fail"]
        alarmed += any(row.severity != "note" for row in failed)
        alarms.update({row.code for row in failed})
        unsure.update({row.code for row in said if row.status == "cannot tell"})
        _explain(n, trial, failed)
    return Clean(trials, alarmed, alarms, unsure)


def _explain(n: int, trial: int, failed: list[CheckRow]) -> None:
    """On standard error: why a clean study alarmed, so that one can look."""
    for row in failed:
        if row.severity != "note":
            print(f"clean, {n} subjects, trial {trial}: {row.code} {row.message}", file=sys.stderr)


def error(bar: float, trials: int) -> float:
    """Monte Carlo standard error of a share at a bar."""
    return math.sqrt(bar * (1 - bar) / trials)


def percent(count: int, of: int) -> str:
    """A share with its Monte Carlo standard error, in per cent."""
    share = count / of
    return f"{100 * share:.1f} ({100 * error(share, of):.1f})"


def judge(case: Case, found: Mapping[int, Counts]) -> tuple[Counts, bool]:
    """The counts that a bar is held against, and whether it holds."""
    sizes = [n for n in found if n >= case.least] if case.kind == "defect" else [max(found)]
    total = Counts(*(sum(getattr(found[n], name) for n in sizes) for name in ("studies", "found", "cannot_tell")))
    bar = DEFECTS_FOUND if case.kind == "defect" else FINDINGS_FOUND
    return total, total.found / total.studies >= bar - 2 * error(bar, total.studies)


def print_planted(quick: bool, asked: str, alarms: Mapping[str, str]) -> list[str]:
    """The table of plantings; returns what missed its bar."""
    missed = []
    print(
        "| check | kind | planted | effect | n | found | cannot tell | power at 20 / 50 / 100 | false alarms |\n"
        + "|---" * 9
        + "|"
    )
    for number, case in enumerate(CASES):
        if asked.lower() not in f"{case.code} {case.planted}".lower():
            continue
        trials = {n: _trials(case, n, quick) for n in case.sizes}
        found = {n: plant(number, n, trials[n]) for n in case.sizes}
        total, holds = judge(case, found)
        if not holds:
            missed.append(f"{case.code}, {case.planted}")
        power = " / ".join(f"{100 * found[n].found / found[n].studies:.0f}" for n in SIZES[:-1] if n in found) or "-"
        sizes = (
            "1 recording"
            if case.sizes == (1,)
            else f"{case.least or 20} to 200"
            if case.kind == "defect"
            else str(max(found))
        )
        print(
            f"| {case.code} | {case.kind} | {case.planted} | {case.effect} | {sizes}, {total.studies} studies | "
            f"{percent(total.found, total.studies)}{'' if holds else ' MISSED'} | {100 * total.cannot_tell / total.studies:.1f} | "
            f"{power} | {alarms.get(case.code, '-')} |",
            flush=True,
        )
    return missed


def _trials(case: Case, n: int, quick: bool) -> int:
    if quick:
        return 4
    if case.kind == "defect":
        return 100 if case.sizes == (1,) else 25 if case.least == 0 else 34
    return 100 if n == max(case.sizes) else 20


def print_clean(found: Mapping[int, Clean], streamed: Clean) -> list[str]:
    """The table of clean studies; returns what missed its bar."""
    missed = []
    print(
        "\n| clean studies, subjects | studies | any critical or major alarm | by a defect | which alarmed, notes too | cannot tell |"
    )
    print("|---" * 6 + "|")
    for n, one in [*found.items(), (1, streamed)]:
        defects = sum(count for code, count in one.alarms.items() if checks()[code].facts["KIND"] == "defect")
        told = ", ".join(f"{code} {count}" for code, count in sorted(one.alarms.items())) or "none"
        unsure = ", ".join(f"{code} {count}" for code, count in sorted(one.cannot_tell.items())) or "none"
        name = f"{n}" if n > 1 else "1 recording, causal forecasts"
        print(f"| {name} | {one.studies} | {percent(one.alarmed, one.studies)} | {defects} | {told} | {unsure} |")
        if defects:
            missed.append(f"{defects} false alarms of defects at {name}")
    last = found[max(found)]
    if last.alarmed / last.studies > CLEAN_ALARMED + 2 * error(CLEAN_ALARMED, last.studies):
        missed.append(f"{last.alarmed} of {last.studies} clean studies alarmed")
    return missed


def main() -> int:
    """Print both tables; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="four studies of each planting and size")
    parser.add_argument("--cases", default="", help="only plantings with this text in their code or description")
    asked = parser.parse_args()
    start = time.process_time()
    print(f"Planted defects, % of studies (Monte Carlo standard error); seed {SEED}; synthetic\n")
    sizes = {n: 4 if asked.quick else 100 if n == max(SIZES) else 20 for n in SIZES}
    cleans = {n: audit_clean(n, trials) for n, trials in sizes.items()} if not asked.cases else {}
    last = cleans.get(max(SIZES))
    alarms = {code: f"{last.alarms[code]} of {last.studies}" for code in checks()} if last else {}
    missed = print_planted(asked.quick, asked.cases, alarms)
    if cleans:
        streamed = audit_clean(1, 4 if asked.quick else 50, findings.clean_forecasts)
        missed += print_clean(cleans, streamed)
    print(f"\n{time.process_time() - start:.0f} s of one core")
    print("Every bar holds." if not missed else f"Bar missed: {'; '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    with threadpool_limits(1):
        sys.exit(main())
