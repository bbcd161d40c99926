"""Traces: what is read is what stands there, on a causal grid, and whatever cannot be read says file, column and row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.series.guess import guess_trace
from hilum.modalities.series.read_table import Trace, TraceColumns, read_trace
from hilum.modalities.series.regular import equally_spaced, regular

XY = TraceColumns(("x", "y"), "t")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def rows(*lines: str) -> str:
    return "\n".join(("t,x,y", *lines)) + "\n"


def test_a_trace_is_what_stands_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows("2.0,1,10", "2.5,,20", "3.0,3,NA", ",,", "3.5,4,40"))
    trace = read_trace(path, XY)
    assert trace.times is not None
    assert trace.times.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert (trace.start_s, trace.channels, trace.empty_rows, trace.subject) == (2.0, ("x", "y"), 1, None)
    np.testing.assert_array_equal(trace.values, [[1, 10], [np.nan, 20], [3, np.nan], [4, 40]])
    turned = read_trace(path, TraceColumns(("y", "x"), "t"))
    np.testing.assert_array_equal(turned.values, trace.values[:, ::-1])


@pytest.mark.parametrize(
    ("unit", "times", "first"),
    [
        ("ms", ("1000", "1100", "1200.5"), 1.0),
        ("us", ("1000000", "1100000", "1200500"), 1.0),
        ("min", ("1", "1.0016666666666667", "1.0033416666666666"), 60.0),
        ("s", ("10:15:00.000", "10:15:00.100", "10:15:00.2005"), 36900.0),
        ("s", ("1970-01-01T00:00:05.000", "1970-01-01T00:00:05.100", "1970-01-01 00:00:05.2005"), 5.0),
    ],
)
def test_times_in_any_unit_are_seconds(tmp_path: Path, unit: str, times: tuple[str, ...], first: float) -> None:
    path = written(tmp_path / "a.csv", rows(*(f"{time},1,{n}" for n, time in enumerate(times))))
    trace = read_trace(path, TraceColumns(("x", "y"), "t", unit))
    assert trace.times == pytest.approx([0.0, 0.1, 0.2005], abs=2e-6)
    assert trace.start_s == pytest.approx(first)


def test_the_same_from_any_kind_of_file(tmp_path: Path) -> None:
    frame = pl.DataFrame({"t": [0.0, 0.1, 0.25], "x": [1.5, None, -3.0], "y": [1.0, 2.0, 3.0]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "b.csv", separator=";", decimal_comma=True)
    frame.write_parquet(tmp_path / "c.parquet")
    found = [read_trace(tmp_path / name, XY) for name in ("a.csv", "b.csv", "c.parquet")]
    for other in found[1:]:
        np.testing.assert_array_equal(other.values, found[0].values)
        np.testing.assert_array_equal(np.asarray(other.times), np.asarray(found[0].times))


FAULTS: dict[str, tuple[str, TraceColumns, tuple[str, ...]]] = {
    "a time that falls": (rows("0,1,1", "0.2,1,2", "0.1,1,3"), XY, ("column 't'", "row 3", "row 4", "Sort")),
    "a time twice": (rows("0,1,1", "0.1,1,2", "0.1,1,3"), XY, ("column 't'", "rows 3 and 4", "different values")),
    "a time missing": (rows("0,1,1", ",1,2", "0.2,1,3"), XY, ("column 't'", "row 3", "without a time")),
    "text in a time": (rows("0,1,1", "soon,1,2", "0.2,1,3"), XY, ("column 't'", "'soon' in row 3")),
    "text in a channel": (rows("0,1,1", "0.1,high,2", "0.2,1,3"), XY, ("column 'x'", "'high' in row 3")),
    "an infinite value": (rows("0,1,1", "0.1,inf,2", "0.2,1,3"), XY, ("column 'x'", "infinite", "row 3")),
    "an empty channel": (rows("0,,1", "0.1,,2", "0.2,,3"), XY, ("column 'x'", "nothing was measured")),
    "one sample": (rows("0,1,1"), XY, ("one sample",)),
    "no sample": ("t,x,y\n", XY, ("no value below",)),
    "an empty file": ("", XY, ("0 bytes",)),
    "a wrong channel": (rows("0,1,1", "1,1,2"), TraceColumns(("x", "yy"), "t"), ("no column is called 'yy'", "'y'")),
    "no channel": (rows("0,1,1", "1,1,2"), TraceColumns((), "t"), ("no channel is named",)),
    "a unit for dates": (
        rows("2026-01-01 10:00:00,1,1", "2026-01-01 10:00:01,1,2"),
        TraceColumns(("x",), "t", "ms"),
        ("column 't'", "ms", "dates"),
    ),
    "two people": (
        "t,x,who\n0,1,anna\n1,2,anna\n2,3,ben\n",
        TraceColumns(("x",), "t", subject="who"),
        ("column 'who'", "row 4", "'anna' and 'ben'"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_says_where(fault: str, tmp_path: Path) -> None:
    text, columns, words = FAULTS[fault]
    path = written(tmp_path / "breath.csv", text)
    with pytest.raises(HilumError) as raised:
        read_trace(path, columns)
    assert raised.value.do
    for word in ("breath.csv", *words):
        assert word in str(raised.value)


def test_a_wrong_encoding_is_refused_by_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "breath.csv"
    path.write_bytes(b"t,h\xf6he\n0,1\n1,2\n")
    with pytest.raises(DataError, match=r"0xF6"):
        read_trace(path, TraceColumns(("höhe",), "t"))
    assert read_trace(path, TraceColumns(("höhe",), "t", encoding="cp1252")).samples == 2


def test_settings_that_contradict_themselves() -> None:
    with pytest.raises(UsageError, match="Did you mean 'ms'"):
        TraceColumns(("x",), "t", "mss")
    with pytest.raises(UsageError, match="'t' is named twice"):
        TraceColumns(("x", "t"), "t")


def trace_of(times: np.ndarray | None, values: np.ndarray) -> Trace:
    names = tuple(f"c{n}" for n in range(values.shape[1]))
    return Trace(Path("a.csv"), times, 0.0, values, names, None, 0, ())


def test_equally_spaced_rows_stay_as_they_are() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 2))
    values[7, 1] = np.nan
    rounded = np.round(np.arange(300) / 30, 3)  # milliseconds: 33, 34, 33, ...
    series, account = regular(trace_of(rounded, values), item="a", subject="p", unit="mm")
    np.testing.assert_array_equal(series.values, values)
    assert series.seconds_per_sample == pytest.approx(1 / 30, abs=0.0005 / 299)  # half a millisecond over 299 intervals
    assert (account.held, account.missing, account.resampled) == (0, 1, False)
    assert regular(trace_of(rounded, values), item="a", subject=None, unit="V", rate_hz=30.0)[0].seconds_per_sample == (
        1 / 30
    )
    assert equally_spaced(np.delete(rounded, 100)) is None


def held(times: np.ndarray, values: np.ndarray, interval: float, hold: float) -> np.ndarray:
    """The oracle: at each tick look back for the newest row, one by one."""
    out = []
    for tick in range(round(times[-1] / interval) + 1):
        now = tick * interval
        if now > times[-1] + 1e-9:
            break
        past = [n for n in range(len(times)) if times[n] <= now + 1e-9]
        out.append(values[past[-1]] if now - times[past[-1]] <= hold + 1e-9 else np.full(values.shape[1], np.nan))
    return np.array(out)


def test_a_gap_is_held_and_then_missing() -> None:
    random = np.random.default_rng(1)
    times = np.sort(random.choice(np.arange(1, 2000), 300, replace=False)) / 100.0
    times -= times[0]
    values = random.normal(size=(300, 1))
    series, account = regular(
        trace_of(times, values), item="a", subject=None, unit="mm", rate_hz=20.0, longest_hold_s=0.1
    )
    np.testing.assert_array_equal(series.values, held(times, values, 0.05, 0.1))
    assert account.missing == int(np.isnan(series.values).sum()) > 0
    assert account.rows == 300
    assert account.samples == series.samples
    assert "samples lack a value" in account.in_words()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 0.4), min_size=5, max_size=40), st.integers(1, 4), st.floats(0.0, 1.0))
def test_no_sample_knows_a_later_row(steps: list[float], rate: int, share: float) -> None:
    times = np.concatenate([[0.0], np.cumsum(steps)])
    values = np.arange(len(times), dtype=float)[:, None]
    clock = share * times[-1]
    moved = np.where(times[:, None] > clock, values + 1000.0, values)
    asked = {"item": "a", "subject": None, "unit": "mm", "rate_hz": 5.0 * rate}
    before, after = (regular(trace_of(times, each), **asked)[0].values for each in (values, moved))  # type: ignore[arg-type]
    ticks = np.arange(len(before)) / (5.0 * rate)
    np.testing.assert_array_equal(before[ticks < clock - 1e-9], after[ticks < clock - 1e-9])


def test_without_times_the_rate_must_be_stated() -> None:
    values = np.arange(8.0)[:, None]
    series, account = regular(trace_of(None, values), item="a", subject=None, unit="mm", rate_hz=4.0)
    assert (series.seconds_per_sample, series.samples, account.resampled) == (0.25, 8, False)
    for rate in (None, 0.0, float("nan")):
        with pytest.raises(UsageError, match="rate"):
            regular(trace_of(None, values), item="a", subject=None, unit="mm", rate_hz=rate)


def test_repeated_rows_are_counted() -> None:
    times = np.array([0.0, 0.1, 0.1, 0.2, 0.5])
    values = np.array([[1.0], [2.0], [2.0], [3.0], [4.0]])
    series, account = regular(trace_of(times, values), item="a", subject=None, unit="mm", rate_hz=10.0)
    assert account.repeated == 1
    np.testing.assert_array_equal(series.values[:3, 0], [1, 2, 3])


@pytest.mark.parametrize(
    ("head", "line", "time", "unit", "channels", "points", "of"),
    [
        ("t,x,y,z", "{s},1.{n},2.{n},3.{n}", "t", "s", ("x", "y", "z"), 1, ""),
        ("time_ms,belt", "{ms},1.{n}", "time_ms", "ms", ("belt",), 0, ""),
        ("frame,Time,m1_x (mm),m1_y (mm),m1_z (mm)", "{n},{ms},1.{n},2.{n},3.{n}", "Time", "ms", None, 1, "mm"),
        ("timestamp,x1,y1,z1,x2,y2,z2", "2026-01-01 10:00:{n:02d},{n},1.{n},1.{n},1.{n},1.{n},2.{n}", "timestamp", "s",
         ("x1", "x2", "y1", "y2", "z1", "z2"), 2, ""),
        ("value", "1.{n}", "", "s", ("value",), 0, ""),
        ("t;x", "{s};1,{n}", "t", "s", ("x",), 0, ""),
    ],
)  # fmt: skip
def test_guesses_of_a_template(
    tmp_path: Path,
    head: str,
    line: str,
    time: str,
    unit: str,
    channels: tuple[str, ...] | None,
    points: int,
    of: str,
) -> None:
    lines = [line.format(n=n, s=f"{n / 10:.1f}", ms=100 * n) for n in range(20)]
    guess = guess_trace(written(tmp_path / "a.csv", "\n".join((head, *lines)) + "\n"))
    assert (guess.columns.time, guess.columns.time_unit, guess.points, guess.unit) == (time, unit, points, of)
    assert channels is None or guess.columns.channels == channels
    assert "frame" not in guess.columns.channels
    rate = None if not time else 1.0 if time == "timestamp" else 10.0
    assert guess.rate_hz == pytest.approx(rate)
    assert guess.remarks


def test_no_channel_to_guess(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column holds numbers"):
        guess_trace(written(tmp_path / "a.csv", "t,who\n0,a\n1,b\n"))


def test_a_time_that_falls_is_no_channel(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"falls from 0\.3 in row 4 to 0\.2 in row 5"):
        guess_trace(written(tmp_path / "a.csv", "t,x\n0.0,1\n0.1,2\n0.3,3\n0.2,4\n0.4,5\n"))
    # A name that holds more than the word may be anything that varies.
    guess = guess_trace(written(tmp_path / "b.csv", "t 1,x\n3,1\n1,2\n2,3\n"))
    assert guess.columns.channels == ("t 1", "x")
