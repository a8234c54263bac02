"""The methods of a loaded connector, required and optional."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, runtime_checkable

from perplexity_connector.contract.context import ActionContext
from perplexity_connector.contract.errors import FieldError
from perplexity_connector.contract.json import JsonObject
from perplexity_connector.contract.result import ActionResult

if TYPE_CHECKING:
    from perplexity_connector.contract.estimating import CostEstimate
    from perplexity_connector.contract.hints import Hint
    from perplexity_connector.contract.options import OptionsPage, OptionsQuery
    from perplexity_connector.contract.status import ConnectionStatus

__all__ = [
    "ActionHandler",
    "ConnectionTester",
    "Connector",
    "CostEstimator",
    "HintGiver",
    "OptionLister",
    "RunCanceller",
]

ActionHandler: TypeAlias = Callable[
    [JsonObject, ActionContext], Awaitable[ActionResult]
]


class Connector(Protocol):
    """A loaded connector: an async context manager with one pooled client, which serves many keys.

    `check` and `action` work before it is entered. Handlers run inside it, on the event loop that
    entered it.
    """

    def check(
        self, action_id: str, version: int, input: JsonObject
    ) -> Sequence[FieldError]:
        """Return every error of an input, wrong types included; empty if the input is valid.

        Pure: no I/O. Raises `ConnectorError` (`not_found`) for an unknown action or version.
        """
        ...

    def action(self, action_id: str, version: int) -> ActionHandler:
        """Return the handler of an action.

        The handler returns an `ActionResult` or raises `ConnectorError`; after that it emits no
        event. Raises `ConnectorError` (`not_found`) for an unknown action or version.
        """
        ...

    async def __aenter__(self) -> Self:
        """Open the client that the handlers share."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Close the client."""
        ...


@runtime_checkable
class ConnectionTester(Protocol):
    """Optional: a connector that can test a connection."""

    async def test_connection(self, ctx: ActionContext) -> "ConnectionStatus":
        """Test `ctx.connection` and return the result.

        It costs nothing and changes nothing. A bad connection is a result, not an exception.
        """
        ...


@runtime_checkable
class OptionLister(Protocol):
    """Optional: a connector whose manifest names sources of suggestions (`Action.options`)."""

    async def list_options(
        self, source: str, query: "OptionsQuery", ctx: ActionContext
    ) -> "OptionsPage":
        """Return one page of the options of a source.

        It costs nothing. When the provider cannot be asked, it returns older or shipped options
        instead of failing. `ctx.connection` may be empty. Raises `ConnectorError`: `not_found` for
        an unknown source, `invalid_input` for a cursor that did not come from an earlier page.
        """
        ...


@runtime_checkable
class HintGiver(Protocol):
    """Optional: a connector that finds inputs that are allowed, but probably not meant."""

    def hints(
        self, action_id: str, version: int, input: JsonObject
    ) -> "Sequence[Hint]":
        """Return the hints for an input, which may have errors too; empty without any.

        For an empty input, these are the hints for all inputs, in general words: a host may show
        them where it describes the action. Pure: no I/O. Raises `ConnectorError` (`not_found`) for
        an unknown action or version.
        """
        ...


@runtime_checkable
class RunCanceller(Protocol):
    """Optional: a connector that can stop a run at the provider while no handler of it runs."""

    async def cancel_run(
        self, action_id: str, version: int, state: JsonObject, ctx: ActionContext
    ) -> bool:
        """Ask the provider to stop the run of a checkpoint. Return whether it accepted.

        An action whose checkpoints name nothing that goes on at the provider returns True. It
        begins nothing, and ends before `ctx.deadline`. Raises `ConnectorError` if it cannot ask.
        """
        ...


@runtime_checkable
class CostEstimator(Protocol):
    """Optional: a connector that knows the price of a run."""

    def estimate(
        self, action_id: str, version: int, input: JsonObject
    ) -> "CostEstimate | None":
        """Return the price of a run with a valid input; None if nothing is known about it.

        Pure: no I/O. Raises `ConnectorError` (`not_found`) for an unknown action or version.
        """
        ...
