"""Hints: what a connector says about an input that is allowed."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    Hint,
    HintGiver,
    JsonObject,
    hookimpl,
)
from perplexity_connector.host import Host, SyncHost
from tests.host.flows.test_flows import flow, ref, step
from tests.host.stage import CONNECTION, TOKEN, in_host, toy_host
from tests.toy.toy import MANIFEST, Toy, ToyPlugin

COOL = {"name": "Ada", "tone": "cool"}
AT_TONE = [Hint(pointer="/tone", message="Say how often.")]


class Quiet(Toy):
    """A connector that gives no hints: the method is optional."""

    hints: Any = None


class Broken(Toy):
    """A connector whose hints are `given`, or raised."""

    given: Any = None

    def hints(self, action_id: str, version: int, input: JsonObject) -> Sequence[Hint]:
        """Give them, or raise."""
        del action_id, version, input
        if isinstance(self.given, BaseException):
            raise self.given
        hints: Sequence[Hint] = self.given
        return hints


class Plugin:
    """A plugin whose connector is of a kind."""

    def __init__(self, kind: type[Toy]) -> None:
        """Take the kind."""
        self.kind = kind

    @hookimpl
    def load_connector(self, settings: Mapping[str, str]) -> Toy:
        """Load one."""
        return self.kind(settings=settings)


def host_of(kind: type[Toy]) -> Host:
    """A host whose connector is of that kind."""
    return toy_host(Plugin(kind))


def test_a_hint_is_handed_out_by_both_hosts() -> None:
    """Whether they are open or not."""
    blocking = SyncHost(environ={})
    blocking.register(ToyPlugin(), MANIFEST)
    assert toy_host().hints("toy", "greet", COOL) == AT_TONE
    assert blocking.hints("toy", "greet", COOL, version=2) == AT_TONE
    assert toy_host().hints("toy", "greet", {**COOL, "times": 2}) == []


def test_a_hint_is_not_an_error() -> None:
    """The input is valid, and runs."""
    assert toy_host().validate("toy", "greet", COOL) == []
    envelope = in_host(
        toy_host(), lambda host: host.run("toy", "greet", COOL, connection=CONNECTION)
    )
    assert (envelope["status"], len(envelope["warnings"])) == ("succeeded", 1)


def test_an_input_with_errors_has_hints_too() -> None:
    """An author who is still writing may use them."""
    assert toy_host().hints("toy", "greet", {"tone": "cool"}) == AT_TONE


def test_a_connector_gets_the_input_as_a_run_would() -> None:
    """Without the blanks that its schema refuses."""
    assert toy_host().hints("toy", "greet", {**COOL, "times": ""}) == AT_TONE


def test_an_input_of_blanks_is_not_the_empty_input() -> None:
    """The hints for all inputs are not about it."""
    assert toy_host().hints("toy", "greet", {"times": None, "tone": ""}) == []


@pytest.mark.parametrize("input", [None, [], "cool", 5])
def test_an_input_that_is_not_an_object_has_none(input: Any) -> None:
    """The connector is not asked."""
    assert toy_host().hints("toy", "greet", input) == []


def test_an_unknown_action_is_an_error() -> None:
    """As it is for `validate`."""
    with pytest.raises(ConnectorError) as caught:
        toy_host().hints("toy", "great", {})
    assert caught.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    "given",
    [
        RuntimeError(TOKEN),
        SystemExit(TOKEN),
        ConnectorError(ErrorCode.UNSUPPORTED, TOKEN),
        None,
        [None],
        [{"pointer": "/tone", "message": TOKEN}],
        [FieldError(pointer="/tone", code="x", message=TOKEN)],
        [Hint(pointer="/tone", message=5)],  # type: ignore[arg-type] # a plugin may be wrong
    ],
)
def test_a_giver_that_fails_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    """No hints, one line in the log that names the connector, and nothing of its own text."""
    monkeypatch.setattr(Broken, "given", given)
    with caplog.at_level(logging.WARNING, "automation_host"):
        assert host_of(Broken).hints("toy", "greet", COOL) == []
    (line,) = caplog.messages
    assert "toy" in line
    assert TOKEN not in line


def test_a_hint_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """No code of a plugin runs when a host reads it."""

    class Text(str):
        __slots__ = ()

    wrapped = [Hint(pointer=Text("/tone"), message=Text("Say how often."))]
    monkeypatch.setattr(Broken, "given", wrapped)
    (hint,) = host_of(Broken).hints("toy", "greet", COOL)
    assert (type(hint.pointer), type(hint.message)) == (str, str)


def test_the_protocol_is_optional(caplog: pytest.LogCaptureFixture) -> None:
    """A connector without it gives none, and that is not a failure."""
    assert isinstance(Toy(settings={}), HintGiver)
    assert not isinstance(Quiet(settings={}), HintGiver)
    assert host_of(Quiet).hints("toy", "greet", COOL) == []
    assert caplog.messages == []


def hinted(document: Any) -> list[tuple[str, str]]:
    """The steps and places of the hints about a flow. Both hosts give the same."""
    found = toy_host().flow_hints(document)
    blocking = SyncHost(environ={})
    blocking.register(ToyPlugin(), MANIFEST)
    assert blocking.flow_hints(document) == found
    return [(hint["step"], hint["pointer"]) for hint in found]


def test_a_flow_has_the_hints_of_its_steps() -> None:
    """Each names its step."""
    document = flow(step("one", name="Bob"), step("two", tone="cool"))
    assert hinted(document) == [("two", "/tone")]


def test_a_bound_field_counts_as_filled() -> None:
    """Its value is not known yet, so a hint that depends on it is not given."""
    length = ref("one", "/letters")
    first = step("one", "count", text="abc")
    times = {"/times": [length]}
    assert hinted(flow(first, step("two", "greet", times, **COOL))) == []
    tone = {"/tone": [length]}
    assert hinted(flow(first, step("two", "greet", tone, name="Bob"))) == []


def test_a_step_that_is_not_filled_in_has_no_hints() -> None:
    """Those for an empty input are about all inputs."""
    assert toy_host().hints("toy", "greet", {}) != []
    assert hinted(flow(step("one"))) == []


def test_a_flow_that_cannot_be_read_has_no_hints() -> None:
    """It has errors instead; so has a step of an unknown action."""
    assert hinted({"flow_version": 1}) == []
    assert hinted(flow(step("one", "great", tone="cool"))) == []
    assert hinted(flow(step("a", tone="cool"), step("a", tone="cool"))) == []
