"""Read YAML with few surprises and within bounds, however it was written."""

import re
from typing import TYPE_CHECKING

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from yaml import SafeLoader as _FastestLoader
else:
    _FastestLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_BOOL = (f"{_TAG}bool", re.compile(r"(true|false)\Z"))
# Up to 15 digits, which every JSON reader keeps exact. A longer one stays text, and is an error with
# the tag `!!int`: it could be too long to be written at all.
_INT = (f"{_TAG}int", re.compile(r"-?(0|[1-9][0-9]{0,14})\Z"))
_NULL = (f"{_TAG}null", re.compile(r"(null|~|)\Z"))
_KNOWN_TAGS = [f"{_TAG}{kind}" for kind in ("null", "bool", "int", "str", "seq", "map")]

_DEEPEST = 50
# The signs before the text of a line, four or more. Some of them open a level each.
_INDENT = re.compile(r"[ \-?:]{4,}")
# A list or a mapping of plain words that is closed on its line, so that it leaves no level open.
_FLAT = re.compile(r"\[[\w ,.:/-]*\]|\{[\w ,.:/-]*\}")
# Parts and bytes of text, with every alias written out.
_LARGEST = 1_000_000


class _Loader(_FastestLoader):
    """YAML in which `NO`, `on`, `1.10`, `0x1F` and dates stay text, and so does every key."""

    # By a scalar's first character.
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it off the class
        **{first: [_BOOL] for first in "tf"},
        **{first: [_INT] for first in "-0123456789"},
        **{first: [_NULL] for first in ("n", "~", "")},
    }
    yaml_constructors = {  # noqa: RUF012 - likewise
        tag: SafeConstructor.yaml_constructors[tag] for tag in [*_KNOWN_TAGS, None]
    }

    def construct_mapping(  # type: ignore[override]
        self, node: MappingNode, deep: bool = False
    ) -> dict[str, object]:
        """Return the mapping with its keys as text.

        Raises `ConstructorError` for a duplicate key or one that is not a scalar.
        """
        mapping: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in mapping:
                problem = f"the key {key.value!r} is a duplicate; remove one of them"
                raise ConstructorError(None, None, problem, key.start_mark)
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping

    def construct_yaml_int(self, node: ScalarNode) -> int:
        """Return the number. Raises `ConstructorError` unless it is written in the one plain way."""
        text = str(self.construct_scalar(node))
        if not _INT[1].match(text):
            problem = "a whole number must be written with up to 15 digits"
            raise ConstructorError(None, None, problem, node.start_mark)
        return int(text)


_Loader.add_constructor(_INT[0], _Loader.construct_yaml_int)


def load_yaml(text: str) -> object:
    """Return the document as plain data.

    Raises `YAMLError`, `ValueError`, `TypeError`, `LookupError` or `RecursionError` for text that
    is not such YAML, is nested too deeply, or is too large once its aliases are written out.
    """
    if _most_levels(text) > _DEEPEST:
        _check_depth(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if "&" in text or "\\" in text:
            _check_size(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _most_levels(text: str) -> int:
    """Return a number of levels that the document surely does not exceed. Fast.

    A level needs a bracket, or a line that begins further right: no further than the longest run of
    such signs anywhere. A list may begin in the column of the mapping that it is in, and a bracket
    opens two levels in `[name: value]`. Of the lists that are closed on their line, one is open at a time.
    """
    others, flat = _FLAT.subn("", text)
    brackets = others.count("[") + others.count("{") + (flat > 0)
    return 2 * brackets + 2 * max(map(len, _INDENT.findall(text)), default=4) + 2


def _check_depth(text: str) -> None:
    # Before anything is put together: PyYAML calls itself for each level, and some releases end the
    # process when they run out of stack.
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            mark = event.start_mark
            raise ComposerError(None, None, "nested too deeply", mark)  # type: ignore[arg-type] # the C parser's is as good


def _check_size(root: Node) -> None:
    # Only anchors make a document larger than its text, or endless; only escapes make a text that
    # cannot be encoded.
    #
    # An alias leads to the same node again, and is counted again: so one inside itself is too deep.
    size = 0
    waiting = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        parts = _parts(node)
        texts = [part.value for part in parts if isinstance(part, ScalarNode)]
        # Not every text can be encoded; one that cannot raises a ValueError.
        size += len(parts) + len("".join(texts).encode())
        if depth > _DEEPEST or size > _LARGEST:
            problem = "nested too deeply, or too large with its aliases written out"
            raise ComposerError(None, None, problem, node.start_mark)
        inner = [part for part in parts if not isinstance(part, ScalarNode)]
        waiting += [(part, depth + 1) for part in inner]


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else []
