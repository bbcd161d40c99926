"""A study file, whatever it is about: a table, events, traces or films. Its [data] section says which, or that there is [events].

study.toml --read_toml--> table          read_table_study --> folds as cells
                          events         read_event_study --> folds as cells
                          trace, film    read_forecast_study --> recordings as cells
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.core.errors import UsageError
from hilum.core.experiment import Experiment, Preset
from hilum.engine.audit import Use
from hilum.study.sections import read_toml, section

ABOUT = ("table", "trace", "film")


@dataclass(frozen=True)
class LoadedStudy:
    """A study that can be run.

    Attributes:
        experiment: Its cells.
        synthetic: Whether its author says that the data are simulated.
        use: What it is meant for.
        told: What goes into run.json beside the plan.
    """

    experiment: Experiment
    synthetic: bool
    use: Use
    told: dict[str, Any]


def load_study(path: Path, preset: Preset, models: tuple[str, ...] = ()) -> LoadedStudy:
    """Read a study and its data, and list its cells in one size.

    Raises:
        UsageError: a name, column, model or setting that does not exist or does not fit.
        DataError: the study or its data cannot be used; says which file, column and row.
    """
    data = read_toml(path)
    if "events" in data and not section(data, "data", str(path)):
        return _table(path, data, preset, models)
    named = [about for about in ABOUT if section(data, "data", str(path)).get(about)]
    if len(named) > 1:
        raise UsageError(
            f"a {named[0]} and a {named[1]} are named", where=f"{path}, [data]", do="A study is about one of them"
        )
    return _table(path, data, preset, models) if named in ([], ["table"]) else _forecast(path, data, preset, models)


def _table(path: Path, data: dict[str, Any], preset: Preset, models: tuple[str, ...]) -> LoadedStudy:
    from hilum.study.events import read_event_study
    from hilum.study.table import read_table_study
    from hilum.study.table_experiment import experiment, names_of_folds, own_data, statement, told

    study = read_event_study(path, data) if "events" in data else read_table_study(path, data)
    cells, table = experiment(study, preset, models)
    folds = names_of_folds(study, table)
    use = Use(study.use.future, study.use.prevalence, study.audit.interval_limit)
    return LoadedStudy(
        cells,
        study.origin.synthetic,
        use,
        {
            "paper": None,
            "study": told(study, table, folds),
            "datasets": [own_data(study, table)],
            "bibliography": [{"key": study.table, "text": text} for text in study.origin.cite],
            "statement": statement(study, table, folds),
        },
    )


def _forecast(path: Path, data: dict[str, Any], preset: Preset, models: tuple[str, ...]) -> LoadedStudy:
    from hilum.study.forecast import read_forecast_study
    from hilum.study.forecast_experiment import experiment, own_data, statement, told

    study = read_forecast_study(path, data)
    cells, recordings = experiment(study, preset, models)
    return LoadedStudy(
        cells,
        study.origin.synthetic,
        Use(study.use.future, None, study.audit.interval_limit),
        {
            "paper": None,
            "study": told(study, recordings),
            "datasets": [own_data(study, recordings)],
            "bibliography": [{"key": study.name, "text": text} for text in study.origin.cite],
            "statement": statement(study, recordings),
        },
    )
