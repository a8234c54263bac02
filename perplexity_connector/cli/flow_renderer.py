"""Shows the items of a flow: each step under its name, the items of a step, and the totals."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import typer

from perplexity_connector.cli.aftermath import close_flow, close_run
from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.flow_lines import (
    each_lines,
    item_lines,
    kept_line,
    skipped_line,
)
from perplexity_connector.cli.flow_result import FlowResult
from perplexity_connector.cli.output import print_json, print_lines, say
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.run_output import show_problems, show_result
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.contract.readers import as_int, as_objects
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import totals_line, warning_lines
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.cli.flow_arguments import FlowArgs
    from perplexity_connector.contract import (
        EnvelopeDocument,
        ErrorDocument,
        FlowItem,
        ItemFinishedItem,
        StepFinishedItem,
        StepStartedItem,
    )


class FlowRenderer:
    """Shows the items of a flow and collects the results of its steps.

    * `delivery`: writes on stdout.
    * `_args`, `_records`: of the command.
    * `_stack`: holds the renderer of the current step. The caller's block ends it too, so that the
      terminal is in order after an error.
    * `_step_renderer`: shows the events of the current step.
    * `_result`: all that has ended.
    * `_ended`: the indexes of the current step's items that have ended.
    * `_shown`: those of them that are shown.
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
        self._ended: set[int] = set()
        self._shown: set[int] = set()

    def show_item(self, item: "FlowItem") -> None:
        """Show an item of `Host.stream_flow`."""
        if self._args.stream and self._args.as_json:
            self.delivery.write(print_json, item, on_one_line=True)
        self._result.add(item)
        match item["type"]:
            case "flow.started":
                for kept in item["kept"]:
                    say(kept_line(kept))
            case "step.started":
                self._start_step(item)
            case "item.finished":
                self._finish_item(item)
            case "step.finished":
                self._finish_step(item)
            case "step.skipped":
                say(skipped_line(item))
            case "flow.finished":
                self._finish()
            case "item.started":
                pass
            case _ if "item" not in item:
                # Several items run at once: their texts would mix.
                self.delivery.write(self._step_renderer.show_event, item)
