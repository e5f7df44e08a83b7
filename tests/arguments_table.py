# SPDX-License-Identifier: MIT
"""Every argument of every public function: values that are none, and the sentence that says so."""

from __future__ import annotations

import inspect
import math

import numpy as np
import withstand as ws
from arguments_kinds import (
    EACH_SEARCH,
    HUGE,
    NEEDED_EPSILON,
    NO_ACTIVATION,
    NO_CAPACITY,
    NO_CLASSES,
    NO_COUNT,
    NO_COUNTS,
    NO_EPSILON,
    NO_FAILURES,
    NO_FLAG,
    NO_GAP,
    NO_INPUT,
    NO_INPUTS,
    NO_METHOD,
    NO_MODEL,
    NO_NAME,
    NO_NET,
    NO_NEURONS,
    NO_NUMBER,
    NO_P,
    NO_PATH,
    NO_PROGRESS,
    NO_SECONDS,
    NO_SHARE,
    NO_SPEC,
    NO_STEP,
    NO_SYNAPSES,
    NO_THREADS,
)
from arguments_words import NO_FLOATS, NO_GROUPS, NO_OWN, NO_WEIGHTS
from withstand.uses.curve import measure_curve
from withstand.uses.error_moments import expected_error, last_layer_moments
from withstand.uses.probability import clopper_pearson

NET = ws.Network([np.eye(3, 2), [[1.0, 0.5, 0.25], [0.5, 1.0, -1.0]]])
X = np.array([[1.0, 0.5], [0.25, 1.0]])
LAYERS = [ws.Layer([(0, np.eye(3, 2))]), ws.Layer([(1, np.ones((1, 3)))], activation="identity")]


def campaign(net, X, y, failures, trials, rates=None, seed=0, spec=None, confidence=0.95, executor=None,
             checkpoint=None, progress=False):  # fmt: skip
    return ws.campaign(net, X, y, failures, trials=trials, rates=rates, seed=seed, spec=spec, confidence=confidence,
                       executor=executor, checkpoint=checkpoint, progress=progress)  # fmt: skip


def graph(layers, shape, biases=None, activation="relu", output_activation="identity"):
    return ws.Network(None, biases, activation=activation, output_activation=output_activation, layers=layers,
                      shape=shape)  # fmt: skip

NO_TOGETHER = {"unit": NO_NAME, "groups": NO_GROUPS}

#: Function, arguments that it takes, and what it is to refuse of each.
TABLE = [
    (ws.worst_case, (NET, ws.Crash(1), X), {
        "net": NO_NET, "failures": NO_FAILURES, "domain": NO_INPUT, "spec": NO_SPEC, "gap": NO_GAP, **EACH_SEARCH,
        "executor": [(3, TypeError, "executor must be")], "progress": NO_PROGRESS, "certificate": NO_PATH}),
    (ws.bound, (NET, ws.Crash(1), X), {
        "net": NO_NET, "failures": NO_FAILURES, "domain": NO_INPUTS, "method": NO_METHOD, "spec": NO_SPEC,
        "threads": NO_THREADS}),
    (ws.fep, (NET, ws.Crash(1, exactly=True), X), {"net": NO_NET, "failures": NO_FAILURES, "domain": NO_INPUTS}),
    (ws.enumerate_failures, (NET, ws.Crash(1), X), {
        "net": NO_NET, "failures": NO_FAILURES, "X": NO_INPUT, "epsilon": NO_EPSILON, "spec": NO_SPEC,
        "threads": NO_THREADS, "progress": NO_PROGRESS, "components": NO_FLAG,
        "executor": None, "checkpoint": None}),  # they have tests of their own
    (ws.certified_accuracy, (NET, X, [0, 1], ws.Crash(1)), {
        "net": NO_NET, "X": NO_INPUT, "y": NO_CLASSES, "failures": NO_FAILURES, "spec": NO_SPEC,
        "time_limit": NO_SECONDS, "executor": [(3, TypeError, "executor must be")], "progress": NO_FLAG}),
    (campaign, (NET, X, [0, 1], ws.Crash(1), 3), {
        "net": NO_NET, "X": NO_INPUT, "y": NO_CLASSES, "failures": NO_FAILURES,
        "rates": [("x", TypeError, "rates must be a real number"), (2, ValueError, "rates must lie in [0, 1]"),
                  ([0.1, 0.2], ValueError, "rates: 2 for a sum of 1"), (math.nan, ValueError, "rates must lie")],
        "trials": [*NO_COUNT, (0, ValueError, "trials must be at least 1"), (2**40, ValueError, "trials must be at")],
        "seed": NO_COUNT, "spec": NO_SPEC, "confidence": NO_SHARE, "checkpoint": NO_PATH[:4],
        "executor": [(3, TypeError, "executor must be")], "progress": NO_PROGRESS}),
    (ws.tolerance, (NET, 0.5, X), {
        "net": NO_NET, "epsilon": NEEDED_EPSILON, "domain": NO_INPUTS, "model": NO_MODEL, "spec": NO_SPEC,
        "per_layer": NO_FLAG, "samples": NO_COUNT, "seed": NO_COUNT, **EACH_SEARCH,
        "executor": [(3, TypeError, "executor must be")], "progress": NO_FLAG}),
    (ws.report, (NET, X), {
        "net": NO_NET, "X": NO_INPUT, "epsilon": NO_EPSILON, "spec": NO_SPEC,
        "targets": [("x", TypeError, "targets must hold"), ([math.nan], ValueError, "targets must be finite"),
                    ([1.0, 2.0, 3.0], ValueError, "targets")],
        "most": NO_COUNT, "p": NO_P, "samples": NO_COUNT, "seed": NO_COUNT, **EACH_SEARCH,
        "title": [(3, TypeError, "title must be a string"), (None, TypeError, "title must be a string")],
        "origin": [("x", TypeError, "origin must be an Origin"), ({}, TypeError, "origin must be an Origin")],
        "certificate": NO_PATH, "progress": NO_FLAG}),
    (ws.reliability, (NET, 0.1, 0.5, X), {
        "net": NO_NET, "p": NO_P, "epsilon": NEEDED_EPSILON, "X": NO_INPUT, "model": NO_MODEL, "spec": NO_SPEC,
        "evaluations": NO_COUNT, "samples": NO_COUNT, "confidence": NO_SHARE, "seed": NO_COUNT,
        "time_limit": NO_SECONDS, "threads": NO_THREADS, "progress": NO_FLAG}),
    (ws.criticality, (NET, X), {
        "net": NO_NET, "X": NO_INPUT, "evaluations": NO_COUNT, "seed": NO_COUNT, "time_limit": NO_SECONDS,
        "k": [(0, ValueError, "k must lie between 1 and the 3"), (4, ValueError, "k must lie between"),
              (1.5, TypeError, "k must be an integer"), (None, TypeError, "k must be an integer")],
        "spec": NO_SPEC, "threads": NO_THREADS, "progress": NO_FLAG}),
    (ws.harden, (NET, 1, 0.5, X), {
        "net": NO_NET, "epsilon": NEEDED_EPSILON, "X": NO_INPUT, "spec": NO_SPEC, "time_limit": NO_SECONDS,
        "failures": [(None, TypeError, "counts must be integers"), ("x", TypeError, "counts must be integers"),
                     (-1, ValueError, "counts must be at least 0"), (HUGE, ValueError, "can fail, not 1000"),
                     (ws.StuckAt(1, 1.0, exactly=True), ValueError, "at most so many failures of one kind")],
        "threads": NO_THREADS, "progress": NO_FLAG}),
    (ws.precision, (NET, 0.5, X), {
        "net": NO_NET, "epsilon": NEEDED_EPSILON, "domain": NO_INPUT, "quantiser": NO_NAME, "activations": NO_FLAG,
        "weights": NO_FLAG, "most": [*NO_COUNT, (HUGE, ValueError, "most must be at most 52")], "samples": NO_COUNT,
        "seed": NO_COUNT, "quantised": [("x", TypeError, "quantised must be a network loaded from a quantised file")]}),
    (ws.quorum, (NET, 0.5, X), {
        "net": NO_NET, "epsilon": NEEDED_EPSILON, "domain": NO_INPUT, "links": NO_FLAG, "substitute": NO_NAME,
        "latency": [(3, TypeError, "latency must be a name"), ("x", ValueError, "latency must be one of"),
                    (("pareto", "x"), TypeError, "shape of pareto latency must be a real number")],
        "runs": [*NO_COUNT, (0, ValueError, "runs must be at least 1")], "seed": NO_COUNT, "time_limit": NO_SECONDS,
        "progress": NO_FLAG}),
    (ws.replicas_needed, (NET, ws.Crash(1), 0.5, X), {
        "net": NO_NET, "failures": NO_FAILURES, "epsilon": NEEDED_EPSILON, "domain": NO_INPUTS,
        "time_limit": NO_SECONDS, "progress": NO_FLAG}),
    (ws.replicate, (NET, 2), {
        "net": NO_NET,
        "r": [*((v, TypeError, "r must be an integer") for v in (1.5, "2", None, True, ["x"])),
              (0, ValueError, "r must be at least 1"), ([1, 2], ValueError, "2 numbers of copies"),
              (HUGE, ValueError, "the copies would have")]}),
    (measure_curve, (NET, X, (1, 2)), {
        "net": NO_NET, "X": NO_INPUT, "model": NO_MODEL, "spec": NO_SPEC, "samples": NO_COUNT, "seed": NO_COUNT,
        "counts": [(3, TypeError, "counts must be a sequence"), ("12", TypeError, "counts must be a sequence"),
                   ([], ValueError, "counts must hold"), ([0], ValueError, "counts must hold"),
                   (["x"], TypeError, "counts must be an integer"), ([HUGE], ValueError, "can fail, not 1000")],
        **EACH_SEARCH}),
    (ws.embedded, ("digits",), {"name": [(v, ValueError, "embedded networks are") for v in ("x", None, 3, [])]}),
    (ws.Crash, (1,), {"counts": NO_COUNTS, "exactly": NO_FLAG, "among": NO_NEURONS, **NO_TOGETHER}),
    (ws.StuckAt, (1, 0.5), {
        "counts": NO_COUNTS, "value": NO_NUMBER, "exactly": NO_FLAG, "among": NO_NEURONS, **NO_TOGETHER}),
    (ws.BitFlip, (1,), {"counts": NO_COUNTS, **NO_OWN, "exactly": NO_FLAG, "among": NO_NEURONS}),
    (ws.WeightFlip, (1,), {
        "counts": NO_COUNTS, **NO_FLOATS, "biases": NO_FLAG, "exactly": NO_FLAG, "among": NO_WEIGHTS}),
    (ws.WeightCrash, (1,), {"counts": NO_COUNTS, "exactly": NO_FLAG, "among": NO_WEIGHTS}),
    (ws.Byzantine, (1, 1.0), {
        "counts": NO_COUNTS, "capacity": NO_CAPACITY, "convention": NO_NAME, "exactly": NO_FLAG, "among": NO_NEURONS,
        "equivocal": NO_FLAG}),
    (ws.Noise, (0.5,), {"delta": [*NO_CAPACITY[:3], *NO_CAPACITY[4:], (["x"], TypeError, "delta must be a real")]}),
    (ws.SynapseCrash, (1,), {"counts": NO_COUNTS, "exactly": NO_FLAG, "among": NO_SYNAPSES}),
    (ws.SynapseByzantine, (1, 1.0), {
        "counts": NO_COUNTS, "capacity": NO_CAPACITY, "convention": NO_NAME, "exactly": NO_FLAG,
        "among": NO_SYNAPSES}),
    (ws.Box, ([0.0], [1.0]), {
        end: [("x", TypeError, "must hold real numbers"), (None, TypeError, "must hold real numbers"),
              ([math.nan], ValueError, "must be finite"), (1.0, ValueError, "must have 1 dimension")]
        for end in ("lower", "upper")}),
    (ws.Latency, ("pareto", 3.0), {
        "name": [(3, TypeError, "latency must be a string"), ("x", ValueError, "latency must be one of")],
        "shape": [("x", TypeError, "the shape of pareto latency must be a real number"),
                  (1, ValueError, "must be more than 1"), (math.nan, ValueError, "must be finite")]}),
    (ws.Activation, ("elu", 1.0, 1.0), {
        "name": [(3, TypeError, "named by a string"), ("x", ValueError, "unknown activation")],
        "gain": [("x", TypeError, "gain must be a real number"), (0, ValueError, "gain must be positive"),
                 (math.nan, ValueError, "gain must be positive"), (None, TypeError, "gain must be a real number")],
        "slope": [("x", TypeError, "slope must be a real number"), (-1, ValueError, "slope must be nonnegative")]}),
    (ws.Network, ([[[1.0]], [[1.0]]],), {
        "weights": [(3, TypeError, "weights must be a sequence"), (None, TypeError, "made of weights, or of layers"),
                    ("xx", TypeError, "weights must be a sequence"), ([], ValueError, "at least one hidden layer"),
                    ([[[1.0], [1.0, 2.0]], [[1.0]]], ValueError, "weights of layer 1 must be an array")],
        "biases": [(3, TypeError, "biases must be a sequence"), ([["x"], None], TypeError, "biases of layer 1 must")],
        "activation": NO_ACTIVATION, "output_activation": NO_ACTIVATION,
        "layers": [(LAYERS, TypeError, "made of weights, or of layers")],
        "shape": [(1, TypeError, "shape must not be given with weights")]}),
    (graph, (LAYERS, 2), {
        "layers": [(3, TypeError, "layers must be a sequence"), (None, TypeError, "made of weights, or of layers"),
                   ([3], TypeError, "layer 1 must be a withstand.Layer"), ([], ValueError, "at least one hidden layer"),
                   (LAYERS[:1], ValueError, "at least one hidden layer"),
                   (LAYERS[::-1], ValueError, "layer 1 reads layer 1")],
        "shape": [(None, TypeError, "shape must be given"), ("x", TypeError, "shape must be an integer"),
                  (1.5, TypeError, "shape must be an integer"), ((2, 0), ValueError, "shape must be at least 1"),
                  (3, ValueError, "layer 1, read of layer 0: a matrix of shape (3, 2) does not read 3 signals")],
        "biases": [([None, None], TypeError, "biases must not be given with layers")],
        "activation": [("tanh", TypeError, "activation must not be given with layers"),
                       (["relu"], TypeError, "activation must not be given with layers")],
        "output_activation": [("tanh", TypeError, "output_activation must not be given with layers")]}),
    (ws.Layer, ([(0, None)],), {
        "reads": [(3, TypeError, "reads must be a sequence of pairs"), ("x", TypeError, "reads must be a sequence"),
                  ([], ValueError, "reads must name at least one source"), ([3], TypeError, "reads must be pairs"),
                  ([(0, "x")], TypeError, "map that reads layer 0 must hold real numbers"),
                  ([(0.5, None)], TypeError, "source must be an integer"),
                  ([(-1, None)], ValueError, "source must be at least 0")],
        "bias": [("x", TypeError, "bias must hold real numbers"), ([math.nan], ValueError, "bias must be finite")],
        "activation": NO_ACTIVATION, "may_fail": NO_FLAG,
        "shape": [(1.5, TypeError, "shape must be an integer"), (("x",), TypeError, "shape must be an integer"),
                  ((0,), ValueError, "shape must be at least 1")],
        "name": [(3, TypeError, "name must be a string"), (None, TypeError, "name must be a string")]}),
    (ws.Format, ("int8",), {
        "scale": [(0.0, ValueError, "scale must be positive"), ("x", TypeError, "scale must hold real numbers")],
        "zero_point": [(200, ValueError, "must be at most 127"), (0.5, TypeError, "an integer")], "name": NO_NAME}),
    (ws.Conv, ([[[1.0]]],), {
        "kernel": [("x", TypeError, "kernel must hold real numbers"), ([1.0], ValueError, "kernel must have shape"),
                   ([[[math.nan]]], ValueError, "kernel must be finite"),
                   (np.ones((0, 1, 1)), ValueError, "kernel must have shape")],
        "stride": NO_STEP, "dilation": NO_STEP, "groups": [*NO_COUNT, (2, ValueError, "do not fall into 2 groups")],
        "padding": [(-1, ValueError, "padding must be at least 0"),
                    ((1, 2), ValueError, "padding must be one entry or 1"),
                    ([(1, 2, 3)], ValueError, "padding must have two ends"), (None, TypeError, "padding must be")],
        "channel_axis": [(v, ValueError, "channel_axis must be 0 or -1") for v in (1, "x", None)]}),
    (ws.Select, ([0, 1],), {
        "index": [("x", TypeError, "index must hold integers"), ([0.5], TypeError, "index must hold integers"),
                  ([], TypeError, "index must hold integers"), ([-2], ValueError, "index must be at least -1, got -2"),
                  ([[0], [0, 1]], ValueError, "index must be an array"),
                  (np.array([2**64 - 1], np.uint64), ValueError, "which no source has")],
        "weight": [("x", TypeError, "weight must hold real numbers"),
                   ([math.inf, 1], ValueError, "weight must be finite"),
                   ([1.0, 2.0, 3.0], ValueError, "weight has shape (3,), index has (2,)")]}),
    (NET.forward, (X,), {
        "X": [row for row in NO_INPUTS if "no rows" not in row[2]],
        "failed": [(3, TypeError, "failed must be a mapping"), ({3: 0.0}, ValueError, "failed component 3"),
                   ({(1, 0): "x"}, TypeError, "failed component (1, 0): transmitted value must be a real number"),
                   ({(1, 2**70): 0.0}, ValueError, "failed component (1, "),
                   ({("a", 0): 0.0}, ValueError, "failed component ('a', 0)")]}),
    (NET.trace, (X,), {
        "X": [row for row in NO_INPUTS if "no rows" not in row[2]], "failed": [(3, TypeError, "failed")]}),
    (NET.save, ("net.npz",), {"path": NO_PATH}),
    (ws.Crash(1).configurations, (NET,), {"net": NO_NET}),
    (ws.report(NET, X, most=1, samples=1).save, ("report.txt",), {"path": NO_PATH}),
    (ws.reliability(NET, 0.1, 0.5, X).curve, (0.1,), {"p": NO_P}),
    (ws.enumerate_failures(NET, ws.Crash(1), X).quantile, (0.5,), {
        "q": [(v, (TypeError, ValueError), "q must") for v in ("x", None, 2, -1, math.nan)]}),
    (ws.check_certificate, ("none.json", NET), {
        "path": NO_PATH, "net": NO_NET, "domain": NO_INPUTS, "spec": NO_SPEC, "effort": NO_COUNT, "progress": NO_FLAG,
        "failures": [("x", TypeError, "failures must be a failure model"), (2, TypeError, "failures must be")]}),
    (clopper_pearson, (1, 2), {"exceeding": [*NO_COUNT[:2], (3, ValueError, "3 of 2 trials")],
        "samples": [*NO_COUNT[:2], (0, ValueError, "")], "confidence": NO_SHARE}),
    (expected_error, (NET, 0.1, X), {"net": NO_NET, "p": NO_P, "X": NO_INPUT[:-2]}),
    (last_layer_moments, (NET, X), {
        "net": NO_NET, "X": NO_INPUT[:-2],
        "p": [("x", TypeError, "p must be a real number"), (2, ValueError, "p must lie")],
        "count": [("x", TypeError, "count must be an integer"), (9, ValueError, "count must")]}),
]  # fmt: skip

#: Public and without arguments of its own, or tested elsewhere: importers, base classes, what functions return.
ELSEWHERE = {
    "load", "Argmax", "Failures", "UnsupportedModel", "get_cmake_dir", "get_include", "show_config", "__version__",
    "Accuracy", "Bound", "Campaign", "Check", "ComponentErrors", "Criticality", "Difference", "Enumeration",
    "Hardening", "Histogram", "Kept", "Precision", "Quorum", "Reliability", "Report", "Tolerance", "Witness",
    "WorstCase", "Statement", "Inputs",
}  # fmt: skip

#: Sentences of Python, NumPy and pybind11, not of this package.
FOREIGN = ("incompatible function arguments", "object has no attribute", "Exceeds the limit", "_core", "not iterable",
           "unpack", "inhomogeneous", "could not convert")  # fmt: skip


def call(function, arguments, name, value):
    bound = inspect.signature(function).bind(*arguments)
    if function is last_layer_moments and name not in ("p", "count"):
        bound.arguments["p"] = 0.5
    bound.arguments[name] = value
    return function(*bound.args, **bound.kwargs)
