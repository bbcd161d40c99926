"""What is wrong with a user's table is said with file, column and row."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.read import read_frame, read_table
from tests.modalities.table.workbook import write_workbook

GOOD = "id,who,y,x,z\n1,a,0,1.5,red\n2,b,1,2.5,blue\n3,c,0,3.5,red\n4,d,1,4.5,red\n"
COLUMNS = Columns(target="y", subject="who", id="id")


def refused(path: Path, columns: Columns = COLUMNS) -> str:
    with pytest.raises(HilumError) as caught:
        read_table(path, columns)
    assert caught.value.do, "an error says what to do"
    assert str(path.name.partition("#")[0]) in str(caught.value), "an error names the file"
    return str(caught.value)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


TEXTS: dict[str, tuple[str, Columns, tuple[str, ...]]] = {
    "a ragged row, long": (
        GOOD.replace("3.5,red", "3.5,red,more"),
        COLUMNS,
        ("row 4 has 6 values where the header has 5",),
    ),
    "a ragged row, short": (GOOD.replace("2,b,1,2.5,blue", "2,b,1"), COLUMNS, ("row 3 has 3 values", "header has 5")),
    "ragged rows behind blank lines": (
        GOOD.replace("\n2,b", "\n\n\n2,b").replace("4.5,red", "4.5,red,x,y"),
        COLUMNS,
        ("row 7 has 7 values",),
    ),
    "two columns of a name": (GOOD.replace("id,who,y,x,z", "id,who,y,x, x "), COLUMNS, ("'x' (D and E)", "row 1")),
    "no header": ("\n".join([",,,,", "1,2,3,4,5"]), COLUMNS, ("no column names", "row 1")),
    "no rows": ("id,who,y,x,z\n", COLUMNS, ("a header and no value below it",)),
    "rows of nothing": ("id,who,y,x,z\n,,,,\n,NA,,,\n", COLUMNS, ("a header and no value below it",)),
    "blank": ("\n\n  \n", COLUMNS, ("holds no text",)),
    "one row": ("id,who,y,x,z\n1,a,0,1,red\n", COLUMNS, ("1 record",)),
    "a wrong column": (GOOD, replace(COLUMNS, target="yy"), ("no column is called 'yy'", "Did you mean 'y'?")),
    "a wrong excluded column": (GOOD, replace(COLUMNS, exclude=("zz",)), ("no column is called 'zz'", "'z'")),
    "a wrong feature": (GOOD, replace(COLUMNS, features=("X",)), ("no column is called 'X'",)),
    "no target": (GOOD, Columns(), ("no target is named",)),
    "no feature left": (GOOD, replace(COLUMNS, exclude=("x", "z")), ("no column is left as a feature",)),
    "a category that is no feature": (
        GOOD,
        replace(COLUMNS, features=("x",), categories=("z",)),
        ("'z' is named in categories but is no feature",),
    ),
    "an id twice": (GOOD.replace("\n3,c", "\n1,c"), COLUMNS, ("column 'id'", "the id '1' stands in rows 2, 4")),
    "ids twice, many": (GOOD.replace("\n3,c", "\n1,c").replace("\n4", "\n2"), COLUMNS, ("1 more ids are not unique",)),
    "no id": (GOOD.replace("\n3,c", "\n,c"), COLUMNS, ("column 'id'", "without an id in row 4")),
    "no subject": (GOOD.replace(",c,", ",,"), COLUMNS, ("column 'who'", "without a subject in row 4")),
    "no label": (
        GOOD.replace("3,c,0", "3,c,NA"),
        COLUMNS,
        ("column 'y'", "without an outcome in row 4 (subject 'c')", "exclude"),
    ),
    "a constant target": (GOOD.replace(",1,", ",0,"), COLUMNS, ("column 'y'", "every record has the outcome '0'")),
    "a class of one": (
        GOOD.replace("d,1", "d,0"),
        COLUMNS,
        ("column 'y', row 3", "the class '1' has one subject only"),
    ),
    "a class of one subject": (GOOD.replace("4,d", "4,b"), COLUMNS, ("column 'y', row 3", "'1' has one subject only")),
    "a class of one record": (
        GOOD.replace("d,1", "d,0"),
        replace(COLUMNS, subject=""),
        ("the class '1' has one record only",),
    ),
    "an unknown class": (GOOD, replace(COLUMNS, classes=("0", "2")), ("column 'y', row 3", "no class is called '1'")),
    "a class without records": (GOOD, replace(COLUMNS, classes=("0", "1", "2")), ("no record has the outcome '2'",)),
    "an unknown positive class": (GOOD, replace(COLUMNS, positive="yes"), ("no class is called 'yes'",)),
    "text for a number": (
        GOOD.replace("b,1", "b,high"),
        replace(COLUMNS, kind="regress"),
        ("column 'y'", "'high' in row 3 is no number"),
    ),
    "a constant number": (
        GOOD.replace(",1,", ",0,"),
        replace(COLUMNS, kind="regress"),
        ("every record has the outcome 0",),
    ),
    "an infinite outcome": (
        GOOD.replace("b,1", "b,inf"),
        replace(COLUMNS, kind="regress"),
        ("'y'", "infinite value in row 3"),
    ),
    "an infinite feature": (GOOD.replace("2.5", "-Infinity"), COLUMNS, ("column 'x'", "infinite value in row 3")),
    "neither date nor number": (
        GOOD.replace("2.5", "soon"),
        replace(COLUMNS, time="x"),
        ("column 'x'", "'soon' in row 3 is neither date nor number"),
    ),
    "a quotation mark never closed": (GOOD.replace("blue", '"blue'), COLUMNS, (".csv",)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str, tmp_path: Path) -> None:
    text, columns, said = TEXTS[name]
    message = refused(write(tmp_path / "table.csv", text), columns)
    for words in said:
        assert words in message


def many(values: list[str], good: str = "1.5") -> str:
    return "y,x\n" + "\n".join(f"{i % 2},{values[i] if i < len(values) else good}" for i in range(40)) + "\n"


def test_values_that_are_no_numbers(tmp_path: Path) -> None:
    columns = Columns(target="y")
    path = write(tmp_path / "a.csv", many(['"12,5"', "1.0 mg"]))
    message = refused(path, columns)
    assert "column 'x'" in message
    assert "'12,5' in row 2, '1.0 mg' in row 3 are no numbers" in message
    assert "`categories`" in message
    assert read_table(path, replace(columns, categories=("x",))).features["x"].dtype == pl.String
    assert "'<0.1' in row 2" in refused(write(path, many(["<0.1"] * 30)), columns)
    assert "'1,234' in row 2" in refused(write(path, many(['"1,234"'] * 40)), columns)
    six = refused(write(path, "y,x\n" + "\n".join(f"{i % 2},{'bad' if i < 6 else i}" for i in range(80))), columns)
    assert "row 6 and 1 more are" in six
    mixed = write(path, "y,x\n" + "\n".join(f"{i % 2},{'V45' if i % 3 else i}" for i in range(30)))
    assert read_table(mixed, columns).features["x"].dtype == pl.String
    codes = write(path, "y,x\n" + "\n".join(f"{i % 2},{f'V{i}' if i % 3 == 0 else i}" for i in range(60)))
    assert "'V0' in row 2" in refused(codes, columns)


def test_decimals_written_in_two_ways(tmp_path: Path) -> None:
    columns = Columns(target="y")
    one = write(tmp_path / "a.csv", "y;x;z\na;1,5;1\nb;2.5;2\na;3,5;3\nb;4,5;4\n")
    message = refused(one, columns)
    assert "column 'x'" in message
    assert "('1,5' in row 2 and 2 more, '2.5' in row 3)" in message
    two = write(tmp_path / "b.csv", "y;x;z\na;1,5;1.5\nb;2,5;2.5\na;3,5;3\nb;4,5;4\n")
    assert "'x' is written with decimal commas and 'z' with decimal points" in refused(two, columns)


def test_dates_that_can_be_read_two_ways(tmp_path: Path) -> None:
    columns = Columns(target="y", time="when")
    path = write(tmp_path / "a.csv", "y,when,x\na,01/02/2020,1\nb,03/04/2020,2\na,05/06/2020,3\nb,,4\n")
    assert "column 'when'" in refused(path, columns)
    assert "day and month" in refused(path, columns)
    assert "day and month" in refused(path, Columns(target="y"))
    write(path, "y,when,x\na,01/02/2020,1\nb,13/04/2020,2\na,05/06/2020,3\nb,,4\n")
    assert read_table(path, columns).rows["time"].drop_nulls().sort().to_list()[0] == 1580515200.0
    write(path, "y,when,x\na,2020-01-01,1\nb,2020-13-01,2\na,2020-01-03,3\nb,2020-01-04 25:00,4\n")
    assert "'2020-13-01' in row 3, '2020-01-04 25:00' in row 5" in refused(path, columns)
    write(
        path,
        "y,when\n"
        + "\n".join(f"{'ab'[i % 2]},2020-01-{i + 1:02d}" for i in range(30))
        + "\na,2020-02-30\nb,2020-02-01\n",
    )
    assert "'2020-02-30' in row 32 is no date" in refused(path, Columns(target="y"))


def test_many_classes_and_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "y,g,x\n" + "\n".join(f"{i},g{i},{i}" for i in range(60)))
    assert 'Did you mean kind = "regress"?' in refused(path, Columns(target="y"))
    message = refused(path, Columns(target="y", kind="regress", groups=("g",)))
    assert "column 'g'" in message
    assert "60 different subgroups" in message


def test_other_encodings(tmp_path: Path) -> None:
    text = "id,who,y,x,z\n1,a,0,1.5,red\n2,b,1,2.5,grün\n3,c,0,3.5,red\n4,d,1,4.5,red\n"
    path = write(tmp_path / "a.csv", text.encode("cp1252"))
    message = refused(path)
    offset = text.encode("cp1252").index(b"\xfc")
    for words in (f"byte 0xFC at offset {offset}", "column 'z', row 3", "UTF-8", 'encoding = "cp1252"', "grün"):
        assert words in message
    assert read_table(path, replace(COLUMNS, encoding="cp1252")).features["z"].to_list()[1] == "grün"
    for codec in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        write(path, text.encode(codec))
        assert read_frame(path)["z"].to_list()[1] == "grün", codec
    with pytest.raises(UsageError, match="no encoding is called 'cp1253x'"):
        read_table(path, replace(COLUMNS, encoding="cp1253x"))
    assert "bytes of value 0" in refused(write(path, GOOD.replace("blue", "bl\0ue")))


def test_names_that_lie(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip.csv", "w") as archive:
        archive.writestr("a.csv", GOOD)
    assert "Rename it to zip.xlsx" in refused(tmp_path / "zip.csv")
    assert "gzip" in refused(write(tmp_path / "packed.csv", gzip.compress(GOOD.encode())))
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "columns.csv")
    assert "a Parquet file" in refused(tmp_path / "columns.csv")
    assert "no Parquet file" in refused(write(tmp_path / "a.parquet", GOOD))
    assert "no spreadsheet" in refused(write(tmp_path / "a.xlsx", GOOD))
    assert "a web page" in refused(write(tmp_path / "page.csv", "<!DOCTYPE html><html></html>"))
    assert "Save it as CSV" in refused(write(tmp_path / "a.sav", GOOD))
    assert "0 bytes" in refused(write(tmp_path / "empty.csv", b""))
    assert "cannot be read" in refused(write(tmp_path / "cut.parquet", b"PAR1" + b"x" * 40))
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as archive:
        archive.writestr("a.txt", "hello")
    assert "cannot be read" in refused(tmp_path / "other.xlsx")
    write_workbook(tmp_path / "none.xlsx", {"only": []})
    assert "the sheet is empty" in refused(tmp_path / "none.xlsx")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    write(tmp_path / "patients.csv", GOOD)
    with pytest.raises(DataError, match=r"Did you mean 'patients\.csv'"):
        read_table(tmp_path / "patient.csv", COLUMNS)
    with pytest.raises(DataError, match="There is no folder"):
        read_table(tmp_path / "nowhere" / "patients.csv", COLUMNS)
    with pytest.raises(DataError, match="this is a folder"):
        read_table(tmp_path, COLUMNS)
    with pytest.raises(UsageError, match="a sheet 'one' is asked of a file that has none"):
        read_table(f"{tmp_path / 'patients.csv'}#one", COLUMNS)


def test_rows_are_those_of_the_spreadsheet(tmp_path: Path) -> None:
    rows: list[Any] = [("y", "x", "who"), ("a", 1, "p"), (), ("b", 2, "q"), ("a", 3), ("b", 4, "r")]
    write_workbook(tmp_path / "a.xlsx", {"s": rows})
    assert "without a subject in row 5" in refused(tmp_path / "a.xlsx", Columns(target="y", subject="who"))
    path = write(tmp_path / "a.csv", 'y,x,who\na,"two\nlines",p\n\nb,2,q\n,,\na,3,\nb,4,r\n')
    assert "without a subject in row 6" in refused(path, Columns(target="y", subject="who"))
    frame = pl.DataFrame({"y": ["a", None, "b", "a"], "who": ["p", "q", None, "r"], "x": [1, 2, 3, 4]})
    frame.write_parquet(tmp_path / "a.parquet")
    message = refused(tmp_path / "a.parquet", Columns(target="y", subject="who", missing_target="exclude"))
    assert "without a subject in row 4" in message


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target": "y", "features": ("x", "y")}, "the target 'y' is among the features"),
        ({"target": "y", "subject": "y"}, "'y' is the subject and the target"),
        ({"target": "y", "time": "t", "source": "t"}, "'t' is the time and the source"),
        ({"target": "y", "exclude": ("y",)}, "'y' is excluded and is the target"),
        ({"target": "y", "groups": ("y",)}, "'y' is the target and the group"),
        ({"target": "y", "features": ("x", "x")}, "'x' stands twice in features"),
        ({"target": "y", "kind": "classifi"}, "Did you mean 'classify'"),
        ({"target": "y", "missing_target": "drop"}, "no missing_target is called 'drop'"),
        ({"target": "y", "kind": "regress", "positive": "1"}, "for a number"),
        ({"target": "y", "classes": ("a",)}, "the classes are"),
        ({"target": "y", "classes": ("a", "b"), "positive": "c"}, "no class is called 'c'"),
        ({"target": "y", "features": "x"}, 'Give a list, e.g. ["x"]'),
        ({"target": "y", "classes": (True, False)}, "True is no name"),
    ],
)
def test_columns_that_contradict_themselves(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Columns(**settings)
    assert said in str(caught.value)


def test_what_columns_may_share(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", GOOD)
    one = read_table(path, Columns(target="y", id="id", subject="id", features=("id", "x")))
    assert one.features.columns == ["id", "x"]
    assert one.rows["item"].equals(one.rows["subject"])
    assert Columns(target="y", time="t", time_zero="t", eligible="t", charted={"x": "t"}).charted == (("x", "t"),)  # type: ignore[arg-type]
    assert Columns(target="y", classes=(1, 0)).classes == ("1", "0")  # type: ignore[arg-type]
