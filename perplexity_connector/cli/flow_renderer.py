"""Shows the items of a flow: each step under its name, the items of a step, and the totals."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from perplexity_connector.cli.aftermath import close_flow, close_runs
from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.flow_items import StepItems
from perplexity_connector.cli.flow_lines import kept_line, skipped_line
from perplexity_connector.cli.flow_result import FlowResult
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.run_output import show_error, show_problems, show_result
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.cli.terminal import print_page
from perplexity_connector.rendering.lines import EMPTY, Kind, Line, heading, text_line
from perplexity_connector.rendering.results import totals_line
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perplexity_connector.cli.flow_arguments import FlowArgs
    from perplexity_connector.contract import (
        EnvelopeDocument,
        FlowItem,
        StepStartedItem,
    )


class FlowRenderer:
    """Shows the items of a flow and collects the results of its steps.

    * `delivery`: writes on stdout.
    * `_args`, `_records`: of the command.
    * `_stack`: holds the renderer of the current step. The caller's block ends it too, so that the
      terminal is in order after an error.
    * `_step_renderer`: shows the events of the current step.
    * `_items`: shows its items; None for a step without `each`.
    * `_result`: all that has ended.
    """

    def __init__(
        self, args: "FlowArgs", version: int, records: Records, stack: ExitStack
    ) -> None:
        """Show nothing yet."""
        self.delivery = Delivery()
        self._args = args
        self._records = records
        self._stack = stack
        self._step_renderer = self._new_step_renderer()
        self._result = FlowResult(version)
        self._items: StepItems | None = None

    def show_item(self, item: "FlowItem") -> None:
        """Show an item of `Host.stream_flow`."""
        self._result.add(item)
        if self._args.stream and self._args.as_json:
            self.delivery.write(print_json, item, on_one_line=True)
        match item["type"]:
            case "step.started":
                self._start_step(item)
            case "item.finished" if self._items:
                self._items.finish(item["index"], item["envelope"])
            case "step.finished":
                self._finish_step(item["envelope"])
            case "flow.finished":
                self._finish()
            case _:
                self._show_news(item)

    def _show_news(self, item: "FlowItem") -> None:
        match item["type"]:
            case "flow.started":
                for kept in item["kept"]:
                    say(kept_line(kept))
            case "step.skipped":
                say(skipped_line(item))
            case "text.delta" | "search.queries" | "search.results" | "status":
                # Items run at the same time: their texts would mix.
                if not self._items:
                    self.delivery.write(self._step_renderer.show_event, item)

    def end(self, signals: StopSignals, flow_id: str) -> int:
        """Show the document, then say how to go on. Return the exit code."""
        ended_early = self.delivery.has_failed
        result = self._result
        if self._args.as_json and not self._args.stream:
            self.delivery.write(print_json, result.document)
        if self._args.as_json:
            # Only now is it certain whether the steps were written.
            self._close(result.runs)
        if result.status != "succeeded":
            close_flow(self._records, flow_id)
        if result.status == "cancelled":
            code = ExitCode.SUCCEEDED if ended_early else ExitCode.INTERRUPTED
            return signals.code or self.delivery.code(code)
        return (signals.is_late and signals.code) or self.delivery.code(result.code)

    def _new_step_renderer(self) -> ConsoleRenderer:
        shows_text = self._args.stream and not self._args.as_json
        return ConsoleRenderer(text=shows_text, lines=False)

    def _start_step(self, item: "StepStartedItem") -> None:
        items = item.get("items")
        if not self._args.as_json:
            gap = "\n" if self._result.steps else ""
            words = "" if items is None else f", {items} item{'s' * (items != 1)}"
            title = one_line(f"{item['step']} ({item['action']}{words})")
            lines = [heading(f"{gap}{title}"), EMPTY]
            self.delivery.write(print_page, lines)
        self._step_renderer = self._stack.enter_context(self._new_step_renderer())
        self._items = None if items is None else self._new_items(items)

    def _new_items(self, total: int) -> StepItems:
        is_shown = not self._args.as_json
        return StepItems(
            total,
            self._step_renderer,
            self.delivery if is_shown else None,
            is_live=self._args.stream and is_shown,
        )

    def _finish_step(self, envelope: "EnvelopeDocument") -> None:
        self._stack.close()
        if self._items:
            self._finish_items(self._items, envelope)
            return
        if not self._args.as_json:
            self.delivery.write(show_result, envelope, self._step_renderer.streamed)
        if not self._is_left(envelope):
            show_problems(envelope)
        if not self._args.as_json:
            self._close([envelope])

    def _finish_items(self, items: StepItems, envelope: "EnvelopeDocument") -> None:
        has_failures = items.end(envelope)
        is_shown = not self._args.as_json
        if is_shown and envelope["status"] == "succeeded":
            self.delivery.write(print_page, [_note(totals_line(envelope))])
        is_of_item = has_failures and envelope["status"] == "failed"
        # The warnings, and such an error, are those of items, which are shown.
        if not is_of_item and not self._is_left(envelope):
            show_error(envelope)
        if is_shown:
            self._close(items.envelopes)

    def _is_left(self, envelope: "EnvelopeDocument") -> bool:
        """Return whether a run was stopped because its reader has left. That is not an error."""
        return self.delivery.reader_left and envelope["status"] == "cancelled"

    def _finish(self) -> None:
        # After --resume, the steps have costs of earlier starts too.
        is_whole = self._args.resume is None and len(self._result.steps) > 1
        if is_whole and not self._args.as_json:
            totals = totals_line(*self._result.steps.values())
            lines = [EMPTY, _note(f"All steps: {totals}")]
            self.delivery.write(print_page, lines)

    def _close(self, envelopes: "Iterable[EnvelopeDocument]") -> None:
        close_runs(self._records, envelopes, is_written=self.delivery.is_complete)


def _note(text: str) -> Line:
    return text_line(text, Kind.NOTE)
