#!/usr/bin/env bash
# dask.distributed: the executor of Client.get_executor() takes equal calls for one, unlike other executors of
# concurrent.futures: two draws of random bytes are the same, and a call that failed fails again without being tried, as
# long as its first future is held. With get_executor(pure=False) neither is so.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dask==2026.8.0 distributed==2026.8.0
cd "$folder"
cat > merges.py <<'PYTHON'
import logging
import os
import sys

import distributed


def fail(path):
    with open(path, "a") as file:
        file.write(".")
    raise OSError("a disk that comes back")


def observed(executor, path):
    """Return whether two draws are equal, and how often a call that fails is made, of two asked for."""
    draws = [executor.submit(os.urandom, 8) for _ in range(2)]
    equal = draws[0].result() == draws[1].result()
    held = []
    for _ in range(2):
        held.append(executor.submit(fail, path))
        held[-1].exception()
    return equal, os.path.getsize(path)


if __name__ == "__main__":
    print(f"distributed {distributed.__version__}, python {sys.version.split()[0]}")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        merged = observed(client.get_executor(), os.path.abspath("merged"))
        apart = observed(client.get_executor(pure=False), os.path.abspath("apart"))
    for name, (equal, calls) in (("by default", merged), ("with pure=False", apart)):
        print(f"{name}: two draws are {'equal' if equal else 'different'}, a failing call asked for twice is made {calls} times")
    sys.exit(0 if (merged, apart) == ((True, 1), (False, 2)) else 1)
PYTHON
venv/bin/python -W ignore merges.py
