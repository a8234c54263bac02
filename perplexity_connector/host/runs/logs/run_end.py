"""How a run ends in the ledger."""

import time
from typing import TYPE_CHECKING

from perplexity_connector.contract import ErrorCode
from perplexity_connector.host.ledger.entries import RunEnd
from perplexity_connector.host.spending.money import cost_of

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument
    from perplexity_connector.host.ledger.entries import State


def state_of(
    envelope: "EnvelopeDocument",
    *,
    has_checkpoint: bool,
    is_harmless: bool,
) -> "State":
    """Return the state of a run that ended.

    `is_harmless`: it can be repeated, because its action is idempotent, or nothing was sent.
    """
    error = envelope["error"]
    if error is None:
        return "done"
    if has_seen_end(error):
        return "failed"
    if has_checkpoint:
        return "begun"
    return "failed" if is_harmless or error["effect"] == "none" else "unsure"


def has_seen_end(error: "ErrorDocument") -> bool:
    """Return whether the provider has said how the run ended. A refusal says nothing about that."""
    return error["code"] == ErrorCode.UPSTREAM_FAILED and error["http_status"] is None


def is_lost(error: "ErrorDocument | None") -> bool:
    """Return whether the provider does not know the run of a checkpoint."""
    if error is None or error["http_status"] is None:
        return False
    return error["code"] == ErrorCode.UPSTREAM_FAILED


def run_end(
    envelope: "EnvelopeDocument", state: "State", *, keeps_content: bool
) -> RunEnd:
    """Return the end of a run for the ledger."""
    error = envelope["error"]
    cost, basis = cost_of(envelope["usage"])
    model = envelope["meta"].get("served_model")
    return RunEnd(
        envelope=envelope if keeps_content else None,
        state=state,
        status=envelope["status"],
        error_code=error["code"] if error else None,
        effect=error["effect"] if error else None,
        attempts=envelope["attempts"],
        usage=envelope["usage"],
        cost=cost,
        cost_basis=basis,
        model=model if isinstance(model, str) else None,
        summary=envelope["summary"] if keeps_content else None,
        ended_at=time.time_ns() // 1_000_000,
    )
