"""What code a cell is made by: its parts' sources and what they import here, read without importing anything.

A cell is stored under a key that holds this hash. So a changed line in a model redoes that model's cells and no others, and a
changed line in the runner redoes all. Comments and formatting count: the hash is of the bytes.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

NUMERICS = ("numpy", "scipy", "numba", "scikit-learn")


def code_hash(modules: Iterable[str]) -> str:
    """SHA-256 over the sources of `modules` and of everything they import from the same packages, transitively."""
    pending = list(modules)
    tops = {name.partition(".")[0] for name in pending} | {"hilum"}
    seen: dict[str, str] = {}
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        path = _source(name)
        if path is None:
            continue
        stamp = path.stat()
        seen[name], imported = _read(path, name, stamp.st_mtime_ns, stamp.st_size)
        pending.extend(other for other in imported if other.partition(".")[0] in tops)
    text = "\n".join(f"{name} {seen[name]}" for name in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()


def versions(extra: Iterable[str] = ()) -> dict[str, str]:
    """Versions of the numerical libraries that a cell's bits depend on."""
    return {name: _version(name) for name in (*NUMERICS, *extra)}


@lru_cache(maxsize=256)  # asked for by every cell; what is imported does not change while a process lives
def _version(name: str) -> str:
    for distribution in (name, f"{name}-cpu"):  # the same library, built without an accelerator
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "absent"


def _source(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


@lru_cache(maxsize=4096)
def _read(path: Path, module: str, _changed: int, _size: int) -> tuple[str, tuple[str, ...]]:
    data = path.read_bytes()
    return hashlib.sha256(data).hexdigest(), tuple(_imports(ast.parse(data), module, path.name == "__init__.py"))


def _imports(tree: ast.Module, module: str, is_package: bool) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = len(parts) - node.level + (1 if is_package else 0)
                base = ".".join([*parts[:kept], *([node.module] if node.module else [])])
            names.append(base)
            names.extend(f"{base}.{alias.name}" for alias in node.names)
    return names
