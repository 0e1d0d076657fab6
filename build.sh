#!/usr/bin/env bash
# Everything a newcomer types: ./build.sh help lists it. Each command first makes sure of the packages it needs.
# The steps themselves are plain CMake, CTest and clang tools, as CMakePresets.json and .ci/run show.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'END'
usage: ./build.sh COMMAND

  setup [--peers]   install the Debian packages that building and testing need; with --peers also PyTorch, MindSpore and
                    the other systems rondo is compared with, in .venv and .venv-mindspore
  build [PRESET]    configure and build (release, debug, asan, tsan, coverage, gpu or nocuda; default release); in the
                    environment, RONDO_CUDA_ARCHITECTURES says what GPU kernels are compiled for, as "80;90a" or all
  demo [ARG...]     train a character language model, by default on this project's own text (--help: its options)
  test [--frameworks]   the fast tier: release and address-sanitized suites, Python package, format, clang-tidy, arrows,
                    consumer, demo, reference documentation; with --frameworks, test-frameworks' stages after them
  test-frameworks   the Python package's wheel, and the package beside PyTorch, MindSpore, ONNX Runtime and Keras
  test-all          test, then the thread-sanitized suite, a build with the CUDA compiler hidden, static libraries, the
                    persistent kernels' machine code, every GPU architecture and its bundle, Debian packages, and aarch64
                    under emulation
  gpu-bundle        one folder (and .tar.xz) with library, GPU back ends, tests and benchmarks: copy it to a GPU machine
                    and run ./run-gpu-tests there
  bench [ARG...]    the CPU comparison: rondo, oneDNN, ONNX Runtime and PyTorch in turn (--quick, --rows PATTERN, --rounds N,
                    --out FILE, --peers LIST; --help: all); peers that can be neither found nor fetched are left out
  bench --library [ARG...]   this library alone: `rondo bench` of the release build
  coverage          how much of src/ and kernels/ the tests execute
  format            lay out the sources with clang-format
  lint              check format, clang-tidy and the arrows of the house
  wheel             the Python package as build/wheel/*.whl
  install [--prefix DIR]   install the release build (default /usr/local)
  help              this text
END
}

jobs=$(nproc 2>/dev/null || echo 2)
# shellcheck source=tests/house/stages.sh
source tests/house/stages.sh
# shellcheck source=tests/house/checks.sh
source tests/house/checks.sh
# shellcheck source=tests/house/python.sh
source tests/house/python.sh

die() {
  echo "build.sh: $*" >&2
  exit 1
}

# ---- packages ---------------------------------------------------------------------------------------------------

# Debian's package, then how to see that it, or its like on another system, is there: a command or a header.
build_needs="
g++                 command c++
gcc                 command cc
cmake               command cmake
ninja-build         command ninja
pkg-config          command pkg-config
python3             command python3
libhwy-dev          header  hwy/highway.h
catch2              header  catch2/catch.hpp catch2/catch_all.hpp
libcli11-dev        header  CLI/CLI.hpp
nlohmann-json3-dev  header  nlohmann/json.hpp"
python_needs="$build_needs
python3-venv        module ensurepip"
test_needs="$python_needs
doxygen             command doxygen
make                command make
cargo               command cargo
luajit              command luajit
binutils            command objdump
clang-format        command clang-format
clang-tidy          command clang-tidy"
coverage_needs="$build_needs
gcovr               command gcovr"
package_needs="$build_needs
lintian             command lintian
dpkg-dev            command dpkg-shlibdeps
binutils            command objdump"
bundle_needs="$build_needs
binutils            command objdump
xz-utils            command xz"

# The comparison's peer from Debian, where dnnl_DIR names no other build; the others are modules from PyPI. Its CMake
# package fails without OpenCL's, which Debian only recommends: then nothing here could be configured.
onednn_needs="
libdnnl-dev         header  dnnl.hpp
ocl-icd-opencl-dev  header  CL/cl.h"

present() { # command NAME | module NAME (of Python) | header NAME...: any one of the names
  local kind=$1 name
  shift
  for name in "$@"; do
    case $kind in
      command) command -v "$name" >/dev/null && return 0 ;;
      module) python3 -c "import $name" 2>/dev/null && return 0 ;;
      header)
        printf '#if !__has_include(<%s>)\n#error\n#endif\n' "$name" | c++ -E -x c++ - >/dev/null 2>&1 && return 0
        ;;
    esac
  done
  return 1
}

missing_of() { # NEEDS: the packages that are not there, a line each
  local package probe
  while read -r package probe; do
    # shellcheck disable=SC2086  # the probe is several words
    [ -z "$package" ] || present $probe || echo "$package"
  done <<<"$1"
}

need() { # NEEDS: installs what is missing, or says what it is
  local missing as_root=()
  mapfile -t missing < <(missing_of "$1")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "these are missing, by their Debian names: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, and there is no sudo to install them: ${missing[*]}"
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends)
  # The lists of a fresh machine are empty or old: fetched only where the first try fails.
  "${install[@]}" "${missing[@]}" </dev/null || {
    "${as_root[@]}" apt-get update -q </dev/null
    "${install[@]}" "${missing[@]}" </dev/null
  }
  mapfile -t missing < <(missing_of "$1")
  [ ${#missing[@]} = 0 ] || die "installed, but still not to be found: ${missing[*]}"
}

command_setup() {
  need "$test_needs"
  need "$coverage_needs"
  if [ "${1:-}" = --peers ]; then
    # Only goldens, comparisons and the frameworks' tests use these; building and ./build.sh test need none.
    python_environment "$torch_environment" "${torch_packages[@]}" nvidia-cuda-cuobjdump
    python_environment "$mindspore_environment" "${mindspore_packages[@]}"
  elif [ $# -gt 0 ]; then
    die "setup takes --peers or nothing, not '$1'"
  fi
  echo "setup: everything is there"
}

# ---- building ---------------------------------------------------------------------------------------------------

if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_CUDA_COMPILER_LAUNCHER=ccache
fi

# What GPU kernels are compiled for, but in the preset gpu, which has all; empty: what CMake knows.
architectures=${RONDO_CUDA_ARCHITECTURES:-}
# What the fast tier takes where no GPU is: kernels are the longest part of a release build. Spills on the others are
# test-all's to find.
architecture_of_tests=90a

# GCC 12's thread sanitizer cannot start under some kernels' address randomisation; this turns it off for a program.
fixed_addresses=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  fixed_addresses=(setarch "$(uname -m)" -R)
fi

build_preset() { # PRESET [TARGET...]: everything, or only these
  local preset=$1 as=()
  shift
  configure_preset "$preset"
  [ "$preset" != tsan ] || as=("${fixed_addresses[@]}") # the build asks each test program for its cases
  "${as[@]}" cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
}

configure_preset() {
  local options=() cache=build/$1/CMakeCache.txt
  mkdir -p build
  if [ "$1" != gpu ] && [ -n "$architectures" ]; then
    options=(-DRONDO_CUDA_ARCHITECTURES="$architectures")
  elif [ -f "$cache" ] && grep -q "^RONDO_CUDA_ARCHITECTURES:.*=$architecture_of_tests\$" "$cache"; then
    options=(-DRONDO_CUDA_ARCHITECTURES=quick) # after the tests
  fi
  cmake --preset "$1" "${options[@]}" >"build/$1.configure.log" 2>&1 || {
    cat "build/$1.configure.log"
    die "configuring the preset $1 failed"
  }
}

command_build() {
  need "$build_needs"
  build_preset "${1:-release}"
}

command_install() {
  need "$build_needs"
  build_preset release
  cmake --install build/release "$@"
}

command_gpu-bundle() {
  need "$bundle_needs"
  build_preset gpu
  tests/gpu/make_bundle.sh build/gpu build/gpu-bundle
}

# Installs nothing twice, and says what it could not: the comparison then goes on without that peer.
bench_peers() {
  local module
  [ -n "${dnnl_DIR:-}" ] || (need "$onednn_needs") || echo "bench: oneDNN is not here and could not be installed"
  for module in numpy torch onnxruntime onnx; do
    python_environment "$torch_environment" "$module" || echo "bench: $module is not here and could not be fetched"
  done
}

command_bench() {
  local targets=(rondo_cli) target
  need "$build_needs"
  if [ "${1:-}" = --library ]; then
    shift
    build_preset release rondo_cli >&2 # standard output is the benchmark's, for its JSON
    exec build/release/bin/rondo bench "$@"
  fi
  case " $* " in
    *" --help "* | *" -h "* | *" --list "*) exec python3 -B tests/bench/cpu_compare.py "$@" ;;
  esac
  bench_peers >&2
  configure_preset release
  for target in rondo_gpu_bench rondo_bench_onednn rondo_bench_ceilings rondo_oversubscribed; do
    ! grep -q "^build $target: " build/release/build.ninja || targets+=("$target") # oneDNN's only where it was found
  done
  build_preset release "${targets[@]}" >&2
  exec python3 -B tests/bench/cpu_compare.py "$@"
}

# ---- demo -------------------------------------------------------------------------------------------------------

own_text() { # this project's sources and documents, a line each; in a checkout without what git ignores
  local kinds=('*.cpp' '*.h' '*.c' '*.md' '*.cmake' '*.sh' '*.py')
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard --deduplicate -- "${kinds[@]}" |
      while IFS= read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
  else
    local names=() kind
    for kind in "${kinds[@]}"; do names+=(-o -name "$kind"); done
    find . \( -path ./build -o -path ./.venv \) -prune -o -type f \( "${names[@]:1}" \) -print | LC_ALL=C sort
  fi
}

command_demo() {
  need "$build_needs"
  build_preset release char_lm
  # A file on the command line is text to train on, unless it is where a model lies.
  local argument before='' texts=()
  for argument in "$@"; do
    case $before in
      --load | --save) ;;
      *) [ ! -f "$argument" ] || texts+=("$argument") ;;
    esac
    before=$argument
  done
  if [ ${#texts[@]} -gt 0 ]; then
    exec build/release/bin/char_lm "$@"
  fi
  mapfile -t texts < <(own_text)
  exec build/release/bin/char_lm "$@" "${texts[@]}"
}

# ---- tests ------------------------------------------------------------------------------------------------------

choose_architectures() {
  [ -n "$architectures" ] || [ -e /dev/nvidiactl ] || architectures=$architecture_of_tests
}

fast_stages() {
  choose_architectures
  stage format format_check
  stage arrows arrows
  stage figures figures
  stage proof proof
  stage release suite release
  stage device device_code release
  stage python numpy_tests
  stage consumer labelled consumer
  stage demo small_demo
  stage reference reference
  stage tidy tidy
  stage asan quick_suite asan
}

framework_stages() {
  choose_architectures
  stage wheel wheel_tests
  stage torch torch_tests
  stage mindspore mindspore_tests
}

command_test() {
  [ $# = 0 ] || [ "$*" = --frameworks ] || die "test takes --frameworks or nothing, not '$*'"
  need "$test_needs"
  begin_stages
  fast_stages
  [ $# = 0 ] || framework_stages
  summary
}

command_test-frameworks() {
  need "$test_needs"
  begin_stages
  framework_stages
  summary
}

command_wheel() {
  wheel
}

without_nvcc() { # COMMAND...: with every folder of PATH that holds nvcc replaced by links to all else in it
  local folder program shown path=() scratch
  scratch=$(mktemp -d)
  while IFS= read -r -d : folder; do
    if [ -x "$folder/nvcc" ]; then
      shown=$scratch/${#path[@]}
      mkdir "$shown"
      for program in "$folder"/*; do
        [ "${program##*/}" = nvcc ] || ln -s "$program" "$shown/"
      done
      folder=$shown
    fi
    path+=("$folder")
  done <<<"$PATH:"
  (
    IFS=:
    PATH="${path[*]}"
    unset IFS
    ! command -v nvcc >/dev/null || die "nvcc is still on PATH"
    "$@"
  )
  rm -rf "$scratch"
}

command_test-all() {
  need "$test_needs"
  begin_stages
  fast_stages
  stage tsan quick_suite tsan
  stage nocuda without_nvcc suite nocuda
  stage static static_library
  stage sequences sequence_code
  stage bundle bundle
  stage packages packages
  stage aarch64 tests/house/aarch64.sh "$PWD"
  summary
}

command_lint() {
  need "$test_needs"
  begin_stages
  stage format format_check
  stage arrows arrows
  stage tidy tidy
  summary
}

command_format() {
  need "$test_needs"
  clang_tool clang-format
  c_sources | xargs "$tool" -i
}

command_coverage() {
  need "$coverage_needs"
  begin_stages
  build_preset coverage
  find build/coverage -name '*.gcda' -delete # counts of an earlier run
  stage coverage run_ctest coverage --label-exclude '^(house|consumer)$'
  (cd build/coverage && gcovr --root ../.. --filter '\.\./\.\./(src|kernels)/' --exclude-throw-branches \
    --sort-uncovered --txt coverage.txt --html-details coverage.html --print-summary . >summary.txt)
  sed -n '/^File/,$p' build/coverage/coverage.txt
  cat build/coverage/summary.txt
  echo "line by line: build/coverage/coverage.html"
  summary
}

# ---- entry ------------------------------------------------------------------------------------------------------

name=${1:-help}
[ $# = 0 ] || shift
case $name in
  setup | build | demo | test | test-all | test-frameworks | wheel | gpu-bundle | bench | coverage | format | lint | install) "command_$name" "$@" ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    die "no command '$name'"
    ;;
esac
