# SPDX-License-Identifier: MIT
"""Certificates of components made false: well formed, the checksum right, and another model or claim in them.

`ANOTHER` states another model than was asked for. `WORSE` does too, one that does more harm, and counts its
configurations right, so that nothing but the harm gives it away. `UNPROVED` states the same model, and proves nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import withstand as ws
from withstand.certificate.budget import Budget
from withstand.certificate.components import Components

File = dict[str, Any]
Alteration = Callable[[File], None]

#: Two maps of a convolution, three neurons, two outputs.
NET = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv([[[0.5, -0.25]], [[-0.75, 1.0]]]))], [127 / 256, -0.25], "relu"),
        ws.Layer([(1, [[0.5, -1.0, 0.25, 0.75], [1.0, 0.5, -0.5, 0.25], [-0.25, 0.75, 1.0, -1.0]])], activation="tanh"),
        ws.Layer([(2, [[1.0, -0.75, 0.5], [-0.5, 1.0, 0.25]])], activation="identity"),
    ],
    shape=(1, 3),
)
X = [[1.0, -0.5, 2.0], [0.25, 1.5, -1.0]]
FAILURES = (
    ws.WeightFlip(1, format="int8", scale=0.25, bits=[0, 1, (0, 1)], clamp=(-2.0, 2.0), biases=True)
    + ws.StuckAt(1, 0.5, groups=[[(1, 0), (1, 1)], [(2, 0)], [(2, 1), (1, 3)]])
    + ws.SynapseCrash(1, among=[(3, 0, 0), (3, 1, 2)])
)
SIGNALS = ws.BitFlip(1, format="int8", scale=[0.13, 0.0625], bits=[2, 5], to=1, exactly=True) + ws.WeightCrash(
    (0, 1, 1)
)


def proved(path: Any, failures: ws.Failures = FAILURES) -> float:
    """Write a certificate, and return the truth."""
    return ws.worst_case(NET, failures, X, certificate=path).lower


def counted(file: File) -> None:
    """Count the configurations that the file states."""
    sets = Components(copy.deepcopy(file["failures"]), NET, Budget())
    file["configurations"] = sets.size(sets.root())


def _words(file: File) -> Any:
    return file["failures"][0]["words"]


def another_scale(file: File) -> None:
    """All weights are words of half the scale, too."""
    _words(file)["scales"] = [[[0.125, 0]]] * 3


def another_scale_of_biases(file: File) -> None:
    """So are the biases."""
    _words(file)["biases"]["scales"][0] = [[1 / 512, 0]]


def another_zero_point(file: File) -> None:
    """The word that stands for 0 is another one."""
    _words(file)["scales"] = [[[0.25, 3]]] * 3


def another_format(file: File) -> None:
    """Words are longer."""
    _words(file)["format"] = "int16"


def another_bit(file: File) -> None:
    """Bit 2 flips in place of bit 1."""
    _words(file)["ways"][1] = [2]


def fewer_bits(file: File) -> None:
    """One way to flip is left out."""
    del _words(file)["ways"][2]


def stuck_cells(file: File) -> None:
    """Only flips to 0 are looked at."""
    _words(file)["to"] = 0


def tighter_clamp(file: File) -> None:
    """What replaces is held in a smaller range."""
    _words(file)["clamp"] = [-0.5, 0.5]


def no_biases(file: File) -> None:
    """Biases cannot fail."""
    _words(file)["biases"] = None


def fewer_parameters(file: File) -> None:
    """One weight alone may fail."""
    file["failures"][0]["among"] = [[3, "weight", [0, 0]]]


def smaller_count(file: File) -> None:
    """No group fails."""
    file["failures"][1]["counts"] = [0]


def smaller_group(file: File) -> None:
    """A neuron is missing in a group."""
    file["failures"][1]["groups"][0] = [[1, 0]]


def larger_group(file: File) -> None:
    """A neuron more is in a group."""
    file["failures"][1]["groups"][0].append([1, 2])


def channels_for_groups(file: File) -> None:
    """Channels fail in place of groups."""
    file["failures"][1].update(groups=None, unit="channel")


def another_value(file: File) -> None:
    """Groups are stuck at another value."""
    file["failures"][1]["value"] = 0.25


def fewer_synapses(file: File) -> None:
    """A synapse is left out."""
    del file["failures"][2]["among"][0]


def exactly(file: File) -> None:
    """Exactly so many fail."""
    file["failures"][2]["exactly"] = True


def another_order(file: File) -> None:
    """The same models in another order: the terms of the witness are others."""
    file["failures"].reverse()


def more_weights(file: File) -> None:
    """Two weights fail."""
    file["failures"][0]["counts"] = [2]


def a_worse_bit(file: File) -> None:
    """The highest bit of a weight flips, too."""
    _words(file)["ways"].append([7])


def no_clamp(file: File) -> None:
    """Nothing holds the sign bit back."""
    a_worse_bit(file)
    _words(file)["clamp"] = None


def more_groups(file: File) -> None:
    """All groups fail."""
    file["failures"][1]["counts"] = [3]


def worse_value(file: File) -> None:
    """Groups are stuck at more."""
    file["failures"][1]["value"] = 8.0


def any_two_synapses(file: File) -> None:
    """Any two synapses may die."""
    file["failures"][2].update(among=None, counts=[2])


def lower_claim(file: File) -> None:
    """The claim is a little below the truth, that of the witness too."""
    file["claim"] = {"lower": -1e6, "upper": file["claim"]["lower"] - 1e-6, "witness": {"input": 0, "failed": []}}


def raise_claim(file: File) -> None:
    """More is claimed than the witness does."""
    file["claim"]["lower"] += 1e-6
    file["claim"]["upper"] += 1e-6


def one_more(file: File) -> None:
    """A configuration more is counted than there is."""
    file["configurations"] += 1


def one_less(file: File) -> None:
    """A configuration is forgotten."""
    file["configurations"] -= 1


def another_bit_of_the_witness(file: File) -> None:
    """The witness flips another bit."""
    flipped = next(part for part in file["claim"]["witness"]["failed"] if part[2])
    flipped[2] = [0] if flipped[2] != [0] else [1]


def a_bit_that_does_not_flip(file: File) -> None:
    """The witness flips a bit that may not."""
    next(part for part in file["claim"]["witness"]["failed"] if part[2])[2] = [6]


def failed_twice(file: File) -> None:
    """The witness lets a component fail twice."""
    failed = file["claim"]["witness"]["failed"]
    failed.append(failed[0])


def half_a_group(file: File) -> None:
    """The witness lets one neuron of a group fail."""
    file["claim"]["witness"]["failed"] = [[[1, 0], 1, []]]


def another_input(file: File) -> None:
    """The witness is of the other input."""
    file["claim"]["witness"]["input"] = 1 - file["claim"]["witness"]["input"]


def a_tree(file: File) -> None:
    """The format is that of trees."""
    file["format"] = "withstand certificate 1"


ANOTHER: tuple[Alteration, ...] = (
    another_scale, another_scale_of_biases, another_zero_point, another_format, another_bit, fewer_bits, stuck_cells,
    tighter_clamp, no_biases, fewer_parameters, smaller_count, smaller_group, larger_group, channels_for_groups,
    another_value, fewer_synapses, exactly, another_order,
)  # fmt: skip
WORSE: tuple[Alteration, ...] = (more_weights, a_worse_bit, no_clamp, more_groups, worse_value, any_two_synapses)
UNPROVED: tuple[Alteration, ...] = (
    lower_claim, raise_claim, one_more, one_less, another_bit_of_the_witness, a_bit_that_does_not_flip, failed_twice,
    half_a_group, another_input, a_tree,
)  # fmt: skip
