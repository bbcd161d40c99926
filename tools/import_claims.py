"""Turn a folder of claims TOML files into the data files of the paper folders.

Each `<slug>.toml` holds one paper and its published figures. For it this tool writes, in the paper's folder under
`src/hilum/papers/` (the slug, with `_` for `-`):

- `claims.csv`, always: one row a published figure. Figures keep the text they have in the TOML file, digit for digit,
  because half a unit of the last digit is part of a verdict's margin;
- `recommendations.csv`, for a paper that gives advice instead of figures;
- `folds.csv`, an unchanged copy of `<slug>-folds.csv` where that file stands beside the TOML file;
- `paper.toml`, only if absent: its `one_line`, `modality`, `primary` and `cite` are then edited by hand, and a later
  run leaves the file as it is.

Run: `python tools/import_claims.py ../shared/claims`. A second run changes nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from hilum.core.claim import COLUMNS as CLAIM_COLUMNS
from hilum.core.claim import Evidence, Kind, Relation

PAPERS_FOLDER: Final = Path(__file__).resolve().parents[1] / "src" / "hilum" / "papers"

RECOMMENDATION_COLUMNS: Final = ("id", "phase", "statement", "evidence")

KINDS: Final = get_args(Kind)
RELATIONS: Final = frozenset(get_args(Relation))
EVIDENCE: Final = frozenset(get_args(Evidence))

FIGURE_KEYS: Final = frozenset({"value", "spread"})
WHOLE_NUMBER_KEYS: Final = frozenset({"n", "of"})
CLAIM_KEYS: Final = frozenset(CLAIM_COLUMNS) - {"kind"}
REQUIRED_CLAIM_KEYS: Final = CLAIM_KEYS - {"relation", "n", "of", "spread", "spread_kind", "data_access", "note"}
PAPER_KEYS: Final = frozenset({"title", "authors_n", "date", "arxiv", "code", "one_line", "data_access"})

# Kinds that follow from the metric alone, whatever the relation.
KIND_OF_METRIC: Final[Mapping[str, str]] = {
    # recomputed inside each resample from other figures of the same run
    "cohen-d": "derived",
    "effect-ratio": "derived",
    "kendall-tau": "derived",
    "mean-reciprocal-rank": "derived",
    "p-value": "derived",
    "rank": "derived",
    "ratio": "derived",
    "wins": "derived",
    # recomputed from figures that the paper itself prints
    "delta-es-relative": "arithmetic",
    "mean-score": "arithmetic",
    "relative-decrease": "arithmetic",
    # depends on the machine
    "time-per-step": "cost",
    # set-up facts and definitions
    "description": "statement",
    "horizon": "statement",
    "nsd-tolerance": "statement",
}

# Claims for which the rules would be wrong: (paper, claim id) -> kind.
KIND_OVERRIDES: Final[Mapping[tuple[str, str], str]] = {
    # 670 checkpoints over 100 tasks; 21 million waveforms of 30 s in hours: both follow from printed figures
    ("physicianbench", "checkpoints.per-task"): "arithmetic",
    ("qualityfm", "hours.consistency"): "arithmetic",
    # pool sizes are settings of the model, not something that is counted
    ("ptunifier", "config.visual-pool"): "statement",
    ("ptunifier", "config.textual-pool"): "statement",
    ("ptunifier", "config.visual-picked"): "statement",
    ("ptunifier", "config.textual-picked"): "statement",
}


class ClaimsError(ValueError):
    """A claims file that cannot be imported; the message names the file, the claim and what to change."""


class Figure(str):
    """The text of a TOML float, kept so that `0.3350` does not become `0.335`."""


def kind_of(paper: str, claim: Mapping[str, Any]) -> str:
    """Return how a claim is judged: one of `KINDS`.

    The order matters. An override comes first, then the metrics whose nature is fixed, then parameter counts (a cost),
    paired contrasts (`delta-...`), one-sided statements, and counts. All that is left is a value. A rounded figure
    (`approx`) stays what it is: the relation column tells that it is rounded.
    """
    metric = claim["metric"]
    if (paper, claim["id"]) in KIND_OVERRIDES:
        return KIND_OVERRIDES[paper, claim["id"]]
    if metric in KIND_OF_METRIC:
        return KIND_OF_METRIC[metric]
    if claim["unit"] == "parameters":
        return "cost"
    if metric.startswith("delta-"):
        return "difference"
    if claim.get("relation", "eq") in {"lt", "le", "gt", "ge"}:
        return "bound"
    return "count" if metric == "count" else "value"


def read_claims_file(path: Path) -> dict[str, Any]:
    """Read one claims file and check its keys; floats stay `Figure`, that is, text.

    Raises `ClaimsError` on TOML that cannot be parsed, on unknown or missing keys, and on duplicate ids.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Figure)
    except tomllib.TOMLDecodeError as error:
        raise ClaimsError(f"{path}: not valid TOML: {error}") from error
    _check_keys(f"{path}", document, {"paper", "claim", "recommendation"}, {"paper"})
    _check_keys(f"{path}: [paper]", document["paper"], PAPER_KEYS, PAPER_KEYS)
    for table, known, required in (
        ("claim", CLAIM_KEYS, REQUIRED_CLAIM_KEYS),
        ("recommendation", frozenset(RECOMMENDATION_COLUMNS), frozenset(RECOMMENDATION_COLUMNS)),
    ):
        entries = document.setdefault(table, [])
        for number, entry in enumerate(entries, start=1):
            _check_keys(f"{path}: {table} {number} ({entry.get('id', 'no id')})", entry, known, required)
        _check_unique_ids(path, table, entries)
    for claim in document["claim"]:
        _check_claim(f"{path}: claim {claim['id']}", claim)
    return document


def claim_rows(paper: str, document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rows of `claims.csv`, all cells as text, missing ones empty, in the order of the TOML file."""
    rows = []
    for claim in document["claim"]:
        row = {column: str(claim.get(column, "")) for column in CLAIM_COLUMNS}
        row["kind"] = kind_of(paper, claim)
        row["relation"] = claim.get("relation", "eq")
        row["data_access"] = claim.get("data_access", document["paper"]["data_access"])
        rows.append(row)
    return rows


def import_folder(source: Path, papers: Path) -> dict[str, Counter[str]]:
    """Import each `*.toml` of `source` into the folders under `papers`; return the number of claims per paper and kind.

    All files are read and checked before the first one is written, so a bad file leaves the papers untouched.
    """
    paths = sorted(source.glob("*.toml"))
    if not paths:
        raise ClaimsError(f"{source}: holds no claims file (*.toml); give the folder with the claims")
    documents = {path.stem: read_claims_file(path) for path in paths}
    counts = {}
    for paper, document in documents.items():
        folder = papers / paper.replace("-", "_")
        folder.mkdir(parents=True, exist_ok=True)
        rows = claim_rows(paper, document)
        _write_text(folder / "claims.csv", _as_csv(CLAIM_COLUMNS, rows))
        if document["recommendation"]:
            text = _as_csv(RECOMMENDATION_COLUMNS, document["recommendation"])
            _write_text(folder / "recommendations.csv", text)
        if not (folder / "paper.toml").exists():
            _write_text(folder / "paper.toml", paper_toml(paper, document["paper"]))
        folds = source / f"{paper}-folds.csv"
        if folds.exists():
            shutil.copyfile(folds, folder / "folds.csv")
        counts[paper] = Counter(row["kind"] for row in rows)
    return counts


def paper_toml(paper: str, facts: Mapping[str, Any]) -> str:
    """Return a first `paper.toml`; `modality` and `primary` are left empty for a person to fill."""
    # With ensure_ascii off, what JSON escapes in a string TOML escapes in the same way.
    quoted = {key: json.dumps(facts[key], ensure_ascii=False) for key in PAPER_KEYS - {"authors_n"}}
    cite = json.dumps([f"arXiv:{facts['arxiv']}"] if facts["arxiv"] else [])
    return (
        "# Written once by tools/import_claims.py, then kept by hand. authors_n = 0: not stated in our source.\n"
        f"name = {json.dumps(paper)}\n"
        f"title = {quoted['title']}\n"
        f"authors_n = {facts['authors_n']}\n"
        f"date = {quoted['date']}\n"
        f"arxiv = {quoted['arxiv']}\n"
        f"code = {quoted['code']}\n"
        f"one_line = {quoted['one_line']}\n"
        f"data_access = {quoted['data_access']}\n"
        'modality = ""\n'
        "primary = []\n"
        f"cite = {cite}\n"
    )


def count_table(counts: Mapping[str, Counter[str]]) -> str:
    """Return the table of claims per paper and kind, with a row and a column of totals, as aligned text."""
    width = max(len(paper) for paper in (*counts, "total"))
    lines = [" ".join([" " * width, *(f"{kind:>10}" for kind in KINDS), f"{'all':>6}"])]
    total: Counter[str] = sum(counts.values(), Counter())
    for paper, by_kind in [*sorted(counts.items()), ("total", total)]:
        cells = (f"{by_kind[kind]:>10}" for kind in KINDS)
        lines.append(" ".join([f"{paper:<{width}}", *cells, f"{by_kind.total():>6}"]))
    return "\n".join(lines)


def _check_keys(place: str, table: Mapping[str, Any], known: Iterable[str], required: Iterable[str]) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ClaimsError(f"{place}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    missing = sorted(set(required) - set(table))
    if missing:
        raise ClaimsError(f"{place}: key {missing[0]!r} is missing; add it")


def _check_unique_ids(path: Path, table: str, entries: Sequence[Mapping[str, Any]]) -> None:
    repeated = [name for name, times in Counter(entry["id"] for entry in entries).items() if times > 1]
    if repeated:
        raise ClaimsError(f"{path}: duplicate {table} id {repeated[0]!r}; an id names one {table} of a paper")


def _check_claim(place: str, claim: Mapping[str, Any]) -> None:
    for key in FIGURE_KEYS & set(claim):
        if isinstance(claim[key], bool) or not isinstance(claim[key], (Figure, int)):
            raise ClaimsError(f"{place}: {key} is {claim[key]!r}; write a number without quotes")
    for key in WHOLE_NUMBER_KEYS & set(claim):
        if isinstance(claim[key], bool) or not isinstance(claim[key], int):
            raise ClaimsError(f"{place}: {key} is {claim[key]!r}; write a whole number")
    if claim.get("relation", "eq") not in RELATIONS:
        raise ClaimsError(f"{place}: relation {claim['relation']!r} is not one of {', '.join(sorted(RELATIONS))}")
    if claim["evidence"] not in EVIDENCE:
        raise ClaimsError(f"{place}: evidence {claim['evidence']!r} is not one of {', '.join(sorted(EVIDENCE))}")


def _as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the import and print the table of counts; return 0, or 2 with a message where a file cannot be used."""
    parser = argparse.ArgumentParser(description="Write claims.csv and paper.toml of each paper folder.")
    parser.add_argument("source", type=Path, help="folder with the claims TOML files, for example ../shared/claims")
    parser.add_argument("--papers", type=Path, default=PAPERS_FOLDER, help="folder that holds the paper folders")
    options = parser.parse_args(arguments)
    try:
        counts = import_folder(options.source, options.papers)
    except ClaimsError as error:
        print(error, file=sys.stderr)
        return 2
    print(count_table(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
