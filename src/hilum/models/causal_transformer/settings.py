"""A causal transformer over the records of a sequence; with `window` a local one. Needs the extra `deep`.

Model       h_t = P x_t + e_t          e: sinusoidal code of the place t: e_(t,2j) = sin(t / 10000^(2j / hidden)), e_(t,2j+1) the cosine
            h <- norm(h + D a(h));   h <- norm(h + D W2 D relu(W1 h))                                             `layers` times
            a_t  softmax over s <= t (with a window: t - window < s <= t) of q_t k_s / sqrt(hidden / heads), times v_s; heads joined, mapped
Symbols     x (columns,) a record, static columns first;  h (hidden,) its state;  D drops values while training
            norm   to mean 0 and variance 1 over the state, then a gain and a bias
Cost        O(sequences * layers * longest * hidden * (longest + hidden)) a pass: one pass over the sequence, not one over every prefix
Source      Vaswani et al., arXiv 1706.03762; causal, with norm after each part and a local form: arXiv 2306.05109 (YAIB)
Deviations  Time between records is not read. pyehr (arXiv 2209.07805) reads every prefix without a mask or code of place, norm first,
            at the record's own width, and takes the state of the first record: `form` "released" does that in one pass. It ignores
            `positions` and `query`, has one layer, gelu for relu, no offsets in attention and 0.1 of its weights dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import unknown
from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class CausalTransformer(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        dropout: Share of values dropped while training, in attention too.
        heads: Heads of attention; they divide `hidden`.
        layers: Layers.
        feed_forward: Units of a layer's inner map, in multiples of `hidden`.
        window: How many of the newest records attention reaches; None for all.
        positions: Whether a record's place is added to it.
        query: Whose state attends to the prefix: the newest record's, or the first one's (one layer).
        form: The layers above, or the one that arXiv 2209.07805 released.
    """

    dropout: float = 0.1
    heads: int = 2
    layers: int = 1
    feed_forward: int = 2
    window: int | None = None
    positions: Literal["sinusoidal", "none"] = "sinusoidal"
    query: Literal["newest", "first"] = "newest"
    form: Literal["layers", "released"] = "layers"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        counts = (self.heads, self.layers, self.feed_forward, 1 if self.window is None else self.window)
        if min(counts) < 1 or self.hidden % self.heads or self.hidden % 2:
            raise self.nonsense("counts are 1 or more, and hidden is even and a multiple of heads")
        allowed = {"positions": ("sinusoidal", "none"), "query": ("newest", "first"), "form": ("layers", "released")}
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                raise unknown(f"value of {name}", getattr(self, name), choices, where="CausalTransformer")
        if self.query == "first" and (self.layers > 1 or self.window is not None):
            raise self.nonsense("the first record attends in one layer, without a window")
        if self.form == "released" and (self.layers > 1 or self.window is not None or self.heads > 1):
            raise self.nonsense("the released form is one layer of one head, without a window")

    def encoder(self, columns: int) -> Encoder:
        """The layers."""
        from hilum.models.causal_transformer.network import Layers, Released

        kind = Released if self.form == "released" else Layers
        return kind(self, self.static_columns + columns)
