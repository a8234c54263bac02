"""How models become schemas."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from perplexity_connector.perplexity.forms.portable import form_schema, record_schema


class Inner(BaseModel):
    """Inner words."""

    b: int = 1
    a: str | None = None


class Outer(BaseModel):
    """Outer words."""

    second: Inner | None = Field(
        default=None, title="Second", description="Words of the place."
    )
    first: list[Inner] | None = None
    deep: dict[str, list[Inner]] = {}


@dataclass
class Record:
    """A record."""

    plain: int
    maybe: int | None = None
    nested: Inner | None = None
    choice: Literal["x"] | None = None


def test_a_forms_optional_fields_are_just_not_required() -> None:
    """Neither a null branch nor a null default is left, and a real default stays."""
    schema = form_schema(Inner)
    assert schema["properties"] == {
        "b": {"default": 1, "title": "B", "type": "integer"},
        "a": {"title": "A", "type": "string"},
    }
    assert "required" not in schema


def test_definitions_are_put_where_they_are_used() -> None:
    """References are gone, at any depth, and the words of the place win over the definition's."""
    schema = form_schema(Outer)
    properties = schema["properties"]
    assert "$defs" not in schema
    assert properties["second"]["title"] == "Second"
    assert properties["second"]["description"] == "Words of the place."
    assert properties["first"]["items"]["description"] == "Inner words."
    places = [
        properties["second"],
        properties["first"]["items"],
        properties["deep"]["additionalProperties"]["items"],
    ]
    assert all(list(place["properties"]) == ["b", "a"] for place in places)


def test_order_is_kept_as_written() -> None:
    """Properties stand in display order, not in that of the alphabet."""
    assert list(form_schema(Outer)["properties"]) == ["second", "first", "deep"]
    assert list(record_schema(Record)["properties"]) == [
        "plain",
        "maybe",
        "nested",
        "choice",
    ]


def test_the_dialect_stands_first() -> None:
    """Whoever reads a document knows from its first line how."""
    for schema in (form_schema(Inner), record_schema(Record)):
        assert next(iter(schema.items())) == (
            "$schema",
            "https://json-schema.org/draft/2020-12/schema",
        )


def test_a_record_says_null_in_its_type_and_defaults_nothing() -> None:
    """A value that may be null is `type: [T, null]`, or a union where it has no single type name."""
    properties = record_schema(Record)["properties"]
    assert properties["maybe"]["type"] == ["integer", "null"]
    assert properties["choice"]["type"] == ["string", "null"]
    assert [branch["type"] for branch in properties["nested"]["anyOf"]] == [
        "object",
        "null",
    ]
    assert not any("default" in node for node in properties.values())
    either = record_schema(int | str | None)
    assert either["anyOf"] == [
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"type": "null"},
    ]


def test_a_tagged_union_is_a_plain_union_of_its_branches() -> None:
    """How pydantic tells the branches apart does not show."""
    branches = Annotated[
        Annotated[str, Tag("one")] | Annotated[list[str], Tag("many")],
        Discriminator(lambda value: "many" if isinstance(value, list) else "one"),
    ]
    assert form_schema(branches)["anyOf"] == [  # type: ignore[arg-type]
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
    ]
