#!/usr/bin/env bash
# Sourced by build.sh: the Python package's virtual environments, its wheel and its tests.
# Packages come from PyPI: few and small ones for ./build.sh test, the frameworks for test-frameworks only.
# shellcheck shell=bash disable=SC2154  # the lists of packages are build.sh's

# One environment for NumPy, PyTorch and the other systems, one for MindSpore, which needs an older NumPy.
torch_environment=.venv
numpy_packages=(numpy ml_dtypes safetensors pytest hypothesis)
torch_packages=("${numpy_packages[@]}" torch onnxruntime onnx keras)
mindspore_environment=.venv-mindspore
mindspore_packages=("numpy<2" mindspore pytest hypothesis)

python_environment() { # FOLDER PACKAGE...: makes it, and installs those of the packages that it lacks
  local folder=$1 missing
  shift
  [ -x "$folder/bin/pip" ] || python3 -m venv "$folder" || {
    echo "python3 cannot make $folder; on Debian: apt-get install python3-venv"
    return 1
  }
  mapfile -t missing < <(
    "$folder/bin/python" - "$@" <<'CODE'
import importlib.metadata, re, sys
for package in sys.argv[1:]:
    try:
        importlib.metadata.version(re.split("[<>=]", package)[0])
    except importlib.metadata.PackageNotFoundError:
        print(package)
CODE
  )
  [ ${#missing[@]} = 0 ] || "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${missing[@]}"
}

in_source_tree() { # COMMAND...: the package from its sources, over the release build's library
  local emulated=$PWD/build/release/emulated
  [ ! -d "$emulated" ] || export RONDO_TEST_EMULATED=$emulated
  RONDO_LIBRARY=$PWD/build/release/lib/librondo.so PYTHONPATH=$PWD/bindings/python/src KERAS_BACKEND=torch PYTHONDONTWRITEBYTECODE=1 "$@"
}

python_tests() { # PYTHON FOLDER...: pytest over them, on the release build's library; counted for the summary
  local python=$1 report status=0
  shift
  build_preset release
  report=$PWD/$results/${stage_cases##*/}.xml
  in_source_tree "$python" -m pytest -q -p no:cacheprovider -rs --junitxml "$report" "$@" || status=$?
  if [ -s "$report" ]; then
    python3 - "$report" >"$stage_cases" <<'CODE'
import sys, xml.etree.ElementTree as tree
suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
count = {key: sum(int(suite.get(key)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")}
failed = count["failures"] + count["errors"]
print(count["tests"] - failed - count["skipped"], failed, count["skipped"])
CODE
  fi
  return $status
}

# Runs one of the examples; its exit status is the test.
python_example() { # ENVIRONMENT PROGRAM
  echo "-- examples/$2"
  in_source_tree "$PWD/$1/bin/python" "examples/$2"
}

# The package by itself; what compares with PyTorch is skipped where that is not there.
numpy_tests() {
  python_environment "$torch_environment" "${numpy_packages[@]}"
  python_tests "$PWD/$torch_environment/bin/python" bindings/python/tests/test_[a-v]*.py
  python_example "$torch_environment" numpy/train.py
}

wheel() {
  need "$python_needs"
  bindings/python/make_wheel.sh -Ccmake.define.RONDO_CUDA_ARCHITECTURES="${architectures:-quick}"
}

wheel_tests() {
  wheel
  python_environment "$torch_environment" "${numpy_packages[@]}"
  python_tests "$PWD/$torch_environment/bin/python" bindings/python/tests/test_wheel.py
}

torch_tests() {
  python_environment "$torch_environment" "${torch_packages[@]}"
  python_tests "$PWD/$torch_environment/bin/python" bindings/python/tests/with_torch bindings/python/tests/weights
  python_example "$torch_environment" pytorch/convert.py
  python_example "$torch_environment" ddp/test.py
}

mindspore_tests() {
  python_environment "$mindspore_environment" "${mindspore_packages[@]}"
  python_tests "$PWD/$mindspore_environment/bin/python" bindings/python/tests/with_mindspore bindings/python/tests/weights/test_pages.py
  python_example "$mindspore_environment" mindspore/train.py
}
