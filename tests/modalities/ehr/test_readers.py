"""Readers of layouts whose data are not open, on hand-written tables; and malformed input of every kind."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from hilum.core.errors import DataError
from hilum.modalities.ehr.clock import clock_of
from hilum.modalities.ehr.concepts import read_concepts
from hilum.modalities.ehr.measure import measure
from hilum.modalities.ehr.readers import aumc, eicu, hirid, mimic3, mimic4, omop, plain
from hilum.modalities.ehr.readers.plain import EventColumns
from hilum.modalities.ehr.rules import Rules
from hilum.modalities.ehr.stays import Records

MIMIC4 = {
    "icu/icustays.csv": (
        "subject_id,hadm_id,stay_id,intime,outtime\n"
        "1,10,100,2150-01-01 10:00:00,2150-01-03 10:00:00\n"
        "1,10,101,2150-01-05 10:00:00,2150-01-06 10:00:00\n"
    ),
    "hosp/admissions.csv": (
        "subject_id,hadm_id,admittime,deathtime,hospital_expire_flag\n1,10,2150-01-01 08:00:00,2150-01-06 09:00:00,1\n"
    ),
    "hosp/patients.csv": ("subject_id,gender,anchor_age,anchor_year\n1,F,60,2148\n"),
    "hosp/transfers.csv": (
        "subject_id,hadm_id,eventtype,careunit,intime\n"
        "1,10,admit,Medical Intensive Care Unit (MICU),2150-01-01 10:00:00\n"
        "1,10,transfer,Medicine,2150-01-03 10:00:00\n"
        "1,10,transfer,Surgical Intensive Care Unit (SICU),2150-01-05 10:00:00\n"
        "1,10,discharge,,2150-01-06 10:00:00\n"
    ),
    "icu/chartevents.csv": (
        "subject_id,stay_id,charttime,itemid,value,valuenum,valueuom\n"
        "1,100,2150-01-01 11:30:00,220045,80,80,bpm\n"
        "1,100,2150-01-01 11:30:00,999,x,,\n"
        "1,101,2150-01-05 11:30:00,223900,No Response-ETT,1,\n"
    ),
    "hosp/labevents.csv": (
        "subject_id,hadm_id,charttime,itemid,value,valuenum,valueuom\n"
        "1,10,2150-01-01 09:00:00,50912,1.1,1.1,mg/dL\n"
        "1,10,2150-01-04 09:00:00,50912,1.2,1.2,mg/dL\n"
        "1,,2149-01-04 09:00:00,50912,0.7,0.7,mg/dL\n"
    ),
    "icu/outputevents.csv": (
        "subject_id,stay_id,charttime,itemid,value,valueuom\n1,100,2150-01-01 12:00:00,226559,100,ml\n"
    ),
    "icu/inputevents.csv": (
        "subject_id,stay_id,starttime,endtime,itemid,rate,rateuom\n"
        "1,100,2150-01-01 12:00:00,2150-01-01 14:00:00,221906,0.2,mcg/kg/min\n"
    ),
    "hosp/prescriptions.csv": (
        "subject_id,hadm_id,starttime,stoptime,drug\n"
        "1,10,2150-01-01 13:00:00,2150-01-03 13:00:00,Vancomycin\n"
        "1,10,2150-01-01 13:00:00,2150-01-03 13:00:00,Aspirin\n"
    ),
    "hosp/microbiologyevents.csv": (
        "subject_id,hadm_id,chartdate,charttime,spec_type_desc,org_itemid\n1,10,2150-01-01 00:00:00,,BLOOD CULTURE,\n"
    ),
}
EICU = {
    "patient.csv": (
        "patientunitstayid,patienthealthsystemstayid,uniquepid,hospitalid,gender,age,hospitaladmitoffset,unitdischargeoffset,unitdischargestatus,hospitaldischargeoffset,hospitaldischargestatus,admissionheight,admissionweight\n"
        "1,5,002-1,7,Female,> 89,-60,3000,Expired,3000,Expired,160,70\n"
        "2,6,002-1,7,,44,-60,3000,Alive,9000,Alive,,\n"
    ),
    "lab.csv": (
        "patientunitstayid,labresultoffset,labname,labresult,labmeasurenameinterface\n"
        "1,90,creatinine,1.3,mg/dL\n"
        "1,90,CRP,1.5,mg/dL\n"
        "1,90,nothing,1,\n"
    ),
    "vitalperiodic.csv": (
        "patientunitstayid,observationoffset,temperature,sao2,heartrate,respiration,systemicsystolic,systemicdiastolic,systemicmean\n"
        "1,65,37,99,88,,120,,\n"
    ),
    "respiratorycharting.csv": (
        "patientunitstayid,respchartoffset,respchartvaluelabel,respchartvalue\n1,70,FiO2,40%\n1,80,FiO2,off\n"
    ),
    "intakeoutput.csv": (
        "patientunitstayid,intakeoutputoffset,celllabel,cellvaluenumeric\n"
        "1,100,Urine,50\n"
        "1,100,Indwelling Catheter Output,60\n"
        "1,100,Weight,60\n"
    ),
}
HIRID = {
    "general_table.csv": (
        "patientid,admissiontime,sex,age,discharge_status\n"
        "1,2100-01-01 10:00:00,M,65,dead\n"
        "2,2100-01-01 10:00:00,F,40,alive\n"
    ),
    "observation_tables/csv/part-0.csv": (
        "patientid,datetime,variableid,value,stringvalue\n"
        "1,2100-01-01 10:05:00,200,77,\n"
        "1,2100-01-01 11:00:00,30005110,100,\n"
        "1,2100-01-01 12:00:00,30005110,160,\n"
        "1,2100-01-01 13:00:00,30005110,20,\n"
    ),
    "observation_tables/csv/part-1.csv": (
        "patientid,datetime,variableid,value,stringvalue\n2,2100-01-02 10:05:00,20000600,88.4,\n"
    ),
    "pharma_records/csv/part-0.csv": (
        "patientid,givenat,pharmaid,givendose,doseunit\n1,2100-01-01 10:30:00,1000462,5,mg\n"
    ),
}
AUMC = {
    "admissions.csv": (
        "patientid,admissionid,admittedat,dischargedat,destination,gender,agegroup,dateofdeath,heightgroup,weightgroup\n"
        "1,10,0,180000000,Overleden,Vrouw,70-79,180000000,160-169,80-89\n"
        "1,11,900000000,1000000000,Thuis,Vrouw,70-79,,,\n"
    ),
    "numericitems.csv": (
        "admissionid,itemid,value,unit,measuredat\n"
        "10,6640,91,/min,3600000\n"
        "10,6836,88.4,\u00b5mol/l,3600000\n"
        "11,6640,70,/min,903600000\n"
    ),
    "drugitems.csv": ("admissionid,itemid,rate,rateunit,start,stop\n10,7229,2.0,mg,3600000,7200000\n"),
}
OMOP = {
    "person.csv": ("person_id,gender_concept_id,year_of_birth,birth_datetime\n1,8532,1950,\n"),
    "visit_detail.csv": (
        "visit_detail_id,person_id,visit_detail_concept_id,visit_detail_start_datetime,visit_detail_end_datetime,visit_occurrence_id\n"
        "7,1,32037,2020-01-01 10:00:00,2020-01-03 10:00:00,70\n"
        "8,1,9201,2020-01-01 10:00:00,2020-01-09 10:00:00,70\n"
    ),
    "death.csv": ("person_id,death_datetime\n1,2020-01-03 00:00:00\n"),
    "measurement.csv": (
        "person_id,measurement_concept_id,measurement_datetime,value_as_number,unit_source_value,visit_detail_id\n"
        "1,3027018,2020-01-01 11:00:00,80,bpm,7\n"
        "1,3016723,2020-01-01 12:00:00,1.1,mg/dL,\n"
        "1,1,2020-01-01 12:00:00,1.1,,7\n"
    ),
}
LAYOUTS: dict[str, tuple[dict[str, str], Callable[[Path], Records]]] = {
    "mimic4": (MIMIC4, mimic4.read),
    "eicu": (EICU, eicu.read),
    "hirid": (HIRID, hirid.read),
    "aumc": (AUMC, aumc.read),
    "omop": (OMOP, omop.read),
}


def write(folder: Path, tables: dict[str, str], encoding: str = "utf-8") -> Path:
    for name, text in tables.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding))
    return folder


def values(records: Records) -> dict[str, list[float | None]]:
    frame = records.events.collect().sort("time", "code")
    return {code[0]: part["numeric_value"].to_list() for code, part in frame.group_by(["code"], maintain_order=True)}  # type: ignore[misc]


def test_mimic4(tmp_path: Path) -> None:
    found = mimic4.read(write(tmp_path, MIMIC4))
    assert found.stays.select("stay_id", "age", "sex", "died").rows() == [
        (100, 62.0, "Female", False),
        (101, 62.0, "Female", True),
    ]
    got = values(found)
    assert got["chart//220045"] == [80.0]
    assert got["input//221906"] == [0.2, 0.0]
    assert got["culture//BLOOD CULTURE"] == [0.0]
    assert len(got["drug//Vancomycin"]) == 3
    assert not {"chart//999", "drug//Aspirin"} & set(got)
    labs = found.events.filter(pl.col("code") == "lab//50912").collect().sort("time")
    assert labs["stay_id"].to_list() == [None, 100, 101]  # the outpatient's belongs to no admission
    assert found.events.filter(pl.col("code") == "chart//223900").collect()["text_value"].to_list() == [
        "No Response-ETT"
    ]


def test_eicu(tmp_path: Path) -> None:
    found = eicu.read(write(tmp_path, EICU))
    assert found.stays.select("age", "sex", "died", "hospital").rows() == [
        (90.0, "Female", True, "7"),
        (44.0, None, False, "7"),
    ]
    assert found.stays["subject_id"].n_unique() == 1
    assert found.notes == ("eICU without infusiondrug, medication, vitalaperiodic: their variables are empty.",)
    got = values(found)
    assert got == {
        "patient//admissionheight": [160.0],
        "patient//admissionweight": [70.0],
        "vitalperiodic//heartrate": [88.0],
        "vitalperiodic//sao2": [99.0],
        "vitalperiodic//systemicsystolic": [120.0],
        "vitalperiodic//temperature": [37.0],
        "respiratorycharting//FiO2": [40.0, None],
        "lab//CRP": [1.5],
        "lab//creatinine": [1.3],
        "intakeoutput//Urine": [50.0],
        "intakeoutput//Indwelling Catheter Output": [60.0],
    }
    with pytest.raises(DataError, match="'old' is no number"):
        eicu.read(write(tmp_path, {"patient.csv": EICU["patient.csv"].replace("> 89", "old")}))


def test_hirid(tmp_path: Path) -> None:
    found = hirid.read(write(tmp_path, HIRID))
    assert found.stays.select("stay_id", "end", "died", "sex").rows() == [
        (1, datetime.fromisoformat("2100-01-01T13:00:00"), True, "Male"),
        (2, datetime.fromisoformat("2100-01-02T10:05:00"), False, "Female"),
    ]
    got = values(found)
    assert got["observation//30005110"] == [100.0, 60.0, 20.0]  # a running total that starts anew
    assert (got["observation//20000600"], got["pharma//1000462"]) == ([88.4], [5.0])
    assert "one patient" in found.notes[0]


def test_aumc(tmp_path: Path) -> None:
    found = aumc.read(write(tmp_path, AUMC, "latin-1"))
    assert found.stays.select("stay_id", "subject_id", "age", "sex", "died").rows() == [
        (10, 1, 75.0, "Female", True),
        (11, 1, 75.0, "Female", False),
    ]
    got = values(found)
    assert got["numeric//6640"] == [91.0, 70.0]
    assert got["drug//7229"] == [2.0, 0.0]
    assert (got["admission//height"], got["admission//weight"]) == ([165.0], [85.0])


def test_omop(tmp_path: Path) -> None:
    found = omop.read(write(tmp_path, OMOP))
    assert found.stays.select("stay_id", "subject_id", "died", "sex").rows() == [(7, 1, True, "Female")]
    assert values(found) == {"omop//3027018": [80.0], "omop//3016723": [1.1]}
    with pytest.raises(DataError, match="no visit_detail has the concept 5"):
        omop.read(tmp_path, intensive_care=5)


def test_a_plain_table_of_ones_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "events.csv": ("Bett,Stunde,Was,Wert\n1,0.5,hr,80\n1,1.5,crea,1.2\n1,1.5,mood,3\n"),
            "stays.csv": ("Bett,Pat,Von,Bis,Tot\n1,9,2020-01-01 10:00:00,2020-01-02 10:00:00,1\n"),
        },
    )
    columns = EventColumns(
        stay="Bett", subject="Pat", time="", hour="Stunde", what="Was", value="Wert", start="Von", end="Bis", died="Tot"
    )
    found = plain.read(tmp_path / "events.csv", tmp_path / "stays.csv", columns)
    assert values(found)["hr"] == [80.0]
    assert found.events.collect()["time"].to_list()[0] == datetime.fromisoformat("2020-01-01T10:30:00")
    assert found.stays["died"].to_list() == [True]
    assert "mood" in found.notes[0]
    write(tmp_path, {"events.csv": "Bett,Stunde,Was,Wert\n1,0.5,mood,80\n"})
    with pytest.raises(DataError, match="knows none of"):
        plain.read(tmp_path / "events.csv", tmp_path / "stays.csv", columns)
    with pytest.raises(DataError, match="no such file"):
        plain.read(tmp_path / "none.csv", tmp_path / "stays.csv", columns)


# Of each layout: a table, a row of it, the same row with a text for its number and the same in a unit that means nothing.
DAMAGED = {
    "mimic4": ("hosp/labevents.csv", "50912,1.2,1.2,mg/dL", "50912,<0.1,,mg/dL", "50912,1.2,1.2,furlong"),
    "eicu": ("lab.csv", "creatinine,1.3,mg/dL", "creatinine,<0.1,mg/dL", "creatinine,1.3,furlong"),
    "hirid": ("observation_tables/csv/part-1.csv", "20000600,88.4,", "20000600,,hemolysed", None),
    "aumc": ("numericitems.csv", "6640,91,/min,3600000", "6640,,/min,3600000", "6640,91,furlong,3600000"),
    "omop": ("measurement.csv", "1.1,mg/dL,\n", ",mg/dL,\n", "1.1,furlong,\n"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_a_reader_cannot_use_is_counted(name: str, tmp_path: Path) -> None:
    tables, read = LAYOUTS[name]
    table, good, text, strange = DAMAGED[name]
    for damaged, reason in ((good, None), (text, "no number"), (strange, "unknown unit")):
        if damaged is None:
            continue
        found = read(write(tmp_path, {**tables, table: tables[table].replace(good, damaged)}))
        codes = read_concepts().codes(found.database, alarms=False)
        events = found.events.collect().filter(pl.col("code").is_in(codes["code"].implode()))
        kept, rejected = measure(events, codes)
        assert kept.height + rejected["values"].sum() == events.height
        assert (reason in rejected["reason"].to_list()) == (reason is not None), rejected


def test_a_plain_table_counts_each_reason(tmp_path: Path) -> None:
    rows = [
        "1,2020-01-01 11:00:00,crea,1.2,mg/dL",
        "1,2020-01-01 11:00:00,crea,<0.1,mg/dL",
        "1,2020-01-01 11:00:00,crea,,mg/dL",
        "1,2020-01-01 11:00:00,crea,106,µmol/L",
        "1,2020-01-01 11:00:00,crea,1.2,mg/L",
        "1,2020-01-01 11:00:00,crea,99,mg/dL",
        "1,2020-01-01 11:00:00,hr,-5,",
        "1,,hr,80,",
    ]
    write(
        tmp_path,
        {
            "events.csv": "\n".join(["stay_id,time,code,value,unit", *rows]) + "\n",
            "stays.csv": "stay_id,subject_id,start,end\n1,9,2020-01-01 10:00:00,2020-01-03 10:00:00\n",
        },
    )
    found = plain.read(tmp_path / "events.csv", tmp_path / "stays.csv", EventColumns(unit="unit"))
    clock = clock_of(found.stays, found.events.collect(), "plain", read_concepts(), Rules())
    assert clock.column("crea")["value"].to_list() == pytest.approx([1.2], abs=0.01)  # 106 umol/L is 1.2 mg/dL
    assert clock.rejected.rows() == [
        ("crea", "crea", "mg/L", "unknown unit", 1),
        ("crea", "crea", "mg/dL", "above 15 mg/dL", 1),
        ("crea", "crea", "mg/dL", "no number", 2),
        ("hr", "hr", None, "below 0 bpm", 1),
        ("hr", "hr", None, "no time", 1),
    ]


@pytest.mark.parametrize("name", LAYOUTS)
def test_csv_gz_and_parquet_read_the_same(name: str, tmp_path: Path) -> None:
    tables, read = LAYOUTS[name]
    first = read(write(tmp_path / "csv", tables))
    for path, text in tables.items():
        target = tmp_path / "gz" / f"{path}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(text.encode()))
        parquet = (tmp_path / "parquet" / path.upper()).with_suffix(".parquet")
        parquet.parent.mkdir(parents=True, exist_ok=True)
        pl.read_csv(text.encode(), infer_schema_length=None, try_parse_dates=True).write_parquet(parquet)
    order = ["subject_id", "time", "code", "numeric_value", "stay_id"]
    for kind in ("gz", "parquet"):
        second = read(tmp_path / kind)
        assert second.stays.equals(first.stays), kind
        assert second.events.collect().sort(order).equals(first.events.collect().sort(order)), kind


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_missing_table_or_column_is_named(name: str, tmp_path: Path) -> None:
    tables, read = LAYOUTS[name]
    needed = next(iter(tables))
    write(tmp_path, {path: text for path, text in tables.items() if path != needed})
    with pytest.raises(DataError, match=f"(?i)the table {Path(needed).stem} is missing"):
        read(tmp_path)
    header, _, rest = tables[needed].partition("\n")
    first = header.split(",")[0]
    write(tmp_path, {needed: header.replace(first, "x", 1) + "\n" + rest})
    with pytest.raises(DataError, match=f"the column '{first}' is missing"):
        read(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere")


def test_a_bad_value_is_named_with_its_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        {**MIMIC4, "icu/icustays.csv": MIMIC4["icu/icustays.csv"].replace("2150-01-05 10:00:00,", "yesterday,")},
    )
    with pytest.raises(DataError, match="'yesterday' is no moment") as caught:
        mimic4.read(tmp_path)
    assert caught.value.where.endswith("column intime, line 3")
    write(tmp_path, {**MIMIC4, "icu/icustays.csv": MIMIC4["icu/icustays.csv"].replace("1,10,101", "one,10,101")})
    with pytest.raises(DataError, match="'one' is no integer"):
        mimic4.read(tmp_path)


def test_a_bad_value_among_the_events_is_an_error_too(tmp_path: Path) -> None:
    from hilum.modalities.ehr.cohort import build
    from hilum.modalities.ehr.task_file import task_named

    write(tmp_path, {**MIMIC4, "icu/chartevents.csv": MIMIC4["icu/chartevents.csv"].replace("80,80", "80,fast")})
    with pytest.raises(DataError, match="cannot be read"):
        build(mimic4.read(tmp_path), task_named("mortality24"))


def test_undecodable_files(tmp_path: Path) -> None:
    write(tmp_path, MIMIC4)
    (tmp_path / "icu" / "icustays.csv").unlink()
    (tmp_path / "icu" / "icustays.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot be read"):
        mimic4.read(tmp_path)
    (tmp_path / "icu" / "icustays.parquet").unlink()
    (tmp_path / "icu" / "icustays.csv").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        mimic4.read(tmp_path)


def test_mimic3_and_4_differ_in_names_only(tmp_path: Path) -> None:
    """The same stay in both layouts: the same events."""
    old = {Path(path).name.upper(): text.replace(",stay_id", ",icustay_id") for path, text in MIMIC4.items()}
    old["TRANSFERS.CSV"] = (
        "hadm_id,icustay_id,eventtype,intime\n"
        "10,100,admit,2150-01-01 10:00:00\n10,,transfer,2150-01-03 10:00:00\n"
        "10,101,transfer,2150-01-05 10:00:00\n10,,discharge,2150-01-06 10:00:00\n"
    )
    old["PATIENTS.CSV"] = "subject_id,gender,dob\n1,F,2088-01-01\n"
    old["INPUTEVENTS_MV.CSV"] = old.pop("INPUTEVENTS.CSV")
    old["PRESCRIPTIONS.CSV"] = old["PRESCRIPTIONS.CSV"].replace("starttime,stoptime", "startdate,enddate")
    four, three = mimic4.read(write(tmp_path / "4", MIMIC4)), mimic3.read(write(tmp_path / "3", old))
    assert three.stays["died"].to_list() == four.stays["died"].to_list() == [False, True]
    order = ["time", "code", "numeric_value"]
    assert three.events.collect().sort(order).equals(four.events.collect().sort(order))
