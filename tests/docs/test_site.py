"""The docs site builds strictly, holds a page for all that stands in the rooms, and asks no other host for anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from hilum.core.errors import HilumError
from hilum.core.finder import find

for needed in ("mkdocs", "material", "mkdocstrings"):
    pytest.importorskip(needed, reason="pip install 'hilum[docs]'")

from tools import docs_site

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet: a warning that is not logged is not counted, and --strict lets it pass.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return folder


class Asked(HTMLParser):
    """Addresses that a browser fetches when it opens the page; where its links lead; what can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}
        self.addresses += [value or "" for name, value in attrs if name == wanted.get(tag)]
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]
        self.ids |= {value or "" for name, value in attrs if name == "id"}


def test_there_is_a_page_for_all_that_stands_in_the_rooms(site: Path) -> None:
    # Counted from the files, not with the hook's own walk.
    private = re.compile(r"(^|/)_")
    source = ROOT / "src" / "hilum"
    names = [p.relative_to(source).with_suffix("").as_posix() for p in source.rglob("*.py")]
    names = [name for name in names if not private.search(name)]
    assert len(names) > 60
    missing = [name for name in names if not (site / "reference" / "python" / f"{name}.html").is_file()]
    assert not missing
    for check in find("checks").values():
        assert (site / "reference" / "checks" / f"{check.facts['CODE']}.html").is_file()
    for paper in find("papers").values():
        assert (site / "reference" / "papers" / f"{paper.path.name}.html").is_file()


def test_tables_are_filled(site: Path) -> None:
    assert not [page for page in site.rglob("*.html") if "generated:" in page.read_text(encoding="utf-8")]
    checks = (site / "reference" / "checks" / "index.html").read_text(encoding="utf-8")
    for check in find("checks").values():
        assert f'href="{check.facts["CODE"]}.html"' in checks
    commands = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    for command in ("run", "why", "audit", "data verify"):
        assert f"Usage: hilum {command}" in commands
    home = (site / "index.html").read_text(encoding="utf-8")
    assert '<span class="bad">figure reproduced, claim not supported</span>' in home
    assert '<span class="good">reproduced, exact</span>' in home
    datasets = (site / "reference" / "datasets.html").read_text(encoding="utf-8")
    assert all(name in datasets for name in find("datasets"))


def test_docstrings_are_shown_and_linked(site: Path) -> None:
    page = (site / "reference" / "python" / "models" / "least_mean_squares.html").read_text(encoding="utf-8")
    assert "W_h &lt;- W_h + rate * min(1, clip / |G|) * G" in page
    assert 'id="hilum.models.least_mean_squares.LeastMeanSquares.start"' in page
    assert "../core/kinds/forecast.html#hilum.core.kinds.forecast.ForecastSetting" in page


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    pages = {}
    for path in site.rglob("*.html"):
        pages[path.resolve()] = Asked()
        pages[path.resolve()].feed(path.read_text(encoding="utf-8"))
    broken = []
    for path, page in pages.items():
        for link in page.links if path.name != "404.html" else ():
            address, _, place = link.partition("#")
            target = (path.parent / unquote(address)).resolve() if address else path
            if "://" in link or link.startswith("mailto:"):
                continue
            if target not in pages or (
                place and not place.startswith("__") and unquote(place) not in pages[target].ids
            ):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert len(pages) > 100
    assert not broken, broken[:10]


def test_no_page_asks_another_host_and_none_knows_this_machine(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        asked = Asked()
        asked.feed(text)
        foreign = [address for address in asked.addresses if re.match(r"(https?:)?//", address)]
        assert not foreign, f"{page.relative_to(site)} asks for {foreign}"
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_from_disk_in_a_browser(site: Path) -> None:
    from playwright.sync_api import sync_playwright

    pages = [
        "index",
        "reference/checks/index",
        "reference/papers/index",
        "reference/python/core/check",
        "concepts/audit",
    ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        page = browser.new_page()
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            for name in pages:
                page.goto((site / f"{name}.html").as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        page.click(".md-search__input")
        page.keyboard.type("waiver")
        page.wait_for_selector(".md-search-result__item")
        assert "audit" in page.inner_text(".md-search-result__list")
        browser.close()
    assert not [address for address in asked if not address.startswith("file:")]
    assert errors == []


def test_what_is_added_to_a_room_gets_a_page_and_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "src" / "hilum" / "models"
    models.mkdir(parents=True)
    (models / "__init__.py").write_text('"""Models."""\n', encoding="utf-8")
    (models / "_shared.py").write_text('"""Private."""\n', encoding="utf-8")
    (models / "straight_on.py").write_text('"""The last step again.\n\nCost   O(1)\n"""\n', encoding="utf-8")
    monkeypatch.setattr(docs_site, "ROOT", tmp_path)
    monkeypatch.setattr(docs_site, "SOURCE", tmp_path / "src" / "hilum")
    pages = docs_site.python_pages()
    assert set(pages) == {"reference/python/models/index.md", "reference/python/models/straight_on.md"}
    assert (
        "[`straight_on`](../../../reference/python/models/straight_on.md)" in pages["reference/python/models/index.md"]
    )
    assert "::: hilum.models.straight_on" in pages["reference/python/models/straight_on.md"]
    nav = docs_site.navigation(["index.md", *pages])
    models_branch = nav[1]["Reference"][0]["Python"][0]["models"]
    assert models_branch == ["reference/python/models/index.md", "reference/python/models/straight_on.md"]


def test_heads_keep_their_columns_and_lose_no_word() -> None:
    shown = docs_site.head(
        "Plain words with a_name, [x] and *stress*.\n\nModel   y = a * x\n        z <- 2\nSource  A paper,\n        eq. 3"
    )
    assert shown.startswith(r"Plain words with a\_name, \[x\] and *stress*.")
    assert '<p class="key">Model</p><pre class="head">y = a * x\nz &lt;- 2</pre>' in shown
    assert '<p class="key">Source</p><p class="head">A paper,\neq. 3</p>' in shown
    assert docs_site.head("    one   1\n    two   2") == '<pre class="head">one   1\ntwo   2</pre>'


def test_links_of_the_repository_lead_into_the_site() -> None:
    turned = docs_site._relinked("[a](docs/concepts/x.md), [b](design/), [c](https://e.org), [d](#e)", "project/log.md")
    assert turned == "[a](../concepts/x.md), b, [c](https://e.org), [d](#e)"


def test_a_readme_without_verdicts_and_an_unknown_mark_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("# hilum\n", encoding="utf-8")
    monkeypatch.setattr(docs_site, "ROOT", tmp_path)
    with pytest.raises(HilumError, match="README shows no table of verdicts"):
        docs_site.verdicts_table()

    class Here:
        class file:
            src_uri = "index.md"

    with pytest.raises(HilumError, match="nothing is generated under the name 'horoscope'"):
        docs_site.on_page_markdown("<!-- generated: horoscope -->", Here, None, None)
