# SPDX-License-Identifier: MIT
"""References to the package's names, and docstrings as what they are: NumPy's sections around plain text.

`ws.bound` in code on any page leads to its reference, and so does a public name in the backticks of a docstring. All
else in backticks is code, and a bar is the bar of an absolute value.
"""

from __future__ import annotations

import re
from typing import Any

import withstand
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

PUBLIC = set(withstand.__all__) - {"__version__"}
CODE = re.compile(r"ws\.(\w+)(\(.*)?$", re.DOTALL)
#: What no markup may touch, then one backtick or a bar.
PLAIN = re.compile(
    r"(?P<keep>^[ ]*(?:>>>|\.\.\. ).*?$|``.+?``)|(?<!`)`(?P<code>[^`]+)`(?![`_])|\|", re.MULTILINE | re.DOTALL
)


class Names(SphinxTransform):
    """Code that is a public name becomes a reference to it; words of a type ("int, one per input") stay words."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Wrap each such literal that is no link yet, and unwrap the words."""
        for word in list(self.document.findall(pending_xref)):
            if word["reftype"] == "class" and not re.match(r"[A-Z]\w+$|withstand\.", word["reftarget"]):
                word.replace_self(word.children)
        for code in list(self.document.findall(nodes.literal)):
            found = CODE.match(code.astext())
            linked = isinstance(code.parent, nodes.reference | pending_xref | nodes.title)
            if linked or found is None or found[1] not in PUBLIC:
                continue
            reference = pending_xref("", refdomain="py", reftype="obj", reftarget=f"withstand.{found[1]}",
                                     refdoc=self.env.docname, refexplicit=True, refwarn=True)  # fmt: skip
            code.replace_self(reference)
            reference += code


def plain(app: Any, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Turn a docstring into markup, before its sections are read."""

    def marked(found: re.Match[str]) -> str:
        code = found["code"]
        if found["keep"]:
            return found[0]
        if code and code.split(".")[0] in PUBLIC and re.fullmatch(r"[\w.]+", code):
            return f":py:obj:`{code} <withstand.{code}>`"
        return f"``{code}``" if code else r"\|"

    lines[:] = PLAIN.sub(marked, "\n".join(lines)).split("\n")
    if what in ("attribute", "property"):
        lines[:0] = ["..", ""]  # else what stands before a colon of the first line is read as a type


def skipped(app: Any, what: str, name: str, thing: object, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples: the section of attributes tells them."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def setup(app: Any) -> dict[str, bool]:
    """Take part in the build."""
    app.add_transform(Names)
    app.connect("autodoc-process-docstring", plain, priority=100)
    app.connect("autodoc-skip-member", skipped)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
