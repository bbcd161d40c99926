"""Every paper folder is complete: its card, its claims and a README that says what is known and what is not built."""

from __future__ import annotations

import csv
import math
import tomllib
from collections import Counter
from pathlib import Path

import pytest

PAPERS = Path(__file__).resolve().parents[2] / "src" / "hilum" / "papers"
FOLDERS = sorted(path for path in PAPERS.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))

PAPER_COUNT = 28
CLAIM_COUNT = 7572
COLUMNS = [
    *("id", "kind", "metric", "value", "unit", "relation", "dataset", "task", "model", "protocol", "statement"),
    *("n", "of", "spread", "spread_kind", "evidence", "where", "data_access", "note"),
]
KINDS = {"value", "bound", "difference", "derived", "count", "arithmetic", "cost", "statement"}
RELATIONS = {"eq", "le", "ge", "lt", "gt", "approx"}
EVIDENCE = {"read", "abstract", "memory"}
ACCESS = {"open", "open-demo", "registration", "credentialed", "private"}
PAPER_KEYS = {
    "name",
    "title",
    "authors_n",
    "date",
    "arxiv",
    "code",
    "one_line",
    "data_access",
    "modality",
    "primary",
    "cite",
}

every_paper = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def read_claims(folder: Path) -> list[dict[str, str]]:
    with (folder / "claims.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_paper(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "paper.toml").read_text(encoding="utf-8"))


def test_all_papers_and_all_claims_are_there() -> None:
    assert len(FOLDERS) == PAPER_COUNT
    assert sum(len(read_claims(folder)) for folder in FOLDERS) == CLAIM_COUNT


@every_paper
def test_folder_holds_card_claims_and_readme(folder: Path) -> None:
    missing = [name for name in ("paper.toml", "claims.csv", "README.md") if not (folder / name).is_file()]
    assert not missing


@every_paper
def test_columns_are_the_agreed_ones_in_order(folder: Path) -> None:
    with (folder / "claims.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == COLUMNS


@every_paper
def test_every_claim_is_valid(folder: Path) -> None:
    for claim in read_claims(folder):
        where = claim["id"]
        assert claim["kind"] in KINDS, where
        assert claim["relation"] in RELATIONS, where
        assert claim["evidence"] in EVIDENCE, where
        assert claim["data_access"] in ACCESS, where
        assert math.isfinite(float(claim["value"])), where
        assert claim["spread"] == "" or float(claim["spread"]) >= 0, where
        assert (claim["spread"] == "") == (claim["spread_kind"] == ""), where
        assert all(claim[column] == "" or int(claim[column]) > 0 for column in ("n", "of")), where
        assert all(claim[column] for column in ("id", "metric", "unit", "statement", "where")), where


@every_paper
def test_ids_are_unique(folder: Path) -> None:
    times = Counter(claim["id"] for claim in read_claims(folder))
    assert [name for name, count in times.items() if count > 1] == []


@every_paper
def test_a_one_sided_statement_is_never_judged_as_a_value_or_a_count(folder: Path) -> None:
    one_sided = {"lt", "le", "gt", "ge"}
    wrong = [c["id"] for c in read_claims(folder) if c["relation"] in one_sided and c["kind"] in {"value", "count"}]
    assert wrong == []


@every_paper
def test_contrasts_of_two_methods_are_differences(folder: Path) -> None:
    contrasts = [claim for claim in read_claims(folder) if claim["metric"].startswith("delta-")]
    wrong = [claim["id"] for claim in contrasts if claim["kind"] not in {"difference", "arithmetic"}]
    assert wrong == []


@every_paper
def test_card_is_complete_and_its_primary_claims_exist(folder: Path) -> None:
    paper = read_paper(folder)
    assert set(paper) >= PAPER_KEYS
    assert paper["name"] == folder.name.replace("_", "-")
    assert paper["modality"], "modality is filled by hand after the import"
    assert paper["cite"], "a paper can be cited"
    assert paper["data_access"] in ACCESS
    evidence = {claim["id"]: claim["evidence"] for claim in read_claims(folder)}
    primary = paper["primary"]
    assert isinstance(primary, list)
    assert len(primary) == len(set(primary)) <= 5
    assert set(primary) <= set(evidence)
    assert all(evidence[name] != "memory" for name in primary), "what is from memory earns no verdict"
    assert bool(primary) == bool(evidence), "a paper with claims has a headline"


@every_paper
def test_readme_names_the_paper_and_its_status(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    paper = read_paper(folder)
    assert str(paper["name"]) in text or str(paper["title"]) in text
    assert len(text.splitlines()) >= 12
    assert len(text.split()) >= 150
    assert "Status: " in text


@every_paper
def test_readme_states_the_number_of_claims_and_what_is_from_memory(folder: Path) -> None:
    text = " ".join((folder / "README.md").read_text(encoding="utf-8").split())
    claims = read_claims(folder)
    assert f"{len(claims)} claims" in text
    from_memory = sum(claim["evidence"] == "memory" for claim in claims)
    assert from_memory == 0 or f"{from_memory} from memory" in text


def test_fold_values_of_the_covid_table_are_there() -> None:
    with (PAPERS / "covid_ehr" / "folds.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 1500
    assert {row["fold"] for row in rows} >= {str(fold) for fold in range(10)}


def test_the_primer_gives_recommendations_and_no_claims() -> None:
    with (PAPERS / "llm_primer" / "recommendations.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert read_claims(PAPERS / "llm_primer") == []
    assert len({row["id"] for row in rows}) == len(rows) > 0
    assert list(rows[0]) == ["id", "phase", "statement", "evidence"]
