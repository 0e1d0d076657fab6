#!/usr/bin/env bash
# Sourced by build.sh: what the stages of a test run, each a function that fails, or exits 77 for "skipped".
# shellcheck shell=bash disable=SC2154  # jobs and the lists of packages are build.sh's

suite() { # PRESET: builds it and runs every test that has no stage of its own
  build_preset "$1"
  sed -n "s/^-- \\(GPU back ends: .*\\)/$1: \\1/p" "build/$1.configure.log" | tee -a "$results/notes"
  run_ctest "$1" --label-exclude '^(house|consumer)$'
}

quick_suite() { # PRESET: the same with a smaller numeric suite, for sanitizers
  export RONDO_TEST_QUICK=1
  suite "$1"
}

labelled() { # LABEL: the release build's tests of that label
  build_preset release
  run_ctest release --label-regex "^$1\$"
}

arrows() {
  python3 -B tests/house/arrows_self_test.py
  python3 -B tests/house/arrows.py .
}

# README's CPU figures are those of the newest committed result.
figures() {
  python3 -B tests/bench/cpu_self_test.py
  python3 -B tests/bench/cpu_report.py --check README.md
}

small_demo() {
  build_preset release char_lm
  build/release/bin/char_lm --hidden 64 --steps 100 include/rondo/rondo.h
}

# The rows that say what hardware has proven are those of the committed result files.
proof() {
  python3 -B tests/gpu_results/proof.py . --check
}

need_toolkit() { # or the stage is skipped
  configure_preset release
  grep -q 'GPU back ends: CUDA' build/release.configure.log || {
    echo "skipped: $(sed -n 's/^-- GPU back ends: //p' build/release.configure.log)"
    exit 77
  }
}

# They read device code; newer toolkits come without them, and PyPI has them.
need_reader() { # cuobjdump|nvdisasm
  if ! command -v "$1" >/dev/null && [ -z "$(compgen -G "/usr/local/cuda*/bin/$1")" ] &&
    [ -z "$(compgen -G ".venv/lib/python3*/site-packages/nvidia/*/bin/$1")" ]; then
    need "$python_needs"
    python_environment "$torch_environment" "nvidia-cuda-$1" || {
      echo "skipped: $1 is not here and could not be fetched"
      exit 77
    }
  fi
}

# The compiler's own word on the device code: every architecture there, nothing spilled to memory.
device_code() { # release|gpu: gpu has to have all that is released, release what it was configured for
  local preset=$1 configured wanted=()
  need_toolkit
  build_preset "$preset"
  need_reader cuobjdump
  if [ "$preset" != gpu ]; then
    configured=$(sed -n '/^-- GPU back ends:/{s/.*architectures //; s/+PTX//g; s/;/,sm_/g; s/^/sm_/; p}' build/release.configure.log)
    [[ $configured =~ ^sm_[0-9]+[a-z]*(,sm_[0-9]+[a-z]*)*$ ]] || die "no architectures in build/release.configure.log"
    wanted=(--architectures "$configured")
  fi
  python3 -B tests/house/device_code.py "${wanted[@]}" build/"$preset"/lib/rondo-*/librondo_*.so
}

# The table of the sequence kernels' machine code in kernels/README.md is what this compiler makes.
sequence_code() {
  need_toolkit
  build_preset gpu
  need_reader cuobjdump
  need_reader nvdisasm
  python3 -B tests/house/sequence_code.py --readme kernels/README.md --check build/gpu/lib/rondo-*/librondo_fused.so
}

# The bundle's own programs start where no GPU is, and say that they skip.
bundle() {
  local status=0
  device_code gpu
  command_gpu-bundle
  (cd build/gpu-bundle && ./run-gpu-tests) || status=$?
  [ -e /dev/nvidiactl ] || [ $status = 77 ] || die "run-gpu-tests without a GPU: exit status $status, expected 77"
}

# The header's reference documentation; what has none is a failure.
reference() {
  configure_preset release
  cmake --build --preset release --target rondo_doc
}

packages() {
  need "$package_needs"
  tests/house/packages.sh "$PWD" build/packages
}

# librondo.a, with the GPU back ends inside where they are built: the API's tests and a project outside it.
static_library() {
  configure_preset static
  cmake --build --preset static --parallel "$jobs"
  run_ctest static --label-regex '^(api|unit|consumer)$'
}

# The public header is aligned by hand.
c_sources() {
  find include src kernels tests examples -name '*.[ch]' -o -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' |
    grep -v '^include/rondo/rondo\.h$' | LC_ALL=C sort
}

wanted_clang=14
# Another release of the clang tools lays out and warns differently; its word would be no fault of the code.
clang_tool() { # NAME: sets $tool, or skips the stage
  tool=$1
  ! command -v "$1-$wanted_clang" >/dev/null || tool=$1-$wanted_clang
  "$tool" --version | grep -q "version $wanted_clang\." || {
    echo "skipped: $1 $wanted_clang is wanted, here is $("$tool" --version | grep -m1 version)"
    exit 77
  }
}

format_check() {
  clang_tool clang-format
  c_sources | xargs "$tool" --dry-run -Werror
  echo "format: $(c_sources | wc -l) files"
}

# The product's own code. One instruction set is enough to read the kernels by; C files keep C's names.
tidy() {
  clang_tool clang-tidy
  configure_preset release
  # The compile commands are GCC's; which warnings are errors is its affair.
  local options="-p build/release --quiet --extra-arg=-DHWY_COMPILE_ONLY_STATIC"
  options+=" --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error"
  {
    # shellcheck disable=SC2086  # several options
    find src kernels -name '*.cpp' | LC_ALL=C sort | xargs -P "$jobs" -n 1 "$tool" $options
    # shellcheck disable=SC2086
    find examples -name '*.c' | LC_ALL=C sort | xargs -P "$jobs" -n 1 "$tool" $options --checks=-readability-identifier-naming
  } 2>&1 | sed '/ warnings\{0,1\} generated\.$/d' # those of system headers, which it shows nobody
  echo "tidy: $(find src kernels examples -name '*.cpp' -o -name '*.c' | wc -l) files"
}
