# SPDX-License-Identifier: MIT
"""Pages of the site that stand elsewhere in the repository, and links that hold in both places.

On a code host docs/changelog.md is one line that points to CHANGELOG.md. On the site it is that file, and whatever
links to the file leads to the page. A link to any other file of the repository becomes its bare path: the site has no
such file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
#: What stands in the place of each page.
BORROWED = {
    "changelog": ROOT / "CHANGELOG.md",
    "contributing": ROOT / "CONTRIBUTING.md",
    "measurements": ROOT / "bench/README.md",
    "security": ROOT / "SECURITY.md",
    "tightness": ROOT / "bench/tightness.md",
}
PAGES = {path: DOCS / f"{name}.md" for name, path in BORROWED.items()}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```|``.+?``|`[^`]+`)", re.MULTILINE | re.DOTALL)


def rewritten(text: str, folder: Path, page: Path) -> str:
    """Return the text of a file in `folder` as that of `page`, its links leading to the same things."""

    def link(found: re.Match[str]) -> str:
        image, label, target, anchor = found[1], found[2], found[3], found[4] or ""
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        path = (folder / target).resolve()
        if not path.exists():
            raise ValueError(f"{page.name}: the link to {target} leads nowhere")
        path = PAGES.get(path, path)
        if image or path.is_relative_to(DOCS):
            return f"{image}[{label}]({os.path.relpath(path, page.parent)}{anchor})"
        return f"{label} (`{path.relative_to(ROOT)}`)"

    parts = CODE.split(text)  # links stand in the even ones
    return "".join(part if n % 2 else LINK.sub(link, part) for n, part in enumerate(parts))


def read(app: Any, name: str, source: list[str]) -> None:
    """Put the borrowed text in the place of a page's own, and lead links into the site."""
    page = Path(app.env.doc2path(name))
    path = BORROWED.get(name, page)
    if page.suffix == ".md":
        app.env.note_dependency(str(path))
        source[0] = rewritten(path.read_text(encoding="utf-8"), path.parent, page)


def setup(app: Any) -> dict[str, bool]:
    """Take part in the build."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
