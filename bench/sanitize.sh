#!/usr/bin/env bash
# The test-suite under AddressSanitizer and UndefinedBehaviorSanitizer (and LeakSanitizer), or, with the argument
# `thread`, under ThreadSanitizer. Builds the extension in build/<kind> inside a virtual environment of its own.
#   bash bench/sanitize.sh [address|thread] [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-address}
shift || true
environment=build/sanitize-$kind/venv
[ -d "$environment" ] || python3 -m venv "$environment"
PATH="$PWD/$environment/bin:$PATH"

pip install -q --disable-pip-version-check scikit-build-core pybind11 cmeel-eigen==3.4.1 ninja numpy hypothesis pytest \
  pytest-benchmark pytest-xdist onnx onnxruntime click rich scipy sybil cmake \
  matplotlib scikit-learn loky distributed

case $kind in
  address) flags="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1" ;;
  thread) flags="-fsanitize=thread -fno-omit-frame-pointer -O1" ;;
  *) echo "usage: bash bench/sanitize.sh [address|thread] [pytest arguments]" >&2; exit 2 ;;
esac
pip uninstall -q -y withstand  # a sanitized one cannot be imported by the build, which looks into installed packages
pip install -q --no-build-isolation --no-deps --force-reinstall -Cbuild-dir="build/sanitize-$kind/cmake" \
  -Ccmake.build-type=RelWithDebInfo -Cinstall.strip=false -Ccmake.define.CMAKE_CXX_FLAGS="$flags" \
  -Ccmake.define.CMAKE_MODULE_LINKER_FLAGS="$flags" .

# The C++ runtime must be preloaded too: the sanitizer has to see the real __cxa_throw before the first exception.
runtime=$(g++ -print-file-name=libstdc++.so)
export OMP_NUM_THREADS=2 PYTHONMALLOC=malloc HYPOTHESIS_PROFILE=sanitize
if [ "$kind" = address ]; then
  printf 'leak:libpython3\nleak:_multiarray_umath\nleak:numpy\nleak:onnx\n' > "build/sanitize-$kind/lsan.supp"
  export ASAN_OPTIONS=detect_leaks=1:malloc_context_size=3
  export LSAN_OPTIONS="suppressions=$PWD/build/sanitize-$kind/lsan.supp:print_suppressions=0"
  export UBSAN_OPTIONS=print_stacktrace=1
  LD_PRELOAD="$(g++ -print-file-name=libasan.so) $runtime" python -m pytest -q -p no:cacheprovider -m "not slow" \
    --benchmark-disable "$@"
else
  LD_PRELOAD="$(g++ -print-file-name=libtsan.so)" TSAN_OPTIONS=halt_on_error=1 setarch -R python -m pytest -q \
    -p no:cacheprovider -m "not slow" --benchmark-disable "$@"
fi
