"""What does the order of the test patients do to the AdaCare that arXiv 2209.07805 released? Its GRU runs over the patients of a batch.

The released layer hands a GRU that expects (time, batch, columns) a tensor (batch, time, columns): for each day its state goes on from
one patient to the next. Test patients are handed over in the order of their numbers, and on TJH the numbers follow the outcome (1 to 201
were discharged, 202 to 375 died), so that neighbours mostly share it. Train batches are shuffled, and as they should be no help there.

Both networks are trained here as the rows of the paper are (hidden 32, rate 1e-4, AdamW, best pass by the validation part's average
precision), by a plain loop of its own, since no model of this package can see another patient:

    over patients   as released;  tested in the order of the file, and in five random orders, whose mean is shown
    over days       each patient alone: any order gives the same

Run        python benchmarks/covid_ehr_adacare.py [FOLDS]       needs the data of `tjh_covid` and the extra `deep`
Seconds    110 on one core for all ten folds; seeded
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn

from hilum.core.binding import read_folds
from hilum.core.errors import HilumError
from hilum.core.locate import locate
from hilum.engine.tables.ready import parts
from hilum.modalities.table.sample import Table
from hilum.models.adacare.network import Adaptive
from hilum.models.adacare.settings import AdaCare
from hilum.papers.covid_ehr.bindings import FOLDS
from hilum.papers.covid_ehr.experiment import DAYS, ITEM, NETWORKS, task

ORDERS = 5
ROW = next(row for row in NETWORKS if row.title == "AdaCare")
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Part:
    """Patients in the order of their numbers: records (patients, days, columns), which are there, and the outcome."""

    records: Tensor
    there: Tensor
    died: Tensor

    @classmethod
    def of(cls, table: Table, matrix: NDArray[np.float64], inside: NDArray[np.bool_]) -> Part:
        """The patients of a part of a split."""
        subjects, died = table.rows["subject"].to_numpy(), table.rows["target"].to_numpy()
        whose = [np.flatnonzero(inside & (subjects == one)) for one in np.unique(subjects[inside])]
        shape = (len(whose), max(map(len, whose)))
        records, there, outcome = (
            torch.zeros(*shape, matrix.shape[1]),
            torch.zeros(shape, dtype=torch.bool),
            torch.zeros(shape),
        )
        for patient, rows in enumerate(whose):
            records[patient, : len(rows)] = torch.from_numpy(matrix[rows]).float()
            there[patient, : len(rows)] = True
            outcome[patient, : len(rows)] = torch.from_numpy(died[rows]).float()
        return cls(records, there, outcome)


class Network(nn.Module):
    """AdaCare with a head; `over_patients` as released."""

    def __init__(self, settings: AdaCare, columns: int, *, over_patients: bool) -> None:
        super().__init__()
        self.parts = Adaptive(settings, columns)
        self.parts.gru.batch_first = not over_patients
        self.head = nn.Linear(settings.hidden, 1)

    def forward(self, records: Tensor) -> Tensor:
        """Log odds (patients, days)."""
        p = self.parts
        changes = torch.relu(torch.cat([change(records) for change in p.changes], dim=2))
        inputs = torch.cat([changes * p.change_gate(changes), records * p.record_gate(records)], dim=2)
        said: Tensor = self.head(p.dropout(p.gru(inputs)[0]))[..., 0]
        return said


def score(network: Network, part: Part, order: Places, measure: Any, batch: int) -> float:
    """A measure of all records of a part, its patients handed over in this order."""
    network.eval()
    said = torch.zeros(part.died.shape)
    with torch.inference_mode():
        for some in torch.split(torch.from_numpy(order), batch):
            said[some] = network(part.records[some])
    return float(measure(part.died[part.there].numpy(), said[part.there].numpy()))


def trained(settings: AdaCare, train: Part, held: Part, *, over_patients: bool) -> Network:
    """The best of at most so many passes by the validation part's average precision, in the order of the file."""
    torch.manual_seed(0)
    shuffle = np.random.default_rng(0)
    network = Network(settings, train.records.shape[2], over_patients=over_patients)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.penalty)
    best, kept, since = -1.0, network.state_dict(), 0
    for _ in range(settings.epochs):
        network.train()
        order = torch.from_numpy(shuffle.permutation(len(train.died)))
        for some in torch.split(order, settings.sequences_per_step):
            there = train.there[some]
            loss = nn.functional.binary_cross_entropy_with_logits(
                network(train.records[some])[there], train.died[some][there]
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        found = score(network, held, np.arange(len(held.died)), average_precision_score, settings.sequences_per_step)
        since += 1
        if found > best:
            best, kept, since = found, {name: value.clone() for name, value in network.state_dict().items()}, 0
        elif since >= settings.patience:
            break
    network.load_state_dict(kept)
    return network


def main() -> None:
    """Print the mean over folds of the AUROC, in the order of the file and in others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folds", type=int, nargs="?", default=10)
    folds = range(parser.parse_args().folds)
    try:
        folder = locate(DAYS.name, None)
    except HilumError as error:
        print(error)
        return
    torch.set_num_threads(1)
    days = DAYS.load(folder, next(item for item in DAYS.items(folder) if item.id == ITEM))
    asked = task()
    released = read_folds(FOLDS, columns={"dataset": "tjh", "task": "outcome", "model": "AdaCare"}, metric="auroc")
    print(f"released: {np.mean([released[str(fold)] for fold in folds]):.4f}, mean AUROC of {len(folds)} folds")
    for over_patients in (True, False):
        figures = []
        for fold in folds:
            part = parts(asked, days)[fold]
            matrix = asked.prepare.fit(days.take(part == "train").inputs).apply(days.inputs)
            train, held, test = (Part.of(days, matrix, part == name) for name in ("train", "validation", "test"))
            network = trained(ROW.outcome, train, held, over_patients=over_patients)
            count, batch = len(test.died), ROW.outcome.sequences_per_step
            orders = [np.arange(count), *(np.random.default_rng(seed).permutation(count) for seed in range(ORDERS))]
            figures.append([score(network, test, order, roc_auc_score, batch) for order in orders])
        table = np.array(figures)
        theirs = np.array([released[str(fold)] for fold in folds])
        r = float(np.corrcoef(table[:, 0], theirs)[0, 1]) if len(folds) > 2 else float("nan")
        print(
            f"GRU over {'patients, as released' if over_patients else 'days'}: {table[:, 0].mean():.4f} in the order of the file, "
            f"{table[:, 1:].mean():.4f} in others; correlation with the released folds {r:.2f}"
        )


if __name__ == "__main__":
    main()
