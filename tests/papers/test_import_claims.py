"""The importer keeps printed digits, refuses doubtful files before it writes, and spares what was written by hand."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "import_claims.py"

PAPER = """
[paper]
title = "A small \\"quoted\\" paper"
authors_n = 2
date = "2024-01-31"
arxiv = "2401.00001"
code = ""
one_line = "Shows the form."
data_access = "open"
"""


def load_tool() -> ModuleType:
    specification = importlib.util.spec_from_file_location("import_claims", TOOL)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


tool = load_tool()


def claim(name: str, **changes: str) -> str:
    """One claim as TOML; `changes` are literals that replace or extend the usual keys."""
    literals = {
        "statement": '"what the paper says"',
        "dataset": '"d"',
        "task": '"t"',
        "model": '"m"',
        "protocol": '"p"',
        "metric": '"auroc"',
        "value": "0.5",
        "unit": '"fraction"',
        "where": '"Table 1"',
        "evidence": '"read"',
    } | changes
    return f'[[claim]]\nid = "{name}"\n' + "".join(f"{key} = {text}\n" for key, text in literals.items()) + "\n"


def import_text(folder: Path, text: str, name: str = "small-paper") -> Path:
    source = folder / "claims"
    source.mkdir(exist_ok=True)
    (source / f"{name}.toml").write_text(text, encoding="utf-8")
    tool.import_folder(source, folder / "papers")
    return folder / "papers" / name.replace("-", "_")


def rows_of(paper: Path) -> dict[str, dict[str, str]]:
    with (paper / "claims.csv").open(encoding="utf-8", newline="") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


@pytest.mark.parametrize("printed", ["0.3142", "0.3350", "1.0", "8.576", "12", "-1.04", "1e-3", "136000.0"])
def test_figures_keep_their_printed_text(tmp_path: Path, printed: str) -> None:
    paper = import_text(tmp_path, PAPER + claim("a", value=printed, spread=printed, spread_kind='"sd"', n="9"))
    row = rows_of(paper)["a"]
    assert (row["value"], row["spread"], row["n"]) == (printed, printed, "9")


def test_missing_keys_become_empty_cells_or_the_stated_default(tmp_path: Path) -> None:
    text = PAPER + claim("a") + claim("b", data_access='"private"', relation='"approx"')
    rows = rows_of(import_text(tmp_path, text))
    assert [rows["a"][key] for key in ("n", "of", "spread", "spread_kind", "note")] == [""] * 5
    assert (rows["a"]["relation"], rows["a"]["data_access"]) == ("eq", "open")
    assert (rows["b"]["relation"], rows["b"]["data_access"]) == ("approx", "private")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "value"),
        ({"relation": '"approx"'}, "value"),
        ({"relation": '"lt"'}, "bound"),
        ({"metric": '"delta-auroc"', "relation": '"gt"'}, "difference"),
        ({"metric": '"rank"', "relation": '"le"'}, "derived"),
        ({"metric": '"p-value"'}, "derived"),
        ({"metric": '"count"', "unit": '"patients"'}, "count"),
        ({"metric": '"count"', "unit": '"patients"', "relation": '"lt"'}, "bound"),
        ({"metric": '"count"', "unit": '"parameters"'}, "cost"),
        ({"metric": '"time-per-step"', "unit": '"ms"', "relation": '"lt"'}, "cost"),
        ({"metric": '"relative-decrease"'}, "arithmetic"),
        ({"metric": '"horizon"', "unit": '"s"', "relation": '"le"'}, "statement"),
    ],
)
def test_kind_follows_from_metric_unit_and_relation(tmp_path: Path, changes: dict[str, str], kind: str) -> None:
    assert rows_of(import_text(tmp_path, PAPER + claim("a", **changes)))["a"]["kind"] == kind


def test_an_override_wins_over_the_rules(tmp_path: Path) -> None:
    text = PAPER + claim("config.visual-pool", metric='"count"', unit='"entries"')
    assert rows_of(import_text(tmp_path, text, "ptunifier"))["config.visual-pool"]["kind"] == "statement"
    assert rows_of(import_text(tmp_path, text, "other"))["config.visual-pool"]["kind"] == "count"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAPER + claim("a") + claim("a"), "duplicate claim id 'a'"),
        (PAPER + claim("a", valeu="1.0"), r"claim 1 \(a\): unknown key 'valeu'"),
        (PAPER + 'doi = "x"\n' + claim("a"), r"\[paper\]: unknown key 'doi'"),
        (PAPER.replace("authors_n = 2\n", ""), "key 'authors_n' is missing"),
        (PAPER + claim("a", value='"0.5"'), "value is '0.5'; write a number without quotes"),
        (PAPER + claim("a", n="9.0"), "n is '9.0'; write a whole number"),
        (PAPER + claim("a", relation='"about"'), "relation 'about' is not one of"),
        (PAPER + claim("a", evidence='"hearsay"'), "evidence 'hearsay' is not one of"),
        (PAPER + "[[claim]\n", "not valid TOML"),
    ],
)
def test_a_doubtful_file_is_refused_and_nothing_is_written(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(tool.ClaimsError, match=message):
        import_text(tmp_path, text)
    assert not (tmp_path / "papers").exists()


def test_a_second_run_changes_nothing_and_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    text = PAPER + claim("a")
    paper = import_text(tmp_path, text)
    first = (paper / "claims.csv").read_bytes()
    card = paper / "paper.toml"
    assert 'title = "A small \\"quoted\\" paper"' in card.read_text(encoding="utf-8")
    by_hand = card.read_text(encoding="utf-8").replace("primary = []", 'primary = ["a"]')
    card.write_text(by_hand, encoding="utf-8")
    import_text(tmp_path, text)
    assert (paper / "claims.csv").read_bytes() == first
    assert card.read_text(encoding="utf-8") == by_hand


def test_advice_and_fold_values_are_carried_over(tmp_path: Path) -> None:
    source = tmp_path / "claims"
    source.mkdir()
    folds = b"fold,auroc\r\n0,0.9100\r\n"
    (source / "guide-folds.csv").write_bytes(folds)
    advice = '[[recommendation]]\nid = "r"\nphase = "choose"\nstatement = "Say why."\nevidence = "abstract"\n'
    paper = import_text(tmp_path, PAPER + advice, "guide")
    assert (paper / "folds.csv").read_bytes() == folds
    assert rows_of(paper) == {}
    assert (paper / "recommendations.csv").read_text() == "id,phase,statement,evidence\nr,choose,Say why.,abstract\n"


def test_the_command_says_what_is_wrong_and_returns_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main([str(tmp_path), "--papers", str(tmp_path / "papers")]) == 2
    assert "holds no claims file" in capsys.readouterr().err


def test_the_command_prints_the_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.toml").write_text(PAPER + claim("a") + claim("b", metric='"rank"'), encoding="utf-8")
    assert tool.main([str(tmp_path), "--papers", str(tmp_path / "papers")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["total", "1", "0", "0", "1", "0", "0", "0", "0", "2"]
