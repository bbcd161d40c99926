"""Columns: what a study says of its table. Which column is the outcome, which say who, when and where, which a model may see.

A column has one role. The exceptions are plain ones: the id may name the subject too, times may coincide, a source or site may
also be a subgroup, and an explicit list of features may name a column of another role (never the target), so that
an audit can look at what a study really used. Without a list, the features are all columns that have no role, and subgroups.

Records of one stay or one patient belong together where `sequence` and `step` are named; see `hilum.modalities.table.repeated`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from hilum.core.errors import UsageError, unknown

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "-", ".")
KINDS = ("classify", "regress")
POLICIES = ("refuse", "exclude")
PURPOSES = ("study", "audit")
ASKED = ("every", "last")
STEP_UNITS = {"min": 60.0, "h": 3600.0, "day": 86_400.0}
SINGLE_ROLES = (
    *("id", "subject", "target", "time", "source", "site", "content", "split", "time_zero", "eligible"),
    *("sequence", "step", "step_start", "beside"),
)
# Roles that one column may have together; all other pairs are refused.
_TOGETHER = (
    {"id", "subject"},
    {"time", "time_zero", "eligible", "charted"},
    {"source", "site", "group"},
    {"content", "id"},
    {"subject", "sequence"},
    {"time", "step"},
    {"time", "time_zero", "step"},
    {"eligible", "step_start"},
)


@dataclass(frozen=True)
class Columns:
    """The columns of a table by role; every name is that of the header, "" where there is no such column.

    Attributes:
        target: The outcome.
        kind: "classify" (a class) or "regress" (a number).
        subject: Whose record it is; "" says that who is who is unknown.
        id: The record's id, unique; without one, ids are made from the records' content.
        features: What a model may see; empty stands for every column without a role.
        exclude: Columns that are left aside.
        time: When it was recorded: dates become s since 1970, numbers stay as they are.
        source: What acquired it (device, recorder, channel).
        site: Where.
        groups: Subgroups to look at; a group of many numbers is cut into thirds.
        content: A hash of the record's content, or the path of its file relative to the table.
        split: The part or fold that the table itself gives a record.
        time_zero: The time of prediction.
        eligible: When it was decided that the record belongs to the study.
        charted: Pairs (feature, column that holds when it was charted); a mapping is accepted.
        classes: The classes in index order; of two, the second is the positive one. Empty: sorted, numbers as numbers.
        positive: The positive class of two.
        unit: Unit of a measured outcome.
        missing_target: "refuse" a record without an outcome, or "exclude" it and count it.
        categories: Features that are categories although they are written as numbers.
        made_from: Columns that the outcome was made from; the audit looks for them among the features.
        missing: The texts that mean missing.
        sequence: Which records belong together in time: the stay, or the patient. Needs `step`.
        step: When, within its sequence: a number, or a date, which `step_unit` makes a number of.
        step_unit: "min", "h" or "day": what a step that is a date is counted in.
        step_start: From when it is counted: a column of dates, the same within a sequence. Without one from the sequence's first record.
        beside: A number that goes with a class as outcome (days left), where the record has an outcome.
        static: Features that do not change within a sequence; a value that stands in one of its records holds for all.
        asked: Of which records the outcome is asked: "every" one that has an outcome; or the "last" of each sequence, wherever in
            the sequence its outcome is written.
        units: Pairs (feature, unit), a mapping is accepted: what a later file's header is compared with. A unit in brackets behind a
            feature's own name counts too.
        encoding: How the text is encoded where it is neither UTF-8 nor UTF-16, e.g. "cp1252".
        purpose: "study", or "audit": an audit reports what a study is refused for (a class with one subject, no feature).
    """

    target: str = ""
    kind: str = "classify"
    subject: str = ""
    id: str = ""
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    time: str = ""
    source: str = ""
    site: str = ""
    groups: tuple[str, ...] = ()
    content: str = ""
    split: str = ""
    time_zero: str = ""
    eligible: str = ""
    charted: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ()
    positive: str = ""
    unit: str = ""
    missing_target: str = "refuse"
    categories: tuple[str, ...] = ()
    made_from: tuple[str, ...] = ()
    missing: tuple[str, ...] = MISSING
    sequence: str = ""
    step: str = ""
    step_unit: str = ""
    step_start: str = ""
    beside: str = ""
    static: tuple[str, ...] = ()
    asked: str = "every"
    units: tuple[tuple[str, str], ...] = ()
    encoding: str = ""
    purpose: str = "study"

    def __post_init__(self) -> None:
        """Bring what JSON and TOML hold (lists, mappings) into plain tuples, and refuse what contradicts itself."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Mapping):
                value = tuple(sorted(value.items()))
            if isinstance(field.default, tuple):
                if isinstance(value, str) or not isinstance(value, Sequence):
                    raise UsageError(
                        f"'{field.name}' is {value!r}", where="columns", do=f'Give a list, e.g. ["{value}"]'
                    )
                value = tuple(tuple(part) if isinstance(part, list | tuple) else _name(part) for part in value)
            elif isinstance(field.default, str) and not isinstance(value, str):
                value = _name(value)  # positive = 1 in TOML
            object.__setattr__(self, field.name, value)
        _one_of("kind", self.kind, KINDS)
        _one_of("missing_target", self.missing_target, POLICIES)
        _one_of("purpose", self.purpose, PURPOSES)
        _one_of("asked", self.asked, ASKED)
        if self.step_unit:
            _one_of("step_unit", self.step_unit, tuple(STEP_UNITS))
        self._check_sequences()
        self._check_classes()
        self._check_roles()

    def _check_sequences(self) -> None:
        if bool(self.sequence) != bool(self.step):
            raise UsageError(
                f"'{self.sequence or self.step}' is named as {'sequence' if self.sequence else 'step'} alone",
                where="columns",
                do='Name both: sequence = "stay_id" and step = "hour"',
            )
        for setting in ("step_unit", "step_start", "beside", "static") if not self.sequence else ():
            if getattr(self, setting):
                raise UsageError(
                    f"'{setting}' is about sequences", where="columns", do="Name `sequence` and `step` too"
                )
        if self.asked != "every" and not self.sequence:
            raise UsageError(
                "the last record of no sequence is asked", where="columns", do="Name `sequence` and `step`"
            )
        if self.beside and self.kind != "classify":
            raise UsageError(
                "a number beside a number is asked", where="columns", do="`beside` goes with a class as outcome"
            )

    def _check_classes(self) -> None:
        if self.kind == "regress" and (self.classes or self.positive):
            raise UsageError(
                "classes and a positive class are stated for a number",
                where="columns",
                do='Take kind = "classify", or leave them out',
            )
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
            raise UsageError(f"the classes are {list(self.classes)}", where="columns", do="Name each of them once")
        if self.positive and self.classes and self.positive not in self.classes:
            raise unknown("class", self.positive, self.classes, where="columns, positive")

    def _check_roles(self) -> None:
        for name, roles in self.roles().items():
            extra = [role for role in roles if role not in {"feature", "category"}]
            if name in self.exclude:
                raise UsageError(f"'{name}' is excluded and is the {roles[0]}", where="columns", do="Choose one")
            if name == self.target and "feature" in roles:
                raise UsageError(
                    f"the target '{name}' is among the features",
                    where="columns",
                    do="A model that sees its outcome predicts nothing: take it out of the features",
                )
            if len(extra) > 1 and not any(set(extra) <= allowed for allowed in _TOGETHER):
                raise UsageError(
                    f"'{name}' is the {extra[0]} and the {extra[1]}", where="columns", do="A column has one role"
                )
        for role in ("features", "exclude", "groups", "categories", "static"):
            names = getattr(self, role)
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise UsageError(f"'{twice[0]}' stands twice in {role}", where="columns", do="Name it once")

    def roles(self) -> dict[str, list[str]]:
        """Column to its roles, of every column that has one."""
        found: dict[str, list[str]] = {}
        for role in SINGLE_ROLES:
            if getattr(self, role):
                found.setdefault(getattr(self, role), []).append(role)
        for name in self.groups:
            found.setdefault(name, []).append("group")
        for _, name in self.charted:
            if "charted" not in found.setdefault(name, []):
                found[name].append("charted")
        for name in self.features:
            found.setdefault(name, []).append("feature")
        return found

    def feature_names(self, header: Sequence[str], *, where: str) -> tuple[str, ...]:
        """The features, once every column named anywhere is found in the header.

        Raises:
            UsageError: a column is named that is not there (the closest is given), a category or charted column is no feature,
                or nothing is left to learn from.
        """
        known = set(header)
        named = [
            *self.roles(),
            *self.exclude,
            *self.categories,
            *self.made_from,
            *self.static,
            *(feature for feature, _ in self.units),
            *(feature for feature, _ in self.charted),
        ]
        for name in named:
            if name not in known:
                raise unknown("column", name, known, where=where)
        # A subgroup to look at is a feature all the same (sex, age): only its other roles take a column out of the features.
        taken = {name for name, roles in self.roles().items() if roles != ["group"]} | set(self.exclude)
        features = self.features or tuple(name for name in header if name not in taken)
        if not features and self.purpose == "study":
            raise UsageError("no column is left as a feature", where=where, do="Name the features, or exclude fewer")
        for role, names in (
            ("categories", self.categories),
            ("static", self.static),
            ("units", tuple(feature for feature, _ in self.units)),
            ("charted", tuple(feature for feature, _ in self.charted)),
        ):
            stray = [name for name in names if name not in features]
            if stray:
                raise UsageError(f"'{stray[0]}' is named in {role} but is no feature", where=where, do="Name a feature")
        # Models of sequences expect what does not change in front.
        return (*self.static, *(name for name in features if name not in self.static)) if self.static else features


def _name(part: Any) -> str:
    """A class may be written as a number in TOML; names are text."""
    if isinstance(part, bool) or not isinstance(part, str | int | float):
        raise UsageError(f"{part!r} is no name", where="columns", do="Write it as text, in quotes")
    return part if isinstance(part, str) else f"{part:g}"


def _one_of(setting: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise unknown(setting, value, allowed, where="columns")
