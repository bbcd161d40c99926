"""act: do something in an environment, step by step.

Record        one row a clinical task: the trajectory and the changed chart by reference, checkpoints passed, cost
Unit          the clinical task
Model         an agent: `act(observation)`; the environment has `reset`, `step` and `state`
"""

from __future__ import annotations

from typing import Any, Protocol

TITLE = "act in an environment"
ROLES = ("environment",)
PROTOCOLS = ("published", "honest")
RECORD = ("item", "subject", "seed", "target", "prediction", "steps")


class Environment(Protocol):
    """A world with a state that can be read and graded, such as a FHIR chart."""

    def reset(self, seed: int) -> Any:
        """Begin again; returns the first observation."""
        ...

    def step(self, action: Any) -> tuple[Any, bool]:
        """Do one action; returns the next observation, and whether it is over."""
        ...

    def state(self) -> Any:
        """The state that checkpoints are graded by."""
        ...


class Agent(Protocol):
    """What acts."""

    def act(self, observation: Any) -> Any:
        """The next action."""
        ...
