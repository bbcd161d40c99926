"""Describe: what a table holds, feature by feature, for the report."""

from __future__ import annotations

from typing import Any

from hilum.modalities.table.sample import Table


def missingness(table: Table) -> list[dict[str, Any]]:
    """One line a feature: type, share missing, and range (numbers) or number of levels (categories)."""
    import polars as pl

    lines: list[dict[str, Any]] = []
    for column in table.features.get_columns():
        number = column.dtype == pl.Float64
        line: dict[str, Any] = {
            "name": column.name,
            "type": "number" if number else "category",
            "missing": column.null_count() / max(1, table.height),
        }
        if number:
            known = column.drop_nulls()
            line |= {"low": known.min(), "median": known.median(), "high": known.max()} if len(known) else {}
        else:
            line["levels"] = column.drop_nulls().n_unique()
        lines.append(line)
    return lines
