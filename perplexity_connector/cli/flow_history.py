"""A flow of the ledger as a document, and as lines for people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from perplexity_connector.cli.flow_lines import item_lines, resume_lines
from perplexity_connector.cli.history_lines import cost_words, entry_heading
from perplexity_connector.cli.spans import clock, iso
from perplexity_connector.contract.readers import (
    as_list,
    as_object,
    as_objects,
    as_text,
)
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.spending.money import usd_or_none
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.lines import Line, heading, json_line
from perplexity_connector.rendering.results import output_parts
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import ErrorDocument
    from perplexity_connector.host.ledger.flow_entries import KnownFlow, KnownStep


def flow_document(flow: "KnownFlow", *, whole: bool) -> dict[str, object]:
    """Return a flow as a document; with all of its content if it is `whole`."""
    document: dict[str, object] = {
        "kind": "flow",
        "id": flow.flow_id,
        "title": flow.title,
        "source": flow.source,
        "part": flow.part,
        "sandbox": flow.is_sandbox,
        "state": flow.state,
        "created_at": iso(flow.created_at),
        "ended_at": iso(flow.ended_at),
        "cost": usd_or_none(flow.cost),
        "summary": flow.summary,
        "content_erased": flow.content_erased,
        "steps": [_step_document(step, whole=whole) for step in flow.steps],
    }
    if whole:
        document |= {"flow": flow.document, "inputs": flow.inputs}
    return document


def flow_lines(flow: "KnownFlow") -> Iterator[Line | str]:
    """Yield all that is recorded of a flow: its facts, its inputs, and the output of each step."""
    yield entry_heading(flow)
    if flow.source:
        yield f"File: {one_line(flow.source)}"
    for word, step in (flow.part or {}).items():
        yield one_line(f"Part: {word.removesuffix('_step')} {step}")
    if flow.ended_at is not None:
        yield f"Ended: {clock(flow.ended_at)}"
    if _can_go_on(flow):
        yield from resume_lines(flow)
    if flow.inputs:
        yield from ("", heading("Inputs"), json_line(flow.inputs))
    yield from _steps_lines(flow)


def _steps_lines(flow: "KnownFlow") -> Iterator[Line | str]:
    """Yield each step with its output, and each item that failed."""
    steps = as_objects((flow.document or {}).get("steps"))
    each = {as_text(step.get("id")) for step in steps if step.get("each")}
    for known in flow.steps:
        if known.item == WHOLE:
            yield from ("", heading(_step_line(known)))
            yield from _output_lines(known, has_items=known.step in each)
        elif known.state == "failed":
            yield _step_line(known)


def _can_go_on(flow: "KnownFlow") -> bool:
    # A flow of a table's row goes on with its table, which has its document.
    is_over = flow.status == "succeeded" or flow.is_running
    return not is_over and flow.row_id is None and flow.document is not None


def _step_document(step: "KnownStep", *, whole: bool) -> dict[str, object]:
    document: dict[str, object] = {
        "id": step.step,
        "item": None if step.item == WHOLE else step.item,
        "state": step.state,
        "run_id": step.run_id,
        "run_state": step.run_state,
        "kept_from": step.kept_from,
        "cost": usd_or_none(step.cost),
    }
    if whole:
        document["envelope"] = step.record
    return document


def _step_line(step: "KnownStep") -> str:
    """Return a step, or an item of it, on one line: its name, state, run and cost."""
    name = step.step if step.item == WHOLE else f"{step.step}, item {step.item}"
    state = step.run_state if step.run_state == "unsure" else step.state
    kept = f"kept from {step.kept_from}" if step.kept_from else ""
    cost = "" if step.cost is None else cost_words(step.cost)
    parts = (name, state, kept, step.run_id or "", cost)
    return "  ".join(one_line(part) for part in parts if part)


def _output_lines(step: "KnownStep", *, has_items: bool) -> Iterator[Line | str]:
    record = step.record or {}
    if error := record.get("error"):
        yield from error_lines(cast("ErrorDocument", error))
    output = as_object(record.get("output") or record.get("partial"))
    if not has_items:
        if output:
            yield from output_parts(output)
        return
    for index, item in enumerate(as_list(output.get("items"))):
        if item is not None:
            yield ""
            yield from item_lines(index, as_object(item))
