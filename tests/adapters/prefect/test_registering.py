"""What Prefect's server gets to know: blocks, parameters, deployments, one automation."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect.utilities.schema_tools.validation import ValidationError, validate
from pydantic import SecretStr

from perplexity_connector.adapters.prefect import (
    blocks,
    flows,
    parameters,
    setup,
    store,
)
from perplexity_connector.adapters.prefect.actions import flow_of
from perplexity_connector.adapters.prefect.chunks import begin_chunks, look_at
from perplexity_connector.adapters.prefect.server import is_cancelling, put_artifact
from perplexity_connector.contract import ConnectorError, ErrorCode, Secret
from perplexity_connector.host import Host
from tests.adapters.prefect.fake_server import FakeServer

KEY = "pplx-sentinel-key"
NULL = {"type": "null"}
ACTIONS = ("create_chat_completion", "execute_search")


@cache
def described(action: str = "execute_search") -> Any:
    """Return the description of an action."""
    return Host().describe("perplexity", action)


# Blocks.


def test_a_block_has_the_fields_of_the_connection_but_its_name() -> None:
    """The name is the block's own."""
    block = blocks.BLOCKS["perplexity"]
    assert block is blocks.PerplexityCredentials
    assert list(block.model_fields) == ["api_key"]
    assert block.get_block_type_slug() == "perplexity-credentials"
    kind = block._to_block_type()
    assert str(kind.documentation_url).startswith("https://docs.perplexity.ai")
    assert kind.logo_url
    assert kind.description


def test_a_block_shows_its_key_to_nobody() -> None:
    """Neither its repr nor its JSON has it."""
    block = blocks.PerplexityCredentials(api_key=KEY)
    assert KEY not in repr(block) + str(block) + block.model_dump_json()


def test_a_field_that_is_not_required_may_be_missing() -> None:
    """And a secret one is a secret all the same."""
    about = copy.deepcopy(described())
    about["connector"] |= {"id": "my-toy", "links": {}}
    about["schemas"]["connection"] = {
        "properties": {
            "token": {"type": "string", "writeOnly": True},
            "region": {"type": "string"},
        }
    }
    block = blocks.block_of(about)
    assert block.__name__ == "MyToyCredentials"
    assert block(token="t").model_dump()["region"] is None
    assert blocks.secrets_of(block) == {"token"}
    assert block._to_block_type().logo_url is None


def test_a_connector_that_cannot_be_described_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others work, and the log says why."""

    def fail(*_: object) -> None:
        raise ConnectorError(ErrorCode.INTERNAL, "No schema.")

    monkeypatch.setattr(Host, "describe", fail)
    assert dict(blocks._described()) == {}
    assert dict(flows._action_flows()) == {}
    assert "perplexity_execute_search" in caplog.text


# Stored connections.


def test_a_saved_block_is_a_connection_of_its_name(fake: FakeServer) -> None:
    """Its key is in its fields alone."""
    fake.save("my-account", api_key=KEY)
    host = Host(store=store.BlockStore())
    (known,) = host.connections.list()
    assert (known["connection_name"], known["connector"]) == (
        "my-account",
        "perplexity",
    )
    (stored,) = store.BlockStore().read()
    assert stored.fields == {"api_key": KEY, "connection_name": "my-account"}
    assert KEY not in repr(stored) + str(known)


def test_without_a_saved_block_there_is_no_connection() -> None:
    """The server does not know the type before."""
    assert Host(store=store.BlockStore()).connections.list() == []


def test_a_copy_of_the_connections_is_used_for_a_while(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows do not wait for the server: the copy is renewed beside them."""
    kept = store.BlockStore()
    assert not kept.read()
    fake.save("my-account", api_key=KEY)
    assert not kept.read()
    monkeypatch.setattr(kept, "_until", 0)
    monkeypatch.setattr(store, "Thread", _Now)
    kept.read()
    assert [one.name for one in kept.read()] == ["my-account"]


def test_while_the_server_is_away_the_copy_stays(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first look needs it."""
    fake.save("my-account", api_key=KEY)
    kept = store.BlockStore()
    assert kept.read()
    fake.is_away = True
    monkeypatch.setattr(kept, "_until", 0)
    monkeypatch.setattr(store, "Thread", _Now)
    assert kept.read()
    with pytest.raises(ConnectorError) as failed:
        Host(store=store.BlockStore()).connections.list()
    assert failed.value.code is ErrorCode.UNAVAILABLE


class _Now:
    """A thread that runs at once."""

    def __init__(self, *, target: Callable[[], None], daemon: bool) -> None:
        assert daemon
        self.start = target


def test_a_host_changes_no_block() -> None:
    """Prefect's page does."""
    host = Host(store=store.BlockStore())
    with pytest.raises(ConnectorError) as refused:
        host.connections.add("perplexity", {"connection_name": "a", "api_key": KEY})
    assert refused.value.code is ErrorCode.UNSUPPORTED


# Parameters.


@cache
def closed(action: str) -> Any:
    """Return the schema that the server gets."""
    return setup._fields_of(flow_of("perplexity", action), "p", {}, ())[
        "parameter_openapi_schema"
    ]


@pytest.mark.parametrize("action", ACTIONS)
def test_the_parameters_are_our_schema_but_for_nulls(action: str) -> None:
    """Prefect posts null for a field that is not filled in."""
    ours = described(action)["schemas"]["input"]
    shown = closed(action)["properties"]
    assert list(shown) == [*ours["properties"], "connection"]
    for name, field_schema in ours["properties"].items():
        given = dict(shown[name])
        del given["position"]
        is_nullable = name not in ours["required"] and "default" not in field_schema
        if not is_nullable:
            # Prefect labels a field with the name of its parameter.
            assert {**field_schema, "title": name} == given
            continue
        assert given["anyOf"] == [field_schema, NULL]
        assert given["description"] == field_schema["description"]


@pytest.mark.parametrize("action", ACTIONS)
def test_the_servers_own_check_takes_our_examples(action: str) -> None:
    """As they are, and with nulls and a connection."""
    about = described(action)
    for example in about["examples"]:
        nothing = dict.fromkeys(about["schemas"]["input"]["properties"])
        required = about["schemas"]["input"]["required"]
        defaults = {
            name
            for name, one in about["schemas"]["input"]["properties"].items()
            if "default" in one
        }
        blank = {
            name: value
            for name, value in nothing.items()
            if name not in {*required, *defaults}
        }
        for given in (example, {**blank, **example, "connection": "my-account"}):
            assert validate(given, closed(action), raise_on_error=True) == []


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"query": 3},
        {"query": "moon", "max_results": 0},
        {"query": "moon", "unknown": 1},
        {"query": "moon", "connection": 3},
        {"query": "moon", "connection": {"api_key": KEY}},
        {"query": "moon", "connection": {"$ref": 3}},
    ],
)
def test_the_servers_own_check_refuses_bad_input_and_keys(bad: Any) -> None:
    """Before a run exists."""
    with pytest.raises(ValidationError):
        validate(bad, closed("execute_search"), raise_on_error=True)


def test_fields_that_are_not_filled_in_are_no_input() -> None:
    """The host would refuse a null."""
    values = {"query": "moon", "max_results": None, "connection": "a"}
    assert parameters.input_of(values) == {"query": "moon"}


def test_a_connection_is_a_saved_block_or_its_name(fake: FakeServer) -> None:
    """However it is given, the run gets the name."""
    document = fake.save("my-account", api_key=KEY)
    saved = blocks.PerplexityCredentials(api_key=KEY)
    saved._block_document_name = "my-account"
    for given in (
        "my-account",
        saved,
        {"$ref": document},
        {"$ref": {"block_document_id": document}},
    ):
        assert parameters.connection_of(given) == "my-account"
    assert parameters.connection_of(None) is None


def test_a_block_that_is_not_saved_gives_its_fields() -> None:
    """A flow's author may make one; its secret stays one."""

    @dataclass
    class Odd:
        number: int = field(default=3)

    class Toy(Block):
        api_key: SecretStr
        region: str = "eu"
        odd: Any = None

    given = parameters.connection_of(Toy(api_key=SecretStr(KEY), odd=Odd()))
    assert isinstance(given, dict)
    assert given.keys() == {"api_key", "region"}
    assert isinstance(given["api_key"], Secret)


# Set-up.


def test_setup_makes_all_that_a_server_needs(fake: FakeServer) -> None:
    """Each entrypoint leads to a flow."""
    made = setup.set_up()
    assert list(fake.pools) == [made.pool] == ["perplexity"]
    assert set(fake.deployments) == set(made.deployments)
    assert len(made.deployments) == 3
    assert list(fake.automations) == [made.automation]
    for one in fake.deployments.values():
        assert one.job_variables["env"][setup._BEAT]
        assert one.parameter_openapi_schema["additionalProperties"] is False
        module, _, name = one.entrypoint.rpartition(".")
        assert hasattr(__import__(module, fromlist=[name]), name)


def test_setup_again_keeps_what_the_operator_changed(fake: FakeServer) -> None:
    """It changes neither ids nor schedules."""
    setup.set_up("mine")
    changed = fake.deployments["execute_search/perplexity"]
    changed.tags = ["nightly"]
    changed.job_variables = {"env": {"A": "b", setup._BEAT: "60"}, "working_dir": "/x"}
    changed.schedules = ["daily"]
    before = {name: one.id for name, one in fake.deployments.items()}
    setup.set_up("mine")
    assert {name: one.id for name, one in fake.deployments.items()} == before
    assert changed.job_variables == {
        "env": {"A": "b", setup._BEAT: "60"},
        "working_dir": "/x",
    }
    assert set(changed.tags) == {"nightly", setup.TAG}
    assert changed.schedules == ["daily"]
    changed.job_variables = None
    setup.set_up("mine")
    assert list(changed.job_variables["env"]) == [setup._BEAT]


def test_the_automation_knows_our_deployments_alone_and_every_end(
    fake: FakeServer,
) -> None:
    """Another one's lost run stays as it is."""
    setup.set_up()
    (automation,) = fake.automations.values()
    trigger = automation.trigger
    ids = {f"prefect.deployment.{one.id}" for one in fake.deployments.values()}
    assert set(trigger["match_related"]["prefect.resource.id"]) == ids
    assert trigger["match_related"]["prefect.resource.role"] == "deployment"
    # The event of a state has the state's own name.
    assert "prefect.flow-run.paused: budget" in trigger["expect"]
    assert "prefect.flow-run.Running" not in trigger["expect"]
    assert trigger["after"] < trigger["expect"]


# Flow runs.


def test_the_chunks_of_a_start_are_started_once(fake: FakeServer) -> None:
    """The key has the job, the start and the chunk."""
    with pytest.raises(LookupError):
        begin_chunks("job_1", 1, 2, {"job": "moons"})
    setup.set_up()
    first = begin_chunks("job_1", 1, 2, {"job": "moons"})
    assert begin_chunks("job_1", 1, 2, {"job": "moons"}) == first
    again = begin_chunks("job_1", 2, 1, {"job": "moons"})
    assert not set(again) & set(first)
    assert [run.parameters["chunk"] for run in fake.runs.values()] == [1, 2, 1]


def test_flow_runs_are_looked_at(fake: FakeServer) -> None:
    """One without a state has not begun."""
    setup.set_up()
    ids = begin_chunks("job_1", 1, 2, {"job": "moons"})
    fake.runs["job_1:1:2"].state = None
    (seen,) = look_at(ids)
    assert (seen.state, seen.is_final, seen.reason) == ("Scheduled", False, None)
    assert look_at([]) == ()


def test_a_run_is_cancelled_by_a_person_or_is_not(
    fake: FakeServer, flow_run_id: str
) -> None:
    """A worker that is stopped cancels nothing."""
    assert not is_cancelling(flow_run_id)
    fake.state = None
    assert not is_cancelling(flow_run_id)


def test_an_artifact_is_replaced_by_the_next_of_its_key(
    fake: FakeServer, flow_run_id: str
) -> None:
    """A repeated run shows its answer once."""
    put_artifact(flow_run_id, "progress", "progress", 10.0, "1 of 10")
    put_artifact(flow_run_id, "progress", "progress", 20.0, "2 of 10")
    assert fake.artifacts["progress"].data == 20.0
    assert str(fake.artifacts["progress"].flow_run_id) == flow_run_id
