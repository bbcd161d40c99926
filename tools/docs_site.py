"""The part of the docs site that nobody keeps by hand: it is read from the house when the site is built.

A mkdocs hook, named in mkdocs.yml. It adds pages, so that what is added to a room is documented without editing a list:

    reference/python/<room>/<module>.md   every public module: its head, then its docstrings; read by griffe, never imported
    reference/papers/<paper>.md           every paper folder's README
    project/                              CONTRIBUTING.md, LOG.md, CHANGELOG.md and the decisions of design/
    assets/colours.css                    the colours of the report's style sheet

It fills `<!-- generated: NAME -->` in pages that are kept by hand (see TABLES), and makes the navigation from the folders.
"""

from __future__ import annotations

import ast
import html
import re
import textwrap
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command
from typer.testing import CliRunner

from hilum.cli import app
from hilum.core.claim import read_claims
from hilum.core.errors import HilumError
from hilum.core.finder import find

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "hilum"
FOLDERS = ("tutorials", "how-to", "concepts", "reference", "project")
# The order of imports: a room comes after those it may import from.
ROOMS = (
    *("core", "modalities", "datasets", "metrics", "nn"),
    *("models", "tasks", "checks", "explain"),
    *("engine", "report", "papers", "study"),
)
PROJECT = {
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
    "experiments.md": "LOG.md",
}
MARK = re.compile(r"<!-- generated: ([a-z ]+?) -->")
VERDICTS = {
    "not supported": "bad",
    "contradicted": "bad",
    "reproduced": "good",
    "replicated": "good",
    "supported": "good",
    "better": "good",
    "worse": "warn",
    "inconclusive": "warn",
    "not": "soft",
}


class HeadsApart(griffe.Extension):
    """Takes the module docstrings out of the reference: `module_page` shows them, as they stand."""

    def on_module(self, *, mod: griffe.Module, **_: Any) -> None:
        """Forget the docstring of one module."""
        mod.docstring = None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every generated page, and the navigation."""
    pages = {**python_pages(), **paper_pages(), **project_pages(), "assets/colours.css": colours()}
    for address, text in pages.items():
        files.append(File.generated(config, address, content=text))
    config.nav = navigation([file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill the marks of one page.

    Raises:
        HilumError: a mark names no table.
    """

    def filled(mark: re.Match[str]) -> str:
        if mark[1] not in TABLES:
            raise HilumError(
                f"nothing is generated under the name '{mark[1]}'",
                where=page.file.src_uri,
                do=f"Use {', '.join(TABLES)}",
            )
        return TABLES[mark[1]]()

    return MARK.sub(filled, markdown)


# Navigation


def navigation(addresses: list[str]) -> list[Any]:
    """The pages as mkdocs wants its `nav`: home, then the folders in order; in each its index, its pages, its folders."""
    tree: dict[str, Any] = {}
    for address in addresses:
        place = tree
        for folder in address.split("/")[:-1]:
            place = place.setdefault(folder, {})
        place[address.rpartition("/")[2]] = address
    sections = [{_section(name): _branch(tree[name])} for name in FOLDERS if name in tree]
    return [{"Home": "index.md"}, *sections]


def _branch(place: dict[str, Any], python: bool = False) -> list[Any]:
    pages = sorted((name for name in place if isinstance(place[name], str)), key=lambda n: (n != "index.md", n))
    folders = sorted(name for name in place if isinstance(place[name], dict))
    if python:
        folders.sort(key=lambda name: ROOMS.index(name) if name in ROOMS else len(ROOMS))
    below = [{name if python else _section(name): _branch(place[name], python or name == "python")} for name in folders]
    return [*(place[name] for name in pages), *below]


def _section(folder: str) -> str:
    return {"how-to": "How-to"}.get(folder, folder.capitalize())


# The Python reference


def modules() -> dict[str, Path]:
    """Every public module of the rooms that has a page, and its file: "core.kinds.forecast", .../core/kinds/forecast.py.

    A package has one where it holds a module that has one: folders of papers that are not built yet have none.
    """
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if path.name == "__init__.py" else parts)
        if name and not any(part.startswith("_") for part in name.split(".")):
            found[name] = path
    plain = [name for name, path in found.items() if path.name != "__init__.py"]
    return {name: path for name, path in found.items() if name in plain or any(p.startswith(f"{name}.") for p in plain)}


def python_pages() -> dict[str, str]:
    """One page a module, one index a package."""
    found = modules()
    pages = {}
    for name, path in found.items():
        below = [inner for inner in found if inner.rpartition(".")[0] == name]
        pages[address(name)] = module_page(name, path, below)
    return pages


def address(module: str) -> str:
    """Where a module's page is: folders for packages, a room at the top."""
    path = SOURCE / module.replace(".", "/")
    return f"reference/python/{module.replace('.', '/')}{'/index' if path.is_dir() else ''}.md"


def module_page(name: str, path: Path, inside: list[str]) -> str:
    """The page of one module: its head as it stands in the file, what it holds, its public names."""
    tree = _parsed(path)
    title, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    lines = [f"# {name.rpartition('.')[2]}", "", f"`hilum.{name}`", "", prose(title), "", head(rest), ""]
    if inside:
        lines += table(("module", "is"), [(_link(module, address(name)), _title(module)) for module in inside])
    public = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign, ast.Assign)
    if not inside or any(isinstance(node, public[:3]) and not node.name.startswith("_") for node in tree.body):
        lines += ["", f"::: hilum.{name}"]
    return "\n".join(lines) + "\n"


def _title(module: str) -> str:
    path = SOURCE / module.replace(".", "/")
    tree = _parsed(path / "__init__.py" if path.is_dir() else path.with_suffix(".py"))
    return prose((ast.get_docstring(tree) or "").partition("\n")[0])


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path.relative_to(ROOT)))


def _link(module: str, origin: str) -> str:
    up = "../" * origin.count("/")
    return f"[`{module.rpartition('.')[2]}`]({up}{address(module)})"


def prose(text: str) -> str:
    """Plain text as Markdown that shows it unchanged, but for `code` and *emphasis*."""
    pieces = re.split(r"(`[^`]*`|(?<!\w)\*\w[^*]*\w\*(?!\w))", text)  # code and emphasis stand at the odd places
    return "".join(p if odd % 2 else re.sub(r"([\\*_\[\]<>|#])", r"\\\1", p) for odd, p in enumerate(pieces))


def head(text: str) -> str:
    """A module's head as HTML and Markdown: prose flows, equations and aligned columns keep their places, keys stand above."""
    blocks = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines = block.splitlines()
        if any(line.startswith(" ") or re.search(r"\S {2,}\S", line) for line in lines):
            blocks.append("\n".join(_keyed(key, inside) for key, inside in _keys(lines)))
        else:
            blocks.append(prose(block))
    return "\n\n".join(blocks)


def _keys(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Lines of a block under the key that stands at the margin before them; each text keeps its column."""
    groups: list[tuple[str, list[str]]] = []
    for line in lines:
        start = re.match(r"(\S+(?: \S+)*)(?: {2,}(?=\S)|$)", line)
        if start:
            groups.append((start[1], [" " * start.end() + line[start.end() :]] if start.end() < len(line) else []))
        elif groups:
            groups[-1][1].append(line)
        else:
            groups.append(("", [line]))
    return groups


def _keyed(key: str, inside: list[str]) -> str:
    text = textwrap.dedent("\n".join(inside))
    equations = sum("=" in line for line in inside) > len(inside) / 2 and len(inside) > 1
    escaped = html.escape(text)
    if equations or re.search(r"\S {2,}\S|^ |<-", text, re.M):
        body = f'<pre class="head">{escaped}</pre>'
    else:
        coded = re.sub(r"`([^`]*)`", r"<code>\1</code>", escaped)
        body = f'<p class="head">{coded}</p>'
    label = f'<p class="key">{html.escape(key)}</p>' if key else ""
    return label + (body if inside else "")


# Papers, and what stands at the top of the repository


def paper_pages() -> dict[str, str]:
    """Each paper's README under its own address."""
    return {
        f"reference/papers/{paper.path.name}.md": _spaced((paper.path / "README.md").read_text(encoding="utf-8"))
        for paper in find("papers").values()
        if SOURCE in paper.path.parents
    }


def project_pages() -> dict[str, str]:
    """The pages of the repository's top folder and of design/, with their links turned to the site."""
    decisions = sorted((ROOT / "design").glob("[0-9]*.md"))
    pages = {f"project/{name}": ROOT / source for name, source in PROJECT.items()}
    pages |= {f"project/decisions/{path.name}": path for path in decisions}
    return {address: _relinked(_spaced(path.read_text(encoding="utf-8")), address) for address, path in pages.items()}


def _spaced(text: str) -> str:
    """A list that follows a line of prose at once is a list on GitHub, and needs an empty line before it here."""
    return re.sub(r"^((?!- |  ).+)\n(?=- )", r"\1\n\n", text, flags=re.M)


def _relinked(text: str, origin: str) -> str:
    """Links into docs/ lead to the site's pages; links to other files of the repository become plain text."""
    up = "../" * origin.count("/")

    def turned(link: re.Match[str]) -> str:
        if "://" in link[2] or link[2].startswith("#"):
            return link[0]
        inside = re.match(r"(?:\.\./)*docs/(.+)", link[2])
        return f"[{link[1]}]({up}{inside[1]})" if inside else link[1]

    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", turned, text)


# Tables


def table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    return [
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows),
    ]


def checks_table() -> str:
    """Every check: code, what fails it, and its literals."""
    rows = [
        (
            f"[{c.facts['CODE']}]({c.facts['CODE']}.md)",
            prose(c.facts["TITLE"]),
            c.facts["SEVERITY"],
            c.facts["KIND"],
            c.facts["SCOPE"],
        )
        for c in find("checks").values()
        if SOURCE in c.path.parents
    ]
    return "\n".join(table(("code", "fails on", "severity", "kind", "scope"), sorted(rows)))


def papers_table() -> str:
    """Every paper: what it asks, its published figures, and whether it is built; the built ones first."""
    lines = []
    for paper in find("papers").values():
        if SOURCE in paper.path.parents:
            built = paper.has("experiment")
            claims = len(read_claims(paper.path / "claims.csv"))
            link = f"[{paper.name}]({paper.path.name}.md)"
            about = prose(str(paper.facts.get("one_line", "")))
            lines.append(
                (not built, (link, about, claims, paper.facts.get("data_access", ""), "built" if built else ""))
            )
    rows = [row for _, row in sorted(lines, key=lambda line: (line[0], line[1][0]))]
    return "\n".join(table(("paper", "about", "figures", "data", ""), rows))


def datasets_table() -> str:
    """Every dataset's card, in one line."""
    rows = []
    for found in find("datasets").values():
        card = found.facts
        access = "synthetic" if card.get("synthetic") else card.get("access", "open")
        about = " ".join([f"{prose(found.title)}.", *(prose(note["text"]) for note in card.get("note", ()))])
        rows.append(
            (f"`{found.name}`", about, card.get("items", ""), card.get("subjects", ""), card.get("licence", ""), access)
        )
    return "\n".join(table(("dataset", "what it holds, and its traps", "items", "subjects", "licence", "access"), rows))


def rooms_table() -> str:
    """The rooms, in the order of imports."""
    names = modules()
    others = sorted(name for name in names if "." not in name and name not in ROOMS)
    rows = [(_link(name, "reference/python/index.md"), _title(name)) for name in (*ROOMS, *others) if name in names]
    return "\n".join(table(("room", "holds"), rows))


def commands_list() -> str:
    """Every command's own help, as the terminal prints it."""
    commands = get_command(app)
    blocks = []
    for words in _words(commands, ()):
        shown = CliRunner().invoke(app, [*words, "--help"], prog_name="hilum", env={"COLUMNS": "80"})
        blocks.append(f"## hilum {' '.join(words)}\n\n```text\n{shown.output.strip()}\n```")
    return "\n\n".join(blocks)


def _words(group: Any, before: tuple[str, ...]) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        words = (*before, name)
        found += _words(command, words) if hasattr(command, "commands") else [words]
    return found


def verdicts_table() -> str:
    """What README says a run prints: its verdicts as a table, and below it the check that failed, as printed.

    Raises:
        HilumError: README shows no such block.
    """
    block = re.search(
        r"```text\n(claim .*?)\n(?:\n(.*?)\n)?```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S
    )
    if block is None:
        raise HilumError(
            "README shows no table of verdicts", where="README.md", do="Keep a text block that begins with 'claim'"
        )
    lines = [re.split(r"\s{2,}", line.strip()) for line in block[1].splitlines()]
    proof = f"\n```text\n{block[2]}\n```\n" if block[2] else ""
    if len({len(line) for line in lines}) != 1:
        return f"```text\n{block[1]}\n```\n{proof}"
    rows = [(f"`{line[0]}`", *map(prose, line[1:-1]), _verdict(line[-1])) for line in lines[1:]]
    return "\n".join(['<div class="verdicts" markdown>', "", *table(tuple(lines[0]), rows), proof, "</div>"])


def _verdict(text: str) -> str:
    colour = next((colour for word, colour in VERDICTS.items() if word in text), "soft")
    return f'<span class="{colour}">{html.escape(text)}</span>'


TABLES = {
    "checks": checks_table,
    "commands": commands_list,
    "papers": papers_table,
    "datasets": datasets_table,
    "rooms": rooms_table,
    "verdicts": verdicts_table,
}


def colours() -> str:
    """The report's colours for both schemes of the site.

    Raises:
        HilumError: the report's style sheet has no light and dark set.
    """
    path = SOURCE / "report" / "templates" / "report.css"
    sets = [
        re.findall(r"--[a-z0-9]+: [^;]+;", body)
        for body in re.findall(r":root \{(.*?)\}", path.read_text("utf-8"), re.S)
    ]
    if len(sets) < 2:
        raise HilumError("there is no light and dark :root block", where=str(path.relative_to(ROOT)), do="Keep both")
    light, dark = ("\n  ".join(found) for found in sets[:2])
    return f'[data-md-color-scheme="default"] {{\n  {light}\n}}\n[data-md-color-scheme="slate"] {{\n  {dark}\n}}\n'
