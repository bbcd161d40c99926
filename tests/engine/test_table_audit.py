"""The audit of a table without a model: what it asks, what it answers, and that it works with little."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hilum.core.errors import UsageError
from hilum.core.row import CheckRow
from hilum.engine.table_audit import audit_failed, audit_file, audit_table, declared_parts, records_of_table
from hilum.modalities.table.sample import Table

SUBJECTS, EACH = 60, 2
WHO = np.repeat(np.arange(SUBJECTS), EACH)
N = len(WHO)


def frame(**changes: Any) -> pl.DataFrame:
    """A clean synthetic table, split by subject."""
    random = np.random.default_rng(0)
    base = {
        "patient": [f"p{n:02d}" for n in WHO],
        "died": np.where(WHO % 2, "yes", "no"),
        "part": np.where(WHO // 2 % 3 == 0, "Test", "Train"),
        "day": random.random(N) * 100,
        "device": np.where(WHO % 3, "a", "b"),
        "creatinine": np.round(random.lognormal(0, 0.4, N) + 0.3 * (WHO % 2), 2),
        "sodium": np.round(random.normal(140, 4, N), 1),
        "weight_kg": np.round(random.normal(75, 12, N), 1),
        "heart_rate": np.round(random.normal(80, 12, N)),
        "ward": random.choice(["north", "south"], N),
    }
    return pl.DataFrame({**base, **changes})


def audit(folder: Path, table: pl.DataFrame, **asked: Any) -> dict[str, CheckRow]:
    table.write_csv(folder / "table.csv")
    roles = {"subject": "patient", "target": "died", "split": "part", "time": "day", "source": "device", **asked}
    return {row.code: row for row in audit_file(folder / "table.csv", **roles)}


def test_a_clean_table_fails_nothing(tmp_path: Path) -> None:
    rows = audit(tmp_path, frame())
    assert not audit_failed(list(rows.values()))
    passed = {code for code, row in rows.items() if row.status == "pass"}
    assert passed == {"HIL001", "HIL002", "HIL003", "HIL004", "HIL007", "HIL011", "HIL019", "HIL022"}


def test_rows_are_plain_data_and_critical_first(tmp_path: Path) -> None:
    rows = list(audit(tmp_path, frame()).values())
    assert json.loads(json.dumps([row.to_json() for row in rows], allow_nan=False))
    severities = [row.severity for row in rows]
    assert severities == sorted(severities, key=["critical", "major", "note"].index)


def copied() -> pl.DataFrame:
    """The first record of a tested subject stands under the name of a subject in train, too."""
    table = frame()
    twin = table.head(1).with_columns(pl.lit("p02").alias("patient"), pl.lit("Train").alias("part"))
    return pl.concat([table, twin])


PLANTED = [
    ("HIL001", frame(part=np.where(np.arange(N) % 2, "train", "test")), {}),
    ("HIL002", copied(), {}),
    (
        "HIL003",
        pl.concat([frame(), frame().head(1).with_columns(pl.lit("yes").alias("died"), pl.lit("p06").alias("patient"))]),
        {},
    ),
    ("HIL004", frame(stay=np.arange(N) + 1000), {}),
    ("HIL004", frame(seen=np.random.default_rng(0).random(N) * 100), {"time": "seen", "features": ("seen", "sodium")}),
    (
        "HIL007",
        frame(
            device=np.where(WHO % 2, "a", "b"),
            sodium=np.where(WHO % 2, 150.0, 120.0) + np.random.default_rng(5).normal(0, 9, N),
        ),
        {},
    ),
    ("HIL010", frame(), {"subject": ""}),
    ("HIL011", frame(part=np.where(WHO % 2, "train", "test")), {}),
    ("HIL015", frame(), {"future_use": True}),
    ("HIL019", frame(score=np.where(WHO % 2, 3.0, 1.0) + np.random.default_rng(1).random(N)), {}),
    ("HIL019", frame(), {"made_from": ("creatinine",)}),
    ("HIL022", frame(), {"prevalence": 0.05}),
]


@pytest.mark.parametrize(
    ("code", "table", "asked"), PLANTED, ids=[f"{code}-{n}" for n, (code, _, _) in enumerate(PLANTED)]
)
def test_planted(code: str, table: pl.DataFrame, asked: dict[str, Any], tmp_path: Path) -> None:
    found = audit(tmp_path, table, **asked)[code]
    assert found.status == "fail", found.message


def test_a_failed_critical_check_fails_the_audit(tmp_path: Path) -> None:
    rows = list(audit(tmp_path, frame(part=np.where(np.arange(N) % 2, "train", "test"))).values())
    assert audit_failed(rows)


def test_a_note_does_not_fail_the_audit(tmp_path: Path) -> None:
    rows = list(audit(tmp_path, frame(), prevalence=0.05).values())
    assert any(row.status == "fail" for row in rows)
    assert not audit_failed(rows)


def test_without_a_split_the_content_is_still_asked(tmp_path: Path) -> None:
    rows = audit(tmp_path, frame(), split="")
    assert rows["HIL001"].status == "cannot tell"
    assert rows["HIL004"].status == "pass"
    assert rows["HIL003"].status == "pass"


def test_files_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    names = [f"audio/{n:03d}.wav" for n in range(N)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"same" if number in (0, 4) else f"sound {number}".encode())
    rows = audit(tmp_path, frame(file=names), content="file")
    assert rows["HIL002"].status == "fail"
    assert rows["HIL002"].proof["groups in two parts"] == 1


def test_a_table_of_nothing_but_a_split(tmp_path: Path) -> None:
    rows = audit(tmp_path, frame().select("patient", "died", "part"), time="", source="")
    assert rows["HIL001"].status == "pass"
    assert rows["HIL004"].status == "cannot tell"


def test_a_class_with_one_subject_is_reported_not_refused(tmp_path: Path) -> None:
    rows = audit(tmp_path, frame(died=np.where(WHO == 7, "perhaps", np.where(WHO % 2, "yes", "no"))))
    assert rows["HIL011"].status == "fail"
    assert "'perhaps' in train of fold 0" in rows["HIL011"].message


def test_a_number_as_target(tmp_path: Path) -> None:
    rows = audit(tmp_path, frame(died=np.random.default_rng(3).normal(size=N)), kind="regress")
    assert rows["HIL011"].status == "not applicable"
    assert not audit_failed(list(rows.values()))


def test_a_wrong_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="patients"):
        audit(tmp_path, frame(), subject="patients")


# The split that a table declares


def table(declared: list[str | None]) -> Table:
    rows = pl.DataFrame(
        {
            "item": [f"r{n}" for n in range(len(declared))],
            "subject": [f"p{n}" for n in range(len(declared))],
            "target": [float(n % 2) for n in range(len(declared))],
            "declared": pl.Series(declared, dtype=pl.String),
        }
    )
    return Table("t", rows, pl.DataFrame({"x": [float(n) for n in range(len(declared))]}), ("no", "yes"))


@pytest.mark.parametrize(
    ("declared", "parts"),
    [
        (["train", "Test ", "VAL", None], [["train", "test", "validation", ""]]),
        (["1", "2", "2", None], [["test", "train", "train", ""], ["train", "test", "test", ""]]),
        (["train", "train"], []),
        ([None, None], []),
        ([str(n) for n in range(60)], []),
    ],
)
def test_declared_parts(declared: list[str | None], parts: list[list[str]]) -> None:
    assert [part.tolist() for part in declared_parts(table(declared))] == parts


def test_records_have_one_row_a_record_and_fold() -> None:
    made = table(["1", "2", "2"])
    frame = records_of_table(made, declared_parts(made))
    assert frame.height == 6
    assert frame.filter(pl.col("fold") == 1)["part"].to_list() == ["train", "test", "test"]
    assert records_of_table(made, [])["part"].null_count() == 3


def test_folds_are_audited_in_turn() -> None:
    made = table([str(n % 4) for n in range(80)])
    found = {row.code: row for row in audit_table(made)}
    assert found["HIL001"].proof["folds"] == 4
    assert found["HIL011"].status == "fail"  # fold n % 4 holds one class only
