# SPDX-License-Identifier: MIT
"""What the library says of its arguments, in the words of the command line."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

#: What the library calls what an option gives under another name.
_OTHER_NAMES = {"X": "inputs", "domain": "inputs", "y": "classes", "k": "crash", "spec": "argmax", "among": "layer"}
#: Options whose names are words like others: they are options where the library gives them a value, and nowhere else.
_WORDS = {"layer", "checkpoint", "certificate", "target", "method", "plot", "crash", "noise", "links"}
#: Failure models by the options that make them.
_MODELS = {"Crash": "crash", "StuckAt": "stuck", "Byzantine": "byzantine", "Noise": "noise",
           "SynapseCrash": "synapse-crash", "SynapseByzantine": "synapse-byzantine", "BitFlip": "bit-flip",
           "WeightFlip": "weight-flip", "WeightCrash": "weight-crash"}  # fmt: skip
#: A failure model as the library shows it, within a sentence.
_SHOWN = rf"\b({'|'.join(_MODELS)})\b(\(([^()]|\([^()]*\))*\)|(?!\())"
#: What follows the colon of a model's option.
_AMOUNTS = ("value", "capacity")
#: Advice that names functions and arguments, and the same advice here.
_ADVICE: tuple[tuple[str, str], ...] = (
    (r"\bworst_case or bound\b", "withstand worst-case or withstand bound"),
    (r"\bworst_case\b", "withstand worst-case"),
    (r"\bflip the bits of net\.rounded\('(\w+)'\)", r"round the network first: --rounded \1"),
    (r"\bnet\.rounded\('(\w+)'\)", r"--rounded \1"),
    (r"\bask with format='(\w+)'(?: or format='(\w+)')* and without scale", r"ask with --format \1, without --scale"),
    (r"; see net\.layers", ""),
    (r"\bwithout a domain; give inputs or a Box", "without inputs; give --inputs FILE"),
    (r"\bor ask about given inputs", "or ask about --inputs without --radius"),
    (r"\bneeds inputs, not a Box", "needs inputs, not a box: leave out --radius"),
    (r"\b(inputs )?or a Box\b", r"\1or a box (--radius)"),
    (r"\ba Box\b", "a box (--radius)"),
    (r"\buse substitute='zero'", "leave out --midpoint"),
    (r"\bactivations or weights must be True", "leave out --no-activations or --no-weights"),
    (r"\bor a sum of models with among", "or several kinds, each with its own"),
    (r"\b(\w+) names (?=\()", r"\1 has "),
    (r"\b(leave out|drop|give|without|or) (exactly|among|to|scale|rates|biases|format)\b(?! \w|=)", r"\1 =\2"),
    (r"\buse method '([\w-]+)'", r"use --method \1"),
    (r"\bname the synapses that may fail with among", "which synapses may fail is said in Python alone (among)"),
    (r"\bask without$", "leave out --biases"),
    (r"\bArgmax\b", "--argmax"),
    (r"\bof output_rounding", "that its output may be off by rounding"),
    (r"\bclamp must be a pair \(low, high\)", "clamp must be LOW:HIGH"),
)


def in_options(message: str, command: click.Command | None) -> str:
    """Return a message of the library in the words of a command that took options for its arguments."""
    option = _options(command)
    of_kinds = "kind" in {p.name for p in command.params} if command is not None else False
    head, said = _models(message, of_kinds)
    said = re.sub(_SHOWN, lambda found: _option(found[0], of_kinds) or found[0], said)
    for pattern, replacement in _ADVICE:
        said = re.sub(pattern, replacement, said)
    said = re.sub(r"(?<![\w.])(\w+)=True\b", lambda found: option(found[1]) or found[0], said)
    said = re.sub(r" =(\w+)", lambda found: f" {option(found[1]) or _elsewhere(found[1])}", said)
    said = re.sub(r"\b(time_limit|node_limit)\b", lambda found: f"--{found[1].replace('_', '-')}", said)
    return head + re.sub(r"^\w+(?=[ :])", lambda found: _first(found[0], option), said)


def said_here(message: str) -> str:
    """Return a message of the library in the words of the command that runs."""
    context = click.get_current_context(silent=True)
    if context is None:
        return in_options(message, None)
    said = in_options(message, context.command)
    given = context.params.get("noise")  # amplitudes that the word "file" stands for are not what was typed
    return re.sub(r"(?<=--noise )[\d.,e+-]+(?=[: ])", given, said) if isinstance(given, str) else said


def _options(command: click.Command | None) -> Callable[[str], str | None]:
    """Return a function from the name of an argument to the option that gives it."""
    params = [] if command is None else [p for p in command.params if isinstance(p, click.Option)]
    known = {(p.name or "").rstrip("_"): max(p.opts, key=len) for p in params}

    def option(name: str) -> str | None:
        return known.get(name) or known.get(_OTHER_NAMES.get(name, ""))

    return option


def _first(word: str, option: Callable[[str], str | None]) -> str:
    """Return the first word of a sentence, which names an argument where an option of that name exists."""
    return word if word in _WORDS else option(word) or word


def _elsewhere(argument: str) -> str:
    """Return where an argument is given that the command has no option for: only `--layer` is one of other commands."""
    return "--layer to withstand worst-case" if argument == "among" else argument


def _models(message: str, of_kinds: bool) -> tuple[str, str]:
    """Split a message into the failure models that it begins with, as options, and what it says of them."""
    for colon in re.finditer(r": ", message):
        named = [_option(part, of_kinds) for part in _split(message[: colon.start()], " + ")]
        if None not in named:
            return f"{' '.join(filter(None, named))}: ", message[colon.end() :]
    return "", message


def _option(model: str, of_kinds: bool) -> str | None:
    """Return the option that makes a failure model, given as the library shows it; None where the text shows none."""
    found = re.fullmatch(r"(\w+)(?:\((.*)\))?", model)
    if found is None or found[1] not in _MODELS:
        return None
    counts, *rest = _split(found[2] or "", ", ")
    arguments = dict(part.split("=", 1) for part in rest if "=" in part)
    option = _MODELS[found[1]]
    if arguments.get("unit") == "'channel'":
        option = "channel"
    if arguments.get("convention") == "'deviation'":
        option = "deviation"
    if of_kinds:
        return f"--of {option}"
    amount = "".join(f":{arguments[key]}" for key in _AMOUNTS if key in arguments)
    value = counts.strip("()").rstrip(",").replace(" ", "") + amount
    return " ".join(filter(None, (f"--{option}", value, "--exactly" * (arguments.get("exactly") == "True"))))


def _split(text: str, separator: str) -> list[str]:
    """Return the parts of a text between separators that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and at >= start and text.startswith(separator, at):
            parts.append(text[start:at])
            start = at + len(separator)
    return [*parts, text[start:]]
