#!/usr/bin/env bash
# Sets up LibTorch 2.9.0 for the `tch` feature (devices tch and tch-cuda:N) in a Python environment.
#
#   scripts/setup_libtorch.sh [folder]       # default: .libtorch
#   source .libtorch/env.sh
#   cargo build --release --features tch
#
# burn-tch 0.22.1 links LibTorch 2.9.0, which PyTorch's package brings along (7 GB with its CUDA parts).
set -euo pipefail

folder=${1:-.libtorch}
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "error: no $python: install Python 3, or set PYTHON" >&2; exit 1; }

"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.9.0

site=$("$folder/venv/bin/python" -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))')
libraries="$site/torch/lib"
for lib in "$site"/nvidia/*/lib; do
    [ -d "$lib" ] && libraries="$libraries:$lib"
done

cat > "$folder/env.sh" <<ENV
# Found by the build and by the loader; source this before cargo build and before running the binary.
export LIBTORCH_USE_PYTORCH=1
export PATH="$(cd "$folder" && pwd)/venv/bin:\$PATH"
export LD_LIBRARY_PATH="$libraries:\${LD_LIBRARY_PATH:-}"
ENV
echo "done: source $folder/env.sh, then cargo build --release --features tch"
