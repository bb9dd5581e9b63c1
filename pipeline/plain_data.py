"""Parses YAML and JSON that people or archives bring, within limits of depth and aliases."""

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

MAX_DEPTH = 50
"""Levels of lists and mappings."""
MAX_VALUES = 100_000
"""Values of a YAML, with each alias counted as all that it stands for: a few lines of aliases can mean billions."""

_NAMELESS = re.compile(r'in "<(?:unicode|byte) string>", ')


def parse_yaml(text: str) -> Any:
    """The value of a YAML text; ValueError of one line, with the line in the text where that is known."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(_NAMELESS.sub("", " ".join(str(error).split()))) from None


def parse_json(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON text; ValueError for all that is none, and for what is nested too deeply.

    `pairs` makes an object of its keys and values, by default a dict that takes the last of equal keys.
    """
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("lists or mappings are nested too deeply") from None


class _StrictLoader(yaml.SafeLoader):
    """Refuses what the safe loader accepts or chokes on: duplicate and unhashable keys, depth, alias bombs."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._num_values = 0
        self._sizes: dict[int, int] = {}
        """Id of a node -> number of values in it."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """As PyYAML, which recurses without a limit, and expands aliases without one."""
        is_alias, before = self.check_event(yaml.AliasEvent), self._num_values
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, f"more than {MAX_DEPTH} levels of lists and mappings", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._sizes:
            raise yaml.composer.ComposerError(None, None, "an alias inside of what it stands for", mark)
        self._num_values += self._sizes[id(node)] if is_alias else 1
        if self._num_values > MAX_VALUES:
            problem = f"more than {MAX_VALUES} values, counting what aliases stand for"
            raise yaml.composer.ComposerError(None, None, problem, mark)
        if not is_alias:
            self._sizes[id(node)] = self._num_values - before
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As PyYAML, whose conversions raise plain errors, e.g. for a date that there is not."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError, KeyError, AttributeError, IndexError) as error:
            told = f"{type(error).__name__}: {error}"
            raise yaml.constructor.ConstructorError(None, None, told, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As PyYAML, which takes the last of duplicate keys."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # "<<", which PyYAML resolves
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                problem = "a key must be a word or a number, not a list or a mapping"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is there twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
