#!/usr/bin/env bash
# Two commits beside each other: each is built into a virtual environment of its own, the benchmarks of this checkout run
# on both in alternation, and the best rounds are compared.
#   bash bench/compare.sh OLD NEW [ROUNDS]          # build/compare/ keeps checkouts, environments and results
# For instance, this checkout against main, committed: bash bench/compare.sh main HEAD
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
rounds=${3:-3}
folder=$PWD/build/compare
mkdir -p "$folder"

prepare() {  # COMMIT: build it once, print its name
  local commit place
  commit=$(git rev-parse --short=10 "$1^{commit}")
  place=$folder/$commit
  if [ ! -e "$place/ready" ]; then
    rm -rf "$place"
    mkdir "$place"
    git archive --prefix=source/ "$commit" | tar -x -C "$place"
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install -q --disable-pip-version-check "$place/source" numpy pytest pytest-benchmark onnx >&2
    rm -rf "$place/source"
    touch "$place/ready"
  fi
  echo "$commit"
}

old=$(prepare "$1")
new=$(prepare "$2")
for round in $(seq "$rounds"); do
  for commit in "$old" "$new"; do
    echo "round $round of $rounds, $commit" >&2
    result=$folder/$commit-$round
    "$folder/$commit/venv/bin/python" -m pytest -q bench/test_enumerate.py bench/test_bounds.py \
      -k "not numpy and not torch" -p no:cacheprovider --benchmark-only --benchmark-timer=time.process_time \
      --benchmark-json="$result.json" > "$result.log" || { cat "$result.log" >&2; exit 1; }
  done
done
python3 bench/compare.py "$folder" "$old" "$new" "$rounds"
