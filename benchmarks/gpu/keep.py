"""Keeps a run on a GPU: `python -m benchmarks.gpu.keep OUT/gpu.json` puts it into benchmarks/gpu.json, by its GPU."""

import json
import sys
from pathlib import Path
from typing import Any

from pipeline.stores import atomic

KEPT = Path(__file__).parents[1] / "gpu.json"


def main() -> None:
    """Then the README is to be made anew: UPDATE_README=1 pytest tests/test_readme.py"""
    keep(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), KEPT)
    print(f"{KEPT}: now UPDATE_README=1 pytest tests/test_readme.py")


def keep(runs: dict[str, dict[str, Any]], kept: Path) -> None:
    """A run replaces an older one on the same GPU; a step that measured nothing leaves the older figures."""
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for gpu, run in runs.items():
        if run["small"] or run["machine"]["gpu"] == "none":
            sys.exit("that run was on the CPU, on as little as shows that the steps run: it says nothing of a GPU")
        older = before.get(gpu, {"steps": {}})["steps"]
        steps = {name: one if one["figures"] else older.get(name, one) for name, one in run["steps"].items()}
        before[gpu] = run | {"steps": older | steps}
    atomic.write_text(kept, json.dumps(before, indent=1) + "\n")


if __name__ == "__main__":
    main()
