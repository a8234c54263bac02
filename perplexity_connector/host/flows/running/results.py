"""Collect the items of a flow into its document."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perplexity_connector.contract import FlowDocument, FlowItem


def add_item(flow: "FlowDocument", item: "FlowItem") -> None:
    """Add an item of a flow's stream to its document."""
    match item["type"]:
        case "flow.started":
            flow["flow_id"] = item["flow_id"]
            flow["kept"] = item["kept"]
            flow["skipped"] = []
        case "step.finished":
            flow["steps"].append({"id": item["step"], "envelope": item["envelope"]})
        case "step.skipped":
            flow.setdefault("skipped", []).append(item["step"])
        case "flow.finished":
            flow["status"] = item["status"]
        case _:
            pass
