#!/usr/bin/env bash
# Collects in DIR what a bare machine with a GPU lacks, as wheels for Python 3.12 on Linux x86-64 with the versions of
# requirements.lock: at most 50 MB. Needs a package index and pip; run it before, where there is a network.
#   benchmarks/gpu_wheels.sh .wheels
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$here/.venv/bin/python}
command -v "$python" >/dev/null || python=python3
PYTHONPATH=$here exec "$python" -m benchmarks.gpu.wheels "$@"
