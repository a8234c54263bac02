"""What was published stays: within a version, a saved step and a mapped output go on working."""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

BASELINE = Path(__file__).parent / "baseline"
SCHEMAS = Path(__file__).parent.parent / "schemas"
# Raising one of these, or lowering one of those, refuses input that was good before.
LOWER_BOUNDS = ("minimum", "minLength", "minItems")
UPPER_BOUNDS = ("maximum", "maxLength", "maxItems")

Schema = Mapping[str, Any]


def breaks(old: Schema, new: Schema, *, form: bool, place: str = "") -> Iterator[str]:
    """Each way in which `new` breaks who relied on `old`: an author's saved input (a form), or an output's mapping."""
    yield from _property_breaks(old, new, form=form, place=place)
    if old.get("type") != new.get("type"):
        yield f"{place}: type"
    if form:
        yield from _tightenings(old, new, place)
    for number, (was, now) in enumerate(
        zip(old.get("anyOf", []), new.get("anyOf", []), strict=False)
    ):
        yield from breaks(was, now, form=form, place=f"{place}|{number}")
    if len(new.get("anyOf", [])) < len(old.get("anyOf", [])):
        yield f"{place}: fewer kinds"
    if "items" in old:
        yield from breaks(
            old["items"], new.get("items", {}), form=form, place=f"{place}/*"
        )


def _property_breaks(
    old: Schema, new: Schema, *, form: bool, place: str
) -> Iterator[str]:
    was, now = old.get("properties", {}), new.get("properties", {})
    for name in was:
        if name in now:
            yield from breaks(was[name], now[name], form=form, place=f"{place}/{name}")
        else:
            yield f"{place}/{name}: removed"
    asked, promised = set(old.get("required", [])), set(new.get("required", []))
    # A form may not ask for more, an output may not promise less.
    yield from (
        f"{place}/{name}: required"
        for name in (promised - asked if form else asked - promised)
    )


def _tightenings(old: Schema, new: Schema, place: str) -> Iterator[str]:
    endless = float("inf")
    yield from (
        f"{place}: {key}"
        for key in LOWER_BOUNDS
        if new.get(key, -endless) > old.get(key, -endless)
    )
    yield from (
        f"{place}: {key}"
        for key in UPPER_BOUNDS
        if new.get(key, endless) < old.get(key, endless)
    )
    yield from (
        f"{place}: {key}"
        for key in ("pattern", "format")
        if new.get(key) not in (None, old.get(key))
    )
    yield from _lost_choices(old, new, place)


def _lost_choices(old: Schema, new: Schema, place: str) -> Iterator[str]:
    """Each keyword that refuses a value which was allowed. A constant is an enum of one value."""
    allowed = _choices(old)
    for key in ("enum", "const"):
        left = _choices({key: new[key]} if key in new else {})
        if left is not None and (allowed is None or not allowed <= left):
            yield f"{place}: {key}"


def _choices(schema: Schema) -> set[str] | None:
    """The values that `enum` and `const` leave, as JSON; None if they leave all."""
    sets = [schema["enum"]] if "enum" in schema else []
    sets += [[schema["const"]]] if "const" in schema else []
    if not sets:
        return None
    return set.intersection(*({json.dumps(value) for value in one} for one in sets))


def read(path: Path) -> dict[str, Any]:
    """A schema file."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    "path", sorted(BASELINE.glob("*.json")), ids=lambda path: path.name
)
def test_a_published_schema_is_not_broken(path: Path) -> None:
    """An incompatible change needs a new version of the action."""
    assert (
        list(
            breaks(
                read(path), read(SCHEMAS / path.name), form="output" not in path.name
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("properties", "query"), None, "/query: removed"),
        (("required",), ["query", "country"], "/country: required"),
        (("properties", "max_results", "maximum"), 10, "/max_results: maximum"),
        (("properties", "max_results", "minimum"), 2, "/max_results: minimum"),
        (("properties", "max_results", "type"), "number", "/max_results: type"),
        (("properties", "country", "pattern"), "^[A-Z]{2}$", "/country: pattern"),
        (("properties", "search_type", "enum"), ["web"], "/search_type: enum"),
        (
            ("properties", "search_domain_filter", "items", "maxLength"),
            9,
            "/search_domain_filter/*: maxLength",
        ),
        (
            ("properties", "query", "anyOf"),
            [{"type": "string", "minLength": 1}],
            "/query: fewer kinds",
        ),
    ],
)
def test_every_kind_of_break_is_found(
    place: tuple[str, ...], value: object, told: str
) -> None:
    """The check above can fail."""
    old = read(BASELINE / "execute_search.v1.input.schema.json")
    new = copy.deepcopy(old)
    holder: Any = new
    for step in place[:-1]:
        holder = holder[step]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    assert told in list(breaks(old, new, form=True))


ONE, TWO, THREE = {"const": 1}, {"enum": [1, 2]}, {"enum": [1, 2, 3]}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ONE, TWO, []),
        (TWO, THREE, []),
        (ONE, {}, []),
        (TWO, ONE, ["/version: const"]),
        (THREE, TWO, ["/version: enum"]),
        ({}, ONE, ["/version: const"]),
        ({}, TWO, ["/version: enum"]),
        (ONE, {"enum": [True, 2]}, ["/version: enum"]),
        (ONE, {"const": 2}, ["/version: const"]),
        (ONE | TWO, ONE, []),
    ],
)
def test_the_values_of_a_form_may_become_more_but_not_fewer(
    old: Schema, new: Schema, told: list[str]
) -> None:
    """A constant that becomes an enum with it allows all that it allowed."""
    before, after = ({"properties": {"version": one}} for one in (old, new))
    assert list(breaks(before, after, form=True)) == told


def test_an_output_may_not_promise_less_but_may_give_more() -> None:
    """A mapping goes on finding what it was drawn to."""
    old = read(BASELINE / "execute_search.v1.output.schema.json")
    less, more = copy.deepcopy(old), copy.deepcopy(old)
    less["required"].remove("results")
    more["properties"]["extra"] = {"type": "string"}
    more["required"].append("extra")
    assert list(breaks(old, less, form=False)) == ["/results: required"]
    assert list(breaks(old, more, form=False)) == []
