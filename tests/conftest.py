# SPDX-License-Identifier: MIT
"""What the tests share."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.register_profile("sanitize", parent=settings.get_profile("ci"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


STARTS = pytest.StashKey[dict]()


@pytest.fixture(autouse=True)
def same_numbers(request):
    """Every test finds its module's generators as they were at the first one: whichever ran before."""
    starts = request.config.stash.setdefault(STARTS, {})
    for generator in vars(request.module).values() if hasattr(request, "module") else ():
        if isinstance(generator, np.random.Generator):
            generator.bit_generator.state = starts.setdefault(id(generator), generator.bit_generator.state)


@pytest.fixture
def sigint():
    """Let Ctrl-C act here and in commands started here, even where the tests are a background job that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.SIGINT
    signal.signal(signal.SIGINT, before)
