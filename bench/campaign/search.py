# SPDX-License-Identifier: MIT
"""Questions to `ws.worst_case` and its certificates: lower <= truth <= upper, and what "exact" claims."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import withstand as ws

from .enumeration import replayed
from .plain import Case
from .tally import Desk
from .truth import Truth


def _call(case: Case, **more: Any) -> str:
    words = "".join(f", {k}={v!r}" for k, v in more.items())
    return f"ws.worst_case(net, failures, domain{', spec=spec' if case.decisions else ''}{words})"


def check_worst_case(case: Case, truth: Truth, desk: Desk, **limits: Any) -> Any:
    """One search, with or without a limit."""
    if not case.finite or case.box is not None:
        limits = {"node_limit": 200, **limits}
    desk.open(
        "worst_case"
        + (" limited" if ("node_limit" in limits and case.finite and case.box is None) or "gap" in limits else "")
    )
    call = _call(case, **limits)
    answer = desk.ask(
        call, lambda: ws.worst_case(case.built, case.failures, case.domain, spec=case.spec, threads=1, **limits)
    )
    if answer is None:
        return None
    desk.check(
        not (np.isnan(answer.lower) or np.isnan(answer.upper)),
        "nan",
        call,
        (answer.lower, answer.upper, answer.status),
        "numbers",
    )
    desk.check(answer.status in ("exact", "gap", "budget"), "status", call, answer.status, "exact, gap or budget")
    desk.check(
        bool(answer.lower <= answer.upper),
        "lower above upper",
        call,
        (answer.lower, answer.upper, answer.status),
        "in order",
    )
    _witness(case, desk, call, answer, truth)
    if truth.finite:
        _interval(case, truth, desk, call, answer, limits)
    return answer


def _witness(case: Case, desk: Desk, call: str, answer: Any, truth: Truth) -> None:
    w = answer.witness
    if w is None:
        desk.check(answer.status == "budget", "no witness", call, answer, "a witness")
        return
    values = list(w.values.values())
    if not desk.check(
        bool(np.isfinite(values).all() and np.isfinite(w.input).all()),
        "witness values are no numbers",
        call,
        w,
        "finite values",
    ):
        return
    again = replayed(case, w.input, w.values)
    if np.isfinite(again).all() or case.decisions:
        same = float(again.max()) == float(again[w.output]) == answer.lower == w.error
        desk.check(same, "witness does not replay", call, (answer.lower, w), again.tolist())
    if case.box is None:
        inside = bool((w.input == case.X[w.input_index]).all())
    else:
        inside = bool((case.box[0] <= w.input).all() and (w.input <= case.box[1]).all())
    desk.check(inside, "witness outside the domain", call, w, "an input of the domain")
    if not any(term.effect == "noise" for term in case.model):
        allowed = {tuple(c for c, _ in config) for config in truth.configs}
        desk.check(
            tuple(sorted(w.failed)) in allowed, "witness outside the failure space", call, w, f"one of {len(allowed)}"
        )


def _interval(case: Case, truth: Truth, desk: Desk, call: str, answer: Any, limits: dict[str, Any]) -> None:
    desk.check(
        bool(answer.upper >= truth.least), "upper below the truth", call, (answer.upper, answer.status), truth.least
    )
    if not (case.finite and case.box is None):
        return
    most = float((truth.errors + 2 * truth.slack).max())
    desk.check(bool(answer.lower <= most), "lower above the truth", call, (answer.lower, answer.status), most)
    desk.check(
        answer.configurations == len(truth.configs), "configurations", call, answer.configurations, len(truth.configs)
    )
    # "Within rounding": some thousand times the a-priori rounding error of one evaluation of this very network; and
    # where its last weights are 0, a speck of its largest value.
    rounding = 65536 * truth.rounding + 2.0**-70 * truth.largest + 1e-129  # below which exact is not asked for more
    narrow = bool(answer.upper - answer.lower <= rounding) or answer.rounding > 1e-9 * abs(answer.lower)
    if "node_limit" not in limits and "gap" not in limits:
        right = answer.status == "exact" or (answer.status == "gap" and narrow)
        desk.check(right, "not finished without a limit", call, answer, "exact, or open by rounding alone")
    if answer.status == "exact":
        desk.check(
            bool(answer.lower >= truth.errors.max() - 4096 * truth.rounding),
            "exact, but the witness is not the worst",
            call,
            (answer.lower, answer.upper),
            float(truth.errors.max()),
        )
    if "gap" in limits and answer.status == "gap":
        desk.check(
            answer.upper - answer.lower <= limits["gap"] * abs(answer.upper) * (1 + 2.0**-50) or narrow,
            "gap",
            call,
            (answer.lower, answer.upper),
            limits["gap"],
        )
    desk.check(
        answer.exact == (answer.status == "exact"), "exact and status", call, (answer.exact, answer.status), "the same"
    )
    if answer.exact:
        desk.check(
            bool(answer.upper - answer.lower <= rounding),
            "exact, but the interval is wide",
            call,
            (answer.lower, answer.upper),
            f"rounding of one evaluation {truth.rounding}",
        )


def check_limits(case: Case, truth: Truth, desk: Desk) -> None:
    rng = case.rng("limits")
    if rng.random() < 0.5:
        check_worst_case(case, truth, desk, node_limit=int(rng.integers(0, 4)))
    else:
        check_worst_case(case, truth, desk, gap=float(rng.choice([0.01, 0.1, 0.5])))


def check_certificate(case: Case, truth: Truth, desk: Desk) -> None:
    """A certificate is accepted as written, and refused once its claim is altered."""
    desk.open("certificate")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proof.json"
        call = _call(case, certificate="proof.json")
        answer = desk.ask(
            call,
            lambda: ws.worst_case(case.built, case.failures, case.domain, spec=case.spec, threads=1, certificate=path),
        )
        if answer is None:
            return
        found = desk.ask("check", lambda: ws.check_certificate(path, case.built))
        if found is None:
            return
        desk.check(found.valid, "a true certificate refused", call, found.reason, "confirmed")
        same = found.lower == answer.lower and found.upper >= answer.lower
        desk.check(
            same, "certificate claims something else", call, (found.lower, found.upper), (answer.lower, answer.upper)
        )
        if truth.finite:
            desk.check(
                bool(found.upper >= truth.least), "certified upper below the truth", call, found.upper, truth.least
            )
        _altered(case, truth, desk, path, call)


def _altered(case: Case, truth: Truth, desk: Desk, path: Path, call: str) -> None:
    desk.open("certificate altered")
    document, rng = json.loads(path.read_text()), case.rng("altered")
    worst, slack = float(truth.errors.max()), 4096 * truth.rounding
    if not truth.finite:
        return
    how = int(rng.integers(4))
    if how == 0:
        document["claim"]["lower"] = worst + slack + abs(worst) * 1e-3 + 1e-290
    elif how == 1 and worst > 4 * slack and worst > 1e-280:
        document["claim"]["upper"] = document["claim"]["lower"] = (worst - 2 * slack) * 0.999
    elif how == 2 and len(case.model) == 1 and isinstance(case.model[0].count, int):
        return _other_space(case, desk, path, document, call)
    else:
        document["nodes"] = document["nodes"][:-1]
    path.write_text(_signed(document))
    found = desk.ask("check altered", lambda: ws.check_certificate(path, case.built))
    if found is not None:
        desk.check(
            not found.valid,
            "an altered certificate accepted",
            f"{call}, altered: {how}",
            path.read_text(),
            f"worst {worst!r}",
        )


def _other_space(case: Case, desk: Desk, path: Path, document: dict[str, Any], call: str) -> None:
    """The same tree for one failure more: valid only if the claim happens to hold there."""
    term = case.model[0].with_count(case.model[0].count + 1)
    try:
        more = Truth(Case(case.name, case.net, (term,), case.X, None, case.family, case.decisions, case.extra))
    except Exception:
        return
    document["failures"][0]["counts"][0] += 1
    path.write_text(_signed(document))
    found = desk.ask("check altered", lambda: ws.check_certificate(path, case.built))
    if found is not None and found.valid and more.configs:
        desk.check(
            bool(found.upper >= more.least),
            "a certificate of another space accepted",
            call,
            path.read_text(),
            more.least,
        )


def _signed(document: dict[str, Any]) -> str:
    """The document with a checksum that fits, so that a checker has to look at what it says."""
    body = {k: v for k, v in document.items() if k != "checksum"}
    words = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return json.dumps({**body, "checksum": hashlib.sha256(words.encode()).hexdigest()}, separators=(",", ":"))
