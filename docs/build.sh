#!/usr/bin/env bash
# Builds the site into build/site, warnings being errors and the notebooks executed.
#
#   bash docs/build.sh                    # in an environment of its own, .venv-docs
#   PYTHON=python bash docs/build.sh      # with an interpreter that has withstand and its extra `docs`
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${PYTHON:-}" ]; then
  PYTHON=.venv-docs/bin/python
  [ -x "$PYTHON" ] || python3 -m venv .venv-docs
  "$PYTHON" -m pip install --quiet ".[docs]"
fi
site=build/site
rm -rf "$site"
"$PYTHON" -m sphinx -b html -W --keep-going -n -d build/doctrees docs "$site"
"$PYTHON" docs/offline.py "$site"
echo "$site/index.html"
