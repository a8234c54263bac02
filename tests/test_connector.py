"""The connector and its pluggy door."""

import asyncio

import pluggy
import pytest

from perplexity_connector import plugin
from perplexity_connector.contract import (
    PROJECT_NAME,
    ActionContext,
    ActionResult,
    Connector,
    ConnectorError,
    ConnectorSpecs,
    Secret,
)
from perplexity_connector.sandbox import GOOD_KEY, Sandbox


def loaded(settings: dict[str, str] | None = None) -> Connector:
    """The connector as a plain pluggy host loads it, through the installed entry point."""
    plugins = pluggy.PluginManager(PROJECT_NAME)
    plugins.add_hookspecs(ConnectorSpecs)
    assert plugins.load_setuptools_entrypoints("automation_host.plugins", "perplexity") == 1
    found: Connector = plugins.hook.load_connector(connector_id="perplexity", settings=settings or {})
    return found


def test_another_connector_is_not_ours() -> None:
    """The hook leaves it to the next plugin."""
    assert plugin.load_connector("toy", {}) is None


def test_a_setting_that_cannot_be_used_is_refused_when_loading() -> None:
    """With a pointer to the setting."""
    with pytest.raises(ConnectorError) as caught:
        loaded({"base_url": "http://api.perplexity.ai"})
    assert (caught.value.code, caught.value.fields[0].pointer) == ("invalid_input", "/settings/base_url")


def test_checking_needs_neither_network_nor_an_open_connector() -> None:
    """All fields at once; empty when all is well."""
    connector = loaded()
    assert connector.check("execute_search", 1, {"query": "moon"}) == []
    problems = connector.check("execute_search", 1, {"query": [], "max_results": 21})
    assert {(problem.pointer, problem.code) for problem in problems} == {
        ("/query", "minItems"),
        ("/max_results", "maximum"),
    }


@pytest.mark.parametrize(("action", "version"), [("execute_search", 2), ("no_such_action", 1)])
def test_an_action_that_is_not_there_is_said_not_to_be(action: str, version: int) -> None:
    """By `check` and by `action` alike."""
    connector = loaded()
    for ask in (lambda: connector.check(action, version, {}), lambda: connector.action(action, version)):
        with pytest.raises(ConnectorError) as caught:
            ask()
        assert caught.value.code == "not_found"


def test_a_plain_pluggy_host_runs_an_action_without_our_host() -> None:
    """A context with a key is all that it needs."""

    async def main(base_url: str) -> ActionResult:
        async with loaded({"base_url": base_url}) as connector:
            ctx = ActionContext(connection={"api_key": Secret(GOOD_KEY)})
            return await connector.action("execute_search", 1)({"query": "moon distance"}, ctx)

    with Sandbox() as sandbox:
        result = asyncio.run(main(sandbox.url))
    assert result.output["queries"][0]["count"] == len(result.output["results"]) > 0
