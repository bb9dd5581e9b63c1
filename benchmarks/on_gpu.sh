#!/usr/bin/env bash
# Tests and measures everything on the first GPU in at most nine minutes, and writes OUT/gpu.json, OUT/gpu.md and logs.
#   benchmarks/on_gpu.sh OUT           with the wheels of benchmarks/gpu_wheels.sh in .wheels, or in $WHEELS
#   benchmarks/on_gpu.sh OUT --small   the same steps on the CPU, in under two minutes
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
wheels=${WHEELS:-$here/.wheels}
python=${PYTHON:-python3}
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
if compgen -G "$wheels/*.whl" >/dev/null; then
    # A wheel is a zip archive: no pip is needed there.
    "$python" -c 'import sys, zipfile; [zipfile.ZipFile(one).extractall(sys.argv[1]) for one in sys.argv[2:]]' \
        "$site" "$wheels"/*.whl
fi
export PYTHONPATH=$here:$site${PYTHONPATH:+:$PYTHONPATH}
# Compiled once for all processes, of which there are many, and beside no source: nothing is left here.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$site/.bytecode
"$python" -m benchmarks.gpu.run "$@"
