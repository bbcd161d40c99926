"""Plausible: values of a wide table beside the ranges of the dictionary. A warning: nothing is dropped, and nothing is converted.

A feature is a concept where its name, whatever its case and with _ for a space, is the concept's id ("hr"), its name ("heart rate") or a
code listed for tables of one's own; a unit in brackets behind the name is taken off first. No other likeness counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import OUR_DICTIONARY, OWN_TABLES, Concept, Dictionary, read_concepts
from hilum.modalities.ehr.measure import ways_of
from hilum.modalities.table.match import split_unit

if TYPE_CHECKING:
    import polars as pl


def range_notes(
    features: pl.DataFrame, units: Mapping[str, str], dictionary: Dictionary | None = None
) -> tuple[str, ...]:
    """What a reader should know of implausible values and of units.

    Args:
        features: As in `Table`; columns of text are passed over.
        units: Feature to the unit that its author declares; a unit in brackets behind a name counts where none is here.
        dictionary: Ours without.

    Returns:
        One sentence a feature of which there is something to say: how many values lie outside the range (a value in another unit of the
        dictionary is compared after conversion), or that the declared unit is another, or none of the dictionary's.
    """
    import polars as pl

    known = dictionary or read_concepts(OUR_DICTIONARY)
    found = _concepts_of(features, known)
    if not found:
        return ()
    unit_of = {name: units.get(name, "") or split_unit(name)[1] for name in found}
    codes = known.codes(OWN_TABLES, sorted({concept.id for concept in found.values()}), alarms=False)
    asked = [(concept.id, unit_of[name] or None) for name, concept in found.items()]
    ways = ways_of(pl.DataFrame(asked, schema={"code": pl.String, "unit": pl.String}, orient="row"), codes)
    way_of = {(row["code"], row["unit"]): row for row in ways.iter_rows(named=True)}
    notes = []
    for name, concept in found.items():
        unit = unit_of[name]
        way = way_of[concept.id, unit or None]
        if not way["known"]:
            notes.append(
                f"'{name}' ({concept.name}): the declared unit {unit} is none of the dictionary's ({concept.unit}), "
                "its range is not looked at."
            )
            continue
        changed = (way["add"], way["times"]) != (0.0, 1.0)
        notes += _of_range(name, features[name], concept, way["add"], way["times"], unit if changed else "")
    return tuple(notes)


def _concepts_of(features: pl.DataFrame, dictionary: Dictionary) -> dict[str, Concept]:
    """Feature to concept, by exact name."""
    named: dict[str, Concept] = {}
    for id in dictionary.ids("hourly", "static"):
        concept = dictionary.concepts[id]
        for text in (*(code.code for code in concept.codes.get(OWN_TABLES, ())), concept.name, id):
            named[_plain(text)] = concept
    numbers = [name for name, kind in features.schema.items() if kind.is_numeric()]
    return {name: named[text] for name in numbers if (text := _plain(split_unit(name)[0])) in named}


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())


def _of_range(name: str, values: pl.Series, concept: Concept, add: float, times: float, unit: str) -> list[str]:
    """The sentence of a feature; none where its unit is the concept's and every value lies inside."""
    written = (values.drop_nulls().drop_nans() + add) * times
    outside = int(((written < concept.least) | (written > concept.most)).sum())
    after = f"declared in {unit}, which the dictionary has in {concept.unit}" if unit else ""
    if not outside:
        return [f"'{name}' ({concept.name}) is {after}."] if after else []
    limits = (
        f"outside {concept.least:g} to {concept.most:g}" if concept.most < float("inf") else f"below {concept.least:g}"
    )
    told = f"'{name}' ({concept.name}): {outside:,} of {len(written):,} values {limits} {concept.unit}".rstrip()
    return [f"{told}{f' ({after})' if after else ''}; they are kept."]
