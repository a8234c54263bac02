"""An action as a flow of Prefect."""

from typing import TYPE_CHECKING, Any

from prefect import Flow, State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed

from perplexity_connector.adapters.prefect import server
from perplexity_connector.adapters.prefect.artifacts import answer_text, result_rows
from perplexity_connector.adapters.prefect.hosting import opened_host
from perplexity_connector.adapters.prefect.parameters import (
    CONNECTION,
    connection_of,
    docstring_of,
    input_of,
    signature_of,
)
from perplexity_connector.adapters.prefect.repeats import Wanted, run_once
from perplexity_connector.host import Host
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import totals_line, warning_lines

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        EnvelopeDocument,
        ErrorDocument,
        JsonObject,
        SucceededRun,
    )


class ActionFailedError(Exception):
    """A failed run. `error` has its code, and whether and when to repeat it."""

    def __init__(self, error: "ErrorDocument") -> None:
        """Take an envelope's error."""
        text = "\n".join(error_lines(error)).removeprefix("error: ")
        super().__init__(text)
        self.error = error


def flow_of(connector: str, action: str) -> Flow[..., Any]:
    """Return the flow of an action: its parameters are the fields of our schema, and `connection`.

    Raises `ConnectorError` if the action cannot be described.
    """
    about = Host().describe(connector, action)

    def run(**values: Any) -> State[Any]:
        return run_action(about, values)

    run.__name__ = run.__qualname__ = f"{connector}_{action}"
    run.__module__ = "perplexity_connector.adapters.prefect.flows"
    run.__doc__ = docstring_of(about)
    run.__signature__ = signature_of(about)  # type: ignore[attr-defined] # every function takes one
    return Flow(
        run,
        name=action,
        description=about["action"]["summary"],
        # The server enforces the schema, and the host checks the input. Prefect's own check would load a
        # block for every "$ref" in a JSON schema that an action is given.
        validate_parameters=False,
    )


def run_action(about: "ActionDescription", values: "dict[str, Any]") -> State[Any]:
    """Run an action in this flow run. Return its final state; its data is the action's output.

    Raises `ActionFailedError`, and as `run_once`.
    """
    wanted = Wanted(
        run_id=flow_run.id,
        connector=about["connector"]["id"],
        action=about["action"]["id"],
        version=about["action"]["version"],
        is_idempotent=about["action"]["annotations"]["idempotent"],
        input=input_of(values),
        connection=connection_of(values.get(CONNECTION)),
    )
    with opened_host() as (host, ledger):
        envelope = run_once(host, ledger, wanted)
    return _state_of(envelope, wanted.run_id)


def _state_of(envelope: "EnvelopeDocument", flow_run_id: str) -> State[Any]:
    for line in warning_lines(envelope):
        get_run_logger().warning("%s", line)
    if envelope["status"] == "cancelled":
        return Cancelled(message=envelope["error"]["user_message"])
    if envelope["status"] == "failed":
        raise ActionFailedError(envelope["error"])
    _show(envelope, flow_run_id)
    return Completed(message=totals_line(envelope), data=envelope["output"])


def _show(envelope: "SucceededRun[JsonObject]", flow_run_id: str) -> None:
    if text := answer_text(envelope):
        server.put_artifact(
            flow_run_id, "answer", "markdown", text, envelope["summary"]
        )
    if rows := result_rows(envelope["output"]):
        server.put_artifact(flow_run_id, "results", "table", rows, envelope["summary"])
