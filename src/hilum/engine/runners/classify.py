"""The runner of the kind `classify`: tables, fold by fold (see `hilum.engine.tables.runner`)."""

from hilum.engine.tables.runner import run

__all__ = ["run"]
