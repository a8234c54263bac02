"""A part of a flow runs with kept outputs; a step that fails need not end the flow."""

from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Host
from perplexity_connector.host.ledger.flow_entries import NewFlow
from tests.host.flows.stage import (
    PEOPLE,
    Theatre,
    each,
    every,
    failing,
    flow,
    kinds,
    ref,
    step,
)

FIRST = step("one", name="Ada")
SECOND = step("two", bindings={"/name": [ref("one")]})
THIRD = step("three", "count", bindings={"/text": [ref("two")]})
THREE = flow(FIRST, SECOND, THIRD)
GIVEN = {"one": {"text": "Bo"}, "two": {"text": "Cy"}}


def ids(done: Any) -> list[str]:
    """The steps that have run."""
    return [one["id"] for one in done["steps"]]


def refused(theatre: Theatre, document: Any, **options: Any) -> ConnectorError:
    """The error of a flow that is refused before anything is sent."""
    with pytest.raises(ConnectorError) as caught:
        theatre.run(document, **options)
    assert theatre.sent == []
    return caught.value


def test_only_one_step_runs_with_a_given_output(theatre: Theatre) -> None:
    """The steps before it are not even checked, and those after it do not run."""
    broken = flow(step("one", "none"), SECOND, THIRD)
    for document in (THREE, broken):
        theatre.sent.clear()
        done = theatre.run(document, only="two", outputs=GIVEN)
        assert (done["status"], ids(done)) == ("succeeded", ["two"])
        assert done["kept"] == [{"step": "one", "stale": False}]
        assert (theatre.sent, done["skipped"]) == (["Bo"], [])
        assert done["flow_id"].startswith("flow_")


def test_a_flow_runs_from_a_step_on(theatre: Theatre) -> None:
    """A step after it takes its new output."""
    done = theatre.run(THREE, from_step="two", outputs=GIVEN)
    assert ids(done) == ["two", "three"]
    assert theatre.sent == ["Bo", "Hello, Bo"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"only": "two"}, ["no_output"]),
        ({"from_step": "three", "outputs": {"one": {"text": "Bo"}}}, ["no_output"]),
        ({"only": "tow"}, None),
        ({"only": "two", "from_step": "two"}, None),
        ({"only": 1}, None),
        ({"flow_id": "mine"}, None),
        ({"source": 1}, None),
        ({"outputs": []}, None),
        ({"inputs": []}, None),
        ({"only": "two", "outputs": {"one": object()}}, None),
    ],
)
def test_a_part_that_cannot_run_is_refused(
    theatre: Theatre, options: Any, found: Any
) -> None:
    """Before anything is sent; a missing output at the field that needs it."""
    error = refused(theatre, THREE, **options)
    assert error.code is ErrorCode.INVALID_INPUT
    if found is not None:
        assert [field.code for field in error.fields] == found


def test_the_inputs_of_a_flow_are_checked_first(theatre: Theatre) -> None:
    """Their errors lead into the inputs."""
    error = refused(theatre, flow(each(), inputs=PEOPLE), inputs={"peple": []})
    assert error.code is ErrorCode.INVALID_INPUT
    assert [field.pointer for field in error.fields] == ["/peple"]


def test_the_outputs_of_a_recorded_flow_are_used_and_copied(theatre: Theatre) -> None:
    """So the new run can be used in the same way, and its own steps too."""
    first = theatre.run(THREE)
    theatre.sent.clear()
    second = theatre.run(THREE, only="two", outputs=first["flow_id"])
    third = theatre.run(THREE, from_step="three", outputs=second["flow_id"])
    assert theatre.sent == ["Hello, Ada", "Hello, Hello, Ada"]
    assert third["kept"] == [{"step": "two", "stale": False}]
    known = theatre.known(third["flow_id"])
    assert [(one.step, one.state, one.kept_from) for one in known.steps] == [
        ("one", "kept", first["flow_id"]),
        ("two", "kept", second["flow_id"]),
        ("three", "done", None),
    ]
    assert known.part == {"from_step": "three"}


def test_a_kept_output_is_stale_once_its_step_has_changed(theatre: Theatre) -> None:
    """It is used all the same; and so are those that were made of it, in a later run too."""
    first = theatre.run(THREE)
    changed = flow(step("one", name="Eve"), SECOND, THIRD)
    stale = {"step": "two", "stale": True}
    for flow_id in (
        first["flow_id"],
        theatre.run(changed, only="two", outputs=first["flow_id"])["flow_id"],
    ):
        options = {"only": "three", "outputs": flow_id}
        kept = theatre.inside(lambda host: host.kept_steps(changed, **options))  # noqa: B023 - called at once
        assert kept == [stale]
        assert theatre.run(changed, **options)["kept"] == [stale]
    kept = theatre.inside(
        lambda host: host.kept_steps(THREE, only="three", outputs=first["flow_id"])
    )
    assert kept == [{"step": "two", "stale": False}]


def test_what_is_not_known_counts_as_stale(theatre: Theatre) -> None:
    """If the first flow was forgotten, or cannot be read any more."""
    first = theatre.run(THREE)
    second = theatre.run(THREE, only="two", outputs=first["flow_id"])
    theatre.ledger.forget(first["flow_id"]).result()
    done = theatre.run(THREE, from_step="two", outputs=second["flow_id"])
    assert done["kept"] == [{"step": "one", "stale": True}]
    unreadable = f"flow_{'9' * 32}"
    ledger = theatre.ledger
    ledger.begin_flow(NewFlow(flow_id=unreadable, document={})).result()
    ledger.keep_steps(unreadable, None, [("one", {"output": {"text": "Bo"}})]).result()
    done = theatre.run(THREE, from_step="two", outputs=unreadable)
    assert done["kept"] == [{"step": "one", "stale": True}]


def test_a_flow_that_is_not_known_has_no_outputs(theatre: Theatre) -> None:
    """Nor has one whose content was erased; and a host without a ledger has none at all."""
    options: Any = {"only": "two", "outputs": f"flow_{'0' * 32}"}
    assert refused(theatre, THREE, **options).code is ErrorCode.NOT_FOUND
    done = theatre.run(THREE)
    theatre.ledger.forget(done["flow_id"]).result()
    theatre.sent.clear()
    options["outputs"] = done["flow_id"]
    assert refused(theatre, THREE, **options).code is ErrorCode.NOT_FOUND
    with pytest.raises(ConnectorError) as caught:
        theatre.inside(lambda host: host.run_flow(THREE, **options), ledger=None)
    assert caught.value.code is ErrorCode.UNSUPPORTED


def test_outputs_can_be_given_without_a_ledger(theatre: Theatre) -> None:
    """As a mapping."""
    done: Any = theatre.inside(
        lambda host: host.run_flow(THREE, only="two", outputs=GIVEN), ledger=None
    )
    assert (done["status"], ids(done)) == ("succeeded", ["two"])


def test_the_price_is_that_of_the_part(theatre: Theatre) -> None:
    """Each item counts, and the most there may be where the list is not known."""

    def worst(document: Any, **options: Any) -> float:
        price: Any = theatre.inside(lambda host: host.flow_price(document, **options))
        return float(price["worst"])

    one = worst(THREE, only="one")
    assert worst(THREE) > one > 0
    names = flow(each(max=7), inputs=PEOPLE)
    assert worst(names, inputs={"people": ["Ada", "Bo"]}) == 2 * one
    without: Any = theatre.inside(
        lambda host: host.flow_price(THREE, only="one"), ledger=None
    )
    assert without["worst"] == one
    assert theatre.sent == []


def test_a_flow_goes_on_after_a_failure_if_its_step_says_so(theatre: Theatre) -> None:
    """What takes a value of it is skipped, and so on, unless there is a default."""
    theatre.fates["Ada"] = failing()
    document = flow(
        step("one", name="Ada", on_failure="continue"),
        SECOND,
        THIRD,
        step("four", bindings={"/name": [ref("two", default="Di")]}),
        step("five", name="Ed"),
    )
    items = theatre.stream(document)
    assert kinds(items) == [
        "flow.started",
        "step.started",
        "step.finished",
        "step.skipped",
        "step.skipped",
        *["step.started", "step.finished"] * 2,
        "flow.finished",
    ]
    assert [
        (item["step"], item["missing"])
        for item in items
        if item["type"] == "step.skipped"
    ] == [("two", "one"), ("three", "two")]
    assert items[-1]["status"] == "succeeded"
    assert theatre.sent == ["Ada", "Di", "Ed"]
    done = theatre.run(document)
    assert (done["skipped"], ids(done)) == (["two", "three"], ["one", "four", "five"])
    states = {one.step: one.state for one in theatre.known(done["flow_id"]).steps}
    assert states == {
        "one": "failed",
        "two": "skipped",
        "three": "skipped",
        "four": "done",
        "five": "done",
    }


def test_a_step_that_is_stopped_ends_the_flow_in_any_case(theatre: Theatre) -> None:
    """Also where the flow goes on after a failure, and between two steps."""
    document = flow(
        step("one", name="Ada", on_failure="continue"), step("two", name="Bo")
    )
    for moment in ("text.delta", "step.started", "step.finished", "flow.started"):
        theatre.sent.clear()

        async def stop(host: Host, moment: str = moment) -> list[Any]:
            items: list[Any] = []
            async for item in host.stream_flow(document):
                items.append(item)
                if item["type"] == moment and len(theatre.sent) < 2:
                    assert host.cancel(items[0]["flow_id"])
            return items

        items = theatre.inside(stop)
        assert items[-1] == {"type": "flow.finished", "status": "cancelled"}
        assert "Bo" not in theatre.sent
        assert theatre.known(items[0]["flow_id"]).status == "cancelled"


def test_the_stream_of_a_part_begins_with_the_id_of_the_flow(theatre: Theatre) -> None:
    """Also in version 1, whose streams are as before otherwise."""
    old = {"flow_version": 1, "steps": THREE["steps"]}
    first = theatre.stream(old, only="one", flow_id=f"flow_{'1' * 32}")[0]
    assert first == {"type": "flow.started", "flow_id": f"flow_{'1' * 32}", "kept": []}
    assert kinds(theatre.stream(old))[0] == "step.started"

    async def work(host: Host) -> list[Any]:
        return await every(host.stream_flow(old, outputs=GIVEN))

    assert theatre.inside(work)[0]["kept"] == []
