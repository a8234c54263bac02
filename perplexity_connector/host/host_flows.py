"""The methods of a host for flows."""

import functools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Unpack

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.validation.sealing import seal_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from perplexity_connector.contract import (
        FlowDocument,
        FlowErrorDocument,
        FlowHintDocument,
        FlowItem,
        FlowPriceDocument,
        KeptStepDocument,
    )
    from perplexity_connector.host.flows.flows import Flows
    from perplexity_connector.host.flows.params import FlowOptions, ResumeOptions
    from perplexity_connector.host.runs.params import GivenConnection


class HostFlows(ABC):
    """A host that runs flows."""

    @functools.cached_property
    @abstractmethod
    def _flows(self) -> "Flows":
        """The flows of this host, made on first use."""
        ...

    def validate_flow(
        self,
        flow: JsonObject,
        *,
        connections: "Mapping[str, GivenConnection] | None" = None,
    ) -> "list[FlowErrorDocument]":
        """Return everything that is surely wrong with a saved flow.

        Each error is {step, pointer, code, message}. `pointer` leads into the input of that step,
        or into the flow if `step` is null. A field with a binding counts as filled.
        `connections` are those that `stream_flow` will get.
        """
        return self._flows.errors(flow, connections)

    def flow_hints(self, flow: JsonObject) -> "list[FlowHintDocument]":
        """Return the hints about the steps of a saved flow, each {step, pointer, message}.

        A hint that depends on the value of a binding is left out.
        """
        return self._flows.hints(flow)

    async def flow_price(
        self, flow: JsonObject, **options: "Unpack[FlowOptions]"
    ) -> "FlowPriceDocument":
        """Return the price of a flow, or of the part of it that would run. It sends nothing.

        A step with `each` counts once for each item of its list, if that is known, else `max` times.
        Raises as `stream_flow` does.
        """
        seal_all(options)
        return await self._flows.price(flow, options)

    async def kept_steps(
        self, flow: JsonObject, **options: "Unpack[FlowOptions]"
    ) -> "list[KeptStepDocument]":
        """Return the steps whose kept outputs would be used, each {step, stale}. It sends nothing.

        Raises as `stream_flow` does.
        """
        seal_all(options)
        return await self._flows.kept(flow, options)

    def stream_flow(
        self,
        flow: JsonObject,
        **options: "Unpack[FlowOptions]",
    ) -> "AsyncGenerator[FlowItem, None]":
        """Run a saved flow step by step: `step.started`, the run's events, `step.finished`.

        See `docs/flows.md`. The last item is `flow.finished`, with the status of the flow. Closing
        the generator early cancels what runs. Raises `ConnectorError` (`invalid_input`), before
        anything is sent, if `validate_flow` finds an error, the inputs have one, or a step needs an
        output that is not kept; the pointers of its fields lead into the flow, or into the inputs.
        `not_found`: the ledger does not have the flow run that `outputs` names.
        """
        seal_all(options)
        return self._flows.stream(flow, options)

    async def run_flow(
        self,
        flow: JsonObject,
        **options: "Unpack[FlowOptions]",
    ) -> "FlowDocument":
        """Run a saved flow and return {flow_version, status, steps}, each step {id, envelope}.

        Raises as `stream_flow` does.
        """
        seal_all(options)
        return await self._flows.run(flow, options)

    def resume_flow(
        self, flow_id: str, **options: "Unpack[ResumeOptions]"
    ) -> "AsyncGenerator[FlowItem, None]":
        """Go on with a flow of the ledger that has not succeeded, from the step where it stopped.

        The items are those of `stream_flow`; `kept` of the first one has the steps that are not run
        again. A run that the provider has begun is followed, and a step that failed is run again.
        Raises `ConnectorError`, before anything is sent: `not_found` for a flow that the ledger does
        not have or whose content is erased, `unavailable` while another process works on it,
        `unsupported` without a ledger, `invalid_input` for one that has succeeded, or that ran on a
        sandbox while this host does not, and the reverse.
        """
        seal_all(options)
        return self._flows.resume(flow_id, options)
