"""The connector and its pluggy door."""

import asyncio
import gc
from typing import Any

import pluggy
import pytest

from perplexity_connector import plugin
from perplexity_connector.contract import (
    PROJECT_NAME,
    ActionContext,
    ActionResult,
    ConnectionTester,
    Connector,
    ConnectorError,
    ConnectorSpecs,
    OptionLister,
    OptionsPage,
    OptionsQuery,
    Secret,
)
from perplexity_connector.host import Host
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from perplexity_connector.sandbox.keys import WRONG_KEY


def loaded(settings: dict[str, str] | None = None) -> Any:
    """The connector as a plain pluggy host loads it, through the installed entry point."""
    plugins = pluggy.PluginManager(PROJECT_NAME)
    plugins.add_hookspecs(ConnectorSpecs)
    assert (
        plugins.load_setuptools_entrypoints("automation_host.plugins", "perplexity")
        == 1
    )
    found: Connector = plugins.hook.load_connector(
        connector_id="perplexity", settings=settings or {}
    )
    return found


def test_another_connector_is_not_ours() -> None:
    """The hook leaves it to the next plugin."""
    assert plugin.load_connector("toy", {}) is None


def test_a_setting_that_cannot_be_used_is_refused_when_loading() -> None:
    """With a pointer to the setting."""
    with pytest.raises(ConnectorError) as caught:
        loaded({"base_url": "http://api.perplexity.ai"})
    assert (caught.value.code, caught.value.fields[0].pointer) == (
        "invalid_input",
        "/settings/base_url",
    )


def test_checking_needs_neither_network_nor_an_open_connector() -> None:
    """All fields at once; empty when all is well."""
    connector = loaded()
    assert connector.check("execute_search", 1, {"query": "moon"}) == []
    problems = connector.check("execute_search", 1, {"query": [], "max_results": 21})
    assert {(problem.pointer, problem.code) for problem in problems} == {
        ("/query", "minItems"),
        ("/max_results", "maximum"),
    }


@pytest.mark.parametrize(
    ("action", "version"), [("execute_search", 2), ("no_such_action", 1)]
)
def test_an_action_that_is_not_there_is_said_not_to_be(
    action: str, version: int
) -> None:
    """By `check` and by `action` alike."""
    connector = loaded()
    ask: Any
    for ask in (
        lambda: connector.check(action, version, {}),
        lambda: connector.action(action, version),
    ):
        with pytest.raises(ConnectorError) as caught:
            ask()
        assert caught.value.code == "not_found"


def test_a_plain_pluggy_host_runs_an_action_without_our_host() -> None:
    """A context with a key is all that it needs."""

    async def main(base_url: str) -> ActionResult:
        async with loaded({"base_url": base_url}) as connector:
            ctx = ActionContext(connection={"api_key": Secret(GOOD_KEY)})
            return await connector.action("execute_search", 1)(
                {"query": "moon distance"}, ctx
            )

    with Sandbox() as sandbox:
        result: Any = asyncio.run(main(sandbox.url))
    assert result.output["queries"][0]["count"] == len(result.output["results"]) > 0


def test_it_tests_connections_and_lists_options() -> None:
    """Both protocols that a host looks for."""
    connector = loaded()
    assert isinstance(connector, ConnectionTester)
    assert isinstance(connector, OptionLister)


@pytest.mark.parametrize(
    ("key", "outcome"), [(GOOD_KEY, "ok"), (WRONG_KEY, "invalid_credentials")]
)
def test_a_plain_pluggy_host_tests_a_connection(key: str, outcome: str) -> None:
    """A context with a key is all that it needs, and nothing is posted."""

    async def main(base_url: str) -> str:
        async with loaded({"base_url": base_url}) as connector:
            return (
                await connector.test_connection(
                    ActionContext(connection={"api_key": Secret(key)})
                )
            ).outcome

    with Sandbox() as sandbox:
        assert asyncio.run(main(sandbox.url)) == outcome
    assert {record.method for record in sandbox.requests} == {"GET"}


def test_a_connector_can_be_entered_again_on_another_event_loop() -> None:
    """Nothing of the first loop is waited for; the list is asked for anew, once for all that ask together."""
    ctx = ActionContext(connection={"api_key": Secret(GOOD_KEY)})

    async def main(connector: Any) -> list[OptionsPage]:
        async with connector:
            return await asyncio.gather(
                *[
                    connector.list_options("models", OptionsQuery(), ctx)
                    for _ in range(5)
                ]
            )

    with Sandbox() as sandbox:
        connector = loaded({"base_url": sandbox.url})
        origins = [
            page.origin for _ in range(2) for page in asyncio.run(main(connector))
        ]
    assert origins == ["live"] * 10
    assert [record.path for record in sandbox.requests] == ["/v1/models"] * 2


def test_a_source_that_is_not_there_is_said_not_to_be() -> None:
    """As an action that is not."""
    with pytest.raises(ConnectorError) as caught:
        asyncio.run(loaded().list_options("colours", OptionsQuery(), ActionContext()))
    assert caught.value.code == "not_found"


def test_every_source_that_the_manifest_names_is_listed() -> None:
    """A host that follows the manifest gets its options, without a key too."""

    async def main(base_url: str) -> list[Any]:
        async with Host(
            settings={"perplexity": {"base_url": base_url}}, environ={}
        ) as host:
            actions = [
                (entry["connector"], entry["action"]) for entry in host.actions()
            ]
            named = [host.describe(*pair)["action"]["options"] for pair in actions]
            sources = {source for options in named for source in options.values()}
            return [
                await host.options("perplexity", source) for source in sorted(sources)
            ]

    with Sandbox() as sandbox:
        (page,) = asyncio.run(main(sandbox.url))
    assert page["origin"] == "shipped"
    assert page["options"][0]["value"] == "sonar"
    assert sandbox.requests == []


def test_a_host_flags_a_removed_model_of_a_saved_step_and_names_what_to_use() -> None:
    """At design time: nothing is loaded but the connector, and nothing is sent."""
    step: Any = {"model": "R1-1776 ", "messages": [{"role": "user", "content": "moon"}]}
    (problem,) = Host(environ={}).validate("perplexity", "create_chat_completion", step)
    assert (problem.pointer, problem.code) == ("/model", "removed_model")
    assert "sonar-reasoning-pro" in problem.message


def _contexts() -> list[ActionContext]:
    return [it for it in gc.get_objects() if isinstance(it, ActionContext)]


@pytest.mark.parametrize(
    ("action", "step"),
    [
        ("execute_search", {"query": "moon"}),
        ("execute_search", {"query": ["moon", "sun"]}),
        (
            "create_chat_completion",
            {"model": "sonar", "messages": [{"role": "user", "content": "moon"}]},
        ),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_nothing_of_a_run_waits_for_the_garbage_collector(
    action: str, step: Any, is_streamed: bool
) -> None:
    """Its key would stay in memory, and each collection costs time."""
    connection = {"connection_name": "Mine", "api_key": GOOD_KEY}

    async def status_of(host: Host) -> str:
        run = ("perplexity", action, step)
        if not is_streamed:
            return (await host.run(*run, connection=connection))["status"]
        items: list[Any] = [
            item async for item in host.stream(*run, connection=connection)
        ]
        return str(items[-1]["envelope"]["status"])

    async def left(base_url: str) -> list[object]:
        settings = {"perplexity": {"base_url": base_url}}
        async with Host(settings=settings, environ={}) as host:
            assert await status_of(host) == "succeeded"
            await asyncio.sleep(0)  # the run's tasks let go
            return [it for it in _contexts() if id(it) not in known]

    gc.collect()
    gc.disable()
    # Other tests of this process may keep theirs.
    before = _contexts()
    known = set(map(id, before))
    try:
        with Sandbox() as sandbox:
            assert asyncio.run(left(sandbox.url)) == []
    finally:
        gc.enable()
