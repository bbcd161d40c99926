"""Add what is missing of a workbook of results to the claims of the paper `cine-mri`: every horizon, method and metric of it.

The authors' workbook (its four sheets that hold results, as CSV, one column a sequence and one for their mean) says more than the claims
that `tools/import_claims.py` brings in: here the remaining means over sequences are added, and for the four sequences whose frames are
open every figure of their own:

    eth.roi.h0.3s.rtrl.ssim                       mean over the sequences of ETH Zurich
    eth.sl010-xcs125.whole.h0.3s.rtrl.ssim           one sequence; of OvGU Magdeburg the region alone, since its open frames are cropped
    ovgu.qn76.whole.mean.rtrl.geometric-error        what the paper's tests over eight sequences are made from

Figures keep their printed text. The spread of a sequence's own figure is the printed half-width over runs. Where a cell of the workbook
repeats another sequence's or another horizon's for all metrics of a method, or a mean is not that of its columns, the claim's note says so.
Claims that are there already stay as they are.

Run: `python tools/import_claims.py ../shared/claims`, then `python tools/import_workbook_claims.py ../shared/data/cine_mri_pca_weights`.
A second run changes nothing.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hilum.core.claim import COLUMNS

CLAIMS: Final = Path(__file__).resolve().parents[1] / "src" / "hilum" / "papers" / "cine_mri" / "claims.csv"
WORKBOOK: Final = (
    "repository: pohl-michel/2D-MR-image-prediction Image_prediction/statistical_analysis/im_pred_perf.xlsx, sheet "
)

# First words of a method in the workbook -> its name in ids, and in words.
METHODS: Final = {
    "RNN with RTRL": ("rtrl", "RNN trained with RTRL"),
    "RNN with UORO": ("uoro", "RNN trained with UORO"),
    "RNN with SnAp1": ("snap-1", "RNN trained with SnAp-1"),
    "RNN with DNI": ("dni", "RNN trained with DNI"),
    "RNN with fixed W": ("fixed-w", "RNN with fixed hidden weights"),
    "sequence-specific transformer": ("sequence-transformer", "sequence-specific transformer"),
    "population transformer": ("population-transformer", "population transformer"),
    "Linear prediction": ("linear", "linear regression"),
    "No prediction": ("hold-weight", "latest PCA weight held"),
    "multivariate LMS": ("lms", "LMS"),
    "Previous image": ("previous-image", "latest image held"),
    "original DVF": ("true-dvf", "measured optical flow (ceiling)"),
}
METRICS: Final = {
    "cross-correlation": ("pearson", "coefficient"),
    "nRMSE": ("nrmse", "fraction"),
    "SSIM": ("ssim", "fraction"),
    "mean DVF error": ("geometric-error", "mm"),
    "max DVF error": ("geometric-error-max", "mm"),
}
Key = tuple[str, str, str, int]  # horizon in words ("mean" for all), method, metric, column


@dataclass(frozen=True)
class Sheet:
    """One sheet.

    Attributes:
        file: Its CSV.
        name: Its name in the workbook.
        group: As ids name whose sequences these are.
        data: The same in words.
        scope: Which part of the frame.
        sequences: How many columns.
        open: Sequences of which every figure becomes a claim, with their columns.
        means: Sequences of which the geometric error over all horizons does: what the printed tests are made from.
    """

    file: str
    name: str
    group: str
    data: str
    scope: str
    sequences: int
    open: dict[str, int]
    means: dict[str, int]


ETH, OVGU = "ETH Zurich cine MRI", "OvGU liver cine MRI"
OPEN_ETH = {"sl010-xcs125": 0, "sl014-xcs95": 3}
SHEETS: Final = (
    Sheet(
        "author_results_q_max_110_eta__0_002__0_2__ETH.csv",
        "q max 110 eta [0.002, 0.2] ETH",
        "eth",
        ETH,
        "whole",
        4,
        OPEN_ETH,
        {},
    ),
    Sheet(
        "author_results_qmax_110_eta_in_0_002__0_02_ROI.csv",
        "qmax_110_eta_in_0_002__0_02_ROI (as converted)",
        "eth",
        ETH,
        "roi",
        4,
        OPEN_ETH,
        {},
    ),
    Sheet(
        "author_results_Magdeburg_dataset_full_image.csv",
        "Magdeburg dataset full image",
        "ovgu",
        OVGU,
        "whole",
        8,
        {},
        {name: column for column, name in enumerate(("ks81", "qn76", "cs31", "jy02", "on65", "ps11", "ii29", "ne38"))},
    ),
    Sheet(
        "author_results_Magdeburg_dataset_ROI.csv",
        "Magdeburg dataset ROI",
        "ovgu",
        OVGU,
        "roi",
        8,
        {"jy02": 3, "ks81": 0},
        {},
    ),
)
PLACES: Final = {"whole": "whole image", "roi": "region of interest"}
AVERAGE: Final = "mean"


@dataclass(frozen=True)
class Cells:
    """Figures as printed, and half-widths over runs where they are printed; the last column is the mean over sequences."""

    figures: dict[Key, str]
    spreads: dict[Key, str]
    sequences: tuple[str, ...]


def read_sheet(path: Path, sheet: Sheet) -> Cells:
    """The cells of a sheet.

    Raises:
        SystemExit: it is not laid out as expected; the line is named.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    figures: dict[Key, str] = {}
    spreads: dict[Key, str] = {}
    horizon = method = ""
    for number, row in enumerate(rows[3:], start=4):
        if row[0] == "Horizon (s)":
            horizon = f"h{rows[number][0]}s"  # it stands in the line below
        elif row[0].startswith("Average over all horizons"):
            horizon = AVERAGE
        if row[1] and row[2]:
            method = next((known for known in METHODS if row[1].startswith(known)), "")
            if not method:
                raise SystemExit(f"{path}, line {number}: unknown method {row[1]!r}")
        kind, _, extra = row[2].partition(" confidence")
        if kind not in METRICS:
            continue
        target = spreads if row[2].endswith(" confidence") and not extra else figures
        for column in range(sheet.sequences + 1):
            if row[3 + column]:
                target[horizon, METHODS[method][0], METRICS[kind][0], column] = row[3 + column]
    return Cells(figures, spreads, tuple(rows[1][3 : 3 + sheet.sequences]))


def notes_of(cells: Cells) -> dict[Key, str]:
    """What is wrong with a cell: it repeats another's for every metric of a method, or is no mean of its columns."""
    whole: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
    for (horizon, method, metric, column), text in cells.figures.items():
        whole[horizon, method, column][metric] = text
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, int]] = {}
    found: dict[Key, str] = {}
    last = len(cells.sequences)
    for (horizon, method, column), values in whole.items():
        if column == last or horizon == AVERAGE or method in {"true-dvf", "previous-image"}:
            continue
        content = (method, tuple(sorted(values.items())))
        if content in seen:
            other, place = seen[content]
            for here, there in (((horizon, column), (other, place)), ((other, place), (horizon, column))):
                said = f"The workbook prints the same figures for {cells.sequences[there[1]]} at {there[0]}: one of the two is a copy."
                found |= {(here[0], method, metric, here[1]): said for metric in values}
        else:
            seen[content] = (horizon, column)
    for (horizon, method, metric, column), text in cells.figures.items():
        if column == last:
            own = [cells.figures.get((horizon, method, metric, each)) for each in range(last)]
            values_ = [float(each) for each in own if each]
            mean = sum(values_) / len(values_)
            if abs(mean - float(text)) > 1e-4 * abs(mean):
                found[horizon, method, metric, column] = (
                    f"The mean of the workbook's own columns is {mean:.6g}, which this is not."
                )
    return found


def claims_of(cells: Cells, sheet: Sheet) -> Iterator[dict[str, str]]:
    """The rows of a sheet, as in claims.csv: means over sequences first, then the open sequences."""
    notes = notes_of(cells)
    words = dict(METHODS.values())
    units = dict(METRICS.values())
    places = [("", sheet.sequences), *sheet.open.items(), *sheet.means.items()]
    for sequence, wanted in places:
        for key, text in cells.figures.items():
            horizon, method, metric, column = key
            if column != wanted or (sequence in sheet.means and (horizon, metric) != (AVERAGE, "geometric-error")):
                continue
            when = "mean over all horizons" if horizon == AVERAGE else f"horizon {horizon[1:-1]} s"
            said = when.replace("over all", "over")
            place = PLACES[sheet.scope]
            spread, kind = cells.spreads.get(key, ""), "run-ci95-half"
            if not sequence:
                spread, kind = _spread(cells, key, sheet), "sequence-sd"
            yield dict.fromkeys(COLUMNS, "") | {
                "id": ".".join(filter(None, (sheet.group, sequence, sheet.scope, horizon, method, metric))),
                "kind": "value",
                "metric": metric,
                "value": text,
                "unit": units[metric],
                "relation": "eq",
                "dataset": f"{sheet.data}, sequence {sequence}"
                if sequence
                else f"{sheet.data}, {sheet.sequences} sequences",
                "task": f"frame forecasting, {place}",
                "model": words[method],
                "protocol": f"{when}, test frames",
                "statement": f"{metric} of {words[method]}, {place}, {said}" + (f", {sequence}" if sequence else ""),
                "n": "" if sequence else str(sheet.sequences),
                "spread": spread,
                "spread_kind": kind if spread else "",
                "evidence": "read",
                "where": f'{WORKBOOK}"{sheet.name}"',
                "data_access": "open",
                "note": notes.get(key, ""),
            }


def _spread(cells: Cells, key: Key, sheet: Sheet) -> str:
    """Standard deviation over sequences, from the workbook's cells."""
    own = [cells.figures.get((*key[:3], column)) for column in range(sheet.sequences)]
    values = [float(text) for text in own if text]
    if len(values) < 2:
        return ""
    mean = sum(values) / len(values)
    return f"{(sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5:.6f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Add what is missing and say how much that was."""
    parser = argparse.ArgumentParser(description="Add the remaining figures of the workbook to the claims of cine-mri.")
    parser.add_argument("source", type=Path, help="folder with author_results_*.csv")
    parser.add_argument("--claims", type=Path, default=CLAIMS, help="claims.csv to add to")
    options = parser.parse_args(arguments)
    with options.claims.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    known = {row["id"] for row in rows}
    made = [row for sheet in SHEETS for row in claims_of(read_sheet(options.source / sheet.file, sheet), sheet)]
    added = [row for row in made if row["id"] not in known]
    with options.claims.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, *added])
    print(f"{len(rows)} claims kept, {len(added)} added, {sum(bool(row['note']) for row in added)} of them with a note")
    return 0


if __name__ == "__main__":
    sys.exit(main())
