"""What holds for everything that the finder finds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from hilum.core.card import Card
from hilum.core.component import build, default_of, describe
from hilum.core.data import bind
from hilum.core.errors import UsageError
from hilum.core.finder import ROOMS, Found, find, get
from hilum.core.metric import Metric

EVERYTHING = [(room, name) for room in ROOMS for name in find(room)]


def component_of(found: Found, part: str = "") -> Any:
    """The one public dataclass that a dataset, task or model module defines, with its default settings."""
    return default_of(found.load(part))


@pytest.mark.parametrize(("room", "name"), EVERYTHING)
def test_everything_has_a_title(room: str, name: str) -> None:
    found = get(room, name)
    assert found.title.strip()
    assert found.path.exists()


def test_the_finder_imports_nothing() -> None:
    code = (
        "import sys\nfrom hilum.core.finder import ROOMS, find\n"
        "n = sum(len(find(room)) for room in ROOMS)\nassert n > 30, n\n"
        "bad = [m for m in sys.modules if m.startswith(tuple(f'hilum.{room}.' for room in ROOMS))]\n"
        "assert not bad, bad\n"
        "heavy = {'numpy', 'polars', 'numba', 'torch', 'sklearn', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy - {'numpy'}, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unknown_names_give_the_closest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'hold_last'"):
        get("models", "hold-lst")
    with pytest.raises(UsageError, match="no room"):
        find("kitchen")


@pytest.mark.parametrize("name", find("datasets"))
def test_datasets_keep_their_contract(name: str) -> None:
    found = get("datasets", name)
    card = Card.model_validate({k: v for k, v in found.facts.items() if k in Card.model_fields})
    assert card.name == name
    dataset = component_of(found, "dataset")
    assert dataset.name == name
    assert bool(getattr(dataset, "synthetic", False)) == card.synthetic
    assert build(describe(dataset)) == dataset
    assert len(dataset.ITEMS) == card.items
    assert dataset.provides


@pytest.mark.parametrize("name", find("tasks"))
def test_tasks_keep_their_contract(name: str) -> None:
    task = component_of(get("tasks", name))
    assert build(describe(task)) == task
    assert get("models", task.trivial)
    kind = __import__(f"hilum.core.kinds.{task.kind}", fromlist=["ROLES"])
    assert set(task.needs) <= set(kind.ROLES)


@pytest.mark.parametrize("name", find("models"))
def test_models_keep_their_contract(name: str) -> None:
    found = get("models", name)
    model = component_of(found, "settings" if found.has("settings") else "")
    assert describe(model).name == name
    assert build(describe(model)) == model
    assert isinstance(model.stochastic, bool)  # a mixture is what its experts are
    assert hash(model) == hash(build(describe(model)))


@pytest.mark.parametrize("name", find("metrics"))
def test_metric_families_keep_their_contract(name: str) -> None:
    family = get("metrics", name)
    assert get_kind(family)
    names = [metric.name for metric in family.load().METRICS]
    assert len(names) == len(set(names))
    for metric in family.load().METRICS:
        assert isinstance(metric, Metric)
        assert metric.definition
        assert metric.source
        assert metric.unit
        assert metric.bounds[0] < metric.bounds[1]
        assert not metric({}).defined
        assert metric({}).reason


def get_kind(family: Found) -> str:
    kind = family.facts["KIND"]
    __import__(f"hilum.core.kinds.{kind}")
    return str(kind)


def test_datasets_bind_to_tasks() -> None:
    task = component_of(get("tasks", "position_ahead"))
    for name in ("extmarkers", "simulated_breathing"):
        dataset = component_of(get("datasets", name), "dataset")
        assert bind(dataset.provides, task.needs, dataset=name, task="position_ahead")["series"].unit == "mm"


@pytest.mark.parametrize("name", [n for n, p in find("papers").items() if p.has("experiment")])
def test_built_papers_bind_every_claim(name: str) -> None:
    from hilum.engine.evaluate import paper_claims

    claims, bound = paper_claims(get("papers", name))
    assert set(bound) == {claim.id for claim in claims}
