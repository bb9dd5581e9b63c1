"""`python -m tasks EvaluateCE --dataset demo`: the same as `luigi --module tasks ...`, with nothing to mistype."""

import sys

from luigi.cmdline import luigi_run

if __name__ == "__main__":
    luigi_run(["--module", "tasks", *sys.argv[1:]])
