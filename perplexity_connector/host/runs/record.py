"""The record of one run in progress: from the request to the envelope that it ends with."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    Effect,
    Envelope,
    ErrorCode,
    ErrorRecord,
    JsonObject,
    RunStatus,
    RunWarning,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.plugins.boundary import plain_object
from perplexity_connector.host.runs.params import RunRequest
from perplexity_connector.host.validation.arguments import (
    is_name,
    is_whole_number,
    require_count,
    require_flag,
    require_function,
    require_name,
)
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """The facts about a run that its envelope needs.

    * `connector`, `action`, `run_id`: ids.
    * `version`: the action's version as asked for (0 for the newest), then as found.
    * `started_at`: the start as an ISO 8601 time in UTC.
    * `began`: the start on the monotonic clock, in seconds.
    * `attempts`: how many attempts have begun.
    * `result`: the handler's result, once it has returned one.
    * `warnings`: the host's own warnings.
    * `is_known`: whether the catalogue has the action; else a caller's text is in its place.
    * `is_harmless_to_repeat`: whether the action is idempotent, or the run has a checkpoint.
    """

    connector: str
    action: str
    version: int
    run_id: str = field(default_factory=new_run_id)
    started_at: str = field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds")
    )
    began: float = field(default_factory=lambda: time.monotonic())  # noqa: PLW0108 - a test has its own clock
    attempts: int = 0
    result: ActionResult | None = None
    warnings: list[RunWarning] = field(default_factory=list[RunWarning])
    is_known: bool = False
    is_harmless_to_repeat: bool = False

    def warn(self, code: str, message: str) -> None:
        """Add a warning, unless the envelope has the same one already."""
        if (warning := RunWarning(code=code, message=message)) not in self.warnings:
            self.warnings.append(warning)

    def success_envelope(self, output: JsonObject) -> "EnvelopeDocument":
        """Return the envelope of a run that succeeded; `output` is plain JSON and valid."""
        summary = self.result.summary if self.result else ""
        return self._envelope(RunStatus.SUCCEEDED, summary, output, None)

    def failure_envelope(self, error: ConnectorError) -> "EnvelopeDocument":
        """Return the envelope of a run that failed or was cancelled, with its usage if known."""
        cancelled = error.code is ErrorCode.CANCELLED
        status = RunStatus.CANCELLED if cancelled else RunStatus.FAILED
        return self._envelope(status, error.user_message, None, error)

    def _envelope(
        self,
        status: RunStatus,
        summary: str,
        output: JsonObject | None,
        error: ConnectorError | None,
    ) -> "EnvelopeDocument":
        result = self.result or ActionResult(output={})
        # A plugin's error is a copy; that of an engine's store is not.
        partial = plain_object(error.partial) if error else None
        usage = plain_object(error.usage) if error else None
        return Envelope(
            run_id=self.run_id,
            connector=self.connector,
            action=self.action,
            version=self.version,
            status=status,
            output=output,
            error=self._error_record(error, partial) if error else None,
            partial=partial,
            summary=" ".join(summary.split()),
            usage=result.usage if usage is None else usage,
            warnings=[*result.warnings, *self.warnings],
            attempts=self.attempts,
            started_at=self.started_at,
            duration_ms=int((time.monotonic() - self.began) * 1000),
            meta=result.meta,
        ).to_dict()

    def _error_record(
        self, error: ConnectorError, partial: JsonObject | None
    ) -> ErrorRecord:
        is_safe = error.repeatable or self.is_harmless_to_repeat
        return replace(
            error.record(), partial=partial, repeatable=error.retryable and is_safe
        )


class Received:
    """The parts of a result that outlive a failed attempt.

    * `partial`: the last partial output of any attempt.
    * `usage`: the last usage of any attempt that failed or was cancelled.
    """

    __slots__ = ("partial", "usage")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.partial: JsonObject | None = None
        self.usage: JsonObject | None = None

    def save_partial(self, partial: object) -> None:
        """Save a plain copy of a partial output, if it is an object."""
        if (copied := plain_object(partial)) is not None:
            self.partial = copied

    def save_usage(self, usage: object) -> None:
        """Save a plain copy of a usage, if it is an object."""
        if (copied := plain_object(usage)) is not None:
            self.usage = copied

    def keep(self, error: ConnectorError) -> None:
        """Save the parts of an error, and add those of earlier attempts that it does not have."""
        error.partial = self.partial = error.partial or self.partial
        error.usage = self.usage = error.usage or self.usage


def check_request(request: RunRequest) -> None:
    """Raise `ConnectorError` (`invalid_input`) for an option of a wrong type."""
    if request.run_id is not None:
        require_name("run_id", request.run_id)
    if request.on_checkpoint is not None:
        require_function("on_checkpoint", request.on_checkpoint)
    require_count("attempt", request.attempt)
    require_flag("last_attempt", request.last_attempt)
    require_flag("durable", request.durable)


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
