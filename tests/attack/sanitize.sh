#!/usr/bin/env bash
# The test-suite and the C++ tests under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer (`address`),
# the threaded part under ThreadSanitizer (`thread`). A tool that cannot see a planted fault is no tool: each has to
# report one, from a program and from inside the interpreter, before anything else runs (`planted`: that alone).
#   bash tests/attack/sanitize.sh address|thread|all|planted [test files]
# Needs g++, and the test dependencies with pybind11, cmeel-eigen, cmake and ninja in the Python of $PYTHON (default:
# python). Logs and reports stay in build/sanitize-<kind>. Exit code 1 if a test failed or anything was reported.
set -uo pipefail
cd "$(dirname "$0")/../.."
python=$(command -v "${PYTHON:-python}") || { echo "sanitize: no ${PYTHON:-python}" >&2; exit 2; }
PATH="$(dirname "$python"):$PATH"
# Whole files that start threads on their own; of the others ThreadSanitizer has nothing to see.
threaded=(tests/questions/test_{enumerate*,interrupt,worst_case*,branch_bound,bounds,checkpoint}.py
          tests/uses/test_{tolerance,frontier,reliability}.py)
# What cannot run under a sanitizer: tests marked `slow` start compilers and other environments, which would run under
# it as well; tests marked `limits_memory` bound the address space, of which the shadow memory needs terabytes, or
# measure memory, of which the sanitizer keeps what is freed.
left_out="not slow and not limits_memory"

# choose KIND: flags, and what each run gets in its environment.
choose() {
  kind=$1; tree=build/${kind:0:1}san; home="$PWD/build/sanitize-$kind"; mkdir -p "$home"
  if [ "$kind" = address ]; then
    flags="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
    faults=(heap_overflow signed_overflow leak)
    # The C++ runtime too: the sanitizer has to see the real __cxa_throw before the first exception.
    preload="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so)"
    run=()
  else
    flags="-O1 -g -fsanitize=thread -fno-omit-frame-pointer"
    faults=(race)
    preload="$(g++ -print-file-name=libtsan.so) $(g++ -print-file-name=libstdc++.so)"
    run=(setarch -R)  # this sanitizer wants its addresses where they always are
  fi
  # What is not ours, by name. Three frames of an allocation are looked at, so a leak of ours is none of theirs; git is
  # what the test tools ask for the commit. Of the interpreter's threads nothing is left out: its lock must be seen.
  printf 'leak:%s\n' libpython3 _multiarray_umath numpy onnx /bin/git > "$home/leaks"
  printf 'race:%s\n' _multiarray_umath libscipy_openblas onnxruntime > "$home/races"
}

# watched REPORTS COMMAND...: run it with reports going to files REPORTS.<process>, also those of processes it starts.
watched() {
  local reports=$1; shift
  # Undefined behaviour is told on standard error, which a test may swallow; but the process aborts, and the test fails.
  env ASAN_OPTIONS="detect_leaks=1:malloc_context_size=3:log_path=$reports" \
    LSAN_OPTIONS="suppressions=$home/leaks:print_suppressions=0" \
    UBSAN_OPTIONS="print_stacktrace=1:abort_on_error=1" \
    TSAN_OPTIONS="suppressions=$home/races:halt_on_error=0:log_path=$reports" \
    PYTHONMALLOC=malloc OMP_NUM_THREADS=2 WITHSTAND_NUM_THREADS=4 OPENBLAS_NUM_THREADS=1 HYPOTHESIS_PROFILE=sanitize \
    "${run[@]}" "$@"
}

inside() { local reports=$1; shift; watched "$reports" env LD_PRELOAD="$preload" PYTHONPATH="$home/package" "$@"; }

# reported DIRECTORY: how many files there hold a report.
reported() {
  grep -rlE "ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: " "$1" --include='report.*' --include='*.log' |
    wc -l
}

# planted: every fault, from a program and from inside the interpreter, has to be reported by its name.
planted() {
  local fault seen=0 reports="$home/planted"
  rm -rf "$reports"; mkdir -p "$reports"
  # shellcheck disable=SC2086
  g++ $flags tests/attack/planted.cpp -o "$home/planted/program" -pthread &&
    g++ $flags -shared -fPIC tests/attack/planted.cpp -o "$home/planted/library.so" -pthread || return 1
  for fault in "${faults[@]}"; do
    watched "$reports/report.program.$fault" "$reports/program" "$fault" > /dev/null 2>> "$reports/report.program.$fault.err"
    inside "$reports/report.python.$fault" "$python" -c "import ctypes; ctypes.CDLL('$reports/library.so').$fault()" \
      > /dev/null 2>> "$reports/report.python.$fault.err"
    for where in program python; do
      grep -qs "$(told "$fault")" "$reports/report.$where.$fault".* && { seen=$((seen + 1)); continue; }
      echo "sanitize: $fault planted in a $where was not seen: what this tool says of the real code is worth nothing" >&2
    done
  done
  echo "$kind: $seen of $((2 * ${#faults[@]})) planted faults seen (${faults[*]}; in a program, inside the interpreter)"
  [ "$seen" -eq $((2 * ${#faults[@]})) ]
}

told() {
  case $1 in
    heap_overflow) echo "AddressSanitizer: heap-buffer-overflow" ;;
    signed_overflow) echo "runtime error: signed integer overflow" ;;
    leak) echo "LeakSanitizer: detected memory leaks" ;;
    race) echo "ThreadSanitizer: data race" ;;
  esac
}

# build: the C++ tests, and a copy of the package around a sanitized core.
build() {
  local launcher=; command -v ccache > /dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  { cmake -S . -B "$tree" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="$flags" $launcher \
      -DWITHSTAND_PYTHON=ON -DWITHSTAND_TESTS=ON -DWITHSTAND_WERROR=OFF -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" \
      -DPython_EXECUTABLE="$python" && cmake --build "$tree" -j "${JOBS:-2}"; } > "$home/build.log" 2>&1 ||
    { tail -20 "$home/build.log" >&2; echo "sanitize: the build failed, see $home/build.log" >&2; return 1; }
  rm -rf "$home/package"; mkdir -p "$home/package"
  cp -r python/withstand python/_withstand_command "$home/package/" && rm -f "$home"/package/withstand/_core*.so
  cp "$tree"/_core*.so "$home/package/withstand/"
  local found; found=$(inside "$home/report" "$python" -c "import withstand; print(withstand._core.__file__)")
  [[ "$found" = "$home/package/"* ]] || { echo "sanitize: $python imports ${found:-no withstand}: uninstall it" >&2; return 1; }
}

# cpp_tests: all of them (under `thread`, most have one thread; they take seconds).
cpp_tests() {
  local program count=0 failed=() reports="$home/cpp"
  rm -rf "$reports"; mkdir -p "$reports"
  for program in "$tree"/cpp/tests/test_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    count=$((count + 1))
    watched "$reports/report.$(basename "$program")" "$program" > "$reports/$(basename "$program").log" 2>&1 ||
      failed+=("$(basename "$program")")
  done
  echo "$kind: $count C++ programs, ${#failed[@]} failed${failed:+ (${failed[*]})}, $(reported "$reports") reports"
  [ "$count" -gt 0 ] && [ ${#failed[@]} -eq 0 ] && [ "$(reported "$reports")" -eq 0 ]
}

# python_tests FILE...: each file in an interpreter of its own, so that a report takes no other file with it.
python_tests() {
  local file name status failed=() passed=0 count=0 reports="$home/python"
  rm -rf "$reports"; mkdir -p "$reports"
  for file in "$@"; do
    name=$(echo "${file%.py}" | tr / .)
    inside "$reports/report.$name" "$python" -m pytest -q -p no:cacheprovider -m "$left_out" --benchmark-disable "$file" \
      > "$reports/$name.log" 2>&1
    status=$?  # 5: nothing left to run
    [ $status -eq 0 ] || [ $status -eq 5 ] || failed+=("$name")
    count=$((count + 1)); passed=$((passed + $(sed -n 's/^.*\b\([0-9]\+\) passed.*$/\1/p' "$reports/$name.log" | tail -1 | grep . || echo 0)))
  done
  echo "$kind: $passed Python tests passed in $count files, ${#failed[@]} files failed${failed:+ (${failed[*]})}," \
    "$(reported "$reports") reports; logs in ${reports#"$PWD"/}"
  [ "$passed" -gt 0 ] && [ ${#failed[@]} -eq 0 ] && [ "$(reported "$reports")" -eq 0 ]
}

# all_of KIND FILE...: what it says at the top.
all_of() {
  choose "$1"; shift
  planted && build || return 1
  local files=("$@") status=0
  if [ ${#files[@]} -eq 0 ] && [ "$kind" = thread ]; then files=("${threaded[@]}"); fi
  # Of builds and installations, of which this copy of the package is neither.
  [ ${#files[@]} -gt 0 ] || mapfile -t files < <(find tests -name 'test_*.py' ! -path tests/core/test_build.py | sort)
  cpp_tests || status=1
  python_tests "${files[@]}" || status=1
  return $status
}

what=${1:-all}; shift || true
status=0
case $what in
  address | thread) all_of "$what" "$@" || status=1 ;;
  all) for each in address thread; do all_of "$each" "$@" || status=1; done ;;
  planted) for each in address thread; do choose "$each"; planted || status=1; done ;;
  *) sed -n '5p' "$0" >&2; exit 2 ;;
esac
exit $status
