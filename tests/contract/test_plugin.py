"""The pluggy surface, with a plugin that is no connector of ours."""

import asyncio
from collections.abc import Mapping
from typing import Self

import pluggy
import pytest

from perplexity_connector.contract import (
    PROJECT_NAME,
    ActionContext,
    ActionHandler,
    ActionResult,
    Connector,
    ConnectorError,
    ConnectorSpecs,
    ErrorCode,
    FieldError,
    JsonObject,
    hookimpl,
)


class Echo:
    """A connector with one action, which gives back what it gets."""

    def check(
        self, action_id: str, version: int, input: JsonObject
    ) -> list[FieldError]:
        """Nothing is ever wrong."""
        self.action(action_id, version)
        return (
            []
            if input
            else [
                FieldError(pointer="", code="minProperties", message="Say something.")
            ]
        )

    def action(self, action_id: str, version: int) -> ActionHandler:
        """The echo."""
        if (action_id, version) != ("echo", 1):
            raise ConnectorError(ErrorCode.NOT_FOUND, "There is only one action here.")
        return self._echo

    async def _echo(self, input: JsonObject, ctx: ActionContext) -> ActionResult:
        return ActionResult(output=input, meta={"run": ctx.run_id})

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing to close."""


class Plugin:
    """Loads the echo connector, and no other."""

    @hookimpl
    def load_connector(
        self, connector_id: str, settings: Mapping[str, str]
    ) -> Connector | None:
        """The echo, when it is asked for."""
        assert settings == {"volume": "11"}
        return Echo() if connector_id == "echo" else None


@pytest.fixture
def manager() -> pluggy.PluginManager:
    """A host that knows pluggy and the contract."""
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(ConnectorSpecs)
    manager.register(Plugin())
    manager.check_pending()
    return manager


def test_a_plain_pluggy_host_runs_an_action(manager: pluggy.PluginManager) -> None:
    """Load by id, enter, check, run: that is the whole of it."""

    async def run() -> ActionResult:
        async with manager.hook.load_connector(
            connector_id="echo", settings={"volume": "11"}
        ) as connector:
            assert not connector.check("echo", 1, {"say": "hello"})
            result: ActionResult = await connector.action("echo", 1)(
                {"say": "hello"}, ActionContext(run_id="run_1")
            )
            return result

    assert asyncio.run(run()) == ActionResult(
        output={"say": "hello"}, meta={"run": "run_1"}
    )


def test_a_plugin_leaves_other_connectors_to_others(
    manager: pluggy.PluginManager,
) -> None:
    """The first plugin that knows the id answers; without one the hook gives None, not a list."""
    assert (
        manager.hook.load_connector(connector_id="other", settings={"volume": "11"})
        is None
    )


def test_a_hook_that_the_contract_does_not_have_is_refused() -> None:
    """Pluggy tells a plugin author of a misspelt hook."""

    class Misspelt:
        @hookimpl
        def load_conector(self, connector_id: str) -> None:
            """No such hook."""

    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(ConnectorSpecs)
    manager.register(Misspelt())
    with pytest.raises(pluggy.PluginValidationError):
        manager.check_pending()
