#!/usr/bin/env bash
# The Python wheel: builds it into target/wheels, installs it into a clean virtual environment, tests it there.
#
#   scripts/build_wheel.sh                  all of that
#   scripts/build_wheel.sh build            only the wheel
#   scripts/build_wheel.sh test [ARGS]      only the tests, of the newest wheel; ARGS go to pytest
#   scripts/build_wheel.sh notebooks        runs the notebooks with the newest wheel (installs Jupyter)
#   scripts/build_wheel.sh loggers          runs the recipes for MLflow and Aim with the real packages (installs them)
#
# Needs Rust, a C compiler and Python 3.9 or newer; PYTHON names another interpreter. On Linux Zig (a package of PyPI) links, so that the
# wheel runs where glibc is older than here.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
place=target/python
wheels=target/wheels
glibc=2.28

environment() { # NAME PACKAGES...: a virtual environment with these packages
    local folder=$place/$1
    shift
    [ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

clean_environment() { # NAME PACKAGES...: with the newest wheel and these packages, nothing left from before
    local name=$1 wheel
    shift
    wheel=$(ls -t $wheels/ferrotype-*.whl 2>/dev/null | head -1)
    [ -n "$wheel" ] || { echo "there is no wheel in $wheels: scripts/build_wheel.sh build" >&2; exit 1; }
    rm -rf "${place:?}/$name"
    environment "$name" "$wheel" "$@"
}

build() {
    environment build 'maturin>=1.9,<2'
    local -a more=() link=()
    if [ "$(uname -s)" = Linux ]; then
        environment build ziglang
        printf '#!/bin/sh\nexec "%s" -m ziglang cc -target %s-linux-gnu.%s "$@"\n' \
            "$PWD/$place/build/bin/python" "$(uname -m)" "$glibc" >$place/zig-gcc
        chmod +x $place/zig-gcc
        more=(--compatibility "manylinux_${glibc/./_}")
        # Only the module itself: all else is what any other build left.
        link=(-- -C "linker=$PWD/$place/zig-gcc")
    fi
    "$place/build/bin/maturin" build --release --locked --manifest-path crates/python/Cargo.toml --out $wheels \
        "${more[@]}" "${link[@]}"
    ls -l $wheels
}

tests() {
    clean_environment test pytest mypy pandas pillow onnxruntime
    "$place/test/bin/python" -m mypy --config-file crates/python/pyproject.toml crates/python/python/ferrotype \
        crates/python/tests
    "$place/test/bin/python" -m pytest crates/python/tests "$@"
}

notebooks() {
    clean_environment notebooks nbmake ipykernel pandas pillow matplotlib pytest
    "$place/notebooks/bin/python" -m pytest --nbmake --nbmake-timeout=1200 examples/notebooks "$@"
}

loggers() {
    clean_environment loggers pytest mlflow-skinny sqlalchemy aim pandas pillow
    "$place/loggers/bin/python" -m pytest crates/python/tests/test_recipes.py -rs "$@"
}

mkdir -p $place
case "${1:-all}" in
all) build && tests ;;
build) build ;;
test) shift && tests "$@" ;;
notebooks) shift && notebooks "$@" ;;
loggers) shift && loggers "$@" ;;
*) sed -n '2,11p' "$0" && exit 2 ;;
esac
