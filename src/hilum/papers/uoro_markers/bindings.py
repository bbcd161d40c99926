"""Which cells answer which claims of arXiv 2106.01100, all from its abstract, and why the others are not answered."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from hilum.core.binding import Binding, Bound, Estimand, StandIn, Unbound
from hilum.core.experiment import Arm
from hilum.papers.uoro_markers.experiment import hold_last, least_mean_squares, linear_regression, network

RUNS = 300
EVERY = Estimand("recording", horizons=tuple(range(1, 21)), items=tuple(f"recording-{n}" for n in range(1, 10)))
NEAR, MIDDLE, FAR = (1, 2), (3, 4, 5), tuple(range(7, 21))  # in samples; 0.6 s itself is given to no method
# Whatever the size of the run. The 2022 code's older RTRL forecasts with the state from before the newest sample, one step late.
OLDER_RTRL = "RTRL reads the newest sample before it forecasts; the paper's older form does not"


def bindings() -> tuple[Bound, ...]:
    """Every claim of the paper, bound or with the reason why not; the first match wins."""
    return (
        _value("uoro.rmse"),
        _value("uoro.max-error"),
        _rank("uoro.rank.rmse", UORO, "rmse", EVERY.horizons),
        _rank("uoro.rank.max-error", UORO, "max-error", EVERY.horizons),
        _rank("rank.linear.by-horizon", LINEAR, "rmse", NEAR),
        _rank("rank.lms.by-horizon", LMS, "rmse", MIDDLE),
        _rank("rank.uoro.by-horizon", UORO, "rmse", FAR),
        _count("data.records", "items"),
        _count("data.markers", "objects"),
        Unbound(("uoro.step-time",), "time depends on hardware: shown, not judged"),
        Unbound(("data.*",), "a statement about the data"),
    )


# Each method in full and as small runs have it, as published; the two that draw nothing at random are the same in both.
UORO, RTRL, LMS, LINEAR = METHODS = (
    (network("UORO", "published"), network("UORO", "published", small=True)),
    (network("RTRL", "published"), network("RTRL", "published", small=True)),
    (least_mean_squares("published"),) * 2,
    (linear_regression("published"),) * 2,
)


def _value(claim: str) -> Binding:
    whole, small = UORO
    return Binding(
        (claim,),
        arm=whole,
        honest=network("UORO", "causal, retuned"),
        trivial=hold_last(),
        estimand=replace(EVERY, runs=RUNS),
        basis="same-data",
        stand_in=StandIn(small, (_lacks(whole, small),), honest=network("UORO", "causal, retuned", small=True)),
    )


def _rank(claim: str, method: tuple[Arm, Arm], metric: str, horizons: tuple[int, ...]) -> Binding:
    """The rank of one of the four methods among them, over a group of horizons."""
    rivals = [each for each in METHODS if each != method]
    return Binding(
        (claim,),
        arm=method[0],
        trivial=hold_last(),
        estimand=replace(EVERY, horizons=horizons),
        basis="same-data",
        differs=(OLDER_RTRL,),
        metric=metric,
        rivals=tuple(whole for whole, _ in rivals),
        stand_in=StandIn(
            method[1],
            tuple(f"{whole.name}: {_lacks(whole, small)}" for whole, small in (UORO, RTRL)),
            rivals=tuple(small for _, small in rivals),
        ),
    )


def _count(claim: str, what: str) -> Binding:
    return Binding((claim,), arm=hold_last(), trivial=hold_last(), estimand=EVERY, basis="identical", metric=what)


def _lacks(whole: Arm, small: Arm) -> str:
    """What the small arm leaves out, in words."""
    assert whole.search is not None
    assert small.search is not None
    counts = [prod(len(values) for _, values in search.over) for search in (small.search, whole.search)]
    kept = "; ".join(f"{name} {', '.join(f'{value:g}' for value in values)}" for name, values in small.search.over)
    ahead = ", ".join(f"{seconds:g}" for seconds in small.task.horizons_s)
    return (
        f"{counts[0]} of {counts[1]} candidate settings ({kept}), chosen on {small.search.seeds} run a candidate instead of "
        f"{whole.search.seeds}; {len(small.task.horizons_s)} of {len(whole.task.horizons_s)} horizons ({ahead} s)"
    )
