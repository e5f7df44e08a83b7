# SPDX-License-Identifier: MIT
"""Check that the pages of a site load nothing from elsewhere, and that every link and anchor within it leads somewhere.

python docs/offline.py build/site
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

#: What a browser fetches by itself, by tag; an `a` waits for a click.
LOADED = {
    "audio": ("src",), "embed": ("src",), "iframe": ("src",), "image": ("href", "xlink:href"), "img": ("src", "srcset"),
    "link": ("href",), "object": ("data",), "script": ("src",), "source": ("src", "srcset"),
    "use": ("href", "xlink:href"), "video": ("src", "poster"),
}  # fmt: skip
#: Links of a head that name an address and fetch nothing.
NAMED = {"canonical", "author", "license", "me"}
REMOTE = re.compile(r"""(?:https?:)?//""")
IN_STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""")


class Page(HTMLParser):
    """What a page loads, what it links to, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = IN_STYLE.findall(text)
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if not (tag == "link" and given.get("rel", "") in NAMED):
            self.loaded += [given[name] for name in LOADED.get(tag, ()) if name in given]


def faults(site: Path) -> list[str]:
    """Return what is wrong with the pages and style sheets of a site, one line each."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site}: no page"]
    for sheet in sorted(site.rglob("*.css")):
        found += [f"{sheet}: loads {url}" for url in IN_STYLE.findall(sheet.read_text(encoding="utf-8"))]
    for path, page in pages.items():
        found += [f"{path}: loads {url}" for url in page.loaded if REMOTE.match(url)]
        local = [url for url in page.loaded if not REMOTE.match(url) and not url.startswith("data:")]
        for url in local + page.links:
            if urlsplit(url).scheme or url.startswith("//"):
                continue
            name, anchor = urldefrag(url)
            target = (path.parent / unquote(urlsplit(name).path)).resolve() if name else path
            if not target.exists():
                found.append(f"{path}: {url} leads nowhere")
            elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                found.append(f"{path}: {url} has no such anchor")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]))
    print("\n".join(wrong) or "the site loads nothing from elsewhere, and every link within it leads somewhere")
    sys.exit(bool(wrong))
