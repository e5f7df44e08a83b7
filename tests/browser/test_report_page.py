# SPDX-License-Identifier: MIT
"""The report's page in a browser: whole on a phone and on paper, legible, quiet, and reachable by keyboard.

Run with `pytest tests/browser`, playwright and a Chromium that it finds: its own, or one of the system.
"""

from __future__ import annotations

import shutil

import pytest
import withstand as ws

sync_api = pytest.importorskip("playwright.sync_api")
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

#: Contrast of every piece of text that is shown, by the formula of WCAG 2, where it is below 4.5.
CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const back = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), svg = e.namespaceURI.endsWith('svg');
    const [a, b] = [light(parse(svg ? style.fill : style.color)), light(back(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (ratio < 4.5) found.push([walker.currentNode.data, ratio]);
  }
  return [seen, found];
}"""
#: Tables and code that are cut off outside a box that scrolls, and boxes that the page would have to be scrolled for.
CUT = """() => [...document.querySelectorAll('table, pre, svg, h1, p, li')].filter(e => {
  const box = e.closest('.scroll, pre'), right = (box || e).getBoundingClientRect().right;
  const scrolls = !box || ['auto', 'scroll'].includes(getComputedStyle(box).overflowX);
  return right > document.documentElement.clientWidth + 1 || !scrolls;
}).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = [path for name in NAMES if (path := shutil.which(name))]
        try:
            opened = playwright.chromium.launch(executable_path=found[0] if found else None)
        except sync_api.Error:
            pytest.skip("no Chromium: playwright install chromium")
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    net, X, y = ws.embedded("digits_small")
    folder = tmp_path_factory.mktemp("page")
    found = ws.report(net, X[:2], spec=ws.Argmax(), targets=y[:2], most=3, samples=10, p=(1e-3,), title="digits",
                      certificate=folder / "proof.json")  # fmt: skip
    found.save(folder / "page.html")
    return folder / "page.html"


@pytest.fixture(params=[(400, "light"), (400, "dark"), (1400, "light"), (1400, "dark")], ids=str)
def page(request, browser, file):
    width, scheme = request.param
    opened = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(file.as_uri())
    yield opened
    opened.close()


def test_it_is_quiet_and_asks_for_nothing(page, file):
    page.wait_for_load_state("networkidle")
    assert page.said == []
    assert page.asked == [file.as_uri()]


def test_nothing_is_cut_off(page):
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room
    assert page.evaluate(CUT) == []
    assert page.locator("table").count() > 8


def test_text_is_legible(page):
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    seen, faint = page.evaluate(CONTRAST)
    assert seen > 200
    assert faint == []
    small = "Math.min(...[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height))"
    assert page.evaluate(small) > 9


def test_it_has_a_language_a_title_and_headings_in_order(page):
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "digits"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert page.evaluate("[...document.querySelectorAll('svg')].every(e => e.getAttribute('aria-label'))")


def test_the_keyboard_goes_through_it_from_top_to_bottom(page):
    wanted = page.locator("nav a, summary, .scroll, pre:visible").count()
    places = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        places.append(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert places == sorted(set(places))
    assert page.evaluate("document.activeElement.tagName") == "PRE"  # how to do it again, the last of all


def test_on_paper_the_code_is_there(browser, file):
    opened = browser.new_page()
    opened.goto(file.as_uri())
    opened.emulate_media(media="print")
    hidden = "[...document.querySelectorAll('details pre')].filter(e => e.getBoundingClientRect().height < 10).length"
    assert opened.evaluate(hidden) == 0
    assert opened.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert opened.pdf(format="A4")[:5] == b"%PDF-"
    opened.close()
