"""What the checks say of real public data. Figures are those that are known of each set (its SOURCE.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hilum.core.row import CheckRow
from hilum.engine.table_audit import audit_failed, audit_file

Folder = Callable[[str], Path]
# Sampling rates in Hz of MPEG 1, 2 and 2.5 (ISO 11172-3 and 13818-3; 2.5 is an extension), by their index in a frame header.
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def by_code(rows: list[CheckRow]) -> dict[str, CheckRow]:
    return {row.code: row for row in rows}


def test_kauh_subjects_outside_train_are_in_train(real_data: Folder) -> None:
    path = real_data("respiratory_audio_task_tables") / "opera_t10_kauh.csv"
    rows = audit_file(path, subject="subject", target="label", split="split", exclude=("file",))
    found = by_code(rows)["HIL001"]
    assert found.status == "fail"
    assert "49 of the 52 subjects outside train are also in train" in found.message
    assert audit_failed(rows)


def test_kauh_file_names_are_identifiers(real_data: Folder) -> None:
    path = real_data("respiratory_audio_task_tables") / "opera_t10_kauh.csv"
    found = by_code(audit_file(path, subject="subject", target="label", split="split"))["HIL004"]
    assert (found.status, list(found.proof["found"])) == ("fail", ["file"])


def test_icbhi_two_patients_on_both_sides(real_data: Folder, tmp_path: Path) -> None:
    folder = real_data("icbhi_sample")
    lines = (folder / "ICBHI_challenge_train_test.txt").read_text(encoding="utf-8").split("\n")
    disease = dict(
        line.split("\t") for line in (folder / "ICBHI_Challenge_diagnosis.txt").read_text().splitlines() if line
    )
    recordings = [line.split("\t") for line in lines if line.strip()]
    table = pl.DataFrame(
        {
            "recording": [name for name, _ in recordings],
            "patient": [name.split("_")[0] for name, _ in recordings],
            "disease": [disease[name.split("_")[0]] for name, _ in recordings],
            "split": [part.strip() for _, part in recordings],
        }
    )
    table.write_csv(tmp_path / "icbhi.csv")
    rows = audit_file(
        tmp_path / "icbhi.csv", subject="patient", target="disease", split="split", exclude=("recording",)
    )
    found = by_code(rows)["HIL001"]
    assert found.status == "fail"
    assert found.proof["examples"] == ["156", "218"]
    assert found.proof["shared"] == {"test and train": 2}


def test_icbhi_as_opera_ships_it(real_data: Folder) -> None:
    path = real_data("respiratory_audio_task_tables") / "opera_t7_icbhi_disease.csv"
    rows = by_code(audit_file(path, subject="subject", target="label", split="split", exclude=("file",)))
    assert rows["HIL001"].proof["examples"] == ["156", "218"]
    assert rows["HIL011"].status == "fail"
    assert "'Asthma' in test of fold 0" in rows["HIL011"].message


def mpeg_rate(data: bytes) -> int:
    """Sampling rate in Hz of the first MPEG layer III frame after an ID3 tag."""
    at = (
        10 + sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
        if data[:3] == b"ID3"
        else 0
    )
    for place in range(at, len(data) - 3):
        head = int.from_bytes(data[place : place + 4], "big")
        version, layer, bits, rate = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
        if head >> 21 == 0x7FF and version != 1 and layer == 1 and rate != 3 and bits not in (0, 15):
            return RATES[version][rate]
    raise AssertionError("no MPEG frame")


@pytest.fixture(scope="module")
def coughs(real_data: Folder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CheckRow]:
    """The audit of the covid19-cough files, split by a hash of the file name."""
    folder = real_data("covid19_cough")
    table = tmp_path_factory.mktemp("coughs")
    (table / "raw").symlink_to(folder / "raw")
    rows = []
    for entry in json.loads((folder / "metadata.json").read_text(encoding="utf-8")):
        data = (folder / "raw" / entry["filename"]).read_bytes()
        drawn = hashlib.sha256(f"seed 0 {entry['filename']}".encode()).digest()[0]
        rows.append(
            {
                "file": f"raw/{entry['filename']}",
                "covid19": "positive" if entry["covid19"] else "negative",
                "source": entry["source"],
                "part": "test" if drawn < 64 else "train",
                "sampling_rate_hz": mpeg_rate(data),
                "bytes": len(data),
            }
        )
    pl.DataFrame(rows).write_csv(table / "coughs.csv")
    found = audit_file(
        table / "coughs.csv", subject="", target="covid19", split="part", source="source", content="file"
    )
    return by_code(found)


def test_coughs_carry_conflicting_labels(coughs: dict[str, CheckRow]) -> None:
    found = coughs["HIL003"]
    assert found.status == "fail"
    assert "conflicting labels in 112 of 115 groups of identical records (232 records)" in found.message


def test_coughs_stand_in_both_parts(coughs: dict[str, CheckRow]) -> None:
    assert coughs["HIL002"].status == "fail"
    assert coughs["HIL002"].proof["groups of identical records"] == 115


def test_coughs_source_predicts_the_label_and_the_input_the_source(coughs: dict[str, CheckRow]) -> None:
    found = coughs["HIL007"]
    assert found.status == "fail"
    prevalence = {name: round(one["mean target"], 2) for name, one in found.proof["sources"].items()}
    assert prevalence == {"call-center": 0.71, "telegram": 0.3}
    assert found.proof["source from input"]["low"] > 0.99


def test_coughs_have_no_subjects(coughs: dict[str, CheckRow]) -> None:
    assert coughs["HIL010"].status == "fail"
    assert coughs["HIL001"].status == "cannot tell"


def test_intensive_care_stays_share_patients(real_data: Folder, tmp_path: Path) -> None:
    """99 stays of 70 patients: a split by stay shares patients, one by patient does not."""
    cohort = real_data("yaib_demo") / "mortality24" / "mimic_demo"
    stays = pl.read_csv(real_data("mimic3_demo") / "ICUSTAYS.csv.gz").select("subject_id", stay_id="icustay_id")
    table = pl.read_parquet(cohort / "outc.parquet").join(pl.read_parquet(cohort / "sta.parquet"), on="stay_id")
    table = table.with_columns(pl.col("stay_id").cast(pl.Int64)).join(stays, on="stay_id", how="left")
    assert (table.height, table["subject_id"].n_unique(), table["subject_id"].null_count()) == (99, 70, 0)
    for by in ("stay_id", "subject_id"):
        drawn = [hashlib.sha256(f"seed 0 {number}".encode()).digest()[0] for number in table[by].to_list()]
        split = pl.Series("part", ["test" if byte < 77 else "train" for byte in drawn])
        table.with_columns(split).write_csv(tmp_path / f"{by}.csv")
    asked = {"subject": "subject_id", "target": "label", "split": "part", "exclude": ("stay_id",)}
    by_stay = by_code(audit_file(tmp_path / "stay_id.csv", **asked))["HIL001"]
    by_patient = by_code(audit_file(tmp_path / "subject_id.csv", **asked))["HIL001"]
    assert by_stay.status == "fail"
    assert by_patient.status == "pass"
    assert "70 subjects in 2 parts, none shared" in by_patient.message
