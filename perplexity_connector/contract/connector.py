"""What a loaded connector can do."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from perplexity_connector.contract.context import ActionContext
from perplexity_connector.contract.errors import FieldError
from perplexity_connector.contract.jsontypes import JsonObject
from perplexity_connector.contract.result import ActionResult

ActionHandler: TypeAlias = Callable[[JsonObject, ActionContext], Awaitable[ActionResult]]


class Connector(Protocol):
    """A loaded connector: an async context manager that owns one pooled client and serves many keys.

    `check` and `action` work before it is entered; handlers run inside it, on the event loop that entered it.
    """

    def check(self, action_id: str, version: int, input: JsonObject) -> Sequence[FieldError]:
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
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Close it."""
