"""The result of a flow, collected from its items: one document, and one exit code."""

from typing import TYPE_CHECKING

from perplexity_connector.cli.exits import ExitCode, code_of_run
from perplexity_connector.host.flows.running.results import add_item

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        FlowDocument,
        FlowItem,
        RunStatusName,
    )


class FlowResult:
    """The result of a flow so far.

    * `document`: the flow's result as one document. Its status is that of a stopped flow until it ends.
    * `steps`: the envelope of each step that has ended, by its id.
    * `runs`: the envelope of each run that has ended; a step with `each` has one for each item.
    * `each`: how many items each step with `each` has, by its id.
    """

    def __init__(self, version: int) -> None:
        """Begin without an item."""
        self.document: FlowDocument = {
            "flow_version": version,
            "status": "cancelled",
            "steps": [],
        }
        self.steps: dict[str, EnvelopeDocument] = {}
        self.runs: list[EnvelopeDocument] = []
        self.each: dict[str, int] = {}

    def add(self, item: "FlowItem") -> None:
        """Take the next item of the flow."""
        add_item(self.document, item)
        match item["type"]:
            case "step.started" if "items" in item:
                self.each[item["step"]] = item["items"]
            case "item.finished":
                self.runs.append(item["envelope"])
            case "step.finished":
                self._add_step(item["step"], item["envelope"])
            case _:
                pass

    @property
    def status(self) -> "RunStatusName":
        """The status of the flow."""
        return self.document["status"]

    @property
    def code(self) -> ExitCode:
        """The exit code of a flow that was not stopped.

        It is that of the step that ended the flow. A flow that got to its end has partly succeeded
        if a step or an item did not succeed, or only partly.
        """
        codes = [code_of_run(envelope) for envelope in self.steps.values()]
        if self.status == "failed":
            return next(reversed(codes), ExitCode.INTERNAL)
        codes += map(code_of_run, self.runs)
        is_whole = not (
            any(codes) or self.document.get("skipped") or self._has_lost_items
        )
        return ExitCode.SUCCEEDED if is_whole else ExitCode.PARTLY

    @property
    def _has_lost_items(self) -> bool:
        """Whether an item failed. It may have done so before the flow was resumed."""
        outputs = (
            self.steps[step]["output"] for step in self.each if step in self.steps
        )
        return any(output["failed"] for output in outputs if output)

    def _add_step(self, step: str, envelope: "EnvelopeDocument") -> None:
        self.steps[step] = envelope
        if step not in self.each:
            self.runs.append(envelope)
