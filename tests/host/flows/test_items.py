"""A step with `each` runs once for each item of a list."""

import asyncio
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
    RunWarning,
)
from perplexity_connector.host import Host
from tests.host.flows.stage import (
    PEOPLE,
    Theatre,
    each,
    failing,
    flow,
    kinds,
    ref,
    step,
)

PEOPLE_OR_ANY = {"type": "object", "properties": {"people": {}}}
FIVE = ["Ada", "Bo", "Cy", "Di", "Ed"]


def greetings(*steps: Any, **more: Any) -> Any:
    """A flow that greets each person of its inputs."""
    return flow(each(**more), *steps, inputs=PEOPLE)


def test_each_item_has_a_run_and_the_outputs_keep_their_places(
    theatre: Theatre,
) -> None:
    """Four run at once; usage and attempts are those of all."""
    done = theatre.run(greetings(), inputs={"people": FIVE})
    (envelope,) = [one["envelope"] for one in done["steps"]]
    assert done["status"] == envelope["status"] == "succeeded"
    texts = [{"text": f"Hello, {name}"} for name in FIVE]
    assert envelope["output"] == {"items": texts, "failed": []}
    assert sorted(theatre.sent) == FIVE
    assert theatre.most == 4
    assert envelope["attempts"] == 5
    assert envelope["usage"] == {"cost": {"currency": "USD", "total_cost": 0.5}}


def test_the_stream_has_the_start_and_the_end_of_each_item(theatre: Theatre) -> None:
    """Its events say which item they are of."""
    items = theatre.stream(greetings(), inputs={"people": ["Ada", "Bo"]})
    assert kinds(items) == [
        "flow.started",
        "step.started",
        "item.started",
        "item.started",
        "item.finished",
        "item.finished",
        "step.finished",
        "flow.finished",
    ]
    assert items[0]["kept"] == []
    assert items[1]["items"] == 2
    events = [item for item in items if item["type"] == "text.delta"]
    assert {(one["step"], one["item"], one["text"]) for one in events} == {
        ("greet", 0, "Ada"),
        ("greet", 1, "Bo"),
    }
    started = {
        one["index"]: one["run_id"] for one in items if one["type"] == "item.started"
    }
    ended = [one for one in items if one["type"] == "item.finished"]
    assert {one["index"]: one["envelope"]["run_id"] for one in ended} == started


def test_an_empty_list_succeeds_without_a_run(theatre: Theatre) -> None:
    """A later step may use its output."""
    last = step("last", "count", bindings={"/text": ["=", ref("greet", "/items")]})
    done = theatre.run(greetings(last), inputs={"people": []})
    assert done["status"] == "succeeded"
    assert done["steps"][0]["envelope"]["output"] == {"items": [], "failed": []}
    assert theatre.sent == ["=[]"]


@pytest.mark.parametrize("people", [[str(number) for number in range(21)], None])
def test_a_list_that_is_too_long_or_missing_fails_before_anything_is_sent(
    theatre: Theatre, people: Any
) -> None:
    """20 items are the most, if the step does not say another number."""
    inputs = {} if people is None else {"people": people}
    lasting = flow(each() | {"on_failure": "continue"}, inputs=PEOPLE)
    done = theatre.run(lasting, inputs=inputs)
    error = done["steps"][0]["envelope"]["error"]
    assert done["status"] == "succeeded"
    assert (error["code"], error["effect"]) == ("invalid_input", "none")
    assert theatre.sent == []


@pytest.mark.parametrize(
    ("people", "pointer"),
    [
        (["x"] * 21, "/steps/1/each/input"),
        ("Ada", "/steps/1/each/input"),
        (["Ada", {}], "/steps/1/input/name"),
    ],
)
def test_a_known_list_that_cannot_be_used_is_found_before_the_first_step(
    theatre: Theatre, people: Any, pointer: str
) -> None:
    """An earlier step would be paid for nothing."""
    document = flow(step("one", name="Ada"), each(), inputs=PEOPLE_OR_ANY)
    with pytest.raises(ConnectorError) as caught:
        theatre.run(document, inputs={"people": people})
    assert [field.pointer for field in caught.value.fields] == [pointer]
    assert theatre.sent == []


@pytest.mark.parametrize("lasting", [{"on_failure": "continue"}, {}])
def test_a_known_item_that_fails_is_left_to_a_flow_that_goes_on(
    theatre: Theatre, lasting: Any
) -> None:
    """Of the step, or of its items. Only a step whose items all fail is refused."""
    greet = each(**lasting) if lasting else each() | {"on_failure": "continue"}
    document = flow(greet, inputs=PEOPLE_OR_ANY)
    done = theatre.run(document, inputs={"people": ["Ada", {}]})
    assert (done["status"], theatre.sent) == ("succeeded", ["Ada"])
    with pytest.raises(ConnectorError):
        theatre.run(document, inputs={"people": [{}, {}]})


def test_the_first_item_that_fails_ends_the_step(theatre: Theatre) -> None:
    """Those under way end first, no further one begins, and the partial output has all of them."""
    theatre.fates["Ada"] = failing()
    names = [*FIVE, "Flo", "Gus", "Hal", "Ina"]
    done = theatre.run(greetings(), inputs={"people": names})
    envelope = done["steps"][0]["envelope"]
    assert done["status"] == envelope["status"] == "failed"
    assert envelope["error"]["code"] == "unsupported"
    assert len(theatre.sent) < len(names)
    partial = envelope["partial"]
    assert partial == envelope["error"]["partial"]
    assert partial["items"][:2] == [None, {"text": "Hello, Bo"}]
    assert partial["items"][-1] is None
    assert [(one["index"], one["error"]["code"]) for one in partial["failed"]] == [
        (0, "unsupported")
    ]


def test_the_step_has_the_error_of_the_item_that_failed_first(theatre: Theatre) -> None:
    """One that is under way then may fail too."""
    has_ended = asyncio.Event()

    async def fail_later(input: JsonObject, ctx: ActionContext) -> ActionResult:
        await has_ended.wait()
        return await failing(ErrorCode.NOT_FOUND)(input, ctx)

    async def run(host: Host) -> list[Any]:
        items = []
        stream = host.stream_flow(greetings(), inputs={"people": ["Ada", "Bo"]})
        async for item in stream:
            items.append(item)
            if item["type"] == "item.finished":
                has_ended.set()
        return items

    theatre.fates |= {"Ada": failing(), "Bo": fail_later}
    *_, finished, _ = theatre.inside(run)
    error = finished["envelope"]["error"]
    assert error["code"] == "unsupported"
    codes = [one["error"]["code"] for one in error["partial"]["failed"]]
    assert codes == ["unsupported", "not_found"]


def test_the_others_go_on_if_the_step_says_so(theatre: Theatre) -> None:
    """The place of the item that failed has null, and the list of failures its error."""
    theatre.fates["Bo"] = failing()
    names = [*FIVE, 7]
    done = theatre.run(greetings(on_failure="continue"), inputs={"people": names})
    output = done["steps"][0]["envelope"]["output"]
    assert done["status"] == "succeeded"
    assert [item and item["text"] for item in output["items"]] == [
        "Hello, Ada",
        None,
        "Hello, Cy",
        "Hello, Di",
        "Hello, Ed",
        None,
    ]
    assert [(one["index"], one["error"]["code"]) for one in output["failed"]] == [
        (1, "unsupported"),
        (5, "invalid_input"),
    ]


def test_the_warnings_of_the_items_are_joined(theatre: Theatre) -> None:
    """Each is there once, and a usage that no sum has keeps its first value."""

    async def warn(input: JsonObject, _: ActionContext) -> ActionResult:
        return ActionResult(
            output={"text": ""},
            usage={"words": 2, "kind": input["name"], str(input["name"]): True},
            warnings=[RunWarning(code="polite", message="It was polite.")],
        )

    theatre.fates |= {"Ada": warn, "Bo": warn}
    done = theatre.run(greetings(), inputs={"people": ["Ada", "Bo"]})
    envelope = done["steps"][0]["envelope"]
    assert [warning["code"] for warning in envelope["warnings"]] == ["polite"]
    assert envelope["usage"] == {"words": 4, "kind": "Ada", "Ada": True, "Bo": True}


def test_to_stop_the_step_stops_all_its_items(theatre: Theatre) -> None:
    """By the step's run id, or that of the flow; and the flow ends as cancelled."""
    for id_of in ("step", "flow"):
        theatre.sent.clear()

        async def stop(host: Host, which: str = id_of) -> list[Any]:
            ids = {}
            items = []
            async for item in host.stream_flow(
                greetings(on_failure="continue"), inputs={"people": FIVE}
            ):
                items.append(item)
                if item["type"] == "flow.started":
                    ids["flow"] = item["flow_id"]
                if item["type"] == "step.started":
                    ids["step"] = item["run_id"]
                if item["type"] == "text.delta":
                    assert host.cancel(ids[which])
            assert not host.cancel(ids[which])
            return items

        theatre.fates = dict.fromkeys(FIVE, _wait)
        *_, finished, last = theatre.inside(stop)
        assert last == {"type": "flow.finished", "status": "cancelled"}
        assert finished["envelope"]["status"] == "cancelled"
        assert "Ed" not in theatre.sent


async def _wait(_: JsonObject, ctx: ActionContext) -> ActionResult:
    """Wait until the run is stopped."""
    await asyncio.Event().wait()
    raise AssertionError(ErrorCode.INTERNAL, ctx)


@pytest.mark.parametrize("document", [greetings(), flow(step("one", name="Ada"))])
def test_a_step_that_is_stopped_before_its_run_sends_nothing(
    theatre: Theatre, document: Any
) -> None:
    """By the run id that its first item has."""

    async def stop(host: Host) -> list[Any]:
        items = []
        async for item in host.stream_flow(document, inputs=inputs):
            items.append(item)
            if item["type"] == "step.started":
                assert host.cancel(item["run_id"])
        return items

    inputs: Any = {"people": FIVE} if "inputs" in document else {}
    *_, finished, last = theatre.inside(stop)
    assert (finished["envelope"]["status"], last["status"]) == ("cancelled",) * 2
    assert theatre.sent == []


def test_an_error_of_the_host_ends_the_flow_as_it_ends_a_run(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not hidden among those of the other items."""

    async def break_off(*_: Any, **__: Any) -> Any:
        message = "the host is not open"
        raise RuntimeError(message)

    monkeypatch.setattr("perplexity_connector.host.runs.runs.Runs.run", break_off)
    with pytest.raises(RuntimeError):
        theatre.run(greetings(), inputs={"people": FIVE}, flow_id=f"flow_{'0' * 32}")
    assert theatre.known(f"flow_{'0' * 32}").status is None


def test_a_known_input_of_any_type_that_is_not_a_list_is_found_before_anything_is_sent(
    theatre: Theatre,
) -> None:
    """Its schema allows both, but its value is known when the flow starts."""
    plucked: Any = [{"input": "/people", "pluck": "/name", "join": ", "}]
    document = flow(step("one", bindings={"/name": plucked}), inputs=PEOPLE_OR_ANY)
    with pytest.raises(ConnectorError) as caught:
        theatre.run(document, inputs={"people": "Ada"})
    assert [each.code for each in caught.value.fields] == ["no_list"]
    assert not theatre.sent
