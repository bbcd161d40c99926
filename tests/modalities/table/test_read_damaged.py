"""A damaged file is read as the csv module reads it, or refused with an error; it is never a traceback and never half read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hilum.core.errors import HilumError
from hilum.modalities.table.columns import MISSING, Columns
from hilum.modalities.table.guess import guess_columns
from hilum.modalities.table.read import read_frame, read_table

GOOD = b'id,who,y,when,x\n1,a,0,2020-01-01,1.5\n2,b,1,2020-01-02,"2,5"\n3,c,0,,3.5\n4,d,1,2020-01-04 10:00,4.5\n'
PIECES = [
    *(
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n",
        b'"',
        b'""',
        b"\t",
        b"\0",
        b"\xff",
        b"\xc3\xa9",
        b"nan",
        b"inf",
        b"-",
        b" ",
        b"1e999",
    ),
    *(
        b"2020-13-45",
        b"01/02/2020",
        b"12,5",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"|",
        b"0x10",
        b"  \n",
        b"\n\n\n",
        b"24:00",
        b"\x0c",
    ),
]
DAMAGE = st.lists(
    st.tuples(st.integers(0, len(GOOD)), st.integers(0, 8), st.sampled_from([*PIECES, b""])), min_size=1, max_size=4
)


def damaged(damage: list[tuple[int, int, bytes]]) -> bytes:
    data = bytearray(GOOD)
    for place, length, piece in damage:
        data[place : place + length] = piece
    return bytes(data)


@settings(max_examples=150)
@given(DAMAGE)
@example([(len(GOOD) - 1, 0, b"\n\n,,,,\n\n")])
def test_never_a_traceback(tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int, bytes]]) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(damaged(damage))
    errors: list[HilumError] = []
    for asked in (
        lambda: read_table(path, Columns(target="y", subject="who", time="when", id="id")),
        lambda: read_table(path, Columns(target="x", kind="regress", missing_target="exclude")),
        lambda: guess_columns(path),
    ):
        try:
            asked()
        except HilumError as error:
            errors.append(error)
    assert all(error.do and error.where.startswith(str(path)) for error in errors)


@settings(max_examples=150)
@given(DAMAGE)
def test_what_is_read_is_what_the_csv_module_reads(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int, bytes]]
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "read.csv"
    path.write_bytes(damaged(damage))
    try:
        frame = read_frame(path)
    except HilumError:
        return
    text = path.read_bytes().decode("utf-8-sig")
    candidates = []
    for delimiter in ",;\t|":
        records = [record for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if record]
        cells = [[None if value.strip() in MISSING else value.strip() for value in record] for record in records[1:]]
        candidates.append([record for record in cells if any(value is not None for value in record)])
    rows = [list(row) for row in frame.iter_rows()]
    shortened = [[[value for value in record if value is not None] for record in records] for records in candidates]
    assert [[value for value in row if value is not None] for row in rows] in shortened
