"""What the two gradient boosting models share: the names of their settings, and which values make no sense."""

from __future__ import annotations

from typing import Protocol

from hilum.core.errors import UsageError


class BoostingSettings(Protocol):
    """Settings that both have; their meaning stands with each model."""

    @property
    def rounds(self) -> int:
        """Trees."""
        ...

    @property
    def learning_rate(self) -> float:
        """How much of each tree is taken."""
        ...

    @property
    def leaves(self) -> int:
        """The most leaves of a tree."""
        ...

    @property
    def depth(self) -> int | None:
        """The most splits from root to leaf."""
        ...

    @property
    def rows_per_leaf(self) -> int:
        """The fewest records of a leaf."""
        ...

    @property
    def penalty(self) -> float:
        """L2 penalty of a leaf."""
        ...


def refuse_nonsense(settings: BoostingSettings, where: str) -> None:
    """Refuse settings that make no sense.

    Raises:
        UsageError: a count below 1, fewer than two leaves, a learning rate that is not positive, or a negative penalty.
    """
    s = settings
    counts = (s.rounds, s.rows_per_leaf, 1 if s.depth is None else s.depth, s.leaves - 1)
    if min(counts) < 1 or s.learning_rate <= 0 or s.penalty < 0:
        raise UsageError(
            f"rounds {s.rounds}, learning_rate {s.learning_rate}, leaves {s.leaves}, depth {s.depth}, "
            f"rows_per_leaf {s.rows_per_leaf} or penalty {s.penalty} makes no sense",
            where=where,
            do="Two leaves or more, other counts 1 or more, a positive learning rate, no negative penalty",
        )
