# SPDX-License-Identifier: MIT
"""Certificates are confirmed by the checker, and false ones rejected."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction

import bridge
import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from alterations import ALTERATIONS, altered, save
from hypothesis import given, settings
from hypothesis import strategies as st
from withstand.certificate import FORMAT, fingerprint
from withstand.certificate.activation_lines import Phi, lines
from withstand.certificate.budget import LIMITS
from withstand.certificate.leaf_bound import Judge
from withstand.certificate.space import Space
from withstand.certificate.terms import described


def deep_network(seed, width=8, depth=4):
    rng = np.random.default_rng(seed)
    widths = [4, *[width] * depth, 2]
    weights = [1.4 * rng.normal(size=(b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return ws.Network(weights, [0.3 * rng.normal(size=b) for b in widths[1:]]), rng.normal(size=(2, 4))


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """Return a network, a certificate of the worst 2 crashes anywhere at two inputs, and the truth."""
    net, X = deep_network(0)
    path = tmp_path_factory.mktemp("certificate") / "proof.json"
    found = ws.worst_case(net, ws.Crash(2), X, certificate=path)
    assert found.status == "exact"
    return net, path, found.lower


def test_a_proof_is_confirmed(proof):
    net, path, truth = proof
    check = ws.check_certificate(path, net)
    assert check.valid
    assert check.reason == "confirmed"
    assert check.lower == truth
    assert truth <= check.upper <= truth + 2e-9 * max(1.0, truth)
    assert check.bounded > 10
    assert check.enumerated > 10
    assert (check.inputs, check.goal, check.failures[0]["counts"]) == (2, "error", [2])


def test_a_search_of_many_nodes_is_confirmed(tmp_path):
    net, X = deep_network(1, width=16, depth=3)
    found = ws.worst_case(net, ws.Crash(4), X, spec=ws.Argmax(), threads=1, certificate=tmp_path / "proof.json")
    assert found.nodes >= 1000
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.nodes >= found.nodes


@pytest.mark.parametrize("seed", range(6 * len(ALTERATIONS)))
def test_false_certificates_are_rejected(proof, tmp_path, seed):
    net, path, truth = proof
    name, wrong = altered(json.loads(path.read_text()), seed, truth)
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    check = ws.check_certificate(tmp_path / "wrong.json", net, effort=500)
    assert not check.valid, name


@pytest.mark.parametrize("effort", [0, 20_000])
@pytest.mark.parametrize("less", [1e-8, 1e-4, 0.3])
def test_one_leaf_for_everything_proves_nothing_false(proof, tmp_path, effort, less):
    net, path, truth = proof
    wrong = json.loads(path.read_text())
    wrong["nodes"], wrong["roots"] = [{"bounded": 0.0}, {"bounded": 0.0}], [0, 1]
    wrong["claim"] = {"lower": 0.0, "upper": truth * (1 - less), "witness": {"input": 0, "failed": []}}
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net, effort=effort)
    assert not check.valid
    assert ("no proof within" if effort == 0 else "above the claim") in check.reason


def test_tampering_and_other_networks_are_noticed(proof, tmp_path):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong["claim"]["upper"] += 1.0
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    assert "checksum" in ws.check_certificate(tmp_path / "wrong.json", net).reason
    other = ws.Network([net.weights[0] + 1, *net.weights[1:]], net.biases)
    assert "another network" in ws.check_certificate(path, other).reason
    for content in ("", path.read_text()[:1000], "[]", "[" * 100_000, '{"format": "withstand certificate 1"}'):
        (tmp_path / "broken.json").write_text(content)
        check = ws.check_certificate(tmp_path / "broken.json", net)
        assert not check.valid
        assert check.reason
    with pytest.raises(OSError, match=r"none\.json"):
        ws.check_certificate(tmp_path / "none.json", net)


@pytest.mark.parametrize("counts", [[], [1, 1]])
def test_a_total_is_one_number(proof, tmp_path, counts):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong["failures"][0]["counts"] = counts
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net, failures=ws.Crash(2))
    assert "in total, not one number" in check.reason
    assert "not one number" in repr(check)


@pytest.mark.parametrize("place", ["lower", "upper", "inputs"])
def test_an_integer_beyond_the_doubles_is_no_number(proof, tmp_path, place):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    if place == "inputs":
        wrong["inputs"][0][0] = 10**400
    else:
        wrong["claim"][place] = 10**400
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net)
    assert not check.valid
    assert "a number of 401 digits" in check.reason


@pytest.mark.parametrize("key", ["network", "failures", "inputs", "goal", "claim", "roots", "nodes"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 1, [None], [[float("nan")]]])
def test_files_that_are_not_what_they_should_be(proof, tmp_path, key, value):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong[key] = value
    save(wrong, tmp_path / "wrong.json")
    assert not ws.check_certificate(tmp_path / "wrong.json", net).valid


# What a file may ask of the checker, and in which words.


def stated(net, terms, nodes, inputs=None, upper=1e9, **claim):
    """Return a certificate made by hand: one tree for one input."""
    claim = {"lower": -1e9, "upper": upper, "witness": {"input": 0, "failed": []}, **claim}
    network = {"widths": list(net.widths), "sha256": fingerprint(net)}
    return {"format": FORMAT, "network": network, "failures": terms, "inputs": inputs or [[1.0] * net.widths[0]],
            "goal": "error", "claim": claim, "roots": [0], "nodes": nodes}  # fmt: skip


def stuck(counts, value, **more):
    return {"effect": "stuck", "value": value, "counts": counts, "total": True, "exactly": False, "among": None, **more}


@pytest.mark.parametrize(
    ("terms", "node", "upper", "reason"),
    [
        ([stuck([3], float(v)) for v in range(12)], {"enumerated": 100}, 1e9, "steps of counting configurations"),
        ([stuck([1], float(v)) for v in range(12)], {"bounded": 0.0}, 0.5, "multiply-adds of splitting leaves"),
        ([stuck([1], float(v)) for v in range(30_000)], {"bounded": 0.0}, 1e9, "ways to fail, the limit is 1,000,000"),
        ([stuck([2**40], 0.5)], {"enumerated": 30}, 1e9, "configurations, it says 30"),
        ([stuck([10**3000], 0.5)], {"bounded": 0.0}, 1e9, "a number of 3001 digits"),
    ],
)
def test_too_much_work_is_refused_by_name(tmp_path, monkeypatch, terms, node, upper, reason):
    monkeypatch.setitem(LIMITS, "multiply-adds of splitting leaves", 200_000_000)
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(b, a)) for a, b in itertools.pairwise((4, 20, 20, 2))])
    save(stated(net, terms, [node], upper=upper), tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net)
    assert not check.valid
    assert reason in check.reason
    assert check.refined < 200


def test_every_kind_of_work_is_counted_before_it_is_done(tmp_path, monkeypatch):
    net, X = deep_network(0)
    ws.worst_case(net, ws.Crash(2), X, certificate=tmp_path / "proof.json")
    needed = {"bytes", "ways to fail", "decisions on the paths of the tree", "steps of counting configurations",
              "configurations to evaluate", "multiply-adds"}  # fmt: skip
    for kind in needed:
        with monkeypatch.context() as patch:
            patch.setitem(LIMITS, kind, 10)
            check = ws.check_certificate(tmp_path / "proof.json", net)
            assert not check.valid
            assert check.reason.startswith("too much to check: ")
            assert f" {kind}, the limit is 10" in check.reason
            assert check.configurations == 0
            with pytest.raises(ValueError, match=r"no certificate (can be|is) written.* the limit is 10"):
                ws.worst_case(net, ws.Crash(2), X, certificate=tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()


def test_dead_ends_of_exact_counts_are_not_walked(tmp_path):
    net = ws.Network([np.ones((40, 1)), np.ones((1, 40))])
    term = stuck([39], 0.5, exactly=True)
    witness = {"input": 0, "failed": [[1, i, 0] for i in range(39)]}
    save(stated(net, [term], [{"enumerated": 40}], witness=witness), tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.configurations == 40


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("failures", 0, "exactly"), "false", "exactly is 'false', not true or false"),
        (("failures", 0, "among"), [[1, 0.5]], "0.5 is not an integer"),
        (("failures", 0, "value"), "0", "0 is not a finite number"),
        (("failures", 0, "value"), 1.0, "a crashed neuron transmits 0"),
        (("failures", 0, "effect"), "noise", "only crash and stuck are covered"),
        (("failures", 0, "more"), 1, "has the entries"),
        (("inputs", 0, 0), "1.0", "1.0 is not a finite number"),
        (("inputs", 0, 0), True, "True is not a finite number"),
        (("inputs", 0), [1.0], "input 0 has 1 entries, not 4"),
        (("claim", "upper"), 10**400, "a number of 401 digits"),
        (("claim", "witness", "input"), -1, "-1 is not an integer"),
        (("claim", "witness", "failed"), [[1, 0]], "is not layer, neuron, term"),
        (("roots", 0), True, "True is not an integer"),
        (("roots", 0), 10**6, "node 1000000 is missing"),
        (("nodes", 0, "failed"), {"00": 1}, "no term is called '00'"),
        (("nodes", 0), {"bounded": 0.0, "enumerated": 1}, "has the entries"),
        (("note",), "trust me", "the certificate has the entries"),
    ],
)
def test_entries_of_the_wrong_kind_are_named(proof, tmp_path, place, value, reason):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    entry = wrong
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net)
    assert not check.valid
    assert reason in check.reason


@pytest.mark.parametrize(("text", "reason"), [('{"format": 1, "format": 2}', "twice"), ('{"a": NaN}', "NaN is not a")])
def test_text_that_says_two_things_is_no_certificate(proof, tmp_path, text, reason):
    (tmp_path / "wrong.json").write_text(text)
    assert reason in ws.check_certificate(tmp_path / "wrong.json", proof[0]).reason


# What a file speaks of.


def test_a_check_says_what_is_proved(proof, tmp_path):
    net, path, _ = proof
    _, X = deep_network(0)
    check = ws.check_certificate(path, net, failures=ws.Crash(2), domain=X, spec=None)
    assert check.valid, check.reason
    np.testing.assert_array_equal(check.domain, X)
    assert (check.inputs, check.spec, check.classes, check.network) == (2, None, (), fingerprint(net))
    assert all(part in repr(check) for part in ("Crash(2)", "valid", "input 1", str(X[1, 0]), fingerprint(net)))
    ws.worst_case(net, ws.Crash(1), X, spec=ws.Argmax(), certificate=tmp_path / "class.json")
    check = ws.check_certificate(tmp_path / "class.json", net, spec=ws.Argmax())
    assert check.spec == ws.Argmax()
    assert check.classes == tuple(net.forward(X).argmax(axis=1))


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ({"failures": ws.Crash(3)}, r"speaks of Crash(2), not of Crash(3)"),
        ({"failures": ws.Crash(2, exactly=True)}, "speaks of Crash(2), not of Crash(2, exactly"),
        ({"failures": ws.StuckAt(2, value=0.0)}, "speaks of Crash(2), not of StuckAt"),
        ({"failures": ws.Crash(2, among=[(1, 0), (1, 1)])}, "speaks of Crash(2), not of Crash(2, among"),
        ({"spec": ws.Argmax()}, "speaks of error, not of argmax"),
        ({"domain": deep_network(0)[1][:1]}, "speaks of 2 inputs, not of 1"),
        ({"domain": deep_network(0)[1][::-1]}, "speaks of another input 0"),
        ({"domain": np.nextafter(deep_network(0)[1], 9.0)}, "speaks of another input 0"),
    ],
)
def test_a_proof_of_something_else_is_rejected(proof, expected, reason):
    net, path, _ = proof
    check = ws.check_certificate(path, net, **expected)
    assert not check.valid
    assert reason in check.reason


@pytest.mark.parametrize(
    ("expected", "error", "message"),
    [
        ({"domain": ws.Box([0.0] * 4, [1.0] * 4)}, ValueError, "given inputs, not boxes"),
        ({"failures": ws.SynapseCrash(1)}, ValueError, "cover crashed and stuck neurons"),
        ({"failures": 2}, TypeError, "failures must be a failure model"),
        ({"spec": "argmax"}, TypeError, "spec"),
    ],
)
def test_what_no_certificate_can_be_about_is_misuse(proof, expected, error, message):
    with pytest.raises(error, match=message):
        ws.check_certificate(proof[1], proof[0], **expected)


# Ties, badly scaled weights, and the truth in rational arithmetic.


def test_exact_ties_are_settled_without_rounding(tmp_path):
    net = ws.Network([[[0.1], [0.2]], [[0.3, 0.7], [0.3, 0.7]]])  # the outputs are equal; the first is the class
    found = ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(), certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert (check.classes, check.lower, found.lower) == ((0,), 0.0, 0.0)


def test_ties_that_rounding_hides_are_refused_before_any_search(tmp_path):
    net = ws.Network([[[0.1], [0.2]], [[0.3, 0.7], [0.3, 0.7]]], activation="tanh")
    with pytest.raises(ValueError, match=r"no certificate can be written: outputs \[0, 1\] are too close"):
        ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(), certificate=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()


def badly_scaled(seed):
    """Return a network, failures and inputs with factors from 1e-8 to 1e8 here and there."""
    net, model, X, rng = random_case(seed, depth=(1, 3), width=(1, 4), activations=PIECEWISE,
                                     output_activations=("identity", "relu", "hard_tanh"))  # fmt: skip
    scale = [10.0 ** rng.uniform(-8, 8, w.shape if rng.integers(2) else ()) for w in net.weights]
    weights = [w * s for w, s in zip(net.weights, scale)]
    if len(weights[-1]) > 1 and rng.integers(4) == 0:
        weights[-1][1] = weights[-1][0]
    plain = oracle.network(weights, net.biases, net.activations, net.output_activation)
    return bridge.network(plain), bridge.model(model), X * 10.0 ** rng.uniform(-3, 3, X.shape), rng


PIECEWISE = oracle.PIECEWISE_LINEAR


@pytest.mark.parametrize("seed", range(120))
def test_nothing_below_the_rational_truth_is_confirmed(seed, tmp_path):
    net, failures, X, rng = badly_scaled(seed)
    path = tmp_path / "proof.json"
    spec = ws.Argmax() if rng.integers(2) and net.widths[-1] > 1 else None
    ws.worst_case(net, failures, X, spec=spec, certificate=path)
    check = ws.check_certificate(path, net, failures=failures, domain=X, spec=spec)
    assert check.valid, check.reason
    space = Space(list(check.failures), net.widths)
    truth = max(rational_harm(net, x, failed, check) for x in X for failed in space.completions(space.root()))
    assert truth <= Fraction(check.upper)
    for less in (1e-15, 1e-9, 1e-3, 0.5):
        claim = float(truth - abs(truth) * Fraction(less))
        wrong = json.loads(path.read_text())
        wrong["nodes"], wrong["roots"] = [{"bounded": min(claim, -1e300)} for _ in X], list(range(len(X)))
        wrong["claim"] = {"lower": -1e300, "upper": claim, "witness": wrong["claim"]["witness"]}
        save(wrong, path)
        assert not ws.check_certificate(path, net, effort=300).valid or Fraction(claim) >= truth


def rational_harm(net, x, failed, check):
    """Evaluate without rounding, on the plain definition."""
    held = {neuron: Fraction(way.value) for neuron, way in failed}
    intact, faulty = rational_outputs(net, x, {}), rational_outputs(net, x, held)
    if check.spec is None:
        return max(abs(a - b) for a, b in zip(faulty, intact))
    c = intact.index(max(intact))
    return max(faulty[j] - faulty[c] for j in range(len(faulty)) if j != c)


def rational_outputs(net, x, held):
    y = [held.get((0, i), Fraction(v)) for i, v in enumerate(x)]
    for l, (w, b) in enumerate(zip(net.weights, net.biases), start=1):
        phi = (*net.activations, net.output_activation)[l - 1]
        value, a = oracle.TABLE[phi.name].exact, Fraction(phi.slope or 0.0)
        s = [sum(Fraction(a) * v for a, v in zip(row, y)) + Fraction(bias) for row, bias in zip(w, b)]
        y = [held.get((l, j), Fraction(value(Fraction(phi.gain) * t, a))) for j, t in enumerate(s)]
    return y


def test_a_lead_that_overflowed_to_no_number_bounds_nothing(monkeypatch):
    net = ws.Network([[[1.0], [1.0]], [[1.0, 0.0], [0.0, 0.5]]], output_activation="logistic")
    phis = [Phi("relu", 1.0, 0.0), Phi("logistic", 1.0, 0.0)]
    judge = Judge(net.weights, net.biases, phis, Space([], net.widths), np.ones(1), "argmax")
    monkeypatch.setattr(judge, "_ranges", lambda *_: (np.zeros(2), np.ones(2)))
    assert np.isnan(judge._lead(phis[1], np.array([np.nan]), [], judge._space.root())).all()


# What the search proves, the checker confirms; what the checker bounds, nothing exceeds.


def random_case(seed, **shape):
    """Return a network, crash and stuck-at models (at most, exactly, sums, inputs), and inputs, for the oracle."""
    rng = np.random.default_rng(seed)
    net = strategies.random_network(rng, dyadic=bool(rng.integers(2)), **shape)
    model = strategies.random_model(rng, net, effects=("crash", "stuck"), cap=200)
    return net, model, strategies.random_inputs(rng, net, 2), rng


@pytest.mark.parametrize("seed", range(80))
def test_every_search_is_confirmed(seed, tmp_path):
    net, model, X, rng = random_case(seed)
    network, failures = bridge.network(net), bridge.model(model)
    spec = ws.Argmax() if rng.integers(3) == 0 and network.widths[-1] > 1 else None
    try:
        found = ws.worst_case(network, failures, X, spec=spec, certificate=tmp_path / "proof.json")
    except ValueError as error:  # which class is the intact network's is a matter of rounding
        assert spec is not None
        assert "too close to say which class" in str(error)
        return
    check = ws.check_certificate(tmp_path / "proof.json", network)
    assert check.valid, check.reason
    truth = float(oracle.worst(net, model, X, spec="argmax" if spec else None))
    assert check.lower <= truth + 1e-12 * max(1.0, abs(truth))
    assert truth <= check.upper <= truth + 3e-9 * max(1.0, abs(truth))
    assert found.lower == check.lower


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_bounds_hold_under_decisions(seed):
    net, model, X, rng = random_case(seed, depth=(1, 3), width=(1, 5))
    network, failures = bridge.network(net), bridge.model(model)
    goal = "argmax" if rng.integers(2) and network.widths[-1] > 1 else "error"
    phis = [Phi(a.name, a.gain, a.slope or 0.0) for a in (*network.activations, network.output_activation)]
    space = Space(json.loads(json.dumps(described(failures))), network.widths)
    try:
        judge = Judge(network.weights, network.biases, phis, space, X[0], goal)
    except ValueError:
        return
    state = space.root()
    assert space.size(state) == failures.configurations(network)
    for _ in range(int(rng.integers(0, 4))):
        free = space.free(state)
        if free:
            children = list(space.children(state, free[int(rng.integers(len(free)))]).values())
            state = children[int(rng.integers(len(children)))]
    sets = list(space.completions(state))
    assert len(sets) == len({frozenset(s) for s in sets}) == space.size(state)
    bound = judge.bound(state).harm
    nominal = network.forward(X[0])
    c = int(np.argmax(nominal))
    for failed in sets:
        y = network.forward(X[0], failed={neuron: way.value for neuron, way in failed})
        harm = np.abs(y - nominal).max() if goal == "error" else np.delete(y, c).max() - y[c]
        ((value,), (error,)) = judge.harms([failed])
        assert abs(harm - value) <= error + 1e-14 * max(1.0, float(np.abs(y).max()))
        assert harm <= bound + 1e-12 * max(1.0, float(np.abs(y).max()))


@pytest.mark.parametrize("name", oracle.ALL_NAMES)
def test_lines_are_above_and_below(name):
    rng = np.random.default_rng(0)
    for slope in (0.01, 0.5, 1.0, 2.0) if name in oracle.DEFAULT_SLOPE else (0.0,):
        for gain in (0.25, 1.0, 7.0):
            phi = Phi(name, gain, slope)
            low = rng.normal(size=300) * 10 ** rng.uniform(-6, 3, 300)
            high = low + np.abs(rng.normal(size=300)) * 10 ** rng.uniform(-9, 3, 300)
            high[:5] = low[:5]
            found = lines(phi, low, high)
            assert (found.upper_slope >= 0).all()
            assert (found.lower_slope >= 0).all()
            for share in np.linspace(0, 1, 101):
                s = np.clip(low + share * (high - low), low, high)
                rounding = 4e-16 * (np.abs(phi(s)) + np.abs(found.upper_slope * s) + np.abs(found.lower_slope * s))
                assert (found.upper_slope * s + found.upper_offset >= phi(s) - rounding).all()
                assert (found.lower_slope * s + found.lower_offset <= phi(s) + rounding).all()


@pytest.mark.parametrize(
    ("failures", "domain", "message"),
    [
        (ws.SynapseCrash(1), [[1.0]], "certificates cover crashed and stuck neurons, not SynapseCrash"),
        (ws.Byzantine(1, capacity=1.0), [[1.0]], "certificates cover crashed and stuck neurons, not Byzantine"),
        (ws.Crash(1) + ws.SynapseCrash(1), [[1.0]], "certificates cover crashed and stuck neurons"),
        (ws.Crash(1), ws.Box([0.0], [1.0]), "certificates cover given inputs, not boxes"),
    ],
)
def test_what_certificates_do_not_cover_is_refused(tmp_path, failures, domain, message):
    net = ws.Network([[[1.0]], [[1.0]]])
    with pytest.raises(ValueError, match=message):
        ws.worst_case(net, failures, domain, certificate=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()


@pytest.mark.parametrize("nodes", [1, 3, 20])
def test_a_search_that_ended_early_certifies_what_it_has(proof, tmp_path, nodes):
    net, _, truth = proof
    _, X = deep_network(0)
    found = ws.worst_case(net, ws.Crash(2), X, node_limit=nodes, certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.lower <= truth <= check.upper
    assert check.upper <= found.upper + 2e-9 * max(1.0, found.upper)


def test_large_enumerations_are_split(tmp_path):
    rng = np.random.default_rng(1)
    net = ws.Network([rng.normal(size=(40, 2)), rng.normal(size=(10, 40)), rng.normal(size=(2, 10))])
    ws.worst_case(net, ws.Crash((3, 1), exactly=True), rng.normal(size=(1, 2)), certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.enumerated > 1
    assert check.configurations == 9880 * 10


def test_the_command(tmp_path):
    runner = pytest.importorskip("click.testing").CliRunner()
    from withstand.cli.app import app

    path = str(tmp_path / "proof.json")
    made = runner.invoke(app, ["worst-case", "digits_small", "--crash", "2", "--rows", "0:1", "--certificate", path])
    assert made.exit_code == 0, made.output
    confirmed = runner.invoke(app, ["check", path, "digits_small", "--json"])
    assert confirmed.exit_code == 0, confirmed.output
    assert json.loads(confirmed.output)["valid"] is True
    assert json.loads(confirmed.output)["failures"] == "Crash(2)"
    assert "confirmed" in runner.invoke(app, ["check", path, "digits_small"]).output
    rejected = runner.invoke(app, ["check", path, "digits", "--json"])
    assert rejected.exit_code == 1
    assert "another network" in json.loads(rejected.output)["reason"]
