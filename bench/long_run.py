# SPDX-License-Identifier: MIT
"""A long run of `withstand enumerate`: watched, interrupted, killed, resumed, and its table the same in the end.

    python bench/long_run.py                      # a run of five minutes, twice: uninterrupted, and in three pieces
    python bench/long_run.py --minutes 0.2        # the same, quick

The number of inputs is chosen so that the run takes that long. The command runs with its standard error on a terminal;
what the bar showed last is printed at every stop, with the time from Ctrl-C to the end of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import withstand as ws

COMMAND = [sys.executable, "-c", "from _withstand_command.entry import main; main()", "enumerate", "digits", "--json"]


class Watched:
    """The command with its standard error on a terminal that is read all the time."""

    def __init__(self, arguments: list[str]) -> None:
        self._screen, screen = pty.openpty()
        self.started = time.perf_counter()
        self._process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=screen, text=True)
        os.close(screen)
        self._shown = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while text := os.read(self._screen, 4096):
                self._shown += text.decode()
        except OSError:  # nobody writes to it any more
            pass

    def lines(self) -> list[str]:
        """What the terminal shows, every state of the bar a line."""
        return [line.rstrip() for line in re.split(r"[\r\n]+", self._shown) if line.strip()]

    def stop(self, seconds: float, number: signal.Signals) -> None:
        """Let it run so long, then send the signal."""
        time.sleep(max(0.0, self.started + seconds - time.perf_counter()))
        print(f"  {number.name} after {time.perf_counter() - self.started:.0f} s at: {self.lines()[-1]}")
        self.started = time.perf_counter()
        self._process.send_signal(number)

    def end(self) -> dict[str, Any]:
        """Wait for the answer; empty where there is none."""
        text, _ = self._process.communicate()
        answer: dict[str, Any] = json.loads(text) if text else {}
        print(f"  ended {time.perf_counter() - self.started:.2f} s later, exit code {self._process.returncode}, status"
              f" {answer.get('status')}, done {answer.get('done', 0):,}", flush=True)  # fmt: skip
        self._reader.join()
        os.close(self._screen)
        return answer


def inputs(seconds: float, threads: int, crashes: int) -> np.ndarray[Any, Any]:
    """Return as many inputs as take about so long."""
    net, X, _ = ws.embedded("digits")
    start = time.perf_counter()
    found = ws.enumerate_failures(net, ws.Crash((crashes - 1, 0)), X[:8], threads=threads)
    rate = found.evaluations / (time.perf_counter() - start)
    count = ws.Crash((crashes, 0)).configurations(net)
    return np.resize(X, (max(1, round(seconds * rate / count)), X.shape[1]))


def main() -> None:
    """Run it whole and in pieces, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--crashes", type=int, default=7, help="in the first layer of digits")
    options = parser.parse_args()
    if options.minutes < 1:
        options.crashes = min(options.crashes, 6)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and so would the command
    print(machine.markdown())
    with tempfile.TemporaryDirectory() as folder:
        path, table = Path(folder, "inputs.npy"), str(Path(folder, "run.db"))
        X = inputs(60 * options.minutes, options.threads, options.crashes)
        np.save(path, X)
        common = [f"--crash={options.crashes},0", "--inputs", str(path), "--rows", f"0:{len(X)}",
                  "--threads", str(options.threads), "--epsilon", "15"]  # fmt: skip
        print(f"whole: {' '.join(common)}")
        run = Watched(common)
        whole = run.end()
        print(f"  {run.lines()[0]}\n  {run.lines()[len(run.lines()) // 2]}\n  {run.lines()[-1]}")
        seconds = whole["seconds"]
        for number, share in ((signal.SIGINT, 0.3), (signal.SIGKILL, 0.3)):
            print("in pieces, with --checkpoint:")
            run = Watched([*common, "--checkpoint", table])
            run.stop(share * seconds, number)
            run.end()
        print("resumed:")
        resumed = Watched([*common, "--checkpoint", table]).end()
        print(f"  checkpoint {Path(table).stat().st_size / 1e6:.1f} MB")
    del whole["seconds"], resumed["seconds"]
    if whole != resumed or whole["status"] != "complete":
        raise SystemExit(f"the tables differ:\n{whole}\n{resumed}")
    print(f"the same table: worst {whole['worst']!r}, mean {whole['mean']!r}, std {whole['std']!r}, median"
          f" {whole['median']!r}, exceeding {whole['exceeding']!r}, {whole['evaluations']:,} evaluations")  # fmt: skip


if __name__ == "__main__":
    main()
