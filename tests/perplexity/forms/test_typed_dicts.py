"""TypedDicts from schemas: each kind of value has its type. Those of the actions are checked by `tests/typing`."""

from typing import Any, Literal, NotRequired, is_typeddict

import pytest

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.perplexity.forms.typed_dicts import module_of

MONTHS = ["january", "february", "march", "april", "may", "june", "july"]
CARGO: dict[str, Any] = {
    "type": "object",
    "title": "Heavy cargo",
    "description": "A load.",
    "properties": {"tons": {"type": "number"}},
    "required": ["tons"],
}
SHIP: dict[str, Any] = {
    "type": "object",
    "description": "A ship.",
    "properties": {
        "name": {"type": "string"},
        "decks": {"type": ["integer", "null"]},
        "kind": {"const": "ship", "type": "string"},
        "flag": {"enum": ["red", "blue"], "type": ["string", "null"]},
        "ports": {"type": "array", "items": {"type": "array", "items": {}}},
        "month": {"enum": MONTHS, "type": "string"},
        "notes": {"type": "object", "additionalProperties": True},
        "cargo": {"anyOf": [{"type": "array", "items": CARGO}, {"type": "null"}]},
    },
    "required": ["name", "cargo"],
}


def made(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the names of the module for these schemas."""
    names: dict[str, Any] = {"__name__": "made"}
    exec(module_of(schemas), names)  # noqa: S102 - our own module
    return names


def test_each_kind_of_value_has_its_type() -> None:
    """A field that is not required may be left out; an object inside is a type of its own."""
    names = made({"Ship": SHIP})
    ship, cargo = names["Ship"], names["ShipHeavyCargo"]
    assert is_typeddict(ship)
    assert ship.__doc__ == "A ship."
    assert ship.__required_keys__ == {"name", "cargo"}
    assert cargo.__annotations__ == {"tons": float}
    assert ship.__annotations__ == {
        "name": str,
        "decks": NotRequired[int | None],
        "kind": NotRequired[Literal["ship"]],
        "flag": NotRequired[Literal["red", "blue"] | None],
        "ports": NotRequired[list[list[JsonValue]]],
        "month": NotRequired[Literal[tuple(MONTHS)]],
        "notes": NotRequired[JsonObject],
        "cargo": list[cargo] | None,  # type: ignore[valid-type]
    }


def test_two_objects_of_one_name_are_refused() -> None:
    """One of them would replace the other."""
    ship = SHIP | {"properties": {"one": CARGO, "two": CARGO}}
    with pytest.raises(ValueError, match="ShipHeavyCargo"):
        module_of({"Ship": ship})


def test_a_module_is_formatted_as_ruff_formats_it() -> None:
    """No field is longer than 88 characters."""
    lines = module_of({"Ship": SHIP}).splitlines()
    assert max(len(line) for line in lines if not line.startswith('"')) <= 88
