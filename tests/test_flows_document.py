"""docs/flows.md is true: its flow is one, by the published schema and by the host."""

import copy
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from perplexity_connector.host import Host

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
SCHEMA = Draft202012Validator(
    json.loads((ROOT / "schemas" / "flow.schema.json").read_text(encoding="utf-8"))
)
(EXAMPLE,) = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
)


def test_the_flow_of_the_document_is_one() -> None:
    """Nothing is wrong with it."""
    assert list(SCHEMA.iter_errors(EXAMPLE)) == []
    assert Host(environ={}).validate_flow(EXAMPLE) == []


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        ([{"step": "nobody", "pointer": ""}], "unknown_step"),
        ([{"step": "ask", "pointer": ""}], "later_step"),
        ([{"step": "search", "pointer": "/results/0/snippet/0"}], "no_value"),
        ([{"step": "search", "pointer": "/results"}], "type"),
    ],
)
def test_the_codes_of_the_document_are_those_of_the_host(
    binding: Any, code: str
) -> None:
    """At the bound place of an action that is installed."""
    search, ask = EXAMPLE["steps"]
    wrong: Any = {
        "flow_version": 1,
        "steps": [search, ask | {"bindings": {"/messages/0/content": binding}}],
    }
    (error,) = Host(environ={}).validate_flow(wrong)
    assert (error["step"], error["pointer"], error["code"]) == (
        "ask",
        "/messages/0/content",
        code,
    )
    assert f"| `{code}` |" in TEXT


def places(value: Any, pointer: str = "") -> Iterator[str]:
    """Every place of a document below its root."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, item in inner:
        yield f"{pointer}/{name}"
        yield from places(item, f"{pointer}/{name}")


def bindable() -> Iterator[tuple[str, int, str]]:
    """Each action, the number of an example, and a place in it."""
    host = Host(environ={})
    for action in ("create_chat_completion", "execute_search"):
        for number, example in enumerate(
            cast("list[Any]", host.describe("perplexity", action)["examples"])
        ):
            yield from ((action, number, place) for place in places(example))


@pytest.mark.parametrize(("action", "number", "place"), list(bindable()))
def test_any_place_of_an_example_may_be_bound(
    action: str, number: int, place: str
) -> None:
    """With a value of which the earlier step's schema says nothing, be it left in the input or taken out."""
    host = Host(environ={})
    example = cast("list[Any]", host.describe("perplexity", action)["examples"])[number]
    binding = {place: [{"step": "ask", "pointer": "/parsed/x"}]}
    without, (*path, last) = copy.deepcopy(example), place.split("/")[1:]
    holder = functools.reduce(
        lambda node, name: node[int(name) if isinstance(node, list) else name],
        path,
        without,
    )
    if isinstance(holder, dict):
        del holder[last]
    ask = EXAMPLE["steps"][1] | {
        "bindings": {},
        "input": {"model": "sonar", "messages": [{"role": "user", "content": "x"}]},
    }
    for given in (example, without):
        step = {
            "id": "next",
            "connector": "perplexity",
            "action": action,
            "input": given,
            "bindings": binding,
        }
        assert host.validate_flow({"flow_version": 1, "steps": [ask, step]}) == []
