"""A run as it was asked for: check it, and begin its record."""

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.runs.params import RunRequest
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.validation.arguments import (
    is_name,
    is_whole_number,
    require_count,
    require_flag,
    require_function,
    require_name,
)
from perplexity_connector.host.validation.to_json import to_json


def check_request(request: RunRequest) -> None:
    """Raise `ConnectorError` (`invalid_input`) for an option of a wrong type."""
    if request.run_id is not None:
        require_name("run_id", request.run_id)
    if request.on_checkpoint is not None:
        require_function("on_checkpoint", request.on_checkpoint)
    require_count("attempt", request.attempt)
    require_flag("last_attempt", request.last_attempt)


def left_error() -> ConnectorError:
    """Return the end of a run whose caller was cancelled, as observers see it."""
    message = "The caller of the run was cancelled."
    return ConnectorError(ErrorCode.CANCELLED, message, effect=Effect.UNKNOWN)


def record_of(request: RunRequest) -> RunRecord:
    """Return the record of a request that was not checked yet: its envelope is valid in any case."""
    version, run_id = request.version, request.run_id
    return RunRecord(
        connector=request.connector if is_name(request.connector) else "",
        action=request.action if is_name(request.action) else "",
        version=version if version and is_whole_number(version) else 0,
        run_id=run_id if run_id and is_name(run_id) else new_run_id(),
    )


def valid_state(state: JsonObject | None) -> JsonObject | None:
    """Return a plain copy of a checkpoint. Raises `ConnectorError` (`invalid_input`)."""
    if state is None:
        return None
    copied = to_json(state)
    if copied.errors or not isinstance(copied.value, dict):
        message = "resume_from must be a checkpoint: a JSON object."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return copied.value
