# SPDX-License-Identifier: MIT
"""Results of questions: they carry the statement that they make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from withstand._result import Result
from withstand._version import version
from withstand.statement import Inputs, Statement, covers_of, word_of

if TYPE_CHECKING:
    from withstand.model.failures import Failures
    from withstand.model.network import Network
    from withstand.model.spec import Spec


class Told:
    """What is to be said of an answer; the network's checksum, which takes a while of large ones, is left for later."""

    def __init__(
        self,
        net: Network,
        inputs: Inputs,
        failures: Failures | str | None,
        rigor: str,
        *,
        spec: Spec = None,
        epsilon: object = None,
        verdict: str | None = None,
        seed: int | None = None,
        covers: str | None = None,
    ) -> None:
        self._net: Network | None = net
        self._spec = spec
        self._found: Statement | None = None
        self._parts = (inputs, failures, rigor, epsilon, verdict, seed, covers)

    @classmethod
    def already(cls, found: Statement) -> Told:
        """Return what makes a statement that is known."""
        told = cls.__new__(cls)
        told._net, told._found = None, found
        return told

    @property
    def brief(self) -> str:
        """What was asked, on one line."""
        return (self._found or self._without_fingerprint()).brief

    @property
    def word(self) -> str:
        """What numbers are: "error" or "harm"."""
        return self._found.word if self._found is not None else word_of(self._spec is not None)

    def statement(self) -> Statement:
        """Return the statement; made once."""
        if self._found is None:
            assert self._net is not None
            self._found = replace(self._without_fingerprint(), fingerprint=self._net.fingerprint)
            self._net = None
        return self._found

    def _without_fingerprint(self) -> Statement:
        inputs, failures, rigor, epsilon, verdict, seed, covers = self._parts
        decisions = self._spec is not None
        counted = "at most" if failures is None or isinstance(failures, str) else covers_of(failures)
        return Statement(
            fingerprint="", version=version, inputs=inputs,
            failures=failures if failures is None or isinstance(failures, str) else repr(failures), rigor=rigor,
            spec="argmax" if decisions else "error", lowest=self._spec is not None and self._spec.lowest,
            covers=covers or counted, epsilon=None if epsilon is None or decisions else str(epsilon), verdict=verdict,
            seed=seed,
        )  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        return Told.already, (self.statement(),)


@dataclass(frozen=True, eq=False, repr=False)
class Answer(Result):
    """The result of a question.

    Attributes
    ----------
    statement : Statement
        Of which network, for which inputs, under which failures it speaks, and how it is known.
    """

    _told: Told | None = field(default=None, kw_only=True)

    @property
    def statement(self) -> Statement:
        """What it is a statement about.

        Raises
        ------
        AttributeError
            If the result was put together by hand: no question made it.
        """
        if self._told is None:
            raise AttributeError(f"{type(self).__name__}: no question made this result, it states nothing")
        return self._told.statement()

    @property
    def _word(self) -> str:
        return "error" if self._told is None else self._told.word

    def _said(self) -> str:
        """Return what was found, on a few lines."""
        raise NotImplementedError

    def __repr__(self) -> str:
        brief = "" if self._told is None else self._told.brief
        return f"{self._said()}\n  asked: {brief}" if brief else self._said()

    def to_dict(self) -> dict[str, Any]:
        """Return the result and its statement as plain data, as `Result.to_dict` does."""
        said = {} if self._told is None else {"statement": self.statement.to_dict()}
        return {**super().to_dict(), **said}

    def _signed(self, axes: Any) -> Any:
        """Return a picture with what it is a statement about."""
        if self._told is not None:
            from withstand._pictures import sign

            sign(axes, self.statement)
        return axes

    def _repr_html_(self) -> str:
        return super()._repr_html_() + ("" if self._told is None else self.statement._repr_html_())
