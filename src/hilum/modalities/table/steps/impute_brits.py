"""Impute by BRITS: a recurrent network fills a record from what its sequence was before and from the record's other columns.

Model       see `_brits.py`: the state fades with the time since each column was observed; history and other columns are weighed
Fit         self-supervised: every observed value is predicted as if it were missing; Adam on shuffled sequences, a fixed number of passes
Direction   "forward" reads nothing later than the record, and may stand before a prediction. "both" averages it with a pass from the
            end: it LOOKS AHEAD, fits a series that is complete when it is read, and HIL005 catches it in a prediction.
Source      Cao et al., BRITS: Bidirectional Recurrent Imputation for Time Series, NeurIPS 2018, from the equations, from memory
Deviations  an LSTM cell stands for the plain recurrence; columns are brought to mean 0 and deviation 1 of train, and back after.

Needs the extra `deep`. A column without any value in train is filled with 0. Single records are sequences of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import HilumError, UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Array, Carrier
from hilum.modalities.table.steps._step import Settled, check_choice, check_roles, packed, unpacked

if TYPE_CHECKING:
    from hilum.modalities.table.steps._brits import Network

Direction = Literal["forward", "both"]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ImputeBrits(Settled):
    """Settings.

    Attributes:
        direction: "forward", or "both", which looks ahead.
        hidden: Size of the state.
        epochs: Passes over train.
        learning_rate: Adam's.
        sequences_per_step: How many sequences share a step.
        seed: Of the first weights and the order.
        on: Roles of the columns that are read and filled.
        but: Columns that are neither.
    """

    extra: ClassVar[str] = "deep"
    learns: ClassVar[bool] = True
    along: ClassVar[bool] = True

    direction: Direction = "forward"
    hidden: int = 64
    epochs: int = 60
    learning_rate: float = 3e-3
    sequences_per_step: int = 32
    seed: int = 0
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_choice(self, "direction", Direction)
        check_roles(self)
        if min(self.hidden, self.epochs, self.sequences_per_step) < 1 or not self.learning_rate > 0:
            raise UsageError("hidden, epochs, sequences_per_step and learning_rate are positive", where="ImputeBrits")

    @property
    def looks_ahead(self) -> bool:
        """Whether a record is filled from later ones too."""
        return self.direction == "both"

    def fit(self, carrier: Carrier) -> FittedBrits:
        """Train the network.

        Raises:
            HilumError: the extra `deep` is not installed.
        """
        _need_torch()
        places = carrier.chosen(self.on, self.but, levels=False, where="ImputeBrits")
        values = carrier.values[:, places]
        count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
        center = np.nansum(values, axis=0) / count
        scale = np.sqrt(np.nansum((values - center) ** 2, axis=0) / count)
        scale = np.where(scale > 0, scale, 1.0)
        gaps = np.diff(carrier.step)[np.diff(_sequences(carrier.starts)) == 0]
        unit = float(np.median(gaps)) if gaps.size else 1.0
        weights = _trained(self, (values - center) / scale, carrier.starts, carrier.step / unit) if places.size else {}
        return FittedBrits(self, carrier.called(places), center, scale, unit, weights)

    def read(self, data: Mapping[str, Any]) -> FittedBrits:
        """What was fitted."""
        weights = {str(name): unpacked(array) for name, array in data["weights"].items()}
        columns = tuple(map(str, data["columns"]))
        return FittedBrits(
            self, columns, unpacked(data["center"]), unpacked(data["scale"]), float(data["unit"]), weights
        )


@dataclass(frozen=True, eq=False)
class FittedBrits:
    """The trained network.

    Attributes:
        settings: How it was asked for.
        columns: (columns,) names of what is filled.
        center: (columns,) mean of train.
        scale: (columns,) standard deviation of train.
        unit: The usual gap between records of a sequence: the network's unit of time.
        weights: Name to array of the network's weights.
    """

    settings: ImputeBrits
    columns: tuple[str, ...]
    center: Array
    scale: Array
    unit: float
    weights: Mapping[str, NDArray[Any]]

    def apply(self, carrier: Carrier) -> Carrier:
        """With nothing missing in the columns.

        Raises:
            HilumError: the extra `deep` is not installed, or the stored weights are no such network's.
        """
        _need_torch()
        import torch

        places = carrier.places(self.columns)
        if places.size == 0:
            return carrier
        values = carrier.values[:, places]
        network = _network(self.settings, len(places))
        try:
            network.load_state_dict({name: torch.from_numpy(array) for name, array in self.weights.items()})
        except RuntimeError as error:
            raise HilumError(
                "the weights are not this network's", where="preprocess.json", do="Run the study again"
            ) from error
        filled = _filled(network, (values - self.center) / self.scale, carrier.starts, carrier.step / self.unit)
        return carrier.changed(places, np.where(np.isnan(values), filled * self.scale + self.center, values))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "columns": list(self.columns),
            "center": packed(self.center),
            "scale": packed(self.scale),
            "unit": self.unit,
            "weights": {name: packed(array) for name, array in self.weights.items()},
        }


def _sequences(starts: Integers) -> Integers:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _padded(values: Array, starts: Integers, step: Array, chosen: Integers) -> tuple[Array, Array, Array]:
    """Values (sequences, length, columns) with NaN, steps and whether a record is there (sequences, length), of some sequences."""
    lengths = np.diff(starts)[chosen]
    row = np.arange(lengths.max())[None, :]
    there = row < lengths[:, None]
    place = np.where(there, starts[chosen][:, None] + row, 0)
    return (
        np.where(there[..., None], values[place], np.nan),
        np.where(there, step[place], 0.0),
        there.astype(np.float64),
    )


def _network(settings: ImputeBrits, columns: int) -> Network:
    from hilum.modalities.table.steps._brits import Network

    return Network(columns, settings.hidden, both=settings.looks_ahead).double()


def _read(network: Network, values: Array, step: Array, there: Array) -> Any:
    import torch

    mask = ~np.isnan(values)
    arrays = (np.where(mask, values, 0.0), mask.astype(np.float64), step, there)
    return network(*(torch.from_numpy(array) for array in arrays))


def _trained(settings: ImputeBrits, values: Array, starts: Integers, step: Array) -> dict[str, NDArray[Any]]:
    import torch

    random = np.random.default_rng(settings.seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            network = _network(settings, values.shape[1])
            optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
            for _ in range(settings.epochs):
                order = random.permutation(len(starts) - 1)
                for at in range(0, len(order), settings.sequences_per_step):
                    chosen = order[at : at + settings.sequences_per_step]
                    _, loss = _read(network, *_padded(values, starts, step, chosen))
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                    optimizer.step()
    finally:
        torch.set_num_threads(threads)
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def _filled(network: Network, values: Array, starts: Integers, step: Array) -> Array:
    """(rows, columns), sequences of like length together, so that little is padded."""
    import torch

    filled = np.empty_like(values)
    order = np.argsort(np.diff(starts), kind="stable")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            for at in range(0, len(order), 256):
                chosen = order[at : at + 256]
                padded, steps, there = _padded(values, starts, step, chosen)
                answer = _read(network, padded, steps, there)[0].numpy()
                rows = np.concatenate([np.arange(starts[one], starts[one + 1]) for one in chosen])
                filled[rows] = answer[there.astype(bool)]
    finally:
        torch.set_num_threads(threads)
    return filled


def _need_torch() -> None:
    if find_spec("torch") is None:
        raise HilumError("ImputeBrits needs the extra 'deep'", do="pip install 'hilum[deep]' and run again")
