"""What a loaded connector can do."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeAlias, runtime_checkable

from perplexity_connector.contract.context import ActionContext
from perplexity_connector.contract.errors import FieldError
from perplexity_connector.contract.json import JsonObject
from perplexity_connector.contract.options import OptionsPage, OptionsQuery
from perplexity_connector.contract.result import ActionResult
from perplexity_connector.contract.status import ConnectionStatus

__all__ = ["ActionHandler", "ConnectionTester", "Connector", "OptionLister"]

ActionHandler: TypeAlias = Callable[
    [JsonObject, ActionContext], Awaitable[ActionResult]
]


class Connector(Protocol):
    """A loaded connector: an async context manager that owns one pooled client and serves many keys.

    `check` and `action` work before it is entered; handlers run inside it, on the event loop that entered it.
    """

    def check(
        self, action_id: str, version: int, input: JsonObject
    ) -> Sequence[FieldError]:
        """Everything wrong with an input, wrong types included; empty when it is good. Pure: no I/O.

        Raises `ConnectorError` (`not_found`) for an action or version it does not have.
        """

    def action(self, action_id: str, version: int) -> ActionHandler:
        """The handler of an action: it returns an `ActionResult` or raises `ConnectorError`, and emits nothing later.

        Raises `ConnectorError` (`not_found`) for an action or version it does not have.
        """

    async def __aenter__(self) -> Self:
        """Open what the handlers share."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Close it."""


@runtime_checkable
class ConnectionTester(Protocol):
    """What a connector also is when it can test a connection."""

    async def test_connection(self, ctx: ActionContext) -> ConnectionStatus:
        """How good `ctx.connection` is. It costs nothing, changes nothing, and does not raise for a bad connection."""


@runtime_checkable
class OptionLister(Protocol):
    """What a connector also is when its manifest names sources of suggestions (`Action.options`)."""

    async def list_options(
        self, source: str, query: OptionsQuery, ctx: ActionContext
    ) -> OptionsPage:
        """The options of a source. It costs nothing, and falls back on older or shipped ones rather than fail.

        `ctx.connection` may be empty. Raises `ConnectorError`: `not_found` for a source it does not have,
        `invalid_input` for a cursor that it did not give out.
        """
