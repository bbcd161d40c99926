"""The second door, from the command line: a table becomes an honest evaluation, and every fault gets an answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.engine.tables import patients, study, write_csv

ENVIRONMENT = {**os.environ, "COLUMNS": "100"}


def hilum(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hilum", *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stored quick run of a study."""
    folder = tmp_path_factory.mktemp("study")
    study(folder / "ward", permutations=20)
    done = hilum("run", "ward/study.toml", "--jobs", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "logistic regression" in done.stdout
    return folder


def results(folder: Path, name: str = "ward") -> dict[str, dict[str, object]]:
    lines = json.loads((folder / "runs" / name / "results.json").read_text())
    return {line["arm"]: line["estimate"] for line in lines if line["metric"] in {"auroc", "mae"}}


def test_a_study_beats_the_constant_and_says_so(ran: Path) -> None:
    found = results(ran)
    assert found["constant prediction"]["value"] == pytest.approx(0.5)
    model = found["logistic regression"]
    assert model["value"] > 0.7  # type: ignore[operator]
    assert model["interval"]["low"] > 0.5  # type: ignore[index]
    checks = json.loads((ran / "runs" / "ward" / "checks.json").read_text())
    said = {(c["code"], c["arm"]): c["status"] for c in checks}
    assert said["HIL008", "logistic regression"] == "pass"
    assert said["HIL016", "logistic regression"] == "pass"
    assert said["HIL006", "logistic regression"] == said["HIL017", "logistic regression"] == "pass"
    assert said["HIL001", "the data"] == "pass" if ("HIL001", "the data") in said else True
    assert len({code for code, _ in said}) == 22


def test_running_again_keeps_every_cell(ran: Path) -> None:
    done = hilum("run", "ward/study.toml", "--jobs", "1", cwd=ran)
    assert done.returncode == 0
    assert "0 cells to run" in done.stderr


def test_compare_is_paired_by_subject(ran: Path) -> None:
    done = hilum("compare", "ward", "--arm", "logistic", "--against", "constant", "--json", cwd=ran)
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(done.stdout)
    assert line["records"] == 120
    assert line["answer"] == "logistic regression is better"
    assert line["interval"]["n"] == 60
    assert hilum("compare", "ward", "--arm", "forest", "--against", "constant", cwd=ran).returncode == 2


def test_predict_gives_what_the_stored_model_says_and_warns(ran: Path) -> None:
    new = patients(seed=5, subjects=10, each=1)
    path = write_csv(new, ran / "new.csv")
    frame = pl.read_csv(path).with_columns(
        pl.when(pl.col("record") == "r0003").then(99.0).otherwise(pl.col("x")).alias("x")
    )
    frame.drop("event", "patient").write_csv(path)
    done = hilum("predict", "ward", "new.csv", "--out", "out.csv", "--json", cwd=ran)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model"] == "logistic regression"
    assert len(found["records"]) == 10
    far = next(record for record in found["records"] if record["item"] == "r0003")
    assert far["far"]
    assert far["warnings"] == 1
    assert "above train's" in found["warnings"][0]["text"]
    assert found["synthetic"]
    assert pl.read_csv(ran / "out.csv").height == 10


def test_predict_refuses_what_it_cannot_use(ran: Path) -> None:
    pl.DataFrame({"x": [1.0], "ward": ["east"]}).write_csv(ran / "short.csv")
    done = hilum("predict", "ward", "short.csv", cwd=ran)
    assert done.returncode == 3
    assert "'noise'" in done.stderr
    assert "short.csv" in done.stderr


def test_a_number_is_predicted_too(tmp_path: Path) -> None:
    study(tmp_path / "stay", kind="regress", tune="tune = { penalty = [0.1, 10.0] }")
    done = hilum("run", "stay/study.toml", "--preset", "smoke", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = results(tmp_path)
    assert found["ridge linear"]["value"] < found["constant prediction"]["value"]  # type: ignore[operator]


def test_the_same_bits_from_shuffled_rows(tmp_path: Path) -> None:
    for name in ("a", "b"):
        study(tmp_path / name)
    path = tmp_path / "b" / "patients.csv"
    pl.read_csv(path).sample(fraction=1.0, shuffle=True, seed=3).write_csv(path)
    for name in ("a", "b"):
        done = hilum(
            "run", f"{name}/study.toml", "--jobs", "1", "--out", f"runs/{name}", "--preset", "smoke", cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
    assert results(tmp_path, "a") == results(tmp_path, "b")


def test_audit_ends_with_four_where_a_check_fails(tmp_path: Path) -> None:
    table = patients()
    path = write_csv(table, tmp_path / "t.csv")
    by_record = pl.read_csv(path).with_columns(
        pl.Series("fold", ["train" if n % 2 else "test" for n in range(table.height)])
    )
    by_record.write_csv(path)
    options = ("--id", "record", "--subject", "patient", "--target", "event", "--split", "fold")
    done = hilum("audit", "t.csv", *options, cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "60 subjects" in done.stdout.replace("\n", " ")
    assert "HIL001, for example: p000, p001" in done.stdout
    honest = by_record.with_columns(
        pl.when(pl.col("patient").str.slice(1).cast(pl.Int32) % 3 == 0)
        .then(pl.lit("test"))
        .otherwise(pl.lit("train"))
        .alias("fold")
    )
    honest.write_csv(path)
    done = hilum("audit", "t.csv", *options, "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert [row["code"] for row in rows if row["status"] == "fail"] == []
    assert done.returncode == 0


def test_new_study_writes_a_file_that_runs(tmp_path: Path) -> None:
    write_csv(patients(), tmp_path / "mine.csv")
    done = hilum(
        "new", "study", "first", "--table", "mine.csv", "--target", "event", "--subject", "patient", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert hilum("new", "study", "first", "--table", "mine.csv", cwd=tmp_path).returncode == 2
    done = hilum("run", "first", "--preset", "smoke", "--models", "logistic_regression", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_dates_numbers_and_marks_of_other_editors_are_taken(tmp_path: Path) -> None:
    """A date as cut, a number as class, a byte order mark and Windows line ends."""
    folder = tmp_path / "ward"
    study(folder)
    frame = pl.read_csv(folder / "patients.csv").with_columns(
        pl.col("event").replace_strict({"no": 0, "yes": 1}),
        pl.format("2020-{}-15", pl.int_range(pl.len()) % 9 + 1).alias("seen"),
    )
    frame.write_csv(folder / "patients.csv")
    _edit(folder, 'positive = "yes"', 'positive = 1\ntime = "seen"')
    _edit(folder, "folds = 3", 'rule = "time"\ncut = 2020-05-01')
    path = folder / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    done = hilum("run", "ward/study.toml", "--preset", "smoke", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = pl.concat([pl.read_parquet(p) for p in (tmp_path / "runs/ward/cells").glob("*fold0*/predictions.parquet")])
    assert rows["time"].min() >= 1588291200.0  # type: ignore[operator]  # 1 May 2020, UTC


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _frame(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "patients.csv", infer_schema=False)


def _put(folder: Path, frame: pl.DataFrame) -> None:
    frame.write_csv(folder / "patients.csv")


def _twice(folder: Path) -> None:
    _put(folder, pl.concat([_frame(folder), _frame(folder)[1:2]]))


def _cell(folder: Path, column: str, value: str | None) -> None:
    values = _frame(folder)[column].to_list()
    values[1] = value
    _put(folder, _frame(folder).with_columns(pl.Series(column, values)))


def _blank(folder: Path, column: str) -> None:
    _cell(folder, column, None)


def _set(folder: Path, column: str, value: str) -> None:
    _put(folder, _frame(folder).with_columns(pl.lit(value).alias(column)))


def _lonely(folder: Path) -> None:
    frame = _frame(folder)
    _put(
        folder,
        frame.with_columns(
            pl.when(pl.col("patient") == "p003").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("event")
        ),
    )


FAULTS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "a wrong column": (lambda f: _edit(f, 'target = "event"', 'target = "evnt"'), ("evnt", "event", "patients.csv")),
    "a wrong section": (lambda f: _edit(f, "[split]", "[spilt]"), ("spilt", "split", "study.toml")),
    "a wrong setting": (lambda f: _edit(f, "folds = 3", "fold = 3"), ("fold", "folds", "[split]")),
    "a wrong model": (lambda f: _edit(f, "logistic_regression", "logistic_regresion"), ("logistic_regression",)),
    "no table": (lambda f: (f / "patients.csv").unlink(), ("patients.csv",)),
    "a duplicated id": (_twice, ("r0001", "row")),
    "a subject without a label": (lambda f: _blank(f, "event"), ("event", "row 3")),
    "a record without a subject": (lambda f: _blank(f, "patient"), ("patient", "row 3")),
    "a constant target": (lambda f: _set(f, "event", "yes"), ("event",)),
    "a class with one subject": (_lonely, ("event",)),
    "text where numbers stand": (lambda f: _cell(f, "x", "high"), ("'x'", "high", "row 3")),
    "folds in words": (
        lambda f: _edit(f, "folds = 3", 'folds = "three"'),
        ("[split]", "folds is 'three'", "a whole number"),
    ),
    "half a fold": (lambda f: _edit(f, "folds = 3", "folds = 3.5"), ("folds is 3.5",)),
    "no inner folds": (lambda f: _edit(f, "folds = 3", "folds = 3\ninner_folds = 0"), ("inner_folds is 0",)),
    "a metric that is none": (lambda f: _edit(f, "folds = 3", 'folds = 3\ntune_by = "aurok"'), ("aurok", "auroc")),
    "a name that leaves the folder": (
        lambda f: _edit(f, 'name = "ward"', 'name = "../../ward"'),
        ("../../ward", "folder"),
    ),
    "the same model twice": (
        lambda f: _edit(f, "[[model]]", '[[model]]\nname = "logistic_regression"\ntitle = "twin"\n[[model]]'),
        ("twin", "the same model"),
    ),
    "a metric without a better way": (
        lambda f: _edit(f, "folds = 3", 'folds = 3\ntune_by = "calibration-slope"'),
        ("neither way is better",),
    ),
    "a setting in words": (
        lambda f: _edit(f, "[[model]]", '[[model]]\ninverse_penalty = "low"'),
        ("inverse_penalty is 'low'", "[[model]] 1"),
    ),
    "a candidate in words": (
        lambda f: _edit(f, "[[model]]", '[[model]]\ntune = { inverse_penalty = [1.0, "low"] }'),
        ("inverse_penalty is 'low'", "tune"),
    ),
    "more folds than subjects": (lambda f: _edit(f, "folds = 3", "folds = 99"), ("60 subjects", "99 folds")),
    "a file in the wrong encoding": (
        lambda f: (f / "patients.csv").write_bytes((f / "patients.csv").read_bytes().replace(b"east", b"\xe9st")),
        ("patients.csv", "UTF-8"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_gets_an_answer(fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "ward"
    study(folder)
    spoil, words = FAULTS[fault]
    spoil(folder)
    done = hilum("run", "ward/study.toml", "--preset", "smoke", "--jobs", "1", cwd=tmp_path)
    assert done.returncode in {2, 3}, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_constant_is_beaten_by_nobody_where_folds_lack_a_class(tmp_path: Path) -> None:
    """Each subject a fold of its own: pooled, a constant would rank against the outcome and anything would beat it."""
    folder = tmp_path / "ward"
    study(folder, subjects=24, each=1, effect=0.0)
    _edit(folder, "folds = 3", "folds = 24")
    done = hilum("run", "ward/study.toml", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path)["constant prediction"]["value"] is None
    checks = json.loads((tmp_path / "runs" / "ward" / "checks.json").read_text())
    (found,) = [c for c in checks if c["code"] == "HIL008" and c["arm"] == "logistic regression"]
    assert found["status"] == "cannot tell"
    assert "lack a class" in found["message"]
