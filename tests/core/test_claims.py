"""Claims are facts, bindings tie every one of them, and both are checked when a paper is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hilum.core.binding import Arithmetic, Estimand, Unbound, match
from hilum.core.claim import COLUMNS, Claim, read_claims
from hilum.core.errors import DataError, UsageError

ROW = {
    **dict.fromkeys(COLUMNS, ""),
    "id": "a.rmse",
    "kind": "value",
    "metric": "rmse",
    "value": "0.3142",
    "unit": "mm",
    "relation": "eq",
    "evidence": "read",
}


def write(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    lines = [",".join(columns), *(",".join(row.get(name, "") for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def claim(**changes: str) -> Claim:
    fields = {**ROW, **changes}
    fields["printed"] = fields.pop("value")
    return Claim(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("printed", "half"), [("0.3142", 0.00005), ("9", 0.5), ("1.0", 0.05), ("1e3", 500.0), ("2.5e-3", 0.00005)]
)
def test_printed_digits(printed: str, half: float) -> None:
    assert claim(value=printed).half_digit == pytest.approx(half)


def test_reading(tmp_path: Path) -> None:
    (first,) = read_claims(write(tmp_path / "claims.csv", ROW))
    assert (first.id, first.value, first.printed) == ("a.rmse", 0.3142, "0.3142")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "wish"}, "'wish' is no kind"),
        ({"relation": "about"}, "is no relation"),
        ({"evidence": "hearsay"}, "is no evidence"),
        ({"value": "many"}, "'many' is no number"),
    ],
)
def test_bad_rows_name_the_line(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_claims(write(tmp_path / "claims.csv", ROW, {**ROW, "id": "b", **changes}))
    assert "line 3" in str(caught.value)


def test_twins_and_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stands twice"):
        read_claims(write(tmp_path / "claims.csv", ROW, ROW))
    with pytest.raises(DataError, match="columns"):
        read_claims(write(tmp_path / "claims.csv", ROW, columns=COLUMNS[1:]))


def test_every_claim_needs_an_answer_or_a_reason() -> None:
    claims = [claim(id="a.rmse"), claim(id="b.rmse")]
    found = match(claims, [Unbound(("a.*",), "why"), Unbound(("*",), "rest")], paper="p")
    assert found["a.rmse"].reason == "why"  # type: ignore[union-attr]
    with pytest.raises(UsageError, match=r"'b\.rmse' is neither bound"):
        match(claims, [Unbound(("a.*",), "why")], paper="p")
    with pytest.raises(UsageError, match="matches no claim"):
        match(claims, [Unbound(("*", "c.*"), "why")], paper="p")


def test_estimand_in_words() -> None:
    assert str(Estimand("recording")) == "mean over seeds, then horizons, then recordings"
    rule = Arithmetic(("a",), lambda c, _: c.value, "itself")
    assert rule.compute(replace(claim()), {}) == 0.3142
