# SPDX-License-Identifier: MIT
"""Where the system gives fewer threads than were asked for, those that there are do the work."""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

CODE = """
import resource
import numpy as np
import withstand as ws

net, X, _ = ws.embedded("digits_small")
alone = ws.enumerate_failures(net, ws.Crash(2), X[:2], threads=1)
held = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (held + ROOM, held + ROOM))
many = ws.enumerate_failures(net, ws.Crash(2), X[:2], threads=64)
assert (many.worst, many.mean, many.witness) == (alone.worst, alone.mean, alone.witness)
print("the same")
"""


@pytest.mark.limits_memory
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("megabytes", [4, 40, 100])
def test_the_threads_that_there_are_do_the_work(megabytes):
    code = CODE.replace("ROOM", str(megabytes << 20))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "the same\n"), done.stderr
