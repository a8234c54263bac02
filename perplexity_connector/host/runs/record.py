"""The record of one run while it is under way, and the envelope it ends as."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    Envelope,
    ErrorCode,
    JsonObject,
    JsonValue,
    RunStatus,
    RunWarning,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.validation.to_json import to_json


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """What is known of a run so far; `began` is monotonic, `version` 0 until the action is found."""

    connector: str
    action: str
    version: int
    run_id: str = field(default_factory=new_run_id)
    started_at: str = field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds")
    )
    began: float = field(default_factory=time.monotonic)
    attempts: int = 0
    result: ActionResult | None = None
    warnings: list[RunWarning] = field(default_factory=list[RunWarning])

    def warn(self, code: str, message: str) -> None:
        """Tell the author something; once is enough."""
        if (warning := RunWarning(code=code, message=message)) not in self.warnings:
            self.warnings.append(warning)

    def succeeded(self, output: JsonObject) -> dict[str, JsonValue]:
        """The envelope of a run whose output, in plain JSON, keeps its schema."""
        summary = self.result.summary if self.result else ""
        return self._envelope(RunStatus.SUCCEEDED, summary, output, None)

    def failed(self, error: ConnectorError) -> dict[str, JsonValue]:
        """The envelope of a run that failed or was cancelled, with what it cost all the same."""
        status = (
            RunStatus.CANCELLED
            if error.code is ErrorCode.CANCELLED
            else RunStatus.FAILED
        )
        return self._envelope(status, error.user_message, None, error)

    def _envelope(
        self,
        status: RunStatus,
        summary: str,
        output: JsonObject | None,
        error: ConnectorError | None,
    ) -> dict[str, JsonValue]:
        result = self.result or ActionResult(output={})
        partial = _plain(error.partial) if error and error.partial is not None else None
        return Envelope(
            run_id=self.run_id,
            connector=self.connector,
            action=self.action,
            version=self.version,
            status=status,
            output=output,
            error=replace(error.record(), partial=partial) if error else None,
            partial=partial,
            summary=" ".join(summary.split()),
            usage=_plain(result.usage),
            warnings=[*result.warnings, *self.warnings],
            attempts=self.attempts,
            started_at=self.started_at,
            duration_ms=int((time.monotonic() - self.began) * 1000),
            meta=_plain(result.meta),
        ).to_dict()


def _plain(document: JsonObject) -> JsonObject:
    return cast("JsonObject", to_json(document).value)
