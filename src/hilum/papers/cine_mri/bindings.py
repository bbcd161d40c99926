"""Which cells answer which claims of arXiv 2410.05882, and why the others are not answered.

A claim's id says what it is: eth.sl010-xcs125.whole.h0.3s.rtrl.ssim is one sequence, ovgu.roi.mean.rtrl.ssim a mean over eight. Rows in
which nothing is drawn at random run exactly as published in the quick preset; networks and transformers are answered by their full grids,
and where those are not part of the run small ones stand in, which are shown and never compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.core.binding import Arithmetic, Binding, Bound, Estimand, StandIn, Unbound
from hilum.core.claim import Claim, read_claims
from hilum.core.experiment import Arm
from hilum.papers.cine_mri.experiment import (
    SITES,
    Setup,
    Site,
    hold_weight,
    least_mean_squares,
    linear_regression,
    network,
    population_transformer,
    previous_image,
    sequence_transformer,
    true_field,
)

NETWORKS = {"rtrl": "RTRL", "uoro": "UORO", "snap-1": "SnAp-1", "dni": "DNI", "fixed-w": "Fixed weights"}
TRANSFORMERS = ("sequence-transformer", "population-transformer")
METHODS = (*NETWORKS, *TRANSFORMERS, "linear", "lms", "hold-weight")
# Runs behind a printed figure.
RUNS, FEW_RUNS = 25, 5
# The workbook's SSIM has a data range of 255 for 12-bit frames too.
METRICS = {"nrmse": "image-nrmse", "ssim": "ssim-255"}
EIGHT = ("ks81", "qn76", "cs31", "jy02", "on65", "ps11", "ii29", "ne38")

# site, sequence (none: the mean over all), part of the frame, horizon, method, metric
FIGURE = re.compile(r"(eth|ovgu)(?:\.([a-z0-9-]+))?\.(whole|roi)\.(mean|h[\d.]+s)\.([a-z0-9-]+)\.([a-z-]+)$")

CROPPED = (
    "the open frames are cropped to the region and 8 pixels around it: flow and motion model see no more than that, which alone moves "
    "such figures by up to 8 % where whole frames are at hand (README)"
)
NO_WHOLE = "the open frames are cropped: there is no whole image to score"
COPIED = "the workbook prints the figures of another sequence or horizon in this cell"
OTHER_WEIGHTS = "trained here, on the open weights of the other site, which have three components; the authors' networks were not used"
# The abstract does not say where short ends; these are ours.
SHORT_S = 0.5


def bindings() -> tuple[Bound, ...]:
    """Every claim of the paper, bound or with the reason why not."""
    claims = read_claims(Path(__file__).with_name("claims.csv"))
    measured = [bound for claim in claims for bound in _measured(claim)]
    return (*measured, *_recomputed())


def _measured(claim: Claim) -> Iterator[Bound]:
    """What answers one figure of the workbook; nothing where it is no such figure."""
    found = FIGURE.match(claim.id)
    if found is None:
        return
    group, sequence, scope, when, method, metric = found.groups(default="")
    site = next(site for site in SITES if site.claims == group)
    film = f"{site.claims}_{sequence.replace('-', '_')}" if sequence else ""
    if film and film not in site.films:
        yield Unbound((claim.id,), f"the frames of sequence {sequence} are not open here")
        return
    bound = _of_method(site, method)
    horizons = tuple(range(1, site.horizons + 1)) if when == "mean" else (round(float(when[1:-1]) * site.rate_hz),)
    items = (film,) if film else (*site.films, *site.absent)
    name = METRICS.get(metric, metric)
    yield replace(
        bound,
        claims=(claim.id,),
        metric=f"{name}-roi" if scope == "roi" else name,
        estimand=replace(bound.estimand, horizons=horizons, items=items),
        differs=(*_differs(site, scope, method, claim.note), *bound.differs),
    )


def _differs(site: Site, scope: str, method: str, note: str) -> tuple[str, ...]:
    found = []
    if site.claims == "ovgu" and scope == "whole":
        found.append(NO_WHOLE)
    elif site.claims == "ovgu" and method != "previous-image":
        found.append(CROPPED)
    if note.startswith("The workbook prints the same figures"):
        found.append(COPIED)
    return tuple(found)


@cache
def _of_method(site: Site, method: str) -> Binding:
    """A method's rows; the honest one is that whose settings are chosen without early labels."""
    setup = Setup(site)
    exact = Binding(
        (), arm=hold_weight(setup), trivial=hold_weight(setup), estimand=Estimand("recording"), basis="identical"
    )
    several = replace(exact, basis="same-data", estimand=Estimand("recording", runs=RUNS))
    if method == "hold-weight":
        return exact
    if method == "previous-image":
        return replace(exact, arm=previous_image(setup))
    if method == "true-dvf":
        return replace(exact, arm=true_field(setup))
    if method == "linear":
        return replace(exact, arm=linear_regression(setup, "published"), honest=linear_regression(setup, "causal"))
    if method == "lms":
        return replace(exact, arm=least_mean_squares(setup, "published"), honest=least_mean_squares(setup, "causal"))
    few = replace(several, estimand=Estimand("recording", runs=FEW_RUNS))
    if method == "sequence-transformer":
        whole, small = sequence_transformer(setup), sequence_transformer(setup, small=True)
        return replace(few, arm=whole, stand_in=StandIn(small, _lacks(whole, small)))
    if method == "population-transformer":
        whole, small = population_transformer(setup), population_transformer(setup, small=True)
        return replace(few, arm=whole, differs=(OTHER_WEIGHTS,), stand_in=StandIn(small, _lacks(whole, small)))
    name = NETWORKS[method]
    whole, small = network(setup, name, "published"), network(setup, name, "published", small=True)
    return replace(
        few if name == "RTRL" else several,
        arm=whole,
        honest=network(setup, name, "causal, retuned"),
        stand_in=StandIn(small, _lacks(whole, small), honest=network(setup, name, "causal, retuned", small=True)),
    )


def _lacks(whole: Arm, small: Arm) -> tuple[str, ...]:
    """What the small arm leaves out, in words."""
    assert whole.search is not None
    found = []
    wanted = prod(len(values) for _, values in whole.search.over)
    if small.search is None:
        found.append(f"1 of {wanted} candidate settings")
    else:
        tried = prod(len(values) for _, values in small.search.over)
        kept = "; ".join(f"{name} {', '.join(f'{value:g}' for value in values)}" for name, values in small.search.over)
        if tried < wanted:
            found.append(f"{tried} of {wanted} candidate settings ({kept})")
        found.append(f"settings are chosen on {small.search.seeds} run a candidate instead of {whole.search.seeds}")
    if small.task.horizons_s != whole.task.horizons_s:
        ahead = ", ".join(f"{seconds:.3g}" for seconds in small.task.horizons_s)
        found.append(f"{len(small.task.horizons_s)} of {len(whole.task.horizons_s)} horizons ({ahead} s)")
    if small.task.components != whole.task.components:
        found.append(f"{small.task.components[-1]} components instead of a choice from {len(whole.task.components)}")
    return tuple(found)


# ---- what follows from the paper's own figures


def _recomputed() -> tuple[Bound, ...]:
    means = "printed means over sequences"
    return (
        Arithmetic(
            ("test.*.p",), _p_value, "Wilcoxon's signed ranks, exact, of the printed horizon means of eight sequences"
        ),
        Arithmetic(("test.*.d",), _cohens_d, "mean over standard deviation of the differences of those"),
        Arithmetic(("abstract.sequences.count",), _sequences, "sequences behind the printed means"),
        Arithmetic(("abstract.eth.linear.short",), _linear_short, f"{means}, whole image, rounded as printed"),
        Arithmetic(
            ("abstract.eth.rnn.medium-long",),
            _worst("eth"),
            f"largest of the {means} beyond {SHORT_S:g} s, whole image",
        ),
        Arithmetic(
            ("abstract.ovgu.rnn.medium-long",),
            _worst("ovgu"),
            f"largest of the {means} beyond {SHORT_S:g} s, whole image",
        ),
        Arithmetic(
            ("abstract.rank.short",), _rank_short, f"{means} of the geometric error at the first horizon, whole image"
        ),
        Arithmetic(
            ("abstract.rank.medium-long",),
            _rank_long,
            f"the worse of both methods' ranks, of both sites, by the {means} of the geometric error beyond {SHORT_S:g} s, whole image",
        ),
        Arithmetic(
            ("abstract.error-grows",),
            _least_slope,
            f"least slope of any method and site, {means} of the geometric error, whole image",
        ),
    )


Claims = Mapping[str, Claim]


def _tested(claim: Claim, claims: Claims) -> NDArray[np.float64]:
    """Differences of the two methods' horizon means, a sequence each."""
    first, second = claim.id.split(".")[3].split("-vs-")
    found = [
        [claims[f"ovgu.{name}.whole.mean.{method}.geometric-error"].value for name in EIGHT]
        for method in (first, second)
    ]
    differences: NDArray[np.float64] = np.asarray(found[0]) - np.asarray(found[1])
    return differences


def _p_value(claim: Claim, claims: Claims) -> float:
    from hilum.metrics.stats import wilcoxon_signed_rank

    return wilcoxon_signed_rank(_tested(claim, claims)).p


def _cohens_d(claim: Claim, claims: Claims) -> float:
    differences = _tested(claim, claims)
    return float(differences.mean() / differences.std(ddof=1))


def _sequences(_: Claim, claims: Claims) -> float:
    return float(sum(int(claims[f"{site.claims}.whole.mean.rtrl.nrmse"].n) for site in SITES))


def _linear_short(claim: Claim, claims: Claims) -> float:
    return round(claims["eth.whole.h0.3s.linear.geometric-error"].value, len(claim.printed.partition(".")[2]))


def _course(site: str, method: str, claims: Claims) -> dict[float, float]:
    """The printed geometric error of a method by horizon, s."""
    before, after = f"{site}.whole.h", f"s.{method}.geometric-error"
    return {
        float(name[len(before) : -len(after)]): claim.value
        for name, claim in claims.items()
        if name.startswith(before) and name.endswith(after)
    }


def _beyond(site: str, method: str, claims: Claims) -> list[float]:
    return [value for seconds, value in _course(site, method, claims).items() if seconds > SHORT_S]


def _worst(site: str) -> Callable[[Claim, Claims], float]:
    return lambda _, claims: max(value for method in ("rtrl", "snap-1") for value in _beyond(site, method, claims))


def _rank_short(_: Claim, claims: Claims) -> float:
    first = {method: _course("eth", method, claims)[0.3] for method in METHODS}
    return float(1 + sum(value < first["linear"] for value in first.values()))


def _rank_long(_: Claim, claims: Claims) -> float:
    worst = 0
    for site in ("eth", "ovgu"):
        mean = {method: float(np.mean(_beyond(site, method, claims))) for method in METHODS}
        worst = max(worst, *(1 + sum(value < mean[method] for value in mean.values()) for method in ("rtrl", "snap-1")))
    return float(worst)


def _least_slope(_: Claim, claims: Claims) -> float:
    slopes = []
    for site in ("eth", "ovgu"):
        for method in METHODS:
            course = _course(site, method, claims)
            slopes.append(float(np.polyfit(list(course), list(course.values()), 1)[0]))
    return min(slopes)
