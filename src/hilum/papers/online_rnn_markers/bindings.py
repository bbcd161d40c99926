"""Which cells answer which claims of arXiv 2403.01607, and why the others are not answered yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hilum.core.binding import Arithmetic, Binding, Bound, Estimand, Unbound
from hilum.core.claim import Claim
from hilum.papers.online_rnn_markers.experiment import (
    IRREGULAR,
    REGULAR,
    hold_last,
    least_mean_squares,
    linear_regression,
    snap1,
)

HORIZONS = tuple(range(1, 22))
NETWORKS = ("rtrl", "uoro", "snap-1", "dni")
ERRORS = ("mae", "rmse", "nrmse")
EVERY = Estimand("recording", horizons=HORIZONS, items=tuple(f"recording-{n}" for n in range(1, 10)))


def bindings() -> tuple[Bound, ...]:
    """Every claim of the paper, bound or with the reason why not; the first match wins."""
    return (*_measured(), *_recomputed(), *_open())


def _measured() -> tuple[Bound, ...]:
    means = Binding(
        ("mean.10hz.lms.*",),
        arm=least_mean_squares("published"),
        honest=least_mean_squares("causal"),
        trivial=hold_last(),
        estimand=EVERY,
        basis="identical",
    )
    groups = [
        replace(means, claims=(f"{group}.10hz.{name}.*",), arm=arm, honest=honest, estimand=replace(EVERY, items=items))
        for group, items in (("regular", REGULAR), ("irregular", IRREGULAR))
        for name, arm, honest in (
            ("lms", least_mean_squares("published"), least_mean_squares("causal")),
            ("linear", linear_regression("published"), linear_regression("causal")),
        )
    ]
    return (means, *groups, *_not_tuned())


def _not_tuned() -> tuple[Bound, ...]:
    """SnAp-1 runs at one fixed setting: its figures are shown beside the claims and not compared."""
    return tuple(
        Binding(
            (pattern,),
            arm=snap1("published"),
            honest=snap1("causal"),
            trivial=hold_last(),
            estimand=Estimand("recording", items=items, runs=300),
            basis="same-data",
            differs=(
                "settings not tuned: units, history and rate are fixed, the paper chooses them per recording and horizon",
                "three horizons (0.5, 1 and 2 s) instead of 21",
            ),
        )
        for pattern, items in (
            ("mean.10hz.snap-1.*", EVERY.items),
            ("regular.10hz.snap-1.*", REGULAR),
            ("irregular.10hz.snap-1.*", IRREGULAR),
        )
    )


def _recomputed() -> tuple[Bound, ...]:
    return (
        Arithmetic(
            ("rate-effect.*",), _rate_effect, "mean relative decrease of MAE, RMSE and nRMSE in the printed table"
        ),
        Arithmetic(("best.*.nrmse",), _lowest, "the lowest nRMSE of a network in the printed table"),
        Arithmetic(("best.*.rank",), _rank_of_best, "the rank of the named network's nRMSE in the printed table"),
        Arithmetic(
            ("dni.step-time.30hz",), lambda _, claims: claims["time.30hz.dni"].value, "the printed table of times"
        ),
    )


def _open() -> tuple[Bound, ...]:
    return (
        Unbound(("time.*",), "time depends on hardware: shown, not judged"),
        Unbound(("horizon.max",), "a statement about the set-up"),
        Unbound(("*.10hz.*",), "the model or its settings are not built yet"),
        Unbound(("*.3.33hz.*", "*.30hz.*"), "only the 10 Hz recordings are run so far"),
    )


def _rate_effect(claim: Claim, claims: Mapping[str, Claim]) -> float:
    _, method, step = claim.id.split(".", 2)
    slow, fast = step.replace("hz", "").split("-to-")
    names = NETWORKS if method == "rnn" else (method,)
    drops = []
    for name in names:
        for error in ERRORS:
            before = claims[f"mean.{slow}hz.{name}.{error}"].value
            after = claims[f"mean.{fast}hz.{name}.{error}"].value
            drops.append((before - after) / before)
    return sum(drops) / len(drops)


def _table(claim: Claim, claims: Mapping[str, Claim]) -> dict[str, float]:
    rate = claim.id.removeprefix("best.").rpartition(".")[0]
    return {name: claims[f"mean.{rate}.{name}.nrmse"].value for name in NETWORKS}


def _lowest(claim: Claim, claims: Mapping[str, Claim]) -> float:
    return min(_table(claim, claims).values())


def _rank_of_best(claim: Claim, claims: Mapping[str, Claim]) -> float:
    table = _table(claim, claims)
    named = next((name for name in NETWORKS if name in claim.model.lower()), "")
    return float(sorted(table, key=table.__getitem__).index(named) + 1) if named else float("nan")
