#!/usr/bin/env bash
# A wheel in a bare Debian: Python and what it needs, no compiler, no network. The whole suite runs there.
# Needs root, debootstrap, and a pip of the same version of Python, which fetches what is installed there.
#
#   bash tests/packaging/bare_image.sh withstand-*.whl [tests to run]
set -euo pipefail
wheel=$(realpath "$1")
shift
cd "$(dirname "$0")/../.."
python=$(command -v "${PYTHON:-python3}")
image=$(mktemp -d)
trap 'umount "$image/proc"; umount -R "$image/dev" 2> /dev/null || true; rm -rf --one-file-system "$image"' EXIT
TIMEFORMAT='  %R s, of the processor %U s + %S s'

debootstrap --variant=minbase --include=python3,python3-venv "${SUITE:-bookworm}" "$image" > "$image/log" || { cat "$image/log"; exit 1; }
mount -t proc proc "$image/proc"
mount --rbind --make-rslave /dev "$image/dev"
inside() { chroot "$image" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/root/venv/bin:/usr/bin:/bin "$@"; }
inside python3 --version
for tool in cc gcc c++ g++ clang cmake ninja make ld; do
  if inside sh -c "command -v $tool" > /dev/null; then echo "$tool is in reach" >&2; exit 1; fi
done

mkdir "$image/root/wheels"
"$python" -m pip download --quiet --only-binary :all: --dest "$image/root/wheels" "$wheel[test]"
echo "install the wheel and ask"
time (inside python3 -m venv /root/venv && inside pip install --quiet --no-index --find-links /root/wheels "withstand[cli,onnx]" &&
  inside withstand worst-case digits --crash 2)
inside pip install --quiet --no-index --find-links /root/wheels "withstand[test]"
git archive HEAD -- tests pyproject.toml README.md docs bench examples CHANGELOG.md | tar -x -C "$image/root"
echo "the suite"
time inside sh -c 'cd /root && exec python -m pytest -q -n "$(nproc)" -p no:cacheprovider -rf -o faulthandler_timeout=300 "$@"' sh "${@:-tests}"
