"""The result of a flow, collected from its items: one document, and one exit code."""

from typing import TYPE_CHECKING

from perplexity_connector.cli.exits import ExitCode, code_of_run

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        FlowDocument,
        FlowItem,
        FlowStartedItem,
        RunStatusName,
    )


class FlowResult:
    """All that a flow has come to so far.

    * `status`: the status of the flow; that of a stopped one until it has ended.
    * `steps`: the envelope of each step that has ended, by its id.
    * `runs`: the envelope of each run that has ended; a step with `each` has one for each item.
    * `each`: how many items each step with `each` has, by its id.
    * `_version`: the flow's.
    * `_started`: the first item of the flow; None for a whole flow of version 1.
    * `_skipped`: the ids of the steps that could not run.
    """

    def __init__(self, version: int) -> None:
        """Begin without an item."""
        self.status: RunStatusName = "cancelled"
        self.steps: dict[str, EnvelopeDocument] = {}
        self.runs: list[EnvelopeDocument] = []
        self.each: dict[str, int] = {}
        self._version = version
        self._started: FlowStartedItem | None = None
        self._skipped: list[str] = []

    def add(self, item: "FlowItem") -> None:
        """Take the next item of the flow."""
        match item["type"]:
            case "flow.started":
                self._started = item
            case "step.started" if "items" in item:
                self.each[item["step"]] = item["items"]
            case "item.finished":
                self.runs.append(item["envelope"])
            case "step.finished":
                self._add_step(item["step"], item["envelope"])
            case "step.skipped":
                self._skipped.append(item["step"])
            case "flow.finished":
                self.status = item["status"]

    @property
    def document(self) -> "FlowDocument":
        """The flow's result as one document."""
        document: FlowDocument = {
            "flow_version": self._version,
            "status": self.status,
            "steps": [
                {"id": step, "envelope": envelope}
                for step, envelope in self.steps.items()
            ],
        }
        if self._started:
            document["flow_id"] = self._started["flow_id"]
            document["kept"] = self._started["kept"]
            document["skipped"] = self._skipped
        return document

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
        is_whole = not any(codes) and not self._skipped and not self._has_lost_items
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
