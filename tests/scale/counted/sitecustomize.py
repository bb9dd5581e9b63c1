"""Lets every Python process that has this folder in its PYTHONPATH find the module extractors.counted beside it."""

import sys
from importlib.abc import MetaPathFinder
from importlib.util import spec_from_file_location
from pathlib import Path


class _Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "extractors.counted":
            return None
        return spec_from_file_location(name, Path(__file__).with_name("counted_loads.py"))


sys.meta_path.append(_Finder())
