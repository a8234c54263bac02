"""The envelope: one document per run, however the run ended."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract.errors import ErrorRecord
from perplexity_connector.contract.result import RunWarning

if TYPE_CHECKING:
    from perplexity_connector.contract.documents import EnvelopeDocument

__all__ = ["Envelope", "RunStatus"]


class RunStatus(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The record of one run.

    `output` is set if the run succeeded, `error` if it did not, `partial` if something was received
    before it failed. `started_at` is ISO 8601 in UTC. `duration_ms` counts all attempts and the
    waits between them. `attempts` is 0 if the input was refused before anything was sent.
    """

    run_id: str
    connector: str
    action: str
    version: int
    status: RunStatus
    output: Mapping[str, object] | None = None
    error: ErrorRecord | None = None
    partial: Mapping[str, object] | None = None
    summary: str
    usage: Mapping[str, object]
    warnings: Sequence[RunWarning] = ()
    attempts: int
    started_at: str
    duration_ms: int
    meta: Mapping[str, object]

    def to_dict(self) -> "EnvelopeDocument":
        """Return plain JSON as in `schemas/envelope.schema.json`, with every key present."""
        document = {name: getattr(self, name) for name in self.__slots__}
        error = self.error.to_dict() if self.error else None
        warnings = [asdict(warning) for warning in self.warnings]
        document |= {
            "status": self.status.value,
            "error": error,
            "warnings": warnings,
        }
        return cast("EnvelopeDocument", document)
