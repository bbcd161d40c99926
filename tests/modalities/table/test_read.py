"""Users' tables: what a file means depends neither on its kind nor on the order of its rows."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import resource
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.component import build, describe
from hilum.core.errors import DataError, UsageError
from hilum.datasets.table_file.dataset import TableFile
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.guess import guess_columns
from hilum.modalities.table.read import read_for_prediction, read_frame, read_table
from hilum.modalities.table.sample import Table
from hilum.modalities.table.simulate import simulate_patients
from hilum.modalities.table.write import write_csv
from tests.modalities.table.workbook import write_workbook

HEADER = ("record", "patient", "died", "seen", "device", "sex", "lactate", "stage")
ROWS = (
    ("r1", "p1", "yes", "2020-01-31", "a", "m", 1.5, "I"),
    ("r2", "p1", "no", "2020-02-01 10:30", "b", "m", 2.0, "II"),
    ("r3", "p2", "yes", "2020-02-02T00:00:00Z", "a", "f", None, "II"),
    ("r4", "p3", "no", None, "a", None, 12.25, None),
    ("r5", "p4", "no", "2020-02-04", "b", "f", -3.0, "I"),
)
COLUMNS = Columns(
    target="died",
    subject="patient",
    id="record",
    time="seen",
    source="device",
    groups=("sex",),
    features=("lactate", "stage", "sex"),
)
WITHOUT_ID = Columns(target="died", subject="patient", time="seen", exclude=("record",))


def equal(one: Table, other: Table) -> bool:
    same = (one.classes, one.target, one.unit, one.attrition) == (
        other.classes,
        other.target,
        other.unit,
        other.attrition,
    )
    return same and one.rows.equals(other.rows) and one.features.equals(other.features)


def text_of(rows: tuple[tuple[object, ...], ...] = ROWS, delimiter: str = ",", comma: bool = False) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    for row in (HEADER, *rows):
        shown = ["" if value is None else str(value) for value in row]
        writer.writerow(
            [v.replace(".", ",") if comma and isinstance(w, float) else v for v, w in zip(shown, row, strict=True)]
        )
    return stream.getvalue()


def every_kind(folder: Path) -> dict[str, Path]:
    frame = pl.DataFrame(ROWS, schema=HEADER, orient="row")
    paths = {name: folder / f"table{name}" for name in (".csv", ".tsv", ".parquet", ".xlsx")}
    paths |= {kind: folder / f"{kind}.csv" for kind in ("semicolon", "mark", "utf-16", "cp1252")}
    paths[".csv"].write_text(text_of())
    paths[".tsv"].write_text(text_of(delimiter="\t", comma=True))
    paths["semicolon"].write_text(text_of(delimiter=";", comma=True))
    paths["mark"].write_bytes(text_of().encode("utf-8-sig"))
    paths["utf-16"].write_bytes(text_of().encode("utf-16"))
    paths["cp1252"].write_bytes(text_of().encode("cp1252"))
    frame.write_parquet(paths[".parquet"])
    write_workbook(paths[".xlsx"], {"data": [HEADER, *ROWS]})
    return paths


def test_a_table_worked_by_hand(tmp_path: Path) -> None:
    path = every_kind(tmp_path)[".csv"]
    table = read_table(path, COLUMNS)
    assert table.classes == ("no", "yes")
    assert table.rows["item"].to_list() == ["r1", "r2", "r3", "r4", "r5"]
    assert table.rows["subject"].to_list() == ["p1", "p1", "p2", "p3", "p4"]
    assert table.rows["target"].to_list() == [1.0, 0.0, 1.0, 0.0, 0.0]
    utc = datetime.UTC
    moments = [datetime.datetime(2020, 1, 31, tzinfo=utc), datetime.datetime(2020, 2, 1, 10, 30, tzinfo=utc)]
    assert table.rows["time"].to_list()[:2] == [moment.timestamp() for moment in moments]
    assert table.rows["time"][3] is None
    assert table.rows["group:sex"].to_list() == ["m", "m", "f", None, "f"]
    assert table.features["lactate"].to_list() == [1.5, 2.0, None, 12.25, -3.0]
    assert table.features["stage"].to_list() == ["I", "II", "II", None, "I"]
    assert table.name == "table"


@pytest.mark.parametrize("columns", [COLUMNS, WITHOUT_ID])
def test_every_kind_of_file_gives_an_equal_table(tmp_path: Path, columns: Columns) -> None:
    paths = every_kind(tmp_path)
    tables = {kind: read_table(path, columns, name="t") for kind, path in paths.items()}
    for kind, table in tables.items():
        assert equal(table, tables[".csv"]), kind


CELLS = st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False), st.integers(-1000, 1000).map(float))
NAMES = st.one_of(st.none(), st.sampled_from(["red", "blue", "deep green", 'a "quoted", name', "two\nlines", "ß"]))


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[str, str, str, float | None, str | None]]:
    count = draw(st.integers(4, 12))
    made = [(f"p{i % 4}", "ab"[i % 2], f"2021-03-{i + 1:02d}", draw(CELLS), draw(NAMES)) for i in range(count)]
    return draw(st.permutations(made + made[: draw(st.integers(0, 2))]))


@settings(max_examples=40)
@given(rows=tables(), data=st.data())
def test_kind_and_order_leave_no_trace(
    rows: list[tuple[str, str, str, float | None, str | None]],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("kinds")
    header = ("who", "label", "when", "value", "colour")
    columns = Columns(target="label", subject="who", time="when", categories=("colour",))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String) | {"value": pl.Float64}, orient="row")
    frame.write_csv(folder / "a.csv")
    frame.write_parquet(folder / "a.parquet")
    write_workbook(folder / "a.xlsx", {"s": [header, *rows]})
    frame[data.draw(st.permutations(range(len(rows))))].write_csv(folder / "b.csv", separator=";")
    first = read_table(folder / "a.csv", columns, name="t")
    for other in ("a.parquet", "a.xlsx", "b.csv"):
        assert equal(read_table(folder / other, columns, name="t"), first), other
    assert first.rows["item"].n_unique() == len(rows)


def test_ids_from_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("label,x\n0,1\n1,2\n0,1\n1,3\n0,1\n")
    items = read_table(path, Columns(target="label")).rows["item"].to_list()
    stem = next(item for item in items if item.endswith("-2"))[:-2]
    assert {stem, f"{stem}-2", f"{stem}-3"} < set(items)
    path.write_text("x,label\n1,0\n2,1\n1.0,0\n3,1\n1e0,0\n")
    assert read_table(path, Columns(target="label")).rows["item"].to_list() == items


def test_numbers_of_many_kinds(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("y,x,z\na, 1.5 ,+2e3\nb,NA,-.5\na,-, 7\nb,nan,null\n")
    features = read_table(path, Columns(target="y", classes=("b", "a"))).features.sort("z")
    assert features["x"].to_list().count(1.5) == 1
    assert features["x"].null_count() == 3
    assert features["z"].to_list() == [None, -0.5, 7.0, 2000.0]


def test_classes_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("y,x\n10,1\n9,2\n10.0,3\n9,4\n")
    assert read_table(path, Columns(target="y")).classes == ("9", "10")
    assert read_table(path, Columns(target="y", positive="9")).classes == ("10", "9")
    assert read_table(path, Columns(target="y", classes=("10", "9"))).classes == ("10", "9")


def test_a_category_written_in_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("y,ward\na,1\nb,2\na,1.0\nb,3\n")
    plain = read_table(path, Columns(target="y"))
    named = read_table(path, Columns(target="y", categories=("ward",)))
    assert plain.features["ward"].dtype == pl.Float64
    assert sorted(named.features["ward"].to_list()) == ["1", "1", "2", "3"]


def test_records_without_an_outcome_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("y,x\na,1\n,2\nb,3\n,\na,4\nb,5\nNA,6\n")
    table = read_table(path, Columns(target="y", missing_target="exclude"))
    assert table.attrition == (("rows without any value", 1), ("records without a value in 'y'", 2))
    assert table.height == 4


def test_dates_among_the_features_are_kept_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("y,seen\na,2020-01-01\nb,2020-01-02\na,2020-01-03\nb,\n")
    table = read_table(path, Columns(target="y"))
    notes = table.notes
    assert sorted(v for v in table.features["seen"].to_list() if v) == [1577836800.0 + 86400 * day for day in range(3)]
    assert any("'seen' holds dates" in note for note in notes)


def test_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{'ab'[i % 2]},{i},{'mf'[i % 2]},{i}" for i in range(30)]
    path.write_text("\n".join(["y,age,sex,x", *lines]))
    table = read_table(path, Columns(target="y", groups=("age", "sex")))
    notes = table.notes
    thirds = table.rows["group:age"].value_counts()["count"].to_list()
    assert sorted(thirds) == [10, 10, 10]
    assert set(table.rows["group:sex"]) == {"m", "f"}
    assert table.features.columns == ["age", "sex", "x"]
    assert any("thirds" in note for note in notes)


def test_content_by_hash_and_by_file(tmp_path: Path) -> None:
    for name, data in (("1.wav", b"one"), ("2.wav", b"two"), ("3.wav", b"one")):
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "a.csv"
    path.write_text("y,file,x\na,1.wav,1\nb,2.wav,2\na,3.wav,3\nb,2.wav,4\n")
    content = read_table(path, Columns(target="y", content="file")).rows["content"].to_list()
    assert sorted(content) == sorted(hashlib.sha256(data).hexdigest() for data in (b"one", b"one", b"two", b"two"))
    path.write_text("y,file,x\na,abc,1\nb,def,2\na,abc,3\nb,ghi,4\n")
    assert set(read_table(path, Columns(target="y", content="file")).rows["content"]) == {"abc", "def", "ghi"}
    path.write_text("y,file,x\na,1.wav,1\nb,2.wav,2\na,4.wav,3\nb,2.wav,4\n")
    with pytest.raises(DataError, match=r"column 'file', row 4: the file '4.wav' is missing"):
        read_table(path, Columns(target="y", content="file"))


def test_all_roles(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("y,fold,zero,chosen,drawn,x,place\n1.5,0,10,9,8,1,A\n2.5,1,20,19,18,2,B\n3.5,0,30,,28,3,A\n")
    table = read_table(
        path,
        Columns(
            target="y",
            kind="regress",
            split="fold",
            time_zero="zero",
            eligible="chosen",
            charted=(("x", "drawn"),),
            site="place",
            unit="mmol/L",
            made_from=("x",),
        ),
    )
    rows = table.rows.sort("target")
    assert rows["declared"].to_list() == ["0", "1", "0"]
    assert rows["time_zero"].to_list() == [10.0, 20.0, 30.0]
    assert rows["eligible"].to_list() == [9.0, 19.0, None]
    assert rows["charted:x"].to_list() == [8.0, 18.0, 28.0]
    assert rows["site"].to_list() == ["A", "B", "A"]
    assert rows["subject"].null_count() == 3
    assert (table.classes, table.unit, table.made_from) == ((), "mmol/L", ("x",))


def test_read_frame_is_text(tmp_path: Path) -> None:
    path = every_kind(tmp_path)[".parquet"]
    frame = read_frame(path, ["lactate", "sex"])
    assert frame.columns == ["lactate", "sex"]
    assert set(frame.dtypes) == {pl.String}
    with pytest.raises(UsageError, match="Did you mean 'lactate'"):
        read_frame(path, ["lactat"])


def test_parquet_types(tmp_path: Path) -> None:
    hours = pl.select(pl.from_epoch(pl.Series([1577836800 + 3600 * hour for hour in range(4)]), "s")).to_series()
    frame = pl.DataFrame(
        {
            "y": [True, False, True, False],
            "when": [datetime.date(2020, 1, day) for day in (1, 2, 3, 4)],
            "aware": hours.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Paris"),
            "lasted": [datetime.timedelta(minutes=m) for m in (1, 2, 3, 4)],
            "kind": pl.Series(["a", "b", "a", "b"], dtype=pl.Categorical),
            "small": pl.Series([1, 2, 3, 4], dtype=pl.Int8),
            "none": pl.Series([None] * 4, dtype=pl.Null),
            "nan": [1.0, float("nan"), 2.0, 3.0],
            "price": pl.Series(["1.25", "2.50", "3", "4"]).cast(pl.Decimal(10, 2)),
            "signal": [[1.0], [2.0], [3.0], [4.0]],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet", Columns(target="y", time="when", exclude=("signal",)))
    ordered = table.features.sort("small")
    assert table.classes == ("false", "true")
    assert ordered["lasted"].to_list() == [60.0, 120.0, 180.0, 240.0]
    assert ordered["aware"].to_list() == [1577836800.0 + 3600 * hour for hour in range(4)]
    assert ordered["kind"].to_list() == ["a", "b", "a", "b"]
    assert ordered["none"].to_list() == [None] * 4
    assert ordered["nan"].to_list() == [1.0, None, 2.0, 3.0]
    assert ordered["price"].to_list() == [1.25, 2.5, 3.0, 4.0]
    with pytest.raises(DataError, match=r"column 'signal': the column holds List"):
        read_table(tmp_path / "a.parquet", Columns(target="y"))


def test_sheets(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "a.xlsx",
        {"notes": [("hello",), ("world",)], "data": [("y", "x"), ("a", 1), ("b", 2), ("a", 3), ("b", 4)]},
    )
    assert read_table(f"{path}#data", Columns(target="y")).height == 4
    notes = read_table(f"{path}#data", Columns(target="y")).notes
    assert notes == ()
    with pytest.raises(UsageError, match=r"no sheet is called 'dat'. Did you mean 'data'"):
        read_table(f"{path}#dat", Columns(target="y"))
    with pytest.raises(UsageError, match="no column is called 'y'"):
        read_table(path, Columns(target="y"))


def test_prediction_asks_for_features_only(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("stage,lactate,record\nI,1.5,n1\n,,n2\n")
    table, _ = read_for_prediction(path, COLUMNS, features={"lactate": "Float64", "stage": "String"})
    assert table.features.columns == ["lactate", "stage"]
    assert table.features.row(0) == (1.5, "I")
    assert table.rows["item"].to_list() == ["n1", "n2"]
    assert table.rows["target"].null_count() == 2
    with pytest.raises(DataError, match=r"lacks 1 of 2 features: 'lactat'. Did you mean 'lactate'"):
        read_for_prediction(path, COLUMNS, features={"lactat": "Float64", "stage": "String"})
    path.write_text("stage,lactate\nI,high\nII,2\n")
    with pytest.raises(DataError, match=r"column 'lactate': 'high' in row 2 is no number"):
        read_for_prediction(path, COLUMNS, features={"lactate": "Float64", "stage": "String"})


def test_written_and_read_again(tmp_path: Path) -> None:
    for kind in ("classify", "regress"):
        table = simulate_patients(30, 2, 3, kind=kind, seed=4)
        columns = write_csv(table, tmp_path / f"{kind}.csv")
        back = read_table(tmp_path / f"{kind}.csv", columns, name=table.name)
        assert equal(back, table)
        assert build(describe(TableFile("a.csv", columns))) == TableFile("a.csv", columns)


def test_guesses_are_right_where_names_speak(tmp_path: Path) -> None:
    table = simulate_patients(40, 2, 3, seed=1)
    write_csv(table, tmp_path / "a.csv")
    columns, remarks = guess_columns(tmp_path / "a.csv")
    assert (columns.target, columns.subject, columns.id, columns.time) == ("event", "subject", "id", "time")
    assert (columns.source, columns.site, columns.positive, columns.kind) == ("source", "site", "event", "classify")
    assert set(columns.groups) == {"sex", "age band"}
    assert {"x01", "c01", "sex", "age band"} <= set(read_table(tmp_path / "a.csv", columns).features.columns)
    assert any("40 of them in 80 records" in remark for remark in remarks)
    assert read_table(tmp_path / "a.csv", columns).height == 80


def test_guesses_leave_aside_what_is_no_feature(tmp_path: Path) -> None:
    lines = [f"{i % 7},note {i},2020-01-{i % 28 + 1:02d},2021-01-{i % 28 + 1:02d},{i * 1.5}" for i in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["PatientID,remark,AdmissionDate,discharge,fev1", *lines]))
    columns, remarks = guess_columns(tmp_path / "a.csv")
    assert (columns.subject, columns.time, columns.target) == ("PatientID", "AdmissionDate", "")
    assert set(columns.exclude) == {"discharge", "remark"}
    assert any("state target" in remark for remark in remarks)
    asked, _ = guess_columns(tmp_path / "a.csv", target="fev1")
    assert (asked.target, asked.kind, asked.positive) == ("fev1", "regress", "")
    with pytest.raises(UsageError, match="Did you mean 'fev1'"):
        guess_columns(tmp_path / "a.csv", target="fev")


@pytest.mark.slow
def test_a_million_rows(tmp_path: Path) -> None:
    draw, rows = np.random.default_rng(0), 1_000_000
    made = {"record": pl.Series([f"r{i}" for i in range(rows)]), "patient": pl.Series(draw.integers(0, 200_000, rows))}
    made |= {"label": pl.Series(draw.integers(0, 2, rows)), "seen": pl.Series(draw.integers(1.5e9, 1.6e9, rows))}
    made |= {f"x{j}": pl.Series(draw.normal(size=rows).round(3)) for j in range(14)}
    made |= {f"c{j}": pl.Series(draw.choice(["red", "green", "blue"], rows)) for j in range(2)}
    path = tmp_path / "million.csv"
    pl.DataFrame(made).write_csv(path)
    began = time.process_time()
    table = read_table(path, Columns(target="label", subject="patient", id="record", time="seen"))
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"a million rows x {len(made)} columns: {seconds:.1f} s of CPU, peak {peak:.2f} GB of this process")
    assert table.height == rows
    assert table.features.width == 16
    assert seconds < 60


def test_a_missing_first_file_is_no_hash(tmp_path: Path) -> None:
    """Else every path would count as a hash of its own, and identical recordings would pass."""
    rows = ["y,who,x,file"] + [f"{n % 2},p{n},{n},{n}.wav" for n in range(6)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    for n in range(1, 6):
        (tmp_path / f"{n}.wav").write_bytes(b"same")
    columns = Columns(target="y", subject="who", content="file")
    with pytest.raises(DataError, match=r"'0.wav' is missing"):
        read_table(tmp_path / "a.csv", columns)


def test_a_new_record_is_read_alone_as_among_others(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("code\n01\n")
    (tmp_path / "two.csv").write_text("code\n01\nA1\n")
    for columns in (Columns(target="y"), Columns(target="y", features=("code",), categories=("code",))):
        found = [
            read_for_prediction(tmp_path / name, columns, features={"code": "String"})[0].features["code"].to_list()
            for name in ("one.csv", "two.csv")
        ]
        assert found[0][0] in found[1]


def test_dates_among_the_features_are_told_to_the_audit(tmp_path: Path) -> None:
    from hilum.modalities.table.profile import feature_profile

    rows = ["y,who,born,x"] + [f"{n % 2},p{n},{1940 + n}-03-0{n % 9 + 1},{n % 7}" for n in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    table = read_table(tmp_path / "a.csv", Columns(target="y", subject="who"))
    told = {one["name"]: one["epoch_like"] for one in feature_profile(table)}
    assert told == {"born": "read from dates", "x": None}
