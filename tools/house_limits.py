"""Fails the build when the house grows out of its limits (DESIGN section 3). Prints every number beside its limit."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 600
FUNCTION_LINES = 120
SHORT_FUNCTION = 45
SHORT_SHARE = 0.95
DUPLICATE_BLOCK = 8
DUPLICATE_SHARE = 0.05
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main(folder: Path) -> int:
    """Measure `folder`; 1 where a limit is passed."""
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in sources.items()}
    problems = [*long_files(sources), *long_functions(trees), *prints(trees), *undocumented(trees)]
    lengths = [length(f) for tree in trees.values() for f in functions(tree)]
    short = sum(n < SHORT_FUNCTION for n in lengths) / max(1, len(lengths))
    duplicated = duplicate_share(sources, trees)
    if short < SHORT_SHARE:
        problems.append(f"only {100 * short:.1f} % of functions are under {SHORT_FUNCTION} lines")
    if duplicated >= DUPLICATE_SHARE:
        problems.append(f"{100 * duplicated:.1f} % of lines stand twice")
    print(f"longest file        {max(map(lines, sources.values()), default=0):5d} lines, limit {FILE_LINES}")
    print(f"longest function    {max(lengths, default=0):5d} lines, limit {FUNCTION_LINES}")
    print(f"short functions     {100 * short:5.1f} % under {SHORT_FUNCTION} lines, limit {100 * SHORT_SHARE:g} %")
    print(f"duplicated lines    {100 * duplicated:5.1f} %, limit {100 * DUPLICATE_SHARE:g} %")
    for problem in problems:
        print(f"  {problem}")
    return int(bool(problems))


def lines(text: str) -> int:
    """Lines in a file."""
    return text.count("\n")


def length(function: Function) -> int:
    """Lines of a function, its decorators left out."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def long_files(sources: dict[Path, str]) -> list[str]:
    """Files that have outgrown their idea."""
    return [f"{path}: {lines(text)} lines" for path, text in sources.items() if lines(text) > FILE_LINES]


def long_functions(trees: dict[Path, ast.Module]) -> list[str]:
    """Functions that have outgrown theirs."""
    return [
        f"{path}:{f.lineno}: {f.name} is {length(f)} lines long"
        for path, tree in trees.items()
        for f in functions(tree)
        if length(f) > FUNCTION_LINES
    ]


def prints(trees: dict[Path, ast.Module]) -> list[str]:
    """`print` outside the command line."""
    return [
        f"{path}:{node.lineno}: print outside the command line"
        for path, tree in trees.items()
        if path.name != "cli.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def undocumented(trees: dict[Path, ast.Module]) -> list[str]:
    """Public modules, classes and functions without a docstring or without all their types."""
    return [problem for path, tree in trees.items() for problem in _undocumented(path, tree)]


def _undocumented(path: Path, tree: ast.Module) -> Iterator[str]:
    if ast.get_docstring(tree) is None:
        yield f"{path}: no docstring"
    public = [node for node in tree.body if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")]
    inner = [
        node
        for owner in public
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, Function) and not node.name.startswith("_")
    ]
    for node in [*public, *inner]:
        if ast.get_docstring(node) is None:
            yield f"{path}:{node.lineno}: {node.name} has no docstring"
        if isinstance(node, Function) and not _typed(node):
            yield f"{path}:{node.lineno}: {node.name} is not fully typed"


def _typed(function: Function) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation is not None for argument in named)


def duplicate_share(sources: dict[Path, str], trees: dict[Path, ast.Module]) -> float:
    """Share of code lines that lie in a block of eight lines that stands at least twice."""
    places: dict[tuple[str, ...], list[tuple[Path, int]]] = defaultdict(list)
    total = 0
    for path, text in sources.items():
        kept = [
            line.strip() for number, line in enumerate(text.splitlines(), start=1) if number not in _quiet(trees[path])
        ]
        kept = [line for line in kept if line and not line.startswith("#")]
        total += len(kept)
        for start in range(len(kept) - DUPLICATE_BLOCK + 1):
            places[tuple(kept[start : start + DUPLICATE_BLOCK])].append((path, start))
    twice = {
        (path, start + offset)
        for found in places.values()
        if len(found) > 1
        for path, start in found
        for offset in range(DUPLICATE_BLOCK)
    }
    return len(twice) / max(1, total)


def _quiet(tree: ast.Module) -> set[int]:
    """Lines of imports and docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        docstring = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if docstring or isinstance(node, ast.Import | ast.ImportFrom):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("src/hilum")))
