from typing import Any

import pytest

from perplexity_connector.host.flows.schemas.local_references import resolved

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "whole"),
    [
        ({"a": {"$ref": "#/$defs/t"}, "$defs": {"t": TEXT}}, TEXT),
        (
            {"a": {"$ref": "#/$defs/t", "title": "T"}, "$defs": {"t": TEXT}},
            {**TEXT, "title": "T"},
        ),
        (
            {
                "a": {"$ref": "#/$defs/u"},
                "$defs": {"u": {"anyOf": [{"$ref": "#/$defs/t"}]}, "t": TEXT},
            },
            {"anyOf": [TEXT]},
        ),
        ({"a": {"$ref": "#/$defs/~1"}, "$defs": {"/": TEXT}}, TEXT),
        ({"a": {"$ref": "#/$defs/t", "maxLength": 1}, "$defs": {"t": TEXT}}, {}),
        ({"a": {"$ref": "#/$defs/none"}}, {}),
        ({"a": {"$ref": "https://example.org/a"}}, {}),
        ({"a": {"$ref": "#name"}}, {}),
        ({"a": {"properties": {"$ref": TEXT}}}, {"properties": {"$ref": TEXT}}),
        ({"a": True}, True),
    ],
)
def test_a_definition_takes_the_place_of_its_reference(
    schema: dict[str, Any], whole: Any
) -> None:
    """A reference that cannot be followed allows anything."""
    assert resolved(schema)["a"] == whole


def test_inside_its_own_definition_a_reference_allows_anything() -> None:
    """There is an end to it."""
    node = {"properties": {"next": {"$ref": "#/$defs/node"}}}
    schema: Any = {"a": {"$ref": "#/$defs/node"}, "$defs": {"node": node}}
    assert resolved(schema)["a"] == {"properties": {"next": {}}}


def test_the_root_may_be_a_reference() -> None:
    """As pydantic writes it."""
    schema: Any = {"$ref": "#/$defs/t", "$defs": {"t": TEXT}}
    assert resolved(schema)["type"] == "string"


def test_references_that_double_each_other_are_bounded() -> None:
    """Thirty of them would be a billion parts."""
    definitions = {
        f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)
    }
    schema: Any = {"$ref": "#/$defs/d0", "$defs": definitions}
    waiting, parts = [resolved(schema)], 0
    while waiting:
        part: Any = waiting.pop()
        parts += 1
        waiting += part.values() if isinstance(part, dict) else ()
        waiting += part if isinstance(part, list) else ()
    assert parts < 100_000


def test_a_long_chain_of_references_is_bounded_too() -> None:
    """It is deeper than any document."""
    definitions = {
        f"d{n}": {"items": {"$ref": f"#/$defs/d{n + 1}"}} for n in range(2000)
    }
    part: Any = resolved({"$ref": "#/$defs/d0", "$defs": definitions})
    depth = 0
    while "items" in part:
        part, depth = part["items"], depth + 1
    assert 10 < depth < 200
