"""A small transformer encoder that reads a window of a series and says where the series will be: several networks at once.

Model       h = P z + p + e          each sample of the window, projected to `width`, and the code of its place i:
                                     e_(i,2j) = sin(i / 10000^(2j / width)), e_(i,2j+1) the cosine
            h <- norm(h + D a(h));   h <- norm(h + D f(h))                     `layers` times
            a    softmax(q k' / sqrt(width / heads)) v, a head at a time, and projected;   f(h) = B relu(A h), 2 * width units
            y = W2 relu(W1 [h_1; ...; h_k])                                    int(sqrt(k * width * channels)) units
Symbols     z    (channels,)      a sample in standard units; k the samples of a window
            D                     dropout, also on the softmax and on the units of f; while training alone
            norm                  to mean 0 and variance 1 over `width`, then a gain and a bias
Fit         mean squared error, Adam (0.9, 0.999), shuffled steps of some pairs
Networks    Every array has the networks as its first axis: the tiny networks of all horizons go through each operation together, which
            costs little more than one of them alone. Each has its own generator, pairs, steps and end, so what it becomes does not
            depend on what it is trained beside (up to rounding).
Source      Vaswani et al., arXiv 1706.03762; as a forecaster: Pohl et al., arXiv 2410.05882, and the released code (c31ee37f)
Deviations  Dropout is rounded to 1/256. Weights start as PyTorch's do, every layer with the same ones, as released.
Torch       `train` alone needs it (extra `deep`); `forward` is NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import HilumError

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Single = NDArray[np.float32]
Weights = dict[str, Array]
# From windows (pairs, history, channels), their targets (pairs, channels) and a generator to others of the same shapes.
Augment = Callable[[Single, Single, np.random.Generator], tuple[Single, Single]]
NORM_FLOOR = 1e-5  # added to a variance before its root, as torch.nn.LayerNorm does


@dataclass(frozen=True)
class Architecture:
    """Sizes: samples of a window, channels, width of a sample inside, heads and layers of attention."""

    history: int
    channels: int
    width: int
    heads: int
    layers: int

    @property
    def hidden(self) -> int:
        """Units between the encoder and the forecast: the geometric mean of what they join."""
        return int(math.sqrt(self.history * self.width * self.channels))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of each array of one network; a map is (inputs, outputs)."""
        width, inner, flat = self.width, 2 * self.width, self.history * self.width
        shapes: dict[str, tuple[int, ...]] = {"project": (self.channels, width), "project_bias": (width,)}
        for layer in range(self.layers):
            shapes |= {
                f"{layer}/attend": (width, 3 * width),
                f"{layer}/attend_bias": (3 * width,),
                f"{layer}/join": (width, width),
                f"{layer}/join_bias": (width,),
                f"{layer}/norm1": (2, width),
                f"{layer}/widen": (width, inner),
                f"{layer}/widen_bias": (inner,),
                f"{layer}/narrow": (inner, width),
                f"{layer}/narrow_bias": (width,),
                f"{layer}/norm2": (2, width),
            }
        return shapes | {
            "read": (flat, self.hidden),
            "read_bias": (self.hidden,),
            "say": (self.hidden, self.channels),
            "say_bias": (self.channels,),
        }

    def positions(self) -> Array:
        """The sinusoidal code, (history, width)."""
        rates = np.exp(np.arange(0, self.width, 2) * (-math.log(10000.0) / self.width))
        angles = np.arange(self.history)[:, np.newaxis] * rates
        code = np.empty((self.history, self.width))
        code[:, 0::2], code[:, 1::2] = np.sin(angles), np.cos(angles[:, : self.width // 2])
        return code

    def dropped(self) -> tuple[tuple[int, ...], ...]:
        """For one pair, the shapes that each layer drops from: softmax, attention, units of f, f."""
        k, width = self.history, self.width
        return ((self.heads, k, k), (k, width), (k, 2 * width), (k, width))


@dataclass(frozen=True)
class Schedule:
    """How to train.

    Attributes:
        rate: Adam's learning rate.
        dropout: Share of values dropped.
        batch: Pairs a step.
        epochs: The most passes over all pairs.
        patience: Passes without a lower validation loss after which a network stops; 0 to take all passes.
        kept: Which weights a network ends with: of its lowest validation loss, or of its last pass.
    """

    rate: float
    dropout: float
    batch: int
    epochs: int
    patience: int = 0
    kept: Literal["best", "last"] = "last"


@dataclass(frozen=True)
class Pairs:
    """What to learn: windows (n, history, channels), and targets (networks, n, channels), NaN where a network has none."""

    windows: Array
    targets: Array


@dataclass
class Trained:
    """Weights, each (networks, *shape); and per network the mean loss of each pass it took, training and validation."""

    weights: Weights
    losses: list[list[float]] = field(default_factory=list)
    validation: list[list[float]] = field(default_factory=list)


def forward(architecture: Architecture, weights: Weights, windows: Array) -> Array:
    """What each network says of windows (n, history, channels), in standard units: (networks, n, channels)."""
    networks, n = len(weights["say"]), len(windows)
    k, width, heads = architecture.history, architecture.width, architecture.heads

    def apply(name: str, x: Array) -> Array:
        mapped: Array = x @ weights[name] + weights[f"{name}_bias"][:, np.newaxis]
        return mapped

    def norm(name: str, x: Array) -> Array:
        x = x - x.mean(axis=2, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=2, keepdims=True) + NORM_FLOOR)
        gain = weights[name]
        scaled: Array = x * gain[:, :1] + gain[:, 1:]
        return scaled

    x = apply("project", windows.reshape(1, n * k, -1))
    x = x + np.tile(architecture.positions(), (n, 1))
    for layer in range(architecture.layers):
        parts = apply(f"{layer}/attend", x).reshape(networks, n, k, 3, heads, width // heads)
        query, key, value = np.moveaxis(parts, (3, 4), (0, 3))  # each (networks, n, heads, k, width / heads)
        scores = query @ key.swapaxes(-1, -2) / math.sqrt(width / heads)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        heard = (scores @ value).swapaxes(2, 3).reshape(networks, n * k, width)
        x = norm(f"{layer}/norm1", x + apply(f"{layer}/join", heard))
        x = norm(f"{layer}/norm2", x + apply(f"{layer}/narrow", np.maximum(apply(f"{layer}/widen", x), 0.0)))
    said: Array = apply("say", np.maximum(apply("read", x.reshape(networks, n, k * width)), 0.0))
    return said


def train(
    architecture: Architecture,
    pairs: Pairs,
    schedule: Schedule,
    generators: Sequence[np.random.Generator],
    *,
    validation: Pairs | None = None,
    augment: Augment | None = None,
) -> Trained:
    """Train one network a generator, from weights that it draws; the same generators give the same bits.

    A network without any pair keeps the weights it began with.

    Args:
        architecture: Sizes.
        pairs: What to learn.
        schedule: How.
        generators: One a network: its first weights, the order of its pairs, and what it drops.
        validation: What decides when a network stops; needed where `schedule.patience` is above 0.
        augment: Changes each step's pairs.

    Raises:
        HilumError: the extra `deep` is not installed.
    """
    with _one_thread() as torch:
        return _Training(torch, architecture, pairs, schedule, generators, augment).run(validation)


class _Training:
    """The state of a training: one row a network of weights and of Adam's two moments."""

    def __init__(
        self,
        torch: Any,
        architecture: Architecture,
        pairs: Pairs,
        schedule: Schedule,
        generators: Sequence[np.random.Generator],
        augment: Augment | None,
    ) -> None:
        self._torch = torch
        self._architecture = architecture
        self._schedule = schedule
        self._generators = generators
        self._augment = augment
        self._windows = pairs.windows.astype(np.float32)
        self._targets = pairs.targets.astype(np.float32)
        self._rows = [np.flatnonzero(np.isfinite(target).all(axis=1)) for target in pairs.targets]
        self._positions = torch.from_numpy(architecture.positions().astype(np.float32))
        first = np.stack([first_weights(architecture, generator) for generator in generators])
        self._theta = torch.from_numpy(first).requires_grad_()
        self._moments = torch.zeros_like(self._theta), torch.zeros_like(self._theta)
        self._steps = torch.zeros(len(first), 1)

    def run(self, validation: Pairs | None) -> Trained:
        networks = len(self._generators)
        kept = self._theta.detach().clone()
        trained = Trained({}, [[] for _ in range(networks)], [[] for _ in range(networks)])
        best, since = np.full(networks, np.inf), np.zeros(networks, dtype=int)
        going = [i for i in range(networks) if len(self._rows[i])]
        for _ in range(self._schedule.epochs):
            if not going:
                break
            for i, loss in zip(going, self._pass(going), strict=True):
                trained.losses[i].append(loss)
            if validation is None:
                continue
            for i, loss in zip(going, self._loss_of(validation, going), strict=True):
                trained.validation[i].append(loss)
                since[i] += 1
                if loss < best[i]:
                    best[i], since[i] = loss, 0
                    kept[i] = self._theta[i].detach()
            going = [i for i in going if not self._schedule.patience or since[i] < self._schedule.patience]
        final = kept if self._schedule.kept == "best" and validation is not None else self._theta.detach()
        trained.weights = named(self._architecture, final.numpy().astype(np.float64))
        return trained

    def _pass(self, going: list[int]) -> list[float]:
        """Take every pair once, network by network in its own order; returns the mean loss of each."""
        torch, batch = self._torch, self._schedule.batch
        orders = [self._generators[i].permutation(self._rows[i]) for i in going]
        total = torch.zeros(len(going))
        for first in range(0, max(map(len, orders)), batch):
            here = [(i, order[first : first + batch]) for i, order in zip(going, orders, strict=True)]
            there = [place for place, (_, rows) in enumerate(here) if len(rows)]
            total[there] += self._step([here[place] for place in there])
        return [float(loss) / len(order) for loss, order in zip(total, orders, strict=True)]

    def _step(self, steps: list[tuple[int, NDArray[np.intp]]]) -> Tensor:
        """One step of Adam on some networks and their rows; returns the sum of each one's loss over its pairs."""
        torch, schedule = self._torch, self._schedule
        inputs, targets, weights = self._take(steps)
        which = [i for i, _ in steps]
        everyone = len(which) == len(self._theta)
        theta = self._theta if everyone else self._theta.detach()[which].requires_grad_()
        said = self._say(theta, inputs, self._drop(which, inputs.shape[1]))
        losses = (((said - targets) ** 2).mean(dim=2) * weights).sum(dim=1)
        (gradient,) = torch.autograd.grad(losses.sum(), theta)
        with torch.no_grad():
            rows: Any = slice(None) if everyone else which
            self._steps[rows] += 1
            steps_taken = self._steps[rows]
            first = self._moments[0][rows].mul_(0.9).add_(gradient, alpha=0.1)
            second = self._moments[1][rows].mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            size = (second / (1 - 0.999**steps_taken)).sqrt_().add_(1e-8)
            change = first / (1 - 0.9**steps_taken) / size
            self._theta[rows] -= schedule.rate * change
            if not everyone:
                self._moments[0][rows], self._moments[1][rows] = first, second
        counts = torch.tensor([float(len(rows)) for _, rows in steps])
        summed: Tensor = losses.detach() * counts
        return summed

    def _take(self, steps: list[tuple[int, NDArray[np.intp]]]) -> tuple[Tensor, Tensor, Tensor]:
        """Windows, targets, and what each pair weighs; short steps are filled up with pairs that weigh nothing."""
        longest = max(len(rows) for _, rows in steps)
        _, k, channels = self._windows.shape
        inputs = np.zeros((len(steps), longest, k, channels), dtype=np.float32)
        targets = np.zeros((len(steps), longest, channels), dtype=np.float32)
        weights = np.zeros((len(steps), longest), dtype=np.float32)
        for place, (i, rows) in enumerate(steps):
            window, target = self._windows[rows], self._targets[i, rows]
            if self._augment is not None:
                window, target = self._augment(window, target, self._generators[i])
            inputs[place, : len(rows)], targets[place, : len(rows)] = window, target
            weights[place, : len(rows)] = 1.0 / len(rows)
        from_numpy = self._torch.from_numpy
        return from_numpy(inputs), from_numpy(targets), from_numpy(weights)

    def _drop(self, which: list[int], pairs: int) -> list[Tensor]:
        """What to multiply with where values are dropped: 0, or 1 over the share that stays. In order of use."""
        out_of_256 = round(256 * self._schedule.dropout)
        shapes = self._architecture.dropped() * self._architecture.layers
        if out_of_256 == 0:
            return []
        # A whole batch is drawn even where fewer pairs are left: what a network drops does not depend on the others' counts.
        sizes = [self._schedule.batch * math.prod(shape) for shape in shapes]
        drawn = np.stack([_bytes(self._generators[i], sum(sizes)) for i in which])
        # In NumPy: torch takes some ten times as long to compare bytes and to turn the outcome into numbers.
        share = np.float32(256 / (256 - out_of_256))
        stays = self._torch.from_numpy(np.multiply((drawn >= out_of_256).view(np.uint8), share, dtype=np.float32))
        return [
            part.reshape(len(which), self._schedule.batch, *shape)[:, :pairs]
            for part, shape in zip(stays.split(sizes, dim=1), shapes, strict=True)
        ]

    def _say(self, theta: Tensor, windows: Tensor, drop: list[Tensor]) -> Tensor:
        """`forward` in torch, with dropout: windows (networks, n, history, channels) to (networks, n, channels)."""
        torch, functional = self._torch, self._torch.nn.functional
        arch = self._architecture
        networks, n, k, _ = windows.shape
        width, heads = arch.width, arch.heads
        weights = named(arch, theta)
        waiting = iter(drop)

        def apply(name: str, x: Tensor) -> Tensor:
            mapped: Tensor = torch.baddbmm(weights[f"{name}_bias"].unsqueeze(1), x, weights[name])
            return mapped

        def thin(x: Tensor) -> Tensor:
            return x * next(waiting).reshape(x.shape) if drop else x

        def norm(name: str, x: Tensor) -> Tensor:
            gain, bias = weights[name].split(1, dim=1)
            scaled: Tensor = torch.addcmul(bias, functional.layer_norm(x, (width,), eps=NORM_FLOOR), gain)
            return scaled

        x = apply("project", windows.reshape(networks, n * k, -1))
        x = (x.reshape(networks, n, k, width) + self._positions).reshape(networks, n * k, width)
        for layer in range(arch.layers):
            parts = apply(f"{layer}/attend", x).reshape(networks, n, k, 3, heads, width // heads)
            parts = parts.permute(3, 0, 1, 4, 2, 5).reshape(3, networks * n * heads, k, width // heads)
            query, key, value = parts.unbind(0)
            scores = torch.softmax(torch.bmm(query * (width / heads) ** -0.5, key.transpose(1, 2)), dim=-1)
            heard = torch.bmm(thin(scores), value).reshape(networks, n, heads, k, width // heads)
            heard = heard.transpose(2, 3).reshape(networks, n * k, width)
            x = norm(f"{layer}/norm1", x + thin(apply(f"{layer}/join", heard)))
            x = norm(
                f"{layer}/norm2",
                x + thin(apply(f"{layer}/narrow", thin(torch.relu(apply(f"{layer}/widen", x))))),
            )
        return apply("say", torch.relu(apply("read", x.reshape(networks, n, k * width))))

    def _loss_of(self, pairs: Pairs, going: list[int]) -> list[float]:
        """The mean squared error of some networks over pairs, without dropout."""
        torch = self._torch
        windows = torch.from_numpy(pairs.windows.astype(np.float32))
        squares, counts = np.zeros(len(going)), np.zeros(len(going))
        with torch.no_grad():
            theta = self._theta[going]
            for first in range(0, len(windows), 256):
                part = windows[first : first + 256].expand(len(going), -1, -1, -1)
                said = self._say(theta, part, []).numpy().astype(np.float64)
                errors = (said - pairs.targets[going, first : first + 256]) ** 2
                whole = np.isfinite(errors).all(axis=2)
                squares += np.where(whole, errors.mean(axis=2), 0.0).sum(axis=1)
                counts += whole.sum(axis=1)
        return list(np.divide(squares, counts, out=np.full(len(going), np.inf), where=counts > 0))


def named(architecture: Architecture, rows: Any) -> dict[str, Any]:
    """Views of rows (networks, values), NumPy or torch, by the name of each array: (networks, *shape)."""
    shapes = architecture.shapes()
    sizes = [math.prod(shape) for shape in shapes.values()]
    parts = np.split(rows, np.cumsum(sizes)[:-1], axis=1) if isinstance(rows, np.ndarray) else rows.split(sizes, dim=1)
    return {name: part.reshape(len(rows), *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def first_weights(architecture: Architecture, generator: np.random.Generator) -> Single:
    """One network's values before training, as one row: uniform within 1 / sqrt(inputs) where PyTorch's are, and layers alike."""
    drawn: dict[str, Array] = {}
    for name, shape in architecture.shapes().items():
        own = name.split("/")[-1]
        twin = f"0/{own}"
        if "/" in name and twin in drawn:
            drawn[name] = drawn[twin]
        elif own.startswith("norm"):
            drawn[name] = np.stack([np.ones(shape[1]), np.zeros(shape[1])])
        elif own in ("attend_bias", "join_bias"):
            drawn[name] = np.zeros(shape)
        elif own == "attend":
            drawn[name] = generator.uniform(-1, 1, shape) * math.sqrt(6 / sum(shape))
        else:
            inputs = architecture.shapes()[name.removesuffix("_bias")][0]
            drawn[name] = generator.uniform(-1, 1, shape) / math.sqrt(inputs)
    return np.concatenate([drawn[name].reshape(-1) for name in architecture.shapes()]).astype(np.float32)


def _bytes(generator: np.random.Generator, count: int) -> NDArray[np.uint8]:
    words = generator.integers(0, 2**64, size=-(-count // 8), dtype=np.uint64, endpoint=False)
    return words.astype("<u8", copy=False).view(np.uint8)[:count]


@contextmanager
def _one_thread() -> Iterator[Any]:
    """Torch on one thread: sums then have one order, and tiny networks gain nothing from more."""
    try:
        import torch
    except ImportError as error:
        raise HilumError("training needs the extra 'deep'", do="pip install 'hilum[deep]' and run again") from error
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield torch
    finally:
        torch.set_num_threads(before)
