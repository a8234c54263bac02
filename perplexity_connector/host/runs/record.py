"""The record of one run in progress, and the envelope that it ends with."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    Envelope,
    ErrorCode,
    ErrorRecord,
    JsonObject,
    RunStatus,
    RunWarning,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.plugins.boundary import plain_object

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
