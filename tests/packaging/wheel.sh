#!/usr/bin/env bash
# A wheel as a user gets it: built, repaired, installed where no compiler can be found, asked, and tested in part.
# It prints what each step takes. Needs auditwheel and patchelf, and this Linux is the oldest one that the wheel is for:
# what cibuildwheel builds in a manylinux image, by the same steps, runs on older ones.
#
#   bash tests/packaging/wheel.sh            # python3, or the interpreter that PYTHON names
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(command -v "${PYTHON:-python3}")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1
TIMEFORMAT='  %R s, of the processor %U s + %S s'

step() {
  echo "$1"
  time "${@:2}"
}

step "wheel" "$python" -m pip wheel --quiet --no-deps --wheel-dir "$root/built" .
step "repair" auditwheel repair --wheel-dir "$root/repaired" "$root"/built/*.whl
wheel=$(ls "$root"/repaired/*.whl)
echo "  $(basename "$wheel"), $(du -h "$wheel" | cut -f1)"
case $wheel in *manylinux*) ;; *) echo "not a manylinux wheel" >&2; exit 1 ;; esac

# Links to a few commands, no compiler and no build tool among them.
mkdir "$root/bin"
for tool in sh env cat ls uname; do ln -s "$(command -v "$tool")" "$root/bin/$tool"; done
mapfile -t kept < <(env | grep -E '^(HOME|PIP_[A-Z_]*)=')  # where packages come from
bare() { env -i "${kept[@]}" PATH="$root/user/bin:$root/bin" "$@"; }
for tool in cc gcc c++ g++ clang cmake ninja make ld; do
  if bare sh -c "command -v $tool" > /dev/null; then echo "$tool is in reach" >&2; exit 1; fi
done

"$python" -m venv "$root/user"
ask() { bare withstand worst-case digits --crash 2; }
both() {
  bare python -m pip install --quiet --only-binary :all: "$wheel[cli,onnx]" && ask
}
step "install the wheel and ask" both
bare python -m pip install --quiet --only-binary :all: pytest hypothesis scipy
step "a part of the tests" bare python -m pytest -q -p no:cacheprovider \
  tests/model/test_network.py tests/questions/test_bounds.py tests/certificate/test_certificate.py
