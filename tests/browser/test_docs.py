# SPDX-License-Identifier: MIT
"""The site in a headless Chromium, as narrow as a phone and as wide as a screen.

pip install playwright && bash docs/build.sh && pytest tests/browser

Takes the Chromium that `playwright install chromium` brings, or the one of the system. `WITHSTAND_SITE` names another
site, `WITHSTAND_SCREENSHOTS` a folder for pictures of every page.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("WITHSTAND_SITE", ROOT / "build/site")).resolve()
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
SYSTEM = ("chromium", "chromium-browser", "google-chrome", "/usr/lib/chromium/chromium-headless-shell")
WIDTHS = (400, 1400)

#: What sticks out: elements wider than their place whose text no scrolling reaches. The page itself must not scroll.
CLIPPED = """() => {
  const found = [], root = document.documentElement, width = root.clientWidth;
  if (root.scrollWidth > width) found.push(`page ${root.scrollWidth} > ${width}`);
  const inside = ['pre', 'table', 'img', 'p', 'dt', 'h1', 'h2'].map(name => `article ${name}`).join();
  for (const element of document.querySelectorAll(inside)) {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= width + 1) continue;
    let holder = element;
    while (holder && !['auto', 'scroll'].includes(getComputedStyle(holder).overflowX)) holder = holder.parentElement;
    if (!holder || holder === document.documentElement || holder === document.body) found.push(
      `${element.tagName} ${Math.round(box.right)}: ${element.textContent.trim().slice(0, 60)}`);
  }
  for (const element of document.querySelectorAll('article pre')) {
    const scrolls = ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
    if (element.scrollWidth > element.clientWidth + 1 && !scrolls)
      found.push(`PRE cut: ${element.textContent.trim().slice(0, 60)}`);
  }
  return found;
}"""

pytestmark = pytest.mark.skipif(not PAGES, reason=f"no site in {SITE}: bash docs/build.sh")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium
        path = None if Path(chromium.executable_path).exists() else next(filter(None, map(shutil.which, SYSTEM)), None)
        if path is None and not Path(chromium.executable_path).exists():
            pytest.skip("no Chromium: playwright install chromium")
        browser = chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=WIDTHS)
def tab(request, browser):
    """One page of a browser, and what went wrong in it."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda asked: wrong.append(f"not loaded: {asked.url}"))
    page.on("request", lambda asked: wrong.append(f"asks for {asked.url}") if is_remote(asked.url) else None)
    yield page, wrong, request.param
    page.close()


def is_remote(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "about:"))


@pytest.mark.parametrize("name", PAGES)
def test_page(tab, name):
    page, wrong, width = tab
    wrong.clear()
    page.goto((SITE / name).as_uri(), wait_until="load")
    assert page.evaluate(CLIPPED) == []
    broken = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert page.evaluate(broken) == []
    assert wrong == []
    if name.startswith("notebooks/"):
        assert page.locator(".cell_output img").count() == 1
    if folder := os.environ.get("WITHSTAND_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name.replace('/', '_')}.{width}.png", full_page=True)


def test_the_check_notices(tab):
    page, wrong, width = tab
    wrong.clear()
    page.set_content(f"<article><pre style='width: {width + 300}px'>wide</pre></article>")
    assert len(page.evaluate(CLIPPED)) == 2
    page.set_content("<article><pre style='width: 100px; overflow: hidden'>" + "long " * 100 + "</pre></article>")
    assert any(found.startswith("PRE cut") for found in page.evaluate(CLIPPED))
    page.set_content("<script>console.error('wrong')</script><img src='http://withstand.invalid/x.png'>")
    page.wait_for_timeout(500)
    assert any("wrong" in entry for entry in wrong)
    assert any("asks for http://withstand.invalid" in entry for entry in wrong)
