"""Reports of studies: every promised section from the run folder alone, nothing requested, ids salted, restricted data kept back."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from hilum import api
from hilum.core.row import CheckRow, Estimate, Range
from hilum.core.run import RunFolder
from hilum.core.store import read_json, write_json
from hilum.report.chart import standalone
from hilum.report.contents import read_contents
from hilum.report.figures_classify import _PRECISION_RECALL, _ROC, POINTS, averaged_curve
from hilum.report.figures_regress import groups_of_predictions
from hilum.report.flow import flow_of
from hilum.report.groups import groups_of
from hilum.report.numbers import figure, told, told_with_interval
from hilum.report.privacy import Privacy, privacy_of
from hilum.report.probast import OPEN, QUESTIONS, sheet
from hilum.report.tables import Predicted, read_tables
from hilum.report.terminal import render
from hilum.report.view import UNSAID, calls, missing_in_words, part_rows
from hilum.report.write import html_report, markdown_report, write_report
from tests.engine.tables import study
from tests.report.test_report import CHROMIUM, Page, printed

EVIL = "<script>alert(1)</script>"
SECTIONS = ("glance", "asked", "data", "groups", "figures", "choices", "audit", "probast", "origin")


def ran(folder: Path, **settings: object) -> RunFolder:
    """A study with hostile texts, run."""
    path = study(folder, **settings)  # type: ignore[arg-type]
    table = pl.read_csv(folder / "patients.csv").rename({"noise": EVIL})
    table.write_csv(folder / "patients.csv")
    text = (
        path.read_text()
        .replace('"noise"', f'"{EVIL}"')
        .replace('name = "ward"', f'name = "ward"\ntitle = "A {EVIL}"', 1)
    )
    text = text.replace(
        "[audit]",
        f'[use]\nintended = "to see {EVIL}"\n[audit]\nwaive = [{{ code = "HIL013", reason = "known {EVIL}" }}]',
    )
    path.write_text(text)
    result = api.run(str(path), out=folder / "run", executor="inline", jobs=1)
    assert result.failed == 0
    return result.folder


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    tune = "tune = { inverse_penalty = [0.1, 1.0] }"
    return ran(tmp_path_factory.mktemp("classes"), permutations=3, subjects=90, tune=tune)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return ran(tmp_path_factory.mktemp("numbers"), kind="regress", permutations=2, subjects=90, access="private")


@pytest.fixture
def copied(classes: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(classes.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def ids_of(run: RunFolder) -> set[str]:
    frame = pl.concat([pl.read_parquet(path) for path in run.cells.glob("constant*fold0*/split.parquet")])
    return set(frame["item"]) | set(frame["subject"])


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_the_page_is_whole_safe_and_alone(name: str, request: pytest.FixtureRequest) -> None:
    run: RunFolder = request.getfixturevalue(name)
    text = html_report(run)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert not re.search(r"@import|url\(", text)
    assert page.tags["script"] == 1
    assert EVIL not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4  # title, feature, intended use, waiver
    own = ("discrimination", "calibration", "decision") if name == "classes" else ("agreement",)
    for section in (*SECTIONS, *own):
        assert f'<section id="{section}">' in text
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    assert UNSAID in text
    assert "SYNTHETIC DATA" in text
    pictures = re.findall(r'<svg class="figure.*?</svg>', text, re.S)
    assert len(pictures) == (5 if name == "classes" else 3)
    assert all("synthetic data" in picture for picture in pictures)
    assert all("synthetic data" in caption for caption in re.findall(r"<caption>(.*?)</caption>", text))


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_no_id_of_a_person_is_printed(name: str, request: pytest.FixtureRequest) -> None:
    run: RunFolder = request.getfixturevalue(name)
    ids = ids_of(run)
    assert len(ids) > 200
    for text in (html_report(run), markdown_report(run)):
        assert not ids & set(re.findall(r"[\w-]+", text))


def test_a_salt_belongs_to_a_run_and_its_owner(classes: RunFolder, numbers: RunFolder) -> None:
    here, there = (privacy_of(run, run.info()) for run in (classes, numbers))
    assert here.name("p001") == privacy_of(classes, classes.info()).name("p001")
    assert here.name("p001") != there.name("p001")
    assert re.fullmatch(r"[0-9a-f]{8}", here.name("p001"))
    assert stat.S_IMODE(os.stat(classes.path / "salt").st_mode) == 0o600
    assert not here.restricted
    assert there.restricted
    assert privacy_of(classes, classes.info(), identified=True).name("p001") == "p001"


def test_ids_in_sentences_and_proofs() -> None:
    ids = frozenset({"156", "218", "p-001", "nine", "train"})
    open_data, private = (Privacy("00" * 16, ids, restricted, False) for restricted in (False, True))
    a, b, c = (open_data.name(each) for each in ("156", "218", "p-001"))
    assert open_data.text("156 subjects stand in both test and train: 156, 218 and 3 more") == (
        f"156 subjects stand in both test and train: {a}, {b} and 3 more"
    )
    assert open_data.text("record p-001 is odd (156 rows)") == f"record {c} is odd (156 rows)"
    assert open_data.text("record 156 of 218 patients") == f"record {a} of 218 patients"
    assert open_data.text("it is nine") == f"it is {open_data.name('nine')}"
    proof = {"subjects": 156, "examples": ["156", "218"], "rows": {"p-001": {"late": 2}}, "note": "of 'p-001'"}
    assert open_data.proof(proof) == {
        "subjects": 156,
        "examples": [a, b],
        "rows": {c: {"late": 2}},
        "note": f"of '{c}'",
    }
    kept = private.proof(proof)
    assert kept["examples"] == "2 ids withheld"
    assert kept["rows"] == "1 entries about single subjects withheld"
    assert kept["subjects"] == 156
    shown = Privacy("00" * 16, ids, True, True)
    assert shown.proof(proof) is proof
    assert shown.text("of p-001") == "of p-001"
    assert shown.rows_shown
    assert not private.rows_shown
    assert (private.shows(9), private.shows(10), open_data.shows(1), shown.shows(1)) == (False, True, True, True)


def test_private_numbers_show_no_single_record(numbers: RunFolder) -> None:
    text = html_report(numbers)
    assert "Single records may not be shown" in text
    assert "One dot a test record" not in text
    assert "no row of a single subject is on this page" in text
    low = read_json(numbers.path / "run.json")["study"]["features"][0]["low"]
    assert f"({figure(low, 3)} to" not in text  # a smallest value is one person's
    identified = html_report(numbers, identified=True)
    assert "One dot a test record" in identified
    assert "do not pass it on" in identified
    assert "do not pass it on" in markdown_report(numbers, identified=True)


def test_groups_of_predictions_hold_ten_subjects() -> None:
    random = np.random.default_rng(0)
    n = 137
    subject = random.integers(0, 40, n)
    rows = Predicted(random.normal(size=n), random.normal(size=n), subject, np.zeros(n, int), np.zeros(n, int), {})
    groups = groups_of_predictions(rows)
    assert sorted(np.concatenate(groups)) == list(range(n))
    assert all(len(np.unique(subject[group])) >= 10 for group in groups)
    assert groups_of_predictions(rows.take(subject < 9)) == ()


def test_small_groups_of_private_data_are_withheld(copied: RunFolder) -> None:
    for path in copied.cells.glob("*/predictions.parquet"):
        frame = pl.read_parquet(path)
        if frame.height:
            few = pl.col("subject").is_in(["p000", "p001", "p002"])
            mid = pl.col("subject").is_in([f"p{n:03d}" for n in range(10, 25)])
            label = pl.when(few).then(pl.lit("rare")).when(mid).then(pl.lit("some")).otherwise(pl.lit("rest"))
            frame.with_columns(label.alias("group:ward")).write_parquet(path)
    contents = read_contents(copied)
    tables = read_tables(contents)
    assert tables is not None
    privacy = privacy_of(copied, contents.info)
    by_level = {group.level: group for group in groups_of(tables, privacy)}
    assert by_level["rare"].subjects == 3
    assert "3 subjects, 20 are needed" in by_level["rare"].estimate.reason
    assert by_level["rest"].estimate.interval is not None
    private = Privacy(privacy.salt, privacy.ids, True, False)
    kept = {group.level: group for group in groups_of(tables, private)}
    assert (kept["rare"].subjects, kept["rare"].records, kept["rare"].events) == (None, None, None)
    assert "fewer than 10 subjects" in kept["rare"].estimate.reason
    assert kept["some"].subjects == 15


def test_subgroup_figures_are_the_metric_of_their_rows(classes: RunFolder) -> None:
    contents = read_contents(classes)
    tables = read_tables(contents)
    assert tables is not None
    assert tables.best is not None
    frame = pl.concat([pl.read_parquet(cell.predictions) for cell in tables.best.tested])
    assert {group.column for group in groups_of(tables, privacy_of(classes, contents.info))} == {"ward"}
    for group in groups_of(tables, privacy_of(classes, contents.info)):
        own = frame.filter(pl.col("group:ward") == group.level)
        assert (group.records, group.subjects) == (own.height, own["subject"].n_unique())
        assert group.events == own["target"].sum()
        folds = [roc_auc_score(part["target"], part["p:1"]) for part in own.partition_by("fold")]
        assert group.estimate.value == pytest.approx(np.mean(folds))


@pytest.mark.parametrize(("how", "oracle"), [(_ROC, roc_auc_score), (_PRECISION_RECALL, average_precision_score)])
def test_the_area_under_an_averaged_curve_is_the_printed_figure(how, oracle) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(3)
    n, folds = 6000, 3
    group = random.integers(0, folds, n)
    target = (random.random(n) < 0.3).astype(float)
    score = np.round(target + group + random.normal(size=n), 2)  # every fold on its own scale, with ties
    line = averaged_curve(target, score, group, how.curve, np.ones(n))
    mean = np.mean([oracle(target[group == k], score[group == k]) for k in range(folds)])
    assert np.trapezoid(line, POINTS) == pytest.approx(mean, abs=0.004)
    # a row that counts twice is a row that stands there twice
    twice = random.integers(0, 3, n)
    again = np.repeat(np.arange(n), twice)
    repeated = averaged_curve(target[again], score[again], group[again], how.curve, np.ones(len(again)))
    np.testing.assert_allclose(
        averaged_curve(target, score, group, how.curve, twice.astype(float)), repeated, atol=1e-9
    )
    one_class = averaged_curve(np.zeros(n), score, group, how.curve, np.ones(n))
    assert np.isnan(one_class).all()


def test_flow_and_parts_add_up(copied: RunFolder) -> None:
    info = copied.info()
    info["study"]["attrition"] = [
        {"why": f"no {EVIL} at all, and a long sentence about it", "records": 12},
        {"why": "b", "records": 3},
    ]
    write_json(copied.path / "run.json", info)
    contents = read_contents(copied)
    tables = read_tables(contents)
    assert tables is not None
    flow = flow_of(tables)
    assert flow is not None
    assert flow.start - 15 == 180 == info["study"]["records"]
    assert flow.folds == 3
    text = html_report(copied)
    assert "Excluded: 12 records" in text
    assert EVIL not in text
    assert "excluded: 12 records" in markdown_report(copied)
    head, rows = part_rows(tables)
    assert len(rows) == 1 + 3 * 2
    tested = [row for row in rows if row[1] == "test"]
    for column in (2, 3, 4, 5):
        assert sum(int(row[column]) for row in tested) == int(rows[0][column]), head[column]


def test_missing_values_in_words(copied: RunFolder) -> None:
    info = copied.info()
    tables = read_tables(read_contents(copied))
    assert tables is not None
    assert missing_in_words(tables).startswith("None of the 3 features")
    info["study"]["features"][1]["missing"] = 0.25
    write_json(copied.path / "run.json", info)
    tables = read_tables(read_contents(copied))
    assert tables is not None
    assert "most of all <script>alert(1)</script> (25 %)" in missing_in_words(tables)
    assert "the median of train" in missing_in_words(tables)


def test_a_waiver_is_shown_and_restores_nothing(copied: RunFolder) -> None:
    checks = [CheckRow.from_json(check) for check in read_json(copied.path / "checks.json")]
    failed = [
        CheckRow(**{**check.to_json(), "status": "fail"}) if check.code == "HIL013" else check for check in checks
    ]
    write_json(copied.path / "checks.json", [check.to_json() for check in failed])
    text = html_report(copied)
    assert "Waived by the author, and still failed: known" in text
    assert re.search(r'HIL013</strong>.*?<span class="v answer fail">fail</span>', text, re.S)
    assert "waived by the author, and still failed" in markdown_report(copied)
    assert "restores nothing" in printed(render(read_contents(copied)), 80)


def test_an_undefined_figure_is_a_dash_with_its_reason(copied: RunFolder) -> None:
    lines = read_json(copied.path / "results.json")
    for line in lines:
        if line["metric"] == "auprc" and line["arm"] == "logistic regression":
            line["estimate"] |= {"value": None, "interval": None, "reason": "no positive row, by hand"}
        if line["metric"] in {"kappa", "f1"}:
            line["estimate"] |= {"value": None, "interval": None, "reason": "nowhere"}
        if line["metric"] == "brier":
            line["estimate"] |= {"interval": None, "reason": "too few by hand"}
    write_json(copied.path / "results.json", lines)
    text = html_report(copied)
    assert '-<small class="spread why">no positive row, by hand</small>' in text
    assert "No interval: too few by hand" in text
    assert "- (no positive row, by hand)" in markdown_report(copied)
    for said in (text, markdown_report(copied)):
        assert "Undefined for every model: F1, Cohen" in said
        assert "(nowhere)" in said


def test_calls_are_counted_and_small_counts_kept_back(classes: RunFolder) -> None:
    tables = read_tables(read_contents(classes))
    assert tables is not None
    assert tables.best is not None
    frame = pl.concat([pl.read_parquet(cell.predictions) for cell in tables.best.tested])
    expected = confusion_matrix(frame["target"], (frame["p:1"] >= 0.5).cast(pl.Int8))
    shown = calls(tables, small=True)
    assert [row[0] for row in shown] == ["no", "yes"]
    assert [[int(text) for text in row[1:]] for row in shown] == expected.tolist()
    kept = calls(tables, small=False)
    for line, row in zip(expected.tolist(), kept, strict=True):
        assert row[1:] == [str(n) if n >= 10 or n == 0 else "fewer than 10" for n in line]


def test_three_classes_have_a_page(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    n = 120
    x = random.normal(size=n)
    level = np.digitize(x + 0.7 * random.normal(size=n), [-0.6, 0.6])
    frame = {"patient": [f"p{i}" for i in range(n)], "x": x, "grade": np.array(["mild", "moderate", "severe"])[level]}
    pl.DataFrame(frame).write_csv(tmp_path / "table.csv")
    (tmp_path / "study.toml").write_text(
        'name = "grades"\nkind = "classify"\n[data]\ntable = "table.csv"\ntarget = "grade"\nsubject = "patient"\n'
        'features = ["x"]\n[split]\nrule = "hold-out"\n[audit]\npermutations = 0\n[[model]]\nname = "logistic_regression"\n'
    )
    run = api.run(str(tmp_path / "study.toml"), out=tmp_path / "run", executor="inline", jobs=1).folder
    text = html_report(run)
    assert "ROC curve of each class" in text or "ROC curves of logistic regression" in text
    assert "Undefined for every model" in text
    assert "called severe" in text
    assert 'id="calibration"' not in text
    assert "synthetic" not in text.partition("<body>")[2].partition("<script>")[0].lower()
    assert "AUROC, macro" in markdown_report(run)
    assert max(map(len, printed(render(read_contents(run), width=80), 80).splitlines())) <= 80


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
@pytest.mark.parametrize("width", [360, 1280])
def test_a_study_in_a_browser(classes: RunFolder, width: int) -> None:
    from playwright.sync_api import sync_playwright

    path = write_report(classes).resolve()
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
    ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": width, "height": 800})
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for picture in page.locator("svg.figure").all():
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] <= width
            # no text of a picture leaves it
            assert picture.evaluate(
                "svg => { const edge = svg.getBoundingClientRect(); return [...svg.querySelectorAll('text')].every(t =>"
                " { const b = t.getBoundingClientRect(); return b.left >= edge.left - 1 && b.right <= edge.right + 1; }); }"
            )
        page.evaluate("location.hash = '#check-HIL001'")  # a passed check lies folded away
        page.wait_for_timeout(100)
        assert page.locator("#check-HIL001").is_visible()
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 718, "height": 900})  # A4 within its margins
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
        browser.close()
    assert set(asked) == {path.as_uri()}
    assert errors == []


def test_the_sheet_never_judges(classes: RunFolder, copied: RunFolder) -> None:
    assert len(QUESTIONS) == 20
    assert [sum(q.number.startswith(domain) for q in QUESTIONS) for domain in "1234"] == [2, 3, 6, 9]
    every = [
        CheckRow(f"HIL{n:03d}", "t", "note", "finding", "data", "the data", "", "pass", "fine") for n in range(1, 23)
    ]
    write_json(copied.path / "checks.json", [check.to_json() for check in every])
    for run in (classes, copied):
        for text in (html_report(run), markdown_report(run)):
            assert not re.search(r"compliant|complies|low risk|high risk|risk of bias", text, re.I)
            assert text.count(OPEN) >= 10
    contents = read_contents(copied)
    answers = {answer.question.number: answer for answer in sheet(contents, read_tables(contents))}
    assert not answers["2.3"].human
    assert not answers["4.8"].human
    assert all(answers[number].human for number in ("1.1", "1.2", "2.2", "3.1", "3.3", "3.5", "4.1", "4.6"))
    assert "180" in answers["4.3"].facts
    failed = [CheckRow(**{**check.to_json(), "status": "fail"}) for check in every]
    write_json(copied.path / "checks.json", [check.to_json() for check in failed])
    contents = read_contents(copied)
    answers = {answer.question.number: answer for answer in sheet(contents, None)}
    assert not answers["3.3"].human
    assert answers["1.1"].human
    assert answers["4.3"].facts == ""


def test_permuted_labels_stand_beside_the_figure(classes: RunFolder) -> None:
    contents = read_contents(classes)
    tables = read_tables(contents)
    assert tables is not None
    assert tables.best is not None
    frame = pl.concat([pl.read_parquet(cell.scores) for cell in tables.best.controls])
    expected = [
        np.mean([roc_auc_score(fold["target"], fold["p:1"]) for fold in seed.partition_by("fold")])
        for seed in frame.partition_by("seed", maintain_order=True)
    ]
    assert sorted(tables.best.permuted(tables.leading)) == pytest.approx(sorted(expected))
    assert "3 permutations" in html_report(classes)


def test_choices_are_told_fold_by_fold(classes: RunFolder) -> None:
    text = html_report(classes)
    assert "inverse_penalty: 0.1, 1.0" in text
    assert re.search(r"inverse_penalty [\d.]+ in .*fold \d", text)
    assert "every candidate, scored inside train" in text


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_the_terminal_fits_and_leads(name: str, request: pytest.FixtureRequest) -> None:
    contents = read_contents(request.getfixturevalue(name))
    text = printed(render(contents, width=80), 80)
    assert max(map(len, text.splitlines())) <= 80
    said = " ".join(text.split())
    assert "against" in said
    assert "constant prediction" in said
    assert "SYNTHETIC data: every model" in said
    assert ("AUROC" if name == "classes" else "MAE") in said


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_markdown_is_tables_and_harmless(name: str, request: pytest.FixtureRequest) -> None:
    text = markdown_report(request.getfixturevalue(name))
    assert EVIL not in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1
    for words in ("What was asked", "Data", "Every metric", "permuted labels", "Subgroups", "Audit", "PROBAST", UNSAID):
        assert words in text


def test_pictures_are_files_of_their_own(classes: RunFolder) -> None:
    from xml.etree import ElementTree

    write_report(classes)
    found = {path.stem: path.read_text() for path in (classes.path / "figures").glob("*.svg")}
    assert set(found) == {"flow", "roc", "precision-recall", "calibration", "decision"}
    for text in found.values():
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert "synthetic data" in text
    assert "<style>" in standalone('<svg class="figure"></svg>')


def test_many_rows_make_no_million_dots(copied: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from hilum.report import figures_classify

    monkeypatch.setattr(figures_classify, "MOST_ROWS", 100)
    assert "Drawn from 100 of 180 predictions, chosen at random" in html_report(copied)


def test_predictions_that_are_not_finite_are_counted(copied: RunFolder) -> None:
    found = copied.cells.glob("logistic-regression-*fold0*/predictions.parquet")
    path = next(path for path in found if "permuted" not in path.parent.name)
    frame = pl.read_parquet(path)
    broken = pl.when(pl.int_range(pl.len()) == 0).then(float("nan"))
    frame.with_columns(broken.otherwise(pl.col(name)).alias(name) for name in ("p:0", "p:1")).write_parquet(path)
    assert "1 predictions are not finite and are not drawn" in html_report(copied)


def test_figures_as_text() -> None:
    estimate = Estimate(0.95934, Range(0.9372, 0.9756, "t", 9))
    assert told_with_interval(estimate, "1") == "0.959 (0.937 to 0.976)"
    assert told(-0.00001, "1") == "0.000"
    assert told(1234.6, "mm") == "1235"
    assert told(None, "1") == "-"
    assert figure(3e-17) == "0"
    assert figure(3e-8) == "3.0e-08"


def test_it_is_quick(classes: RunFolder) -> None:
    html_report(classes)  # whatever is compiled or loaded once
    began = time.perf_counter()
    html_report(classes)
    assert time.perf_counter() - began < 5.0


def test_a_run_without_a_finished_cell_still_has_a_page(copied: RunFolder) -> None:
    for done in copied.cells.glob("*/DONE"):
        done.unlink()
    info = copied.info()
    for cell in info["cells"]:
        cell["status"], cell["reason"] = "failed", f"broken {EVIL}"
    write_json(copied.path / "run.json", info)
    for name in ("results.json", "checks.json"):
        write_json(copied.path / name, [])
    text = html_report(copied)
    assert EVIL not in text
    assert "Cells that are not there" in text
    json.dumps(info)
    assert markdown_report(copied)
