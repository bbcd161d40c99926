"""Which cells answer which claims of arXiv 2403.01607, and why the others are not answered.

LMS and linear regression run exactly as published in the quick preset. Networks and SVR are answered by their full grids; where those
are not part of the run, small ones stand in, which are shown and never compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from hilum.core.binding import Arithmetic, Binding, Bound, Estimand, StandIn, Unbound
from hilum.core.claim import Claim
from hilum.core.experiment import Arm
from hilum.papers.online_rnn_markers.experiment import (
    IRREGULAR,
    RATES,
    REGULAR,
    Rate,
    hold_last,
    least_mean_squares,
    linear_regression,
    network,
    support_vector_regression,
)

# The claims' names of the paper's networks, and ours; runs behind each of their printed figures.
LEARNERS = {"rtrl": "RTRL", "uoro": "UORO", "snap-1": "SnAp-1", "dni": "DNI"}
RUNS = 300
BEST = {"3.33hz": "snap-1", "10hz": "snap-1", "30hz": "uoro"}
ERRORS = ("mae", "rmse", "nrmse")
NINE = tuple(f"recording-{n}" for n in range(1, 10))
GROUPS = {"mean": NINE, "regular": REGULAR, "irregular": IRREGULAR}


def bindings() -> tuple[Bound, ...]:
    """Every claim of the paper, bound or with the reason why not; the first match wins."""
    measured = [bound for rate in RATES for bound in (*_exact(rate), *_svr(rate), *_networks(rate), *_best(rate))]
    return (*measured, *_recomputed(), *_open())


def _exact(rate: Rate) -> list[Binding]:
    """LMS and linear regression: nothing is drawn at random, so the printed digits can be had."""
    lms = Binding(
        (f"mean.{rate.claims}.lms.*",),
        arm=least_mean_squares("published", rate),
        honest=least_mean_squares("causal", rate),
        trivial=hold_last(rate),
        estimand=_over(rate, NINE),
        basis="identical",
    )
    linear = replace(lms, arm=linear_regression("published", rate), honest=linear_regression("causal", rate))
    return [*_of_groups(lms, rate, "lms"), *_of_groups(linear, rate, "linear")[1:]]


def _svr(rate: Rate) -> list[Binding]:
    whole = Binding(
        (f"mean.{rate.claims}.svr.*",),
        arm=support_vector_regression("published", rate),
        honest=support_vector_regression("causal", rate),
        trivial=hold_last(rate),
        estimand=_over(rate, NINE),
        basis="same-data",
        stand_in=_stand_in(
            support_vector_regression("published", rate),
            support_vector_regression("published", rate, small=True),
        ),
    )
    return _of_groups(whole, rate, "svr")


def _networks(rate: Rate) -> list[Binding]:
    found = []
    for claimed in LEARNERS:
        whole = _network(claimed, rate)
        found += _of_groups(whole, rate, claimed)
        seven = _over(rate, ("recording-7",), runs=RUNS)
        found.append(replace(whole, claims=(f"sequence7.{rate.claims}.{claimed}.*",), estimand=seven))
    return found


def _network(claimed: str, rate: Rate) -> Binding:
    """The honest row is the one whose settings are chosen without early labels."""
    name = LEARNERS[claimed]
    whole = network(name, "published", rate)
    return Binding(
        (f"mean.{rate.claims}.{claimed}.*",),
        arm=whole,
        honest=network(name, "causal, retuned", rate),
        trivial=hold_last(rate),
        estimand=_over(rate, NINE, runs=RUNS),
        basis="same-data",
        stand_in=_stand_in(
            whole,
            network(name, "published", rate, small=True),
            network(name, "causal, retuned", rate, small=True),
        ),
    )


def _best(rate: Rate) -> list[Binding]:
    """The best method of a rate: its printed figure, and its rank among all methods of the paper."""
    whole = _network(BEST[rate.claims], rate)
    others = [LEARNERS[name] for name in LEARNERS if name != BEST[rate.claims]]
    exact = (least_mean_squares("published", rate), linear_regression("published", rate))
    rivals = (
        *(network(name, "published", rate) for name in others),
        support_vector_regression("published", rate),
        *exact,
    )
    small = (
        *(network(name, "published", rate, small=True) for name in others),
        support_vector_regression("published", rate, small=True),
        *exact,
    )
    assert whole.stand_in is not None
    rank = replace(
        whole,
        claims=(f"best.{rate.claims}.rank",),
        metric="nrmse",
        rivals=rivals,
        stand_in=replace(whole.stand_in, rivals=small),
    )
    return [replace(whole, claims=(f"best.{rate.claims}.nrmse",)), rank]


def _over(rate: Rate, items: tuple[str, ...], *, runs: int = 1) -> Estimand:
    """Mean over every published horizon, then over recordings."""
    horizons = rate.every.horizons(1.0 / rate.dataset.rate_hz)
    return Estimand("recording", horizons=horizons, items=items, runs=runs)


FROM_PRINTED_ROWS = (
    "which recordings are regular is not said where we could read: the letters in the file names suggest these, and the printed "
    "rows of LMS and of linear regression single out the same ones, so a figure of this group helped to choose what it is compared with"
)


def _of_groups(binding: Binding, rate: Rate, name: str) -> list[Binding]:
    """The same for all nine recordings, for the regular ones and for the irregular ones."""
    return [
        replace(
            binding,
            claims=(f"{group}.{rate.claims}.{name}.*",),
            estimand=replace(binding.estimand, items=items),
            notes=() if items == NINE else (FROM_PRINTED_ROWS,),
        )
        for group, items in GROUPS.items()
    ]


def _stand_in(whole: Arm, small: Arm, honest: Arm | None = None) -> StandIn:
    return StandIn(small, differs=tuple(_lacks(whole, small)), honest=honest)


def _lacks(whole: Arm, small: Arm) -> list[str]:
    """What the small arm leaves out, in words."""
    assert whole.search is not None
    assert small.search is not None
    counts = [prod(len(values) for _, values in arm.search.over) for arm in (small, whole) if arm.search]
    kept = "; ".join(f"{name} {', '.join(f'{value:g}' for value in values)}" for name, values in small.search.over)
    found = [f"{counts[0]} of {counts[1]} candidate settings ({kept})"]
    if small.search.seeds != whole.search.seeds:
        found.append(f"settings are chosen on {small.search.seeds} run a candidate instead of {whole.search.seeds}")
    if small.task != whole.task:
        ahead = ", ".join(f"{seconds:g}" for seconds in small.task.horizons_s)
        found.append(f"{len(small.task.horizons_s)} of {len(whole.task.horizons_s)} horizons ({ahead} s)")
    return found


def _recomputed() -> tuple[Bound, ...]:
    return (
        Arithmetic(
            ("rate-effect.*",), _rate_effect, "mean relative decrease of MAE, RMSE and nRMSE in the printed table"
        ),
        Arithmetic(
            ("dni.step-time.30hz",), lambda _, claims: claims["time.30hz.dni"].value, "the printed table of times"
        ),
    )


def _open() -> tuple[Bound, ...]:
    return (
        Unbound(("time.*",), "time depends on hardware: shown, not judged"),
        Unbound(("horizon.max",), "a statement about the set-up"),
    )


def _rate_effect(claim: Claim, claims: Mapping[str, Claim]) -> float:
    _, method, step = claim.id.split(".", 2)
    slow, fast = step.replace("hz", "").split("-to-")
    names = tuple(LEARNERS) if method == "rnn" else (method,)
    drops = []
    for name in names:
        for error in ERRORS:
            before = claims[f"mean.{slow}hz.{name}.{error}"].value
            after = claims[f"mean.{fast}hz.{name}.{error}"].value
            drops.append((before - after) / before)
    return sum(drops) / len(drops)
