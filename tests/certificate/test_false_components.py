# SPDX-License-Identifier: MIT
"""False certificates of words, groups, parameters and synapses are rejected, and files that are none are named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import withstand as ws
from alterations import save
from component_alterations import ANOTHER, FAILURES, NET, UNPROVED, WORSE, X, counted, proved


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    path = tmp_path_factory.mktemp("components") / "proof.json"
    truth = proved(path)
    assert ws.check_certificate(path, NET, failures=FAILURES, domain=X, spec=None).valid
    return json.loads(path.read_text()), truth


def checked(file: dict[str, Any], folder: Any, **wanted: Any) -> ws.Check:
    save(file, folder / "wrong.json")
    return ws.check_certificate(folder / "wrong.json", NET, **wanted)


@pytest.mark.parametrize("alteration", ANOTHER, ids=lambda a: a.__name__)
def test_another_model_is_not_the_one_asked_for(proof, tmp_path, alteration):
    wrong = copy.deepcopy(proof[0])
    alteration(wrong)
    check = checked(wrong, tmp_path, failures=FAILURES)
    assert not check.valid
    assert "the certificate speaks of" in check.reason


@pytest.mark.parametrize("alteration", WORSE, ids=lambda a: a.__name__)
def test_a_worse_model_is_above_the_claim(proof, tmp_path, alteration):
    wrong = copy.deepcopy(proof[0])
    alteration(wrong)
    assert not checked(wrong, tmp_path).valid
    counted(wrong)
    check = checked(wrong, tmp_path)
    assert not check.valid
    assert "above the claim" in check.reason


@pytest.mark.parametrize("alteration", UNPROVED, ids=lambda a: a.__name__)
def test_what_proves_nothing_is_rejected(proof, tmp_path, alteration):
    wrong = copy.deepcopy(proof[0])
    alteration(wrong)
    assert not checked(wrong, tmp_path).valid


WORDS = ("failures", 0, "words")
ENTRIES = [
    (("failures", 0, "effect"), "noise", "of kind 'noise', only crash, stuck, bit_flip"),
    (("failures", 0, "words"), None, "words are those of flips"),
    (("failures", 1, "words"), {}, "words are those of flips"),
    ((*WORDS, "format"), "int9", "the checker knows no format 'int9'"),
    ((*WORDS, "format"), ["int8"], "the checker knows no format"),
    ((*WORDS, "ways"), [], "not different ones"),
    ((*WORDS, "ways"), [[0], [0]], "not different ones"),
    ((*WORDS, "ways"), [[8]], "bits [8] of 8 cannot flip together"),
    ((*WORDS, "ways"), [[0, 0]], "bits [0, 0] of 8 cannot flip together"),
    ((*WORDS, "ways"), [[]], "cannot flip together"),
    ((*WORDS, "to"), True, "to is no bit"),
    ((*WORDS, "to"), 2, "to is no bit"),
    ((*WORDS, "clamp"), [1.0, -1.0], "is no range"),
    ((*WORDS, "scales"), None, "is NoneType, not a list"),
    ((*WORDS, "scales"), [[[0.0, 0]]], "is not positive"),
    ((*WORDS, "scales"), [[[0.25, 128]]], "zero point 128 is no word"),
    ((*WORDS, "scales"), [[[0.25]]], "is no scale and zero point"),
    ((*WORDS, "scales"), [], "words of stage 1 have no scale"),
    ((*WORDS, "scales"), [[[0.3, 0]]] * 3, "no word of int8"),
    ((*WORDS, "biases", "ways"), [[40]], "cannot flip together"),
    (("failures", 0, "among"), [[1, "kernel", [0]]], "there is no parameter (1, 'kernel', (0,))"),
    (("failures", 0, "among"), [[1, 0]], "not layer, parameter and index"),
    (("failures", 0, "counts"), [10**14, 1], "in total, not one number"),
    (("failures", 0, "unit"), "channel", "groups crash or are stuck"),
    (("failures", 1, "unit"), "tile", "unit 'tile' is not channel"),
    (("failures", 1, "among"), [[1, 0]], "groups go neither with"),
    (("failures", 1, "groups", 0), [], "a group is empty"),
    (("failures", 1, "groups", 0), [[9, 0]], "there is no neuron (9, 0)"),
    (("failures", 1, "groups", 0), [[1, 0], [1, 0]], "is in two groups"),
    (("failures", 1, "groups", 0), [[2, 0]], "is named twice"),
    (("failures", 1, "groups", 0), [[2, 0], [1, 1]], "is in two groups"),
    (("failures", 2, "among"), [[1, 0, 2]], "synapse (1, 0, 2) has no stored weight"),
    (("claim", "witness", "failed"), [[[], 0, []]], "a name is empty"),
    (("claim", "witness", "failed"), [[[{}], 0, []]], "names nothing"),
    (("claim", "witness", "failed"), [[1, 0, []]], "is int, not a list"),
    (("claim", "witness", "failed"), [[[1, 0], 0]], "is not component, term, bits"),
    (("claim", "witness", "failed"), [[[1, 0], 0, None]], "is NoneType, not a list"),
    (("configurations",), 1.0, "is not an integer"),
    (("roots",), [0], "the certificate has the entries"),
]


@pytest.mark.parametrize(("place", "value", "reason"), ENTRIES)
def test_entries_of_the_wrong_kind_are_named(proof, tmp_path, place, value, reason):
    wrong = copy.deepcopy(proof[0])
    entry = wrong
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    check = checked(wrong, tmp_path)
    assert not check.valid
    assert reason in check.reason
    assert "wrong" not in repr(check)


@pytest.mark.parametrize("key", ["format", "ways", "to", "clamp", "scales", "biases"])
@pytest.mark.parametrize("value", [[], {}, "x", [None], [[[None]]], -1])
def test_words_that_are_not_what_they_should_be(proof, tmp_path, key, value):
    wrong = copy.deepcopy(proof[0])
    wrong["failures"][0]["words"][key] = value
    assert not checked(wrong, tmp_path).valid
