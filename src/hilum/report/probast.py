"""The PROBAST questions, in our own short words, with what a machine can say to each.

A check that looks at a question answers it with its code and its answer; a fact that was counted is given as a fact. What needs a person
is left for one. No judgement of the study as a whole is made here, whatever the checks say: that is the reviewer's.
Source      Wolff et al., Annals of Internal Medicine 170 (2019): PROBAST, 20 signalling questions in four domains. The wording is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hilum.core.row import CheckRow
from hilum.report import preparation
from hilum.report.contents import STATUS_ORDER, Contents
from hilum.report.numbers import figure
from hilum.report.tables import Tables

OPEN = "for a person to answer"


@dataclass(frozen=True)
class Question:
    """A question and the codes of checks that look at it.

    Attributes:
        decides: Whether a check that fails answers the question, as far as a machine can.
        enough: Whether checks that all pass do.
    """

    number: str
    domain: str
    text: str
    codes: tuple[str, ...] = ()
    decides: bool = False
    enough: bool = False


@dataclass(frozen=True)
class Answer:
    """What the machine says: answers of checks as (code, answer), counted facts, and whether a person is asked."""

    question: Question
    checks: tuple[tuple[str, str], ...]
    facts: str
    human: bool


QUESTIONS: tuple[Question, ...] = (
    Question("1.1", "Participants", "Does the source of the data suit the question (cohort, trial, registry)?"),
    Question("1.2", "Participants", "Were people included and excluded for good reasons?", ("HIL018",)),
    Question("2.1", "Predictors", "Were predictors defined and measured alike in everybody?", ("HIL007",)),
    Question("2.2", "Predictors", "Were they measured by people who did not know the outcome?"),
    Question(
        "2.3", "Predictors", "Are all of them there when the model is to be used?", ("HIL005", "HIL004"), True, True
    ),
    Question("3.1", "Outcome", "Was the outcome determined in a suitable way?"),
    Question("3.2", "Outcome", "Was its definition the usual one, or set beforehand?"),
    Question("3.3", "Outcome", "Are the predictors no part of its definition?", ("HIL019",), True),
    Question("3.4", "Outcome", "Was it determined alike in everybody?", ("HIL003",)),
    Question("3.5", "Outcome", "Was it determined by people who did not know the predictors?"),
    Question("3.6", "Outcome", "Is the time from predictors to outcome suitable?"),
    Question("4.1", "Analysis", "Did enough people have the outcome?", ("HIL010", "HIL011")),
    Question("4.2", "Analysis", "Were numbers and categories used as they should be?"),
    Question("4.3", "Analysis", "Was everybody who was enrolled analysed?", ("HIL020",)),
    Question("4.4", "Analysis", "Were missing values dealt with suitably?", ("HIL006",)),
    Question("4.5", "Analysis", "Was no predictor chosen by its lone relation with the outcome?", ("HIL017",)),
    Question(
        "4.6", "Analysis", "Were censoring, competing risks, repeated records and sampling allowed for?", ("HIL021",)
    ),
    Question("4.7", "Analysis", "Were the right measures of performance looked at?", ("HIL013",)),
    Question(
        "4.8",
        "Analysis",
        "Were overfitting and optimism allowed for?",
        ("HIL001", "HIL002", "HIL006", "HIL016", "HIL017"),
        True,
        True,
    ),
    Question("4.9", "Analysis", "Is the final model the one that the figures speak of?"),
)


def sheet(contents: Contents, tables: Tables | None) -> tuple[Answer, ...]:
    """Every question with what is known; the worst answer of a check stands for all arms."""
    worst = _worst(contents.checks)
    facts = {} if tables is None else _facts(tables)
    return tuple(_answer(question, worst, facts) for question in QUESTIONS)


def _answer(question: Question, worst: Mapping[str, str], facts: Mapping[str, str]) -> Answer:
    said = tuple(
        (code, worst[code]) for code in question.codes if worst.get(code, "not applicable") != "not applicable"
    )
    answers = {status for _, status in said}
    settled = (question.decides and "fail" in answers) or (question.enough and answers == {"pass"})
    return Answer(question, said, facts.get(question.number, ""), not settled)


def _worst(checks: Sequence[CheckRow]) -> dict[str, str]:
    found: dict[str, str] = {}
    for check in checks:
        held = found.get(check.code)
        if held is None or STATUS_ORDER.get(check.status, 9) < STATUS_ORDER.get(held, 9):
            found[check.code] = check.status
    return found


def _facts(tables: Tables) -> dict[str, str]:
    """What was counted, by question."""
    found: dict[str, str] = {}
    features = list(tables.study.get("features") or ())
    if tables.whole is not None and features:
        number = len(features)
        if tables.binary:
            events = int(min(tables.whole.events))
            each = figure(events / number, 3)
            found["4.1"] = f"{events:,} records of the rarer class for {number} predictors: {each} a predictor"
        else:
            found["4.1"] = f"{tables.whole.records:,} records for {number} predictors"
    excluded = sum(int(one["records"]) for one in tables.study.get("attrition") or ())
    if tables.whole is not None:
        found["4.3"] = f"{tables.whole.records:,} records analysed, {excluded:,} of the table excluded"
    numbers = sum(feature.get("type") == "number" for feature in features)
    if features:
        found["4.2"] = (
            f"{numbers} predictors used as numbers, not cut into groups here; {len(features) - numbers} as categories"
        )
        lacking = sum(float(feature.get("missing") or 0) > 0 for feature in features)
        flag = ", with a flag column each" if preparation.flagged(tables.prepare) else ""
        found["4.4"] = (
            f"{lacking} of {len(features)} predictors have missing values; filled by "
            f"{preparation.fill(tables.prepare) or 'what the run does not say'}{flag}"
        )
        found["4.5"] = f"no selection takes place in the run; the list of {len(features)} is the author's"
    if any(arm.final for arm in tables.arms):
        found["4.9"] = (
            "the same procedure, carried out again on all records; the figures speak for the models of the folds"
        )
    if tables.kind == "classify":
        found["4.7"] = "discrimination and calibration are both on this page"
    return found
