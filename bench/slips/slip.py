# SPDX-License-Identifier: MIT
"""One slip: a place in the sources, and what stands there instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Slip:
    """`old` occurs once in `file` (below cpp/) and is replaced by `new`; `why` says what was got wrong."""

    name: str
    file: str
    old: str
    new: str
    why: str
    survives: str = ""  # what is known of a slip that nothing notices
    equivalent: str = ""  # why no answer can tell; such a slip is listed, not counted

    @property
    def engine(self) -> str:
        """Whose tests are to notice."""
        folder = self.file.split("/")[1]
        return folder if folder in ("bounds", "enumerate", "search", "kernels") else "core"

    @property
    def mended(self) -> bool:
        """Whether it is a fault that was found once: the campaign is to ask all its questions."""
        return self.name.startswith("fault-")

    def planted(self, text: str) -> str:
        """The file's text with the slip in it."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: the text to replace occurs {count} times in {self.file}, not once")
        return text.replace(self.old, self.new)
