"""Shows the items of a step with `each`: how many have ended, then each under its index."""

from typing import TYPE_CHECKING, cast

from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.flow_lines import (
    item_error_lines,
    item_lines,
    item_warning_lines,
)
from perplexity_connector.cli.output import say
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.cli.terminal import print_page
from perplexity_connector.contract import ErrorCode, JsonValue
from perplexity_connector.contract.readers import as_int, as_list, as_object, as_objects

if TYPE_CHECKING:
    from collections.abc import Collection

    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument


class StepItems:
    """The items of one step.

    * `_total`: how many there are.
    * `_delivery`: writes on stdout; None where the outputs are not shown.
    * `_renderer`: shows how many have ended.
    * `_is_live`: whether each is shown as soon as it ends.
    * `_ended`: the envelopes of the items that have ended, by index.
    * `_shown`: the indexes of the items that are shown.
    """

    def __init__(
        self,
        total: int,
        renderer: ConsoleRenderer,
        delivery: Delivery | None,
        *,
        is_live: bool,
    ) -> None:
        """Show that no item has ended yet."""
        self._total = total
        self._delivery = delivery
        self._renderer = renderer
        self._is_live = is_live
        self._ended: dict[int, EnvelopeDocument] = {}
        self._shown: set[int] = set()
        self._show_count()

    @property
    def envelopes(self) -> "Collection[EnvelopeDocument]":
        """The envelopes of the items that have ended."""
        return self._ended.values()

    def finish(self, index: int, envelope: "EnvelopeDocument") -> None:
        """Count an item that has ended. Show it, if it is shown at once."""
        self._ended[index] = envelope
        self._show_count()
        if self._is_live:
            # The text would be written into the line of the spinner.
            self._renderer.stop_spinner()
            self._show(index, envelope["output"], envelope["error"])

    def end(self, envelope: "EnvelopeDocument") -> bool:
        """Show the items that are not shown yet. Return whether one of them all has failed."""
        result = envelope["output"] or envelope["partial"] or {}
        for index, output in enumerate(as_list(result.get("items"))):
            if output is not None:
                self._show(index, output, None)
        failures = as_objects(result.get("failed"))
        for failure in failures:
            error = cast("ErrorDocument", as_object(failure.get("error")))
            self._show(as_int(failure.get("index")) or 0, None, error)
        return bool(failures)

    def _show(
        self, index: int, output: JsonValue, error: "ErrorDocument | None"
    ) -> None:
        if index in self._shown:
            return
        self._shown.add(index)
        if output is not None and self._delivery:
            lines = item_lines(index, as_object(output))
            self._delivery.write(print_page, [*lines, ""])
        if envelope := self._ended.get(index):
            for line in item_warning_lines(index, envelope):
                say(line)
        if error and error["code"] != ErrorCode.CANCELLED:
            # The step itself says that it was stopped.
            for line in item_error_lines(index, error):
                say(line)

    def _show_count(self) -> None:
        self._renderer.show_status(f"{len(self._ended)} of {self._total}")
