# SPDX-License-Identifier: MIT
"""Weights are held once: what a question takes on top of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import withstand as ws

#: In a process of its own: memory that other tests have freed would be used again unseen. The network's arrays are
#: given up before the question is asked, and a small network has been enumerated before memory is counted.
SCRIPT = """
import numpy as np
import withstand as ws

def resident(kind):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(kind + ":"))

def network(*widths):
    rng = np.random.default_rng(0)
    return ws.Network([rng.normal(size=(n, m)) / m**0.5 for m, n in zip(widths, widths[1:])])

def ask(net):
    x = np.random.default_rng(1).uniform(size=({inputs}, net.widths[0]))
    return ws.enumerate_failures(net, {failures}, x, threads={threads})

ask(network(20, 30, 30, 10))
before = resident("VmRSS")
net = network(784, 1024, 1024, 10)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew: building may hold the caller's arrays too
ask(net)
print((resident("VmHWM") - before) / sum(w.nbytes for w in net.weights))
"""


@pytest.mark.limits_memory
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are read from Linux's /proc")
@pytest.mark.parametrize(
    ("failures", "inputs", "threads"),
    [
        ("ws.Crash(1)", 1, 1),
        ("ws.Crash(1)", 4, 1),
        ("ws.Crash(1)", 4, 4),
        ("ws.Crash([1, 0])", 1, 2),
        ("ws.Crash([1, 0])", 4, 4),
        ("ws.Crash([0, 1])", 1, 2),
        ("ws.Crash([2, 0])", 1, 4),
        ("ws.Crash(2)", 1, 1),
        ("ws.Crash([2, 0])", 4, 4),
        ("ws.Crash(2)", 1, 4),
        ("ws.Crash(2)", 4, 4),
    ],
)
def test_an_enumeration_takes_little_more_than_the_weights(failures, inputs, threads):
    script = SCRIPT.format(failures=failures, inputs=inputs, threads=threads)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert 1 <= float(done.stdout) <= 2.2


#: 3 x 147,456 neurons in 2,304 places, the last of which read the first ones as well; their kernels are there before.
IMAGES = """
import numpy as np
import withstand as ws

def resident(kind):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(kind + ":"))

def network(size, kernels, channel_axis):
    first, second, third, last = kernels
    conv = lambda kernel, **options: ws.Conv(kernel, channel_axis=channel_axis, **options)
    layers = [
        ws.Layer([(0, conv(first, padding=1))], bias=np.ones(len(first))),
        ws.Layer([(1, conv(second, padding=1))], bias=np.ones(len(second))),
        ws.Layer([(2, conv(third, padding=1)), (1, None)]),
        ws.Layer([(3, conv(last, stride=size))], activation="identity"),
    ]
    return ws.Network(layers=layers, shape=(3, size, size) if channel_axis == 0 else (size, size, 3))

def kernels(channels):
    rng = np.random.default_rng(0)
    shapes = [(channels, 3, 3, 3), *[(channels, channels, 3, 3)] * 2, (5, channels, 1, 1)]
    return [rng.normal(size=shape) for shape in shapes]

network(4, kernels(2), {channel_axis})
given = kernels(64)
before = resident("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
net = network(48, given, {channel_axis})
print((resident("VmHWM") - before) / sum(kernel.nbytes for kernel in given), net.nbytes / sum(k.nbytes for k in given))
"""


@pytest.mark.limits_memory
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are read from Linux's /proc")
@pytest.mark.parametrize("channel_axis", [0, -1])
def test_a_convolutional_network_takes_little_more_than_its_kernels(channel_axis):
    script = IMAGES.replace("{channel_axis}", str(channel_axis))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    peak, counted = map(float, done.stdout.split())
    assert 1 <= peak <= 2.2 and 1 <= counted <= 1.5


def test_weights_are_views_that_nobody_can_write_to():
    first = np.array([[1.0, 2.0], [3.0, 4.0]])
    net = ws.Network([first, [[1.0, -1.0]]], [np.zeros(2), [0.5]])
    first[0, 0] = 9.0
    assert net.weights[0].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    for array in (*net.weights, *net.biases):
        assert not array.flags.owndata and array.base is not None
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_weights_outlive_their_network():
    net = ws.Network([np.full((3, 2), 7.0), np.ones((1, 3))])
    weights, biases = net.weights, net.biases
    del net
    assert weights[0].tolist() == [[7.0, 7.0]] * 3 and biases[1].tolist() == [0.0]
