"""docs/flows.md is true: its flow is one, by the published schema and by the host."""

import copy
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from jsonschema import Draft202012Validator

from perplexity_connector.contract import FlowItem
from perplexity_connector.host import FlowOptions, Host

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
SCHEMA = Draft202012Validator(
    json.loads((ROOT / "schemas" / "flow.schema.json").read_text(encoding="utf-8"))
)
EXAMPLE, BRIEFING = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
)


@pytest.mark.parametrize(("flow", "version"), [(EXAMPLE, 1), (BRIEFING, 2)])
def test_the_flows_of_the_document_are_flows(flow: Any, version: int) -> None:
    """One of each version, and without errors."""
    assert flow["flow_version"] == version
    assert list(SCHEMA.iter_errors(flow)) == []
    assert Host(environ={}).validate_flow(flow) == []


def test_the_second_flow_needs_version_2() -> None:
    """Every place of it that version 1 does not have is an error."""
    wrong = Host(environ={}).validate_flow(BRIEFING | {"flow_version": 1})
    assert {error["code"] for error in wrong} == {"flow_version"}
    assert [error["pointer"] for error in wrong][:2] == ["/inputs", "/steps/1/each"]
    assert "| `flow_version` |" in TEXT


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        ([{"step": "nobody", "pointer": ""}], "unknown_step"),
        ([{"step": "ask", "pointer": ""}], "later_step"),
        ([{"step": "search", "pointer": "/results/0/snippet/0"}], "no_value"),
        ([{"step": "search", "pointer": "/result"}], "no_value"),
        ([{"step": "search", "pointer": "/results"}], "type"),
        ([{"input": "/company"}], "no_value"),
        ([{"item": ""}], "no_item"),
        ([{"step": "search", "pointer": "", "pluck": ""}], "no_list"),
    ],
)
def test_the_codes_of_the_document_are_those_of_the_host(
    binding: Any, code: str
) -> None:
    """At the bound place of an action that is installed."""
    search, ask = EXAMPLE["steps"]
    wrong: Any = {
        "flow_version": 2,
        "steps": [search, ask | {"bindings": {"/messages/0/content": binding}}],
    }
    (error,) = Host(environ={}).validate_flow(wrong)
    assert (error["step"], error["pointer"], error["code"]) == (
        "ask",
        "/messages/0/content",
        code,
    )
    assert f"| `{code}` |" in TEXT


@pytest.mark.parametrize(
    ("pointer", "is_there"),
    [("/parsed/headline", True), ("/parsed/points/0", True), ("/parsed/lines", False)],
)
def test_an_answer_is_checked_by_the_schema_of_its_step(
    pointer: str, is_there: bool
) -> None:
    """The manifest of the connector says where it is."""
    reference = {"step": "briefing", "pointer": pointer}
    last = EXAMPLE["steps"][1] | {"bindings": {"/messages/0/content": [reference]}}
    flow = BRIEFING | {"steps": [*BRIEFING["steps"], last]}
    codes = [error["code"] for error in Host(environ={}).validate_flow(flow)]
    assert codes == ([] if is_there else ["no_value"])


def test_the_document_names_every_item_and_option() -> None:
    """So that nothing of a flow is known by its code alone."""
    kinds = [get_args(kind.__annotations__["type"]) for kind in get_args(FlowItem)]
    assert [name for (name,) in kinds if name not in TEXT] == []
    assert [
        name for name in FlowOptions.__annotations__ if f"`{name}`" not in TEXT
    ] == []


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
