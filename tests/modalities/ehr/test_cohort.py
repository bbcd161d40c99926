"""Task files, attrition, windows, MEDS and the triple; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.ehr.cohort import Cohort, build, unjudgeable
from hilum.modalities.ehr.events import event_schema
from hilum.modalities.ehr.meds import read_meds, spool, write_meds
from hilum.modalities.ehr.stays import Records, as_stays, place_in_admissions, place_in_stays
from hilum.modalities.ehr.task_file import OUR_COHORTS, read_task, task_named
from hilum.modalities.ehr.yaib import read_triple, write_triple
from tests.modalities.ehr.hand import START, events, stay


def records(people: int = 30) -> Records:
    """One stay each of 60 h, all measured hourly; every third dies, every tenth leaves after 5 h; the last patient has two stays."""
    stays, found = [], []
    for n in range(people):
        hours = 5.0 if n % 10 == 9 else 60.0
        dead = n % 3 == 0
        more = {"died": dead, "death": START + timedelta(hours=hours)} if dead else {}
        stays.append(stay(n + 1, min(n, people - 2), hours, **more))
        series = {"hr": [(h + 0.5, 60.0 + n) for h in range(int(hours))], "crea": [(26.5, 1.0 + n / 10)]}
        found.append(events(series, stay_id=n + 1, subject_id=min(n, people - 2)))
    return Records("plain", pl.concat(stays), pl.concat(found).lazy(), where="hand")


def test_attrition_counts_each_step_alone_and_in_turn() -> None:
    cohort = build(records(), task_named("mortality24"))
    assert cohort.attrition["left"].to_list() == [30, 27, 27, 27, 27, 27, 27]
    assert cohort.attrition["excluded"].to_list() == [0, 3, 0, 0, 0, 0, 0]
    assert cohort.attrition["excluded_alone"].to_list() == [0, 3, 0, 0, 0, 1, 3]
    assert cohort.hourly.height == 27 * 25
    assert cohort.positive_stays == 9
    assert cohort.stays["subject_id"].null_count() == 0
    assert unjudgeable(cohort) == ""


def test_chunks_and_spooled_events_change_nothing(tmp_path: Path) -> None:
    first = build(records(), task_named("aki"))
    on_disk = spool(records(), tmp_path / "events", subjects_a_shard=7)
    assert len(list((tmp_path / "events").iterdir())) == 5
    for second in (
        build(records(), task_named("aki"), subjects_a_chunk=4),
        build(on_disk, task_named("aki"), subjects_a_chunk=7),
    ):
        assert second.hourly.equals(first.hourly)
        assert second.outcome.equals(first.outcome)
        assert second.attrition.equals(first.attrition)


def test_meds_out_and_in(tmp_path: Path) -> None:
    made = records()
    write_meds(made, tmp_path / "meds", name="hand", subjects_a_shard=10)
    shard = pl.read_parquet(tmp_path / "meds" / "data" / "0.parquet")
    assert dict(shard.schema) == dict(event_schema()) | {"numeric_value": pl.Float32()}
    assert shard["subject_id"].is_sorted()
    assert pl.read_parquet(tmp_path / "meds" / "metadata" / "codes.parquet")["code"].to_list() == ["crea", "hr"]
    back = read_meds(tmp_path / "meds")
    order = ["subject_id", "stay_id", "time", "code"]
    ours, theirs = made.events.collect().sort(order), back.events.collect().sort(order)
    assert theirs.drop("numeric_value").equals(ours.drop("numeric_value"))
    assert (theirs["numeric_value"] - ours["numeric_value"]).abs().max() < 1e-5
    assert back.stays.equals(as_stays(made.stays, where="hand"))
    assert back.database == "plain"
    with pytest.raises(DataError, match="exists"):
        write_meds(made, tmp_path / "meds", name="hand")


def test_meds_of_others(tmp_path: Path) -> None:
    (tmp_path / "data" / "train").mkdir(parents=True)
    plain = events({"hr": [(1.5, 80.0)]}).select("subject_id", "time", "code", pl.col("numeric_value").cast(pl.Float32))
    plain.write_parquet(tmp_path / "data" / "train" / "0.parquet")
    with pytest.raises(DataError, match="stays are missing"):
        read_meds(tmp_path, database="plain")
    with pytest.raises(DataError, match="whose codes"):
        read_meds(tmp_path, stays=stay())
    found = read_meds(tmp_path, database="plain", stays=stay())
    assert place_in_stays(found.events.collect(), found.stays)["stay_id"].to_list() == [1]
    (tmp_path / "data" / "train" / "0.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read"):
        read_meds(tmp_path, database="plain", stays=stay())
    with pytest.raises(DataError, match="no events"):
        read_meds(tmp_path / "nothing", database="plain", stays=stay())


def test_events_find_their_stay_by_time() -> None:
    first = stay(1, 5, 10.5, admission_id=9, admitted=START - timedelta(hours=3))
    second = stay(
        2,
        5,
        10.0,
        admission_id=9,
        admitted=START - timedelta(hours=3),
        start=START + timedelta(hours=20),
        end=START + timedelta(hours=30),
    )
    stays = pl.concat([first, second])
    hours = [-400.0, -2.0, 5.0, 10.9, 11.1, 25.0, 30.9, 31.1]
    loose = events({"hr": [(hour, 1.0) for hour in hours]}, subject_id=5).with_columns(stay_id=pl.lit(None, pl.Int64))
    placed = place_in_stays(loose, stays).sort("time")
    assert placed["stay_id"].to_list() == [1, 1, 1, 2, 2, 2]  # not last year, not after the last hour
    named = loose.with_columns(admission_id=pl.lit(9)).drop("stay_id").lazy()
    assert place_in_admissions(named, stays).collect().sort("time")["stay_id"].to_list() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_the_triple_out_and_in(tmp_path: Path) -> None:
    for name in ("mortality24", "aki"):
        task = task_named(name)
        cohort = build(records(), task)
        write_triple(cohort, tmp_path / name)
        back = read_triple(tmp_path / name, name, database="plain", kind=task.kind, stays=cohort.stays)
        for part in ("hourly", "static", "outcome", "stays"):
            assert getattr(back, part).equals(getattr(cohort, part)), part
        assert back.attrition.drop("criterion").equals(cohort.attrition.drop("criterion"))
        assert read_triple(tmp_path / name, name, database="plain", kind=task.kind).stays.equals(cohort.stays)
        (tmp_path / name / "stays.parquet").unlink()
        alone = read_triple(tmp_path / name, name, database="plain", kind=task.kind)
        assert alone.stays["subject_id"].null_count() == cohort.stays.height
        write_triple(alone, tmp_path / "again")
        assert not (tmp_path / "again" / "stays.parquet").exists()
        with pytest.raises(DataError, match="'hospital' is missing"):
            read_triple(tmp_path / name, name, database="plain", kind=task.kind, stays=cohort.stays.drop("hospital"))


def test_ids_beyond_32_bits_stay_whole(tmp_path: Path) -> None:
    some = records()
    far = replace(
        some,
        stays=some.stays.with_columns(pl.col("stay_id") + 2**33),
        events=some.events.with_columns(pl.col("stay_id") + 2**33),
    )
    cohort = build(far, task_named("mortality24"))
    write_triple(cohort, tmp_path)
    assert pl.read_parquet(tmp_path / "outc.parquet").schema == {"stay_id": pl.Int64, "label": pl.Int32}
    assert read_triple(tmp_path, "x", database="plain", kind="classify").stays.equals(cohort.stays)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("dyn", lambda frame: frame.drop("time"), "'time' is missing"),
        ("dyn", lambda frame: pl.concat([frame, frame.head(1)]), "stands twice"),
        ("dyn", lambda frame: frame.with_columns(hr=pl.lit("fast")), "no number"),
        ("dyn", lambda frame: frame.with_columns(time=pl.lit("1h")), "'time' is String"),
        ("dyn", lambda frame: frame.with_columns(time=pl.col("time") + pl.duration(minutes=5)), "whole hours"),
        ("dyn", lambda frame: frame.filter(pl.col("stay_id") > 1), "same stays"),
        ("outc", lambda frame: frame.drop("label"), "'label' is missing"),
        ("sta", lambda frame: frame.with_columns(stay_id=pl.lit("one")), "whole numbers"),
    ],
)
def test_a_damaged_triple_says_what(tmp_path: Path, part: str, change: object, message: str) -> None:
    write_triple(build(records(), task_named("mortality24")), tmp_path)
    change(pl.read_parquet(tmp_path / f"{part}.parquet")).write_parquet(tmp_path / f"{part}.parquet")  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        read_triple(tmp_path, "x", database="plain", kind="classify")


def test_missing_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_triple(tmp_path, "x", database="plain", kind="classify")
    (tmp_path / "dyn.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read"):
        read_triple(tmp_path, "x", database="plain", kind="classify")


GOOD = 'title = "t"\nlabel = "icu_death"\nkind = "classify"\nlabel_is = "one a stay"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "cannot be read"),
        ('title = "t"', "'label' is missing"),
        (GOOD.replace("icu_death", "icu_deth"), "Did you mean 'icu_death'"),
        (GOOD + 'colour = "red"', "colour"),
        (GOOD + "window = { from = 5, until = 2 }", "window"),
        (GOOD + "window = { until = 900 }", "window"),
        (GOOD + "stop_after = -1", "stop_after"),
        (GOOD + '[[criterion]]\nexclude = "aeg"\nbelow = 18', "Did you mean 'age'"),
        (GOOD + '[[criterion]]\nexclude = "age"\nunder = 18', "under"),
        (GOOD + '[[criterion]]\nexclude = "age"', "compared 0 times"),
        (GOOD + '[[criterion]]\nexclude = "age"\nbelow = "old"', "cannot be below"),
        (GOOD + '[[criterion]]\nsay = "x"\nbelow = 3', "includes or excludes"),
        (GOOD + '[rules.yaib]\nhour_rule = "ceil"', "hour_rule"),
        (GOOD + '[rules.mine]\nhour_rule = "floor"', "mine"),
        (GOOD + '[rules.clean]\nhours = "floor"', "hours"),
    ],
)
def test_a_wrong_task_file_says_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(HilumError) as caught:
        read_task(tmp_path / "mine.toml")
    assert message in str(caught.value)


def test_our_task_files() -> None:
    names = sorted(path.stem for path in OUR_COHORTS.glob("*.toml"))
    assert names == ["aki", "kidney_function", "length_of_stay", "mortality24", "sepsis"]
    for name in names:
        assert set(task_named(name).rules) == {"yaib", "clean"}
    with pytest.raises(UsageError, match="Did you mean 'sepsis'"):
        task_named("sepsiss")
    with pytest.raises(UsageError, match="preset"):
        task_named("aki").rules_of("dirty")
    with pytest.raises(UsageError, match="hour_rule"):
        task_named("aki").rules_of("yaib", hour_rul="floor")


def test_include_keeps_those_that_meet_it(tmp_path: Path) -> None:
    (tmp_path / "women.toml").write_text(GOOD + '[[criterion]]\ninclude = "sex"\nis = "Female"\n')
    with pytest.raises(DataError, match="no stay is left"):
        build(records(), read_task(tmp_path / "women.toml"))
    some = records()
    half = replace(
        some,
        stays=some.stays.with_columns(sex=pl.when(pl.col("stay_id") % 2 == 0).then(pl.lit("Female")).otherwise("sex")),
    )
    assert build(half, read_task(tmp_path / "women.toml")).stays["stay_id"].to_list() == list(range(2, 31, 2))


def test_too_few_of_a_class_is_a_sentence() -> None:
    cohort = build(records(), task_named("mortality24"))
    none = replace(cohort, outcome=cohort.outcome.with_columns(label=pl.lit(0.0)))
    assert "0 patients with the event (0 of 27 stays positive)" in unjudgeable(none)
    every = replace(cohort, outcome=cohort.outcome.with_columns(label=pl.lit(1.0)))
    assert "0 patients without the event" in unjudgeable(every)


def test_parts_of_a_cohort_belong_together() -> None:
    cohort: Cohort = build(records(), task_named("mortality24"))
    with pytest.raises(DataError, match="'outcome' and 'stays'"):
        replace(cohort, outcome=cohort.outcome.head(3))


def test_stays_refuse_what_they_are_not() -> None:
    good = stay()
    for bad, message in (
        (good.drop("end"), "'end' is missing"),
        (pl.concat([good, good]), "stands 2 times"),
        (good.with_columns(subject_id=pl.lit(None, pl.Int64)), "no subject_id"),
        (good.with_columns(sex=pl.lit("M")), "the sex is 'M'"),
    ):
        with pytest.raises(DataError, match=message):
            as_stays(bad, where="here")


def test_a_database_that_the_dictionary_does_not_know() -> None:
    with pytest.raises(DataError, match="no code of 'ours'"):
        build(replace(records(), database="ours"), task_named("aki"))
