"""Both marker papers hold together: every claim is answered, small runs lie inside full ones, networks stand under both protocols."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from types import ModuleType
from typing import Any

import pytest

from hilum.core.binding import Arithmetic, Binding, Bound, Unbound, match
from hilum.core.claim import Claim, read_claims
from hilum.core.experiment import Arm, Preset
from hilum.core.finder import get
from hilum.papers.online_rnn_markers import experiment as online
from hilum.papers.uoro_markers import experiment as uoro

PAPERS = ("online-rnn-markers", "uoro-markers")
every_paper = pytest.mark.parametrize("slug", PAPERS)
BOTH = pytest.mark.parametrize("paper", [online, uoro], ids=PAPERS)


@lru_cache
def answered(slug: str) -> tuple[dict[str, Claim], dict[str, Bound]]:
    paper = get("papers", slug)
    claims = read_claims(paper.path / "claims.csv")
    return {claim.id: claim for claim in claims}, match(claims, paper.load("bindings").bindings(), paper=slug)


@lru_cache
def arms(slug: str, size: Any) -> dict[str, Arm]:
    return {arm.id: arm for arm in get("papers", slug).load("experiment").experiment(Preset(size)).arms}


@every_paper
def test_full_runs_every_arm_that_a_claim_needs(slug: str) -> None:
    _, bound = answered(slug)
    full = arms(slug, "full")
    for name, rule in bound.items():
        if isinstance(rule, Binding):
            needed = (rule.arm, rule.trivial, *rule.rivals, *((rule.honest,) if rule.honest else ()))
            assert {arm.id for arm in needed} <= set(full), name
            assert rule.within(full).arm == rule.arm


@every_paper
def test_quick_answers_exactly_or_with_a_stand_in_that_says_what_it_lacks(slug: str) -> None:
    _, bound = answered(slug)
    quick = arms(slug, "quick")
    for name, rule in bound.items():
        if isinstance(rule, Binding):
            used = rule.within(quick)
            assert {arm.id for arm in (used.arm, used.trivial, *used.rivals)} <= set(quick), name
            assert used == rule or (rule.stand_in is not None and len(used.differs) > len(rule.differs)), name


@every_paper
def test_full_keeps_what_quick_ran_and_titles_are_unique(slug: str) -> None:
    experiment = get("papers", slug).load("experiment").experiment
    made = {size: experiment(Preset(size)) for size in ("smoke", "quick", "full")}
    assert set(made["quick"].cells) <= set(made["full"].cells)
    for each in made.values():
        assert len({arm.name for arm in each.arms}) == len(each.arms)
        assert len(set(each.cells)) == len(each.cells)
    seeds = {len(cell.seeds) for cell in made["quick"].cells if cell.arm.model.stochastic}
    assert seeds == {5}


def test_what_quick_answers_exactly() -> None:
    claims, bound = answered("online-rnn-markers")
    quick = arms("online-rnn-markers", "quick")
    exact = {name for name, rule in bound.items() if isinstance(rule, Binding) and rule.within(quick) == rule}
    expected = {name for name in claims if name.split(".")[-2] in {"lms", "linear"} and claims[name].kind == "value"}
    assert exact == expected
    assert len(exact) == 3 * (5 + 4 + 4 + 4 + 4)


def test_reasons_are_for_times_and_statements_alone() -> None:
    for slug in PAPERS:
        claims, bound = answered(slug)
        for name, rule in bound.items():
            if isinstance(rule, Unbound):
                assert claims[name].kind in {"cost", "statement"}, name
            if isinstance(rule, Arithmetic):
                assert claims[name].kind in {"arithmetic", "cost"}, name


def candidates(arm: Arm) -> int:
    assert arm.search is not None
    return prod(len(values) for _, values in arm.search.over)


def test_the_published_grids() -> None:
    for rate in online.RATES:
        for name in online.NETWORKS:
            whole = online.network(name, "published", rate)
            assert candidates(whole) == (45 if name == "RTRL" else 90)
            assert whole.search is not None
            assert (whole.search.metric, whole.search.seeds, whole.model.clip) == ("nrmse", 50, 100.0)
        assert candidates(online.support_vector_regression("published", rate)) == 320
        assert candidates(online.least_mean_squares("published", rate)) == 15
        assert candidates(online.linear_regression("published", rate)) == 5
    sizes = {name: candidates(uoro.network(name, "published")) for name in uoro.NETWORKS}
    assert sizes == {"UORO": 150, "RTRL": 192, "UORO, exact": 150}
    assert candidates(uoro.least_mean_squares("published")) == 35
    assert candidates(uoro.linear_regression("published")) == 9
    assert {arm.model.clip for arm in (uoro.network("UORO", "published"), uoro.least_mean_squares("causal"))} == {2.0}


def test_horizons_and_parts_at_every_rate() -> None:
    expected = {"3.33hz": range(1, 8), "10hz": range(1, 22), "30hz": range(3, 64, 3)}
    for rate in online.RATES:
        interval = 1 / rate.dataset.rate_hz
        assert rate.every.horizons(interval) == tuple(expected[rate.claims])
        assert set(rate.few.horizons(interval)) < set(rate.every.horizons(interval))
        parts = rate.every.parts(10_000, interval)
        length = {"3.33hz": 100, "10hz": 300, "30hz": 900}[rate.claims]
        assert (parts["train"], parts["choose"]) == ((0, length), (length, 2 * length))
    assert uoro.EVERY.horizons(0.1) == tuple(range(1, 21))


@BOTH
def test_every_causal_network_stands_twice_and_small_grids_lie_in_the_published_ones(paper: ModuleType) -> None:
    made = paper.experiment(Preset("quick")).arms
    networks = [arm for arm in made if hasattr(arm.model, "units")]
    causal = [arm for arm in networks if arm.protocol == "causal"]
    for arm in causal:
        same = [a for a in causal if (a.dataset, a.task, a.model) == (arm.dataset, arm.task, arm.model)]
        assert sorted(a.search.protocol for a in same if a.search) == ["", "published"]
        assert {a.name.rpartition("(")[2] for a in same} == {"causal, retuned)", "causal, published settings)"}
    full = [arm for arm in paper.experiment(Preset("full")).arms if arm.protocol == "published" and arm not in made]
    for arm in networks:
        if arm.protocol == "causal":
            continue
        whole = next(each for each in full if (each.model, each.dataset) == (arm.model, arm.dataset))
        assert arm.search is not None
        assert whole.search is not None
        grid = dict(whole.search.over)
        assert all(set(values) <= set(grid[name]) for name, values in arm.search.over)


@BOTH
def test_causal_rows_lead_and_the_bound_stands_last(paper: ModuleType) -> None:
    made = paper.experiment(Preset("quick")).arms
    for dataset in dict.fromkeys(arm.dataset for arm in made):
        here = [arm for arm in made if arm.dataset == dataset]
        assert here[0].name.startswith("Hold last")
        assert "bound, no competitor" in here[-1].name
        assert here[1].protocol == "causal"
    spline = [arm.name for arm in made if arm.dataset.rate_hz == 30.0]
    assert all("30 Hz spline" in name for name in spline)


def test_a_stand_in_tells_what_was_cut() -> None:
    whole = answered("online-rnn-markers")[1]["mean.10hz.snap-1.rmse"]
    assert isinstance(whole, Binding)
    assert whole.stand_in is not None
    assert whole.stand_in.differs == (
        "4 of 90 candidate settings (units 60; history 12, 24; rate 0.01, 0.02)",
        "settings are chosen on 1 run a candidate instead of 50",
        "3 of 21 horizons (0.5, 1, 2 s)",
    )


@every_paper
def test_a_causal_row_with_fewer_candidates_than_the_published_one_says_so_in_its_title(slug: str) -> None:
    # Networks say it by their rows ("retuned") and README; LMS and linear regression stand beside each other by name alone.
    for size in ("smoke", "full"):
        made = {arm.name: arm for arm in arms(slug, size).values()}
        for name, arm in made.items():
            beside = made.get(name.replace("(causal)", "(published)"))
            if name.startswith(("LMS", "Linear")) and arm.protocol == "causal" and beside is not None:
                assert arm.search == beside.search, name
        fewer = [arm.search for arm in made.values() if "two histories" in arm.name]
        assert [len(dict(search.over)["history"]) for search in fewer if search] == [2] * (size == "full")
