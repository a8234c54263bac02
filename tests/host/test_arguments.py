"""A caller without types may give a host anything: it is refused, and nothing is sent."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import ConnectionStore, Host, SyncHost
from tests.host.runs.test_run import Script
from tests.host.stage import CONNECTION, COUNT, GREET, in_host, toy_host
from tests.host.test_sync import sync_host
from tests.toy.toy import MANIFEST, ToyPlugin

HUGE = 10**400
NAMES = [5, [], {}, True, b"toy", object(), "toy\n", "\ud800", "x" * 5000]
NUMBERS = ["1", [], {}, True, 1.0, float("nan"), HUGE, -HUGE, object()]
SECONDS = ["5", [], True, 0, -1, float("nan"), float("inf"), HUGE, -HUGE, object()]
NO_MAPPING = [5, "text", [1], True, object()]
FLOW: dict[str, Any] = {
    "flow_version": 1,
    "steps": [
        {"id": "a", "connector": "toy", "action": "greet", "version": 1}
        | {"connection": "Mine", "input": {"name": "Ada"}}
    ],
}


def cases(**odd: list[Any]) -> list[Any]:
    """Each odd value of each argument."""
    return [
        pytest.param({name: value}, id=f"{name}={str(value)[:20]!r}")
        for name, values in odd.items()
        for value in values
    ]


@pytest.mark.parametrize(
    "odd",
    cases(
        connector=NAMES,
        action=NAMES,
        version=NUMBERS,
        timeout=SECONDS,
        run_id=NAMES,
        resume_from=[5, "r1", [], True, object()],
        on_checkpoint=[5, "keep", [], True],
        input=[None, 5, "text", [], object()],
    ),
)
def test_an_odd_argument_of_a_run_is_refused_in_its_envelope(
    odd: dict[str, Any], validated: Callable[[Any], None], host: Host
) -> None:
    """Which is plain JSON and valid, as any other; the action is not called."""
    call: Any = {"connector": "toy", "action": "greet", "input": {"name": "Ada"}}
    call |= {"connection": CONNECTION, **odd}
    envelope: Any = in_host(host, lambda host: host.run(**call))
    assert envelope["error"]["code"] == ErrorCode.INVALID_INPUT
    assert envelope["attempts"] == 0
    validated(envelope)


@pytest.mark.parametrize("connection", [5, [], True, 1.5, object(), [("token", "x")]])
def test_an_odd_connection_is_not_a_credential(
    connection: Any, validated: Callable[[Any], None], host: Host
) -> None:
    """As any other connection that breaks its form."""
    envelope: Any = in_host(host, lambda host: host.run(*GREET, connection=connection))
    assert envelope["error"]["code"] == ErrorCode.INVALID_CREDENTIALS
    assert envelope["attempts"] == 0
    validated(envelope)


@pytest.fixture(name="host", scope="module")
def made_host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host whose action is never called, with a store of its own."""
    store = ConnectionStore(tmp_path_factory.mktemp("store"), {})
    return toy_host(ToyPlugin(greet=Script(), count=Script()), store=store)


@pytest.fixture(name="validated", scope="module")
def envelope_check() -> Callable[[Any], None]:
    """Compare an envelope with its published schema."""
    import jsonschema_rs  # noqa: PLC0415

    schema = json.loads(
        Path("schemas/envelope.schema.json").read_text(encoding="utf-8")
    )
    validator = jsonschema_rs.validator_for(schema)

    def check(envelope: Any) -> None:
        assert validator.is_valid(json.loads(json.dumps(envelope, allow_nan=False)))
        json.dumps(envelope, ensure_ascii=False).encode()

    return check


QUESTIONS: dict[
    str, tuple[Callable[..., Any], dict[str, Any], dict[str, list[Any]]]
] = {
    "describe": (
        lambda host, **call: host.describe(**call),
        {"connector": "toy", "action": "greet"},
        {"connector": NAMES, "action": NAMES, "version": NUMBERS},
    ),
    "validate": (
        lambda host, **call: host.validate(**call),
        {"connector": "toy", "action": "greet", "input": {}},
        {"connector": NAMES, "action": NAMES, "version": NUMBERS},
    ),
    "options": (
        lambda host, **call: host.options(**call),
        {"connector": "toy", "source": "tones"},
        {
            "connector": NAMES,
            "source": [5, [], None],
            "search": [5, [], None],
            "cursor": [5, [], True],
            "limit": [*NUMBERS, None],
        },
    ),
    "test": (
        lambda host, **call: host.connections.test(**call),
        {"connection": CONNECTION, "connector": "toy"},
        {"connector": NAMES},
    ),
    "add": (
        lambda host, **call: host.connections.add(**call),
        {"connector": "toy", "fields": CONNECTION},
        {"connector": NAMES, "fields": NO_MAPPING},
    ),
    "list": (
        lambda host, **call: host.connections.list(**call),
        {},
        {"connector": [5, [], True]},
    ),
    "rename": (
        lambda host, **call: host.connections.rename(**call),
        {"name": "Mine", "new_name": "Other"},
        {"name": [5, [], None], "new_name": [5, [], None]},
    ),
    "replace_key": (
        lambda host, **call: host.connections.replace_key(**call),
        {"name": "Mine", "fields": {"token": "x"}},
        {"name": [5, [], None], "fields": NO_MAPPING},
    ),
    "remove": (
        lambda host, **call: host.connections.remove(**call),
        {"name": "Mine"},
        {"name": [5, [], None]},
    ),
    "register": (
        lambda host, **call: host.register(**call),
        {"plugin": ToyPlugin(), "manifest": MANIFEST},
        {"manifest": [5, [], None, "connector.yaml"]},
    ),
    "validate_flow": (
        lambda host, **call: host.validate_flow(**call),
        {"flow": FLOW},
        {"connections": [5, [1], "toy", {"toy": 5}]},
    ),
    "run_flow": (
        lambda host, **call: host.run_flow(**call),
        {"flow": FLOW, "connections": {"toy": CONNECTION}},
        {
            "flow": [5, [], None, "flow", object()],
            "connections": [5, [1], "toy", {"toy": 5}],
            "timeout": SECONDS,
            "on_checkpoint": [5, "keep", []],
        },
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_odd_argument_of_another_method_raises_invalid_input(
    question: str, host: Host
) -> None:
    """Each argument of each method, each odd value of it; nothing is asked of a connector."""
    ask, good, odd = QUESTIONS[question]

    async def asked(host: Host, name: str, value: object) -> None:
        found = ask(host, **{**good, name: value})
        if asyncio.iscoroutine(found):
            await found

    async def work(host: Host) -> None:
        for name, values in odd.items():
            for value in values:
                with pytest.raises(ConnectorError) as caught:
                    await asked(host, name, value)
                assert caught.value.code is ErrorCode.INVALID_INPUT, (name, value)

    in_host(host, work)


@pytest.mark.parametrize("kind", [Host, SyncHost])
@pytest.mark.parametrize(
    "odd",
    cases(
        settings=[5, "text", [1], {"toy": 5}],
        environ=[5, "text", []],
        retries=NUMBERS,
        concurrency=NUMBERS,
        connectors=[5, "toy", ["toy", 5], ["toy\n"], object()],
    ),
)
def test_an_odd_choice_of_the_operator_is_refused(kind: Any, odd: Any) -> None:
    """As soon as the host is made."""
    with pytest.raises(ConnectorError) as caught:
        kind(**odd)
    assert caught.value.code is ErrorCode.INVALID_INPUT


def test_the_blocking_host_refuses_the_same() -> None:
    """It is the other host on a thread."""
    with sync_host(ToyPlugin(greet=Script())) as host:
        envelope: Any = host.run(*GREET, connection=CONNECTION, timeout=HUGE)
        assert envelope["error"]["code"] == ErrorCode.INVALID_INPUT
        item: Any
        (item,) = host.stream(*GREET, connection=CONNECTION, version=[])  # type: ignore[arg-type]
        assert item["envelope"]["error"]["code"] == ErrorCode.INVALID_INPUT
        assert not host.cancel([])  # type: ignore[arg-type]


def test_an_option_that_no_flow_has_is_a_type_error(host: Host) -> None:
    """A misspelt keyword is not swallowed."""
    with pytest.raises(TypeError):
        in_host(host, lambda host: host.run_flow(FLOW, time_out=5))  # type: ignore[call-arg]


@pytest.mark.parametrize("timeout", [1, 0.5, 10**300, 1e308])
def test_a_long_time_is_a_time(timeout: float) -> None:
    """Every finite number of seconds is."""
    host = toy_host()
    envelope = in_host(
        host, lambda host: host.run(*COUNT, connection=CONNECTION, timeout=timeout)
    )
    assert envelope["status"] == "succeeded"
