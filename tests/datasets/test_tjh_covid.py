"""TJH blood tests: the counts of their source, and the first record of each patient by an independent reading."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from hilum.core.errors import DataError
from hilum.datasets.tjh_covid.dataset import USE, WORKBOOK, TjhCovid, laboratory_tests, records
from hilum.engine.download import verify_dataset
from hilum.modalities.table.read import read_table
from hilum.modalities.table.sample import Table
from hilum.modalities.table.write import write_csv
from tests.modalities.table.workbook import write_workbook

pytestmark = pytest.mark.real_data
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def folder(real_data: Callable[[str], Path]) -> Path:
    return real_data("tjh_covid")


@pytest.fixture(scope="module")
def table(folder: Path) -> Table:
    dataset = TjhCovid()
    return dataset.load(folder, dataset.items(folder)[0])


def cells(path: Path) -> Iterator[dict[str, str]]:
    """Rows of the first sheet by column letters: the workbook's own XML, read without the reader under test."""
    with zipfile.ZipFile(path) as archive:
        shared = [
            "".join(node.itertext())
            for node in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{_MAIN}si")
        ]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    for row in sheet.iter(f"{_MAIN}row"):
        found = {}
        for cell in row.iter(f"{_MAIN}c"):
            value = cell.find(f"{_MAIN}v")
            if value is not None and value.text is not None:
                letters = cell.attrib["r"].rstrip("0123456789")
                found[letters] = shared[int(value.text)] if cell.attrib.get("t") == "s" else value.text
        yield found


def test_counts_of_the_source(folder: Path) -> None:
    found = records(folder / WORKBOOK)
    assert found.shape == (6120, 7 + 73)
    patients = found.group_by("patient").first()
    assert patients.height == 375
    assert patients["died"].sum() == 174
    assert found.drop_nulls("recorded")["patient"].n_unique() == 361
    days = found.drop_nulls("recorded").select("patient", found.drop_nulls("recorded")["recorded"].dt.date())
    assert days.n_unique() == 1704
    assert (patients["age"].min(), patients["age"].max()) == (18, 95)
    # The card's trap: the running number is the outcome.
    assert not patients.filter(patients["patient"] <= 201)["died"].any()
    assert patients.filter(patients["patient"] > 201)["died"].all()


def test_who_is_in_and_who_is_not(table: Table) -> None:
    assert table.height == 358
    assert table.rows["target"].sum() == 163
    assert [count for _, count in table.attrition] == [14, 3]
    assert 375 - sum(count for _, count in table.attrition) == table.height
    assert table.classes == ("discharged alive", "died")
    assert table.features.width == 75
    assert not any("nCoV" in name or name != name.strip() for name in table.features.columns)
    numbers = table.features.drop("sex").to_numpy()
    assert np.nanmin(numbers) >= 0
    assert np.isnan(numbers[:, 1:]).mean() == pytest.approx(0.197, abs=0.001)
    assert (table.rows["time"] >= table.rows["admitted"]).all()


def test_first_records_by_hand(folder: Path, table: Table) -> None:
    rows = cells(folder / WORKBOOK)
    header = next(rows)
    name = {letters: text.strip() for letters, text in header.items()}
    letter = {text: letters for letters, text in name.items()}
    samples: dict[int, list[tuple[datetime, dict[str, float]]]] = {}
    patient = 0
    for row in rows:
        patient = int(float(row.get(letter["PATIENT_ID"], patient)))
        if letter["RE_DATE"] not in row:
            continue
        moment = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=float(row[letter["RE_DATE"]]))
        labs = {
            name[key]: float(value)
            for key, value in row.items()
            if name[key] in table.features.columns and name[key] != "age"
        }
        samples.setdefault(patient, []).append((moment, {key: value for key, value in labs.items() if value >= 0}))
    for item, features in zip(table.rows.iter_rows(named=True), table.features.iter_rows(named=True), strict=True):
        mine = sorted((s for s in samples[int(item["item"][-3:])] if s[1]), key=lambda sample: sample[0])
        first_day = [sample for sample in mine if sample[0].date() == mine[0][0].date()]
        expected: dict[str, float] = {}
        for _, labs in first_day:
            expected |= labs
        found = {key: value for key, value in features.items() if value is not None and key not in {"age", "sex"}}
        assert found == expected, item["item"]
        assert item["time"] == pytest.approx(first_day[-1][0].timestamp(), abs=1.0)


def test_as_a_study(table: Table, tmp_path: Path) -> None:
    columns = write_csv(table, tmp_path / "table.csv")
    back = read_table(tmp_path / "table.csv", columns, name=table.name)
    assert back.features.equals(table.features)
    assert back.rows.equals(table.rows.select(back.rows.columns))
    assert set(table.rows.columns) - set(back.rows.columns) == {"admitted"}
    assert back.classes == table.classes
    assert set(USE) >= {"intended", "population", "time_zero", "outcome", "limits"}


def test_files_are_those_of_the_card(folder: Path, tmp_path: Path) -> None:
    assert verify_dataset("tjh_covid", folder) == []
    write_workbook(tmp_path / WORKBOOK, {"Sheet1": [("PATIENT_ID", "age"), (1, 2)]})
    dataset = TjhCovid()
    with pytest.raises(DataError, match="not the one on the card"):
        dataset.load(tmp_path, dataset.items(tmp_path)[0])
    with pytest.raises(DataError, match="the column 'gender' is missing"):
        records(tmp_path / WORKBOOK)


def test_laboratory_tests(folder: Path) -> None:
    names = laboratory_tests(records(folder / WORKBOOK))
    assert len(names) == 73
    assert {"Lactate dehydrogenase", "High sensitivity C-reactive protein", "(%)lymphocyte"} <= set(names)


def test_patient_days_are_those_of_the_benchmark(folder: Path) -> None:
    dataset = TjhCovid()
    days = dataset.load(folder, dataset.items(folder)[1])
    assert days.height == 1704
    patients = days.rows.group_by("subject").agg(pl.col("target").first(), pl.col("beside").max(), pl.len())
    assert patients["target"].value_counts().sort("target")["count"].to_list() == [195, 166]
    assert patients["len"].max() == 13
    assert (patients["len"] == 1).sum() == 38
    # Known of the benchmark: the 95th percentile of the stays is 27 days, their mean 10.67.
    assert patients["beside"].quantile(0.95, "linear") == 27
    assert patients["beside"].mean() == pytest.approx(10.67, abs=0.005)
    assert days.features.width == 75
    empty = days.features.select(laboratory_tests(records(folder / WORKBOOK)))
    assert empty.select(pl.all_horizontal(pl.all().is_null())).sum().item() == 364


def test_the_hold_out_in_time_goes_by_admission(folder: Path) -> None:
    dataset = TjhCovid()
    days = dataset.load(folder, dataset.items(folder)[1])
    patients = days.rows.group_by("subject").agg(pl.col("declared").unique(), pl.col("admitted").unique())
    assert patients["declared"].list.len().max() == patients["admitted"].list.len().max() == 1
    day = pl.from_epoch(pl.col("admitted").list.first()).dt.date()
    parts = patients.select(pl.col("declared").list.first(), day.alias("day")).group_by("declared")
    spans = parts.agg(pl.len(), pl.col("day").min().alias("first"), pl.col("day").max().alias("last")).sort(
        "first", "last"
    )
    assert spans["declared"].to_list() == ["train", "validation", "test"]
    assert spans["len"].to_list() == [216, 72, 73]
    assert (spans["last"][:-1] <= spans["first"][1:]).all()
