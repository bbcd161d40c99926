"""Split: which records train, which test, in every fold. Subjects are dealt, never records.

    rule                     one fold is
    k-fold                   in turn each of k parts of the subjects is the test part; `repeats` deals again with another seed
    hold-out                 a share of the subjects is the test part
    time                     subjects first seen at or after the cut are the test part
    column                   what a column of the table says: train, validation, test; or each of its values in turn
    leave-one-source-out     in turn all records of each source are the test part
    shuffled-k-fold          the folds that scikit-learn's shuffled KFold deals, stratified for classes, as many papers did

Validation   A share of the train units, or in turn each of `inner` folds of them, is the validation part.
Curves       Of a learning curve each point keeps a share of the train units, before any validation part is taken from them.
Dealing   Within each stratum (a subject's highest class, or the quartile of its mean target) subjects are ordered by a seeded
          SHA-256 of their id and dealt out in turn, so folds are balanced, and the same on any machine in any row order.
          `shuffled-k-fold` deals units in ascending order of their ids by numpy's generator instead, to repeat a published split.
Nobody twice   A record of a subject who stands in the test part is never in train: by time, a test subject's earlier records
          and a train subject's later ones are left out of the fold (part ""); by source, a test subject's records from other sources.
          Only `column` takes what it is given, for a published split may break this rule: HIL001 then says so. So does a rule
          that deals sequences (`unit`) where a subject has several.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError, unknown

RuleName = Literal["k-fold", "hold-out", "time", "column", "leave-one-source-out", "shuffled-k-fold"]
Unit = Literal["subject", "sequence"]
Texts = NDArray[Any]  # of str
LEFT_OUT = ""
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation")
MOST_FOLDS = 50


@dataclass(frozen=True)
class Rule:
    """How records are split.

    Attributes:
        name: One of the rules above.
        folds: Parts of a k-fold.
        repeats: How often a k-fold is dealt anew.
        share: Share of the subjects in the test part of a hold-out; of a split by time without a cut, the latest share.
        cut: Time from which on subjects are tested; in the unit of the table's time column.
        seed: Seed of the deal.
        validation: Share of the train units that is the validation part; 0 for none.
        inner: Where it is 2 or more, every fold stands that often, with in turn each of so many parts of its train units as validation.
        unit: Who is dealt: subjects; or sequences, as a paper did that dealt stays, whoever's they are.
        fewest: A source with fewer subjects is never left out: its records are always train.
        train_share: Share of each fold's train units that is kept, for learning curves; test parts do not change, and a smaller
            share lies within a larger one.
    """

    name: str = "k-fold"
    folds: int = 5
    repeats: int = 1
    share: float = 0.25
    cut: float | None = None
    seed: int = 0
    validation: float = 0.0
    inner: int = 0
    unit: str = "subject"
    fewest: int = 0
    train_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be dealt."""
        if self.unit not in get_args(Unit):
            raise unknown("unit of a split", self.unit, get_args(Unit))
        if not 0 <= self.validation < 1 or self.inner == 1 or self.inner < 0 or (self.validation and self.inner):
            raise UsageError(
                f"validation {self.validation}, inner {self.inner}",
                where="split",
                do="Give a share below 1, or 2 or more inner folds, or neither",
            )
        if self.name not in get_args(RuleName):
            raise unknown("split rule", self.name, get_args(RuleName))
        if self.folds < 2 or self.repeats < 1:
            raise UsageError(f"{self.folds} folds, {self.repeats} repeats", where="split", do="Ask for 2 folds or more")
        if not 0 < self.share < 1:
            raise UsageError(f"the test share is {self.share}", where="split", do="Give a share between 0 and 1")
        if not 0 < self.train_share <= 1:
            raise UsageError(
                f"the share of train is {self.train_share}", where="split", do="Give a share above 0, at most 1"
            )


@dataclass(frozen=True)
class Records:
    """What a split is dealt from: one entry a record, in any order.

    Attributes:
        item: (records,) ids.
        subject: (records,) whose record it is; where that is not known, the record's own id.
        target: (records,) class index or measured value.
        kind: "classify" or "regress": how subjects are put into strata.
        time: (records,) when it was recorded.
        source: (records,) what acquired it.
        declared: (records,) what a column of the table says.
        sequence: (records,) which sequence a record belongs to; None for single records.
    """

    item: Texts
    subject: Texts
    target: NDArray[np.float64]
    kind: str
    time: NDArray[np.float64] | None = None
    source: Texts | None = None
    declared: Texts | None = None
    sequence: Texts | None = None


def deal(rule: Rule, records: Records, *, where: str = "split") -> list[Texts]:
    """The part of every record, shape (records,), for each fold: "train", "validation", "test", or "" where left out.

    Raises:
        UsageError: the rule needs a column that the table does not have.
        DataError: too few subjects, or a fold without records to train on or to test on.
    """
    dealt = records
    if rule.unit == "sequence":
        if records.sequence is None:
            raise UsageError(
                "sequences cannot be dealt: the table has none", where=where, do="Name the column of sequences"
            )
        dealt = replace(records, subject=records.sequence)
    tested = (_fewer(rule, dealt, fold) for fold in _RULES[rule.name](rule, dealt, where))
    folds = [each for fold in tested for each in _with_validation(rule, dealt, fold)]
    for number, part in enumerate(folds):
        for name in ("train", "test"):
            if not (part == name).any():
                raise DataError(
                    f"fold {number} has no {name} records", where=where, do="Ask for fewer folds, or mend the column"
                )
    return folds


def fold_names(rule: Rule, records: Records) -> list[str]:
    """What each fold is called: the value left out, or its number."""
    if rule.name == "leave-one-source-out" and records.source is not None:
        return sources_left_out(records.source, records.subject, rule.fewest)
    if rule.name == "column" and records.declared is not None and not _is_partition(records.declared):
        return [str(value) for value in np.unique(records.declared) if value != LEFT_OUT]
    return [str(number) for number in range(len(deal(rule, records)))]


def k_folds(records: Records, folds: int, seed: int, *, where: str = "split") -> NDArray[np.int64]:
    """The fold in which each record is tested, shape (records,): 0 ... folds - 1."""
    subjects, member = np.unique(records.subject, return_inverse=True)
    if len(subjects) < folds:
        raise DataError(
            f"{len(subjects)} subjects cannot be dealt into {folds} folds", where=where, do="Ask for fewer folds"
        )
    strata = _strata(records, member, len(subjects))
    order = np.lexsort((_ranks(subjects, seed), strata))
    fold = np.empty(len(subjects), dtype=np.int64)
    # One deal through all strata: the next stratum goes on where the last one stopped, so fold sizes differ by one at most.
    fold[order] = np.arange(len(subjects)) % folds
    return fold[member]


def _k_fold(rule: Rule, records: Records, where: str) -> list[Texts]:
    parts = []
    for repeat in range(rule.repeats):
        fold = k_folds(records, rule.folds, rule.seed + repeat, where=where)
        parts += [np.where(fold == number, "test", "train") for number in range(rule.folds)]
    return parts


def _shuffled(rule: Rule, records: Records, where: str) -> list[Texts]:
    units, member = np.unique(records.subject, return_inverse=True)
    strata = _highest(records, member, len(units))
    parts = []
    for repeat in range(rule.repeats):
        for _, tested in _sklearn_folds(records.kind, rule.folds, rule.seed + repeat, strata, where):
            test = np.zeros(len(units), dtype=bool)
            test[tested] = True
            parts.append(np.where(test[member], "test", "train"))
    return parts


def _sklearn_folds(kind: str, folds: int, seed: int, strata: NDArray[np.int64], where: str) -> list[Any]:
    from sklearn.model_selection import KFold, StratifiedKFold

    if kind == "classify":
        fewest = int(np.bincount(strata)[np.unique(strata)].min())
        if fewest < folds:
            raise DataError(
                f"{fewest} subjects of a class cannot be dealt into {folds} folds",
                where=where,
                do="Ask for fewer folds",
            )
        return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(strata, strata))
    return list(KFold(folds, shuffle=True, random_state=seed).split(strata))


def _fewer(rule: Rule, records: Records, part: Texts) -> Texts:
    """The fold with a share of its train units: of every stratum the first in the order of the seeded hashes, at least one."""
    if rule.train_share == 1:
        return part
    mine = part == "train"
    train = _some(records, mine)
    units, member = np.unique(train.subject, return_inverse=True)
    strata = _strata(train, member, len(units))
    order = np.lexsort((_ranks(units, rule.seed + 2_000), strata))
    sizes = np.unique(strata, return_counts=True)[1]
    kept = np.zeros(len(units), dtype=bool)
    # 1e-9: a tenth of 70 units is 7, whatever the floating point says.
    kept[order] = np.concatenate([np.arange(size) < np.ceil(rule.train_share * size - 1e-9) for size in sizes])
    fewer = part.copy()
    fewer[mine] = np.where(kept[member], "train", LEFT_OUT)
    return fewer


def _some(records: Records, chosen: NDArray[np.bool_]) -> Records:
    columns: dict[str, Any] = {
        name: values[chosen] for name, values in vars(records).items() if isinstance(values, np.ndarray)
    }
    return replace(records, **columns)


def _with_validation(rule: Rule, records: Records, part: Texts) -> list[Texts]:
    """The fold as it is; or with a share of its train units as validation; or once for each inner fold of them."""
    if not (rule.validation or rule.inner):
        return [part]
    units, member = np.unique(records.subject, return_inverse=True)
    trained = np.zeros(len(units), dtype=bool)
    trained[member[part == "train"]] = True
    inside = np.flatnonzero(trained)
    if rule.name == "shuffled-k-fold":
        strata = _highest(records, member, len(units))[inside]
        held = _shuffled_validation(rule, records.kind, strata)
    else:
        train = _some(records, np.isin(member, inside) & (part == "train"))
        if rule.inner:
            fold = k_folds(train, rule.inner, rule.seed + 1_000)
            names = [np.unique(train.subject[fold == number]) for number in range(rule.inner)]
        else:
            (dealt,) = _hold_out(replace(rule, share=rule.validation, seed=rule.seed + 1_000), train, "validation")
            names = [np.unique(train.subject[dealt == "test"])]
        held = [np.searchsorted(units[inside], each) for each in names]
    found = []
    for each in held:
        chosen = np.zeros(len(units), dtype=bool)
        chosen[inside[each]] = True
        found.append(np.where(chosen[member] & (part == "train"), "validation", part))
    return found


def _shuffled_validation(rule: Rule, kind: str, strata: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    from sklearn.model_selection import train_test_split

    if rule.inner:
        return [held for _, held in _sklearn_folds(kind, rule.inner, rule.seed, strata, "inner folds")]
    stratify = strata if kind == "classify" else None
    _, held = train_test_split(
        np.arange(len(strata)), test_size=rule.validation, random_state=rule.seed, stratify=stratify
    )
    return [held]


def _hold_out(rule: Rule, records: Records, where: str) -> list[Texts]:
    subjects, member = np.unique(records.subject, return_inverse=True)
    strata = _strata(records, member, len(subjects))
    order = np.lexsort((_ranks(subjects, rule.seed), strata))
    # Subject i of the deal is tested where i * share passes a whole number: the share holds within every stratum.
    place = np.arange(len(subjects))
    tested = np.empty(len(subjects), dtype=bool)
    tested[order] = np.floor((place + 1) * rule.share) > np.floor(place * rule.share)
    return [np.where(tested[member], "test", "train")]


def _by_time(rule: Rule, records: Records, where: str) -> list[Texts]:
    if records.time is None or not np.isfinite(records.time).all():
        absent = [] if records.time is None else records.item[~np.isfinite(records.time)].tolist()
        told = f"; {len(absent)} have none: {', '.join(map(str, absent[:5]))}" if absent else ""
        raise UsageError(
            f"a split by time needs a time for every record{told}",
            where=where,
            do="Mend or leave out these records" if absent else "Name the column with `time`",
        )
    subjects, member = np.unique(records.subject, return_inverse=True)
    first = np.full(len(subjects), np.inf)
    np.minimum.at(first, member, records.time)
    cut = float(np.quantile(first, 1 - rule.share, method="higher")) if rule.cut is None else rule.cut
    late = first[member] >= cut
    for part, there in (("test", late.any()), ("train", (records.time < cut).any())):
        if not there:
            raise DataError(
                f"no {part} records: the records lie between {records.time.min():g} and {records.time.max():g}, and the cut is {cut:g}",
                where=where,
                do="Move the cut, or leave it out and give a share",
            )
    return [np.where(late, "test", np.where(records.time < cut, "train", LEFT_OUT))]


def _by_column(rule: Rule, records: Records, where: str) -> list[Texts]:
    if records.declared is None:
        raise UsageError("a split by column needs one", where=where, do="Name it with `column`")
    told = np.char.lower(np.char.strip(records.declared.astype(str)))
    if _is_partition(records.declared):
        return [np.array([PARTS.get(str(value), LEFT_OUT) for value in told])]
    odd = sorted(set(told.tolist()) - set(PARTS) - {LEFT_OUT})
    if set(told.tolist()) & set(PARTS):
        raise DataError(
            f"the column says {', '.join(repr(value) for value in odd[:5])} beside train and test",
            where=where,
            do="Write train, validation or test; leave a cell empty to leave its record out",
        )
    return _leave_each_out(records, records.declared, where, keep_apart=False)


def _by_source(rule: Rule, records: Records, where: str) -> list[Texts]:
    if records.source is None:
        raise UsageError("leave-one-source-out needs a source", where=where, do="Name the column with `source`")
    return _leave_each_out(records, records.source, where, keep_apart=True, fewest=rule.fewest)


def sources_left_out(source: Texts, subject: Texts, fewest: int) -> list[str]:
    """The sources that are left out in turn: those with at least `fewest` subjects."""
    names = [str(name) for name in np.unique(source[source != LEFT_OUT])]
    return [name for name in names if not fewest or len(np.unique(subject[source == name])) >= fewest]


def _leave_each_out(records: Records, values: Texts, where: str, *, keep_apart: bool, fewest: int = 0) -> list[Texts]:
    names = np.array(sources_left_out(values, records.subject, fewest))
    if not 2 <= len(names) <= MOST_FOLDS:
        raise DataError(
            f"the column has {len(names)} different values: {', '.join(map(str, names[:5]))} ...",
            where=where,
            do=f"Give it 2 to {MOST_FOLDS} values, or train, validation and test",
        )
    parts = []
    for name in names:
        tested = values == name
        part = np.where(tested, "test", np.where(values == LEFT_OUT, LEFT_OUT, "train")).astype(object)
        if keep_apart:
            part[~tested & np.isin(records.subject, records.subject[tested])] = LEFT_OUT
        parts.append(part.astype(str))
    return parts


_RULES = {
    "k-fold": _k_fold,
    "hold-out": _hold_out,
    "time": _by_time,
    "column": _by_column,
    "leave-one-source-out": _by_source,
    "shuffled-k-fold": _shuffled,
}


def _is_partition(values: Texts) -> bool:
    return {str(value).strip().lower() for value in np.unique(values)} <= {*PARTS, LEFT_OUT}


def _ranks(subjects: Texts, seed: int) -> NDArray[np.int64]:
    """Each subject's place in the order of the seeded hashes of their ids."""
    digests = np.array(
        [hashlib.sha256(f"{seed}:{subject}".encode()).digest()[:16] for subject in subjects], dtype="S16"
    )
    ranks = np.empty(len(subjects), dtype=np.int64)
    ranks[np.argsort(digests, kind="stable")] = np.arange(len(subjects))
    return ranks


def _strata(records: Records, member: NDArray[np.intp], subjects: int) -> NDArray[np.int64]:
    order = np.argsort(
        records.item, kind="stable"
    )  # sums run in the order of the ids, so that of the rows leaves no trace
    if records.kind == "classify":
        return _highest(records, member, subjects)
    target, member = np.nan_to_num(records.target[order]), member[order]
    mean = np.bincount(member, weights=target, minlength=subjects) / np.maximum(
        np.bincount(member, minlength=subjects), 1
    )
    return np.searchsorted(np.quantile(mean, [0.25, 0.5, 0.75]), mean, side="left").astype(np.int64)


def _highest(records: Records, member: NDArray[np.intp], units: int) -> NDArray[np.int64]:
    """The highest class of each unit."""
    highest = np.zeros(units)
    np.maximum.at(highest, member, np.nan_to_num(records.target))
    return highest.astype(np.int64)
