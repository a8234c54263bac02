import json
import time
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import ConnectionStore, Host, StepRun, SyncHost
from tests.host.runs.test_run import GOOD, Script
from tests.host.runs.test_streaming import Endless, telling
from tests.host.stage import CONNECTION, TOKEN, changed, in_host, toy_host
from tests.toy.toy import MANIFEST, ToyPlugin

Document = dict[str, Any]
ENVIRON: dict[str, Any] = {"TOY_TOKEN": TOKEN}
GREETING = "schemas/greet.v1.input"


def step(
    id: str,
    action: str = "greet",
    /,
    bindings: Mapping[str, Any] | None = None,
    **input: Any,
) -> Document:
    """A saved step of the toy."""
    return {
        "id": id,
        "connector": "toy",
        "action": action,
        "input": input,
        "bindings": bindings or {},
    }


def flow(*steps: Document) -> Document:
    """A saved flow."""
    return {"flow_version": 1, "steps": list(steps)}


def ref(step: str, pointer: str) -> Document:
    """A reference."""
    return {"step": step, "pointer": pointer}


def free(folder: Path, action: str, schemas: Mapping[str, Any] | None = None) -> Path:
    """A manifest of the toy whose action says nothing about its output."""
    anything = {f"{action}.v1.output": {"type": "object"}}
    return changed(folder, schemas={**anything, **(schemas or {})})


def errors(document: Any, host: Host | None = None) -> list[tuple[Any, str, str]]:
    """What is wrong with a flow, without the words."""
    found = (host or toy_host()).validate_flow(document)
    assert all(isinstance(error["message"], str) and len(error) == 4 for error in found)
    return [
        (error["step"], str(error["pointer"]), str(error["code"])) for error in found
    ]


def run(document: Document, host: Host | None = None, **options: Any) -> Any:
    """What a flow comes to."""
    return in_host(
        host or toy_host(environ=ENVIRON),
        lambda host: host.run_flow(document, **options),
    )


GREET_THEN_COUNT = flow(
    step("one", name="Ada"),
    step("two", "count", {"/text": ["<", ref("one", "/text"), ">"]}),
)


def test_steps_run_in_order_and_take_values_from_those_before() -> None:
    """The flow's document has an envelope for each."""
    done = run(GREET_THEN_COUNT)
    assert (done["flow_version"], done["status"]) == (1, "succeeded")
    assert [one["id"] for one in done["steps"]] == ["one", "two"]
    assert [one["envelope"]["output"] for one in done["steps"]] == [
        {"text": "Hello, Ada!"},
        {"letters": 13},
    ]
    assert [one["envelope"]["version"] for one in done["steps"]] == [2, 1]
    json.dumps(done)


def test_a_stream_tells_of_each_step_and_ends_with_the_flow() -> None:
    """The events are those of the runs, each with its step; the run's id is told before it runs."""

    async def collect(host: Host) -> list[Any]:
        return [item async for item in host.stream_flow(GREET_THEN_COUNT)]

    items = in_host(toy_host(environ=ENVIRON), collect)
    assert [(item["type"], item.get("step")) for item in items] == [
        ("step.started", "one"),
        *[("text.delta", "one")] * 4,
        ("step.finished", "one"),
        ("step.started", "two"),
        ("step.finished", "two"),
        ("flow.finished", None),
    ]
    assert [item["seq"] for item in items[1:5]] == [1, 2, 3, 4]
    assert items[0] == {
        "type": "step.started",
        "step": "one",
        "run_id": items[5]["envelope"]["run_id"],
        "action": "greet",
    }
    assert items[-1] == {"type": "flow.finished", "status": "succeeded"}


def test_a_lone_reference_keeps_its_type_on_the_way() -> None:
    """A number goes where a number is wanted."""
    handler = Script(telling())
    document = flow(
        step("one", "count", text="ab"),
        step("two", "greet", {"/times": [ref("one", "/letters")]}, name="A"),
    )
    assert (
        run(document, toy_host(ToyPlugin(greet=handler), environ=ENVIRON))["status"]
        == "succeeded"
    )
    assert handler.inputs == [{"name": "A", "times": 2}]


def test_a_null_is_left_out_where_the_field_is_optional_and_takes_none(
    tmp_path: Path,
) -> None:
    """Also where the step had a value; a required field refuses it, and one that takes null keeps it."""
    handler = Script(GOOD, GOOD)
    null = ActionResult(output={"letters": 1, "none": None})
    schema = json.loads((MANIFEST.parent / f"{GREETING}.schema.json").read_text())
    schema["properties"]["farewell"]["type"] = ["string", "null"]
    manifest = free(tmp_path, "count", {Path(GREETING).name: schema})
    plugin = ToyPlugin(greet=handler, count=Script(null, null, null))
    host = toy_host(plugin, manifest, environ=ENVIRON)

    def status(target: str, **input: Any) -> Any:
        last = step("two", "greet", {target: [ref("one", "/none")]}, **input)
        return run(flow(step("one", "count", text="a"), last), host)["status"]

    assert status("/tone", name="A", tone="cool", also=[]) == "succeeded"
    assert status("/farewell", name="A") == "succeeded"
    assert status("/name") == "failed"
    assert handler.inputs == [{"name": "A"}, {"name": "A", "farewell": None}]


def test_a_lone_text_goes_where_a_list_is_wanted(tmp_path: Path) -> None:
    """If it is the JSON of one, which is known when the step runs; a literal is read at once."""
    handler = Script(GOOD, GOOD)
    text = ActionResult(output={"letters": 1, "said": '["B", "C"]'})
    plugin = ToyPlugin(greet=handler, count=Script(text))
    host = toy_host(plugin, free(tmp_path, "count"), environ=ENVIRON)
    document = flow(
        step("one", "count", text="a"),
        step("two", "greet", {"/also": [ref("one", "/said")]}, name="A"),
        step("three", "greet", {"/also": ['["D"]']}, name="A"),
    )
    assert run(document, host)["status"] == "succeeded"
    assert [given["also"] for given in handler.inputs] == [["B", "C"], ["D"]]


def test_a_step_that_fails_ends_the_flow() -> None:
    """Its status is the flow's, and no later step runs."""
    later = Script()
    host = toy_host(
        ToyPlugin(
            greet=Script(ConnectorError(ErrorCode.UNSUPPORTED, "No.")), count=later
        ),
        environ=ENVIRON,
    )
    done = run(GREET_THEN_COUNT, host)
    assert done["status"] == "failed"
    assert [one["envelope"]["error"]["code"] for one in done["steps"]] == [
        "unsupported"
    ]
    assert later.contexts == []


def test_what_a_reference_does_not_find_fails_its_step(tmp_path: Path) -> None:
    """At the bound place, before anything is sent, in an envelope like any other."""
    later = Script()
    document = flow(
        step("one", name="Ada"),
        step("two", "count", {"/text": [ref("one", "/pages/0")]}),
    )
    manifest = free(tmp_path, "greet")
    done = run(document, toy_host(ToyPlugin(count=later), manifest, environ=ENVIRON))
    assert done["status"] == "failed"
    envelope = done["steps"][1]["envelope"]
    assert (envelope["connector"], envelope["action"], envelope["version"]) == (
        "toy",
        "count",
        1,
    )
    assert (
        envelope["attempts"],
        envelope["error"]["code"],
        envelope["error"]["effect"],
    ) == (
        0,
        "invalid_input",
        "none",
    )
    assert [
        (field["pointer"], field["code"]) for field in envelope["error"]["fields"]
    ] == [("/text", "no_value")]
    assert later.contexts == []


def test_a_bound_value_is_validated_when_it_is_known() -> None:
    """By the schema and by the connector, as any other."""
    document = flow(
        step("one", name="Ada"),
        step("two", "greet", {"/tone": [ref("one", "/text")]}, name="B"),
    )
    assert errors(document) == []
    error = run(document)["steps"][1]["envelope"]["error"]
    assert [(field["pointer"], field["code"]) for field in error["fields"]] == [
        ("/tone", "enum")
    ]


def test_a_flow_that_is_wrong_is_refused_before_anything_is_sent() -> None:
    """The fields point into the flow."""
    first = Script()
    host = toy_host(ToyPlugin(greet=first), environ=ENVIRON)
    document = flow(
        step("one", name="Ada"), step("two", "count", more=1), step("three", "none")
    )
    with pytest.raises(ConnectorError) as caught:
        run(document, host)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert [(field.pointer, field.code) for field in caught.value.fields] == [
        ("/steps/1/input/more", "unknown_field"),
        ("/steps/1/input/text", "required"),
        ("/steps/2", "not_found"),
    ]
    with pytest.raises(ConnectorError) as caught:
        run({"flow_version": 3}, host)
    assert {(field.pointer, field.code) for field in caught.value.fields} == {
        ("/flow_version", "enum"),
        ("/steps", "required"),
    }
    assert first.contexts == []


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([], [("", "type")]),
        ({}, [("/flow_version", "required"), ("/steps", "required")]),
        (flow() | {"more": 1}, [("/more", "unknown_field")]),
        (flow(step("a") | {"key": "x"}), [("/steps/0/key", "unknown_field")]),
        (
            flow({"id": 1}),
            [
                (f"/steps/0/{name}", "required")
                for name in ("connector", "action", "input")
            ]
            + [("/steps/0/id", "type")],
        ),
        (
            flow(step("a") | {"input": [], "version": "1"}),
            [("/steps/0/version", "type"), ("/steps/0/input", "type")],
        ),
        (flow(step("")), [("/steps/0/id", "minLength")]),
        (flow(step("a"), step("b"), step("a")), [("/steps/2/id", "uniqueItems")]),
        (flow(step("a", bindings={"/b": "x"})), [("/steps/0/bindings/~1b", "type")]),
        (flow(step("a", bindings={"/b": [1]})), [("/steps/0/bindings/~1b/0", "type")]),
        (
            flow(step("a", bindings={"/b": [{"step": "a"}]})),
            [("/steps/0/bindings/~1b/0/pointer", "required")],
        ),
        (flow(step("a", bindings={"b": ["x"]})), [("/steps/0/bindings/b", "format")]),
        (
            flow(step("a", bindings={"/b": [ref("a", "c")]})),
            [("/steps/0/bindings/~1b/0/pointer", "format")],
        ),
    ],
)
def test_a_document_that_is_no_flow_is_pointed_into(
    document: Any, found: list[tuple[str, str]]
) -> None:
    """No step is named."""
    assert sorted(errors(document)) == sorted([(None, *error) for error in found])


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (step("b", "count", text=1), [("/text", "type")]),
        (
            step("b", tone="cool", times=3),
            [("/name", "required"), ("/tone", "conflict"), ("/times", "conflict")],
        ),
        (step("b", "none"), [("", "not_found")]),
        (step("b") | {"connector": "none"}, [("", "not_found")]),
        (step("b", name="A") | {"version": 9}, [("", "not_found")]),
        (step("b", name="A") | {"connection": "Gone"}, [("", "not_found")]),
        (step("b", "count", {"/text": [ref("c", "/x")]}), [("/text", "unknown_step")]),
        (step("b", "count", {"/text": [ref("b", "/x")]}), [("/text", "later_step")]),
        (step("b", "count", {"/text": []}), [("/text", "minItems")]),
        (step("b", "count", {"/text": [ref("a", "/text/0")]}), [("/text", "no_value")]),
        (
            step("b", "count", {"/text": ["x", ref("a", "/text/0")]}),
            [("/text", "no_value")],
        ),
        (
            step("b", "count", {"/text": ["x", ref("a", "/unlisted")]}),
            [("/text", "no_value")],
        ),
        (step("b", "count", {"/text": [ref("a", "/text")]}), []),
        (
            step("b", "count", {"/more": [ref("a", "/text")]}, text="x"),
            [("/more", "unknown_field")],
        ),
        (
            step("b", "count", {"/text/0": [ref("a", "/text")]}, text="x"),
            [("/text/0", "no_place")],
        ),
        (
            step("b", "greet", {"/also/1": [ref("a", "/text")]}, name="A"),
            [("/also/1", "no_place")],
        ),
        (
            step("b", "greet", {"/also" * 5000: ["deep"]}, name="A"),
            [("/also" * 5000, "no_place")],
        ),
        (
            step("b", "greet", {"/times": [ref("a", "/text")]}, name="A"),
            [("/times", "type")],
        ),
        (
            step("b", "greet", {"/times": ["2", ref("a", "/text")]}, name="A"),
            [("/times", "type")],
        ),
        (step("b", "greet", {"/tone": [ref("a", "/text")]}, name="A"), []),
        (step("b", "greet", {"/since": [ref("a", "/text")]}, name="A"), []),
        (step("b", "greet", {"/also": [ref("a", "/text")]}, name="A"), []),
        (
            step("b", "greet", {"/also/1": [ref("a", "/text")]}, name="A", also=["B"]),
            [],
        ),
        (
            step("b", "greet", {"/tone": ["cool"]}, name="A", times=3),
            [("/tone", "conflict"), ("/times", "conflict")],
        ),
        (step("b", "greet", {"/tone": ["icy"]}, name="A"), [("/tone", "enum")]),
        (step("b", "greet", {"/tone": [ref("a", "/text")]}, name="A", times=3), []),
        (
            step("b", "greet", {"/name": [ref("a", "/text")]}, tone="cool", times=3),
            [("/tone", "conflict"), ("/times", "conflict")],
        ),
        (step("b", "count", {"": [ref("a", "")]}), []),
        (step("b", "count", {"": ["text"]}), [("", "type")]),
    ],
)
def test_a_step_is_checked_as_far_as_its_values_are_known(
    wrong: Document, found: list[tuple[str, str]]
) -> None:
    """A bound place counts as filled; what hangs on its value is for the run to say."""
    store = ConnectionStore(Path("/nonexistent"), {})
    host = toy_host(store=store)
    assert sorted(errors(flow(step("a", name="A"), wrong), host)) == sorted(
        [("b", *error) for error in found]
    )


@pytest.mark.parametrize(
    ("bound", "found"),
    [
        (["/also/0", "/also/1"], []),
        (["/also/0"], []),
        ([], ["uniqueItems"]),
        (["/also/0", "/also/1", "/also/2", "/also/3"], ["maxItems"]),
        (["/name", "/since"], ["uniqueItems"]),
    ],
)
def test_bound_items_of_a_list_may_have_different_values(
    tmp_path: Path, bound: list[str], found: list[str]
) -> None:
    """Their number is known, and so are the items that are not bound."""
    schema = json.loads((MANIFEST.parent / f"{GREETING}.schema.json").read_text())
    schema["properties"]["also"] |= {
        "items": {"enum": ["Grace", "Mary"]},
        "uniqueItems": True,
        "maxItems": 3,
    }
    manifest = changed(tmp_path, schemas={Path(GREETING).name: schema})
    host = toy_host(manifest=manifest)
    bindings = {place: [ref("a", "/text")] for place in bound}
    also = [] if "/also/0" in bound else ["Mary", "Mary"]
    wrong = step("b", "greet", bindings, name="A", also=also)
    if "/name" in bound:
        del wrong["input"]["name"]
    codes = [code for _, _, code in errors(flow(step("a", name="A"), wrong), host)]
    assert codes == found


def test_a_later_step_is_no_source() -> None:
    """Nor is one whose action nobody knows looked into."""
    document = flow(
        step("a", "none"),
        step("b", "count", {"/text": [ref("a", "/any")]}),
        step("c", "count", {"/text": [ref("d", "/text")]}),
        step("d", name="A"),
    )
    assert errors(document) == [("a", "", "not_found"), ("c", "/text", "later_step")]


def test_an_empty_flow_is_a_flow() -> None:
    """It succeeds at once."""
    assert errors(flow()) == []
    assert run(flow()) == {"flow_version": 1, "status": "succeeded", "steps": []}


def test_a_step_names_a_stored_connection(tmp_path: Path) -> None:
    """What is given to the flow stands in for it, and then the name is not looked for."""
    handler = Script(telling(), telling())
    host = toy_host(ToyPlugin(greet=handler), store=ConnectionStore(tmp_path, {}))
    host.connections.add("toy", CONNECTION)
    document = flow(step("one", name="A") | {"connection": "Mine"})
    assert errors(document, host) == []
    assert run(document, host)["status"] == "succeeded"
    host.connections.remove("Mine")
    given = {"toy": {"connection_name": "Given", "token": "another"}}
    assert host.validate_flow(document, connections=given) == []
    assert run(document, host, connections=given)["status"] == "succeeded"
    assert [
        str(context.connection["connection_name"]) for context in handler.contexts
    ] == ["Mine", "Given"]


def test_the_timeout_is_that_of_each_step() -> None:
    """It reaches every run."""
    handler: Any = Script(telling())
    run(
        flow(step("one", name="A")),
        toy_host(ToyPlugin(greet=handler), environ=ENVIRON),
        timeout=5,
    )
    assert handler.contexts[0].deadline <= time.monotonic() + 5


def test_checkpoints_come_with_the_run_they_belong_to() -> None:
    """So that it can be resumed by itself; its bindings are filled by then."""
    kept: list[tuple[StepRun, JsonObject]] = []

    async def note(ctx: ActionContext) -> ActionResult:
        await ctx.checkpoint({"at": 1})
        return ActionResult(output={"letters": 1})

    def keep(run: StepRun, state: Any) -> None:
        kept.append((run, state))

    done = run(
        GREET_THEN_COUNT,
        toy_host(ToyPlugin(count=Script(note)), environ=ENVIRON),
        on_checkpoint=keep,
    )
    ((told, state),) = kept
    assert state == {"at": 1}
    assert told.run_id == done["steps"][1]["envelope"]["run_id"]
    assert (told.connector, told.action, told.version, told.connection) == (
        "toy",
        "count",
        1,
        None,
    )
    assert told.input == {"text": "<Hello, Ada!>"}


def test_leaving_a_flow_early_cancels_the_run_under_way() -> None:
    """And waits until it is gone."""
    handler = Endless()

    async def leave(host: Host) -> None:
        async with aclosing(
            host.stream_flow(flow(step("one", name="A"), step("two", name="B")))
        ) as items:
            async for item in items:
                if item["type"] == "text.delta":
                    break
        assert handler.stopped

    in_host(toy_host(ToyPlugin(greet=handler), environ=ENVIRON), leave)


def test_a_step_that_is_stopped_by_its_run_id_ends_the_flow_as_cancelled() -> None:
    """The stream ends as any other: an envelope, then the flow."""
    handler = Endless()

    async def stop(host: Host) -> list[Any]:
        items: Any = []
        async for item in host.stream_flow(
            flow(step("one", name="A"), step("two", name="B"))
        ):
            items.append(item)
            if item["type"] == "text.delta":
                assert host.cancel(items[0]["run_id"])
        return items

    *_, finished, last = in_host(
        toy_host(ToyPlugin(greet=handler), environ=ENVIRON), stop
    )
    assert finished["envelope"]["status"] == "cancelled"
    assert last == {"type": "flow.finished", "status": "cancelled"}


def test_the_blocking_host_runs_flows_too() -> None:
    """Whole, as a stream, and a stream that is left."""
    handler = Endless()
    host = SyncHost(environ=ENVIRON)
    plugin = ToyPlugin()
    host.register(plugin, MANIFEST)
    assert host.validate_flow(GREET_THEN_COUNT) == []
    with host:
        assert host.run_flow(GREET_THEN_COUNT)["status"] == "succeeded"
        assert [item["type"] for item in host.stream_flow(GREET_THEN_COUNT)][
            -1
        ] == "flow.finished"
        plugin.handlers["greet"] = handler
        items = host.stream_flow(GREET_THEN_COUNT)
        assert [next(items)["type"], next(items)["type"]] == [
            "step.started",
            "text.delta",
        ]
        items.close()
        assert handler.stopped


def test_a_schema_that_cannot_be_read_is_said_at_its_step(tmp_path: Path) -> None:
    """One broken connector is no reason to raise."""
    manifest = changed(tmp_path)
    (tmp_path / "schemas" / "greet.v1.output.schema.json").unlink()
    assert errors(GREET_THEN_COUNT, toy_host(manifest=manifest))[0] == (
        "one",
        "",
        "internal",
    )
