"""The envelopes that no run has made: of a step with `each`, and of a step that did not begin."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
    JsonValue,
    RunWarning,
)
from perplexity_connector.host.runs.record import RunRecord

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument


def stopped_error() -> ConnectorError:
    """Return the end of a step that was stopped before it could begin."""
    message = "The flow was stopped before this step began. Nothing was sent for it."
    return ConnectorError(ErrorCode.CANCELLED, message)


def unsure_error() -> ConnectorError:
    """Return the end of a step whose earlier run may have been billed."""
    message = (
        "An earlier process sent this step's request, and its answer is lost: it may have been billed. "
        "To run the step again, resume the flow with retry=unsure."
    )
    return ConnectorError(ErrorCode.UPSTREAM_FAILED, message, effect=Effect.UNKNOWN)


def each_envelope(
    record: RunRecord,
    items: Sequence["EnvelopeDocument | None"],
    ended_by: "EnvelopeDocument | None",
) -> "EnvelopeDocument":
    """Return the envelope of a step with `each`.

    `items` has those of its runs, None for one that was not begun. `ended_by` is that of the run
    that ended the step; None if it has succeeded.
    """
    runs = [item for item in items if item is not None]
    output = _output(items)
    done = sum(run["error"] is None for run in runs)
    record.attempts = sum(run["attempts"] for run in runs)
    record.result = ActionResult(
        output={},
        summary=f"{done} of {len(items)} items",
        usage=_sum_of(run["usage"] for run in runs),
        warnings=_warnings(runs),
    )
    if ended_by is None or ended_by["error"] is None:
        return record.success_envelope(output)
    return _failure(record, ended_by["error"], output)


def _failure(
    record: RunRecord, error: "ErrorDocument", output: JsonObject
) -> "EnvelopeDocument":
    code, message = ErrorCode(error["code"]), error["user_message"]
    envelope = record.failure_envelope(ConnectorError(code, message))
    partial = {**error, "partial": output}
    changed = {"error": partial, "partial": output}
    return cast("EnvelopeDocument", {**envelope, **changed})


def _output(items: Sequence["EnvelopeDocument | None"]) -> JsonObject:
    failed: list[JsonValue] = [
        {"index": index, "error": cast("JsonObject", item["error"])}
        for index, item in enumerate(items)
        if item is not None and item["error"] is not None
    ]
    return {"items": [item and item["output"] for item in items], "failed": failed}


def _warnings(runs: Iterable["EnvelopeDocument"]) -> list[RunWarning]:
    """Return each warning of the runs once."""
    warnings = [
        RunWarning(code=warning["code"], message=warning["message"])
        for run in runs
        for warning in run["warnings"]
    ]
    return list(dict.fromkeys(warnings))


def _sum_of(usages: Iterable[JsonObject]) -> JsonObject:
    total: JsonObject = {}
    for usage in usages:
        total = _added_objects(total, usage)
    return total


def _added_objects(left: JsonObject, right: JsonObject) -> JsonObject:
    both = {name: _added(left[name], right[name]) for name in left if name in right}
    return {**left, **right, **both}


def _added(left: JsonValue, right: JsonValue) -> JsonValue:
    """Return the sum of two values of a usage; the first of two that are not numbers."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return _added_objects(left, right)
    if not (_is_number(left) and _is_number(right)):
        return left
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    # A sum of costs is exact: 0.1 and 0.2 are 0.3.
    return float(Decimal(str(left)) + Decimal(str(right)))


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
