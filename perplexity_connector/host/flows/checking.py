"""Find the errors of a flow before anything is sent, and its hints."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.contract import FieldError, Flow, FlowStep, JsonObject
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.parts import Part
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.runs.params import GivenConnection
from perplexity_connector.host.runs.runs import Runs

if TYPE_CHECKING:
    from perplexity_connector.contract import FlowHintDocument, SchemasDocument
    from perplexity_connector.host.flows.prices import StepEstimate

# An error, and the step that it is in; without a step, its pointer leads into the flow.
Problem: TypeAlias = tuple[FlowStep | None, FieldError]
Connections: TypeAlias = Mapping[str, GivenConnection]


class FlowCheck:
    """Checks flows: the catalogue describes their actions, and the runs validate inputs."""

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs

    def problems(
        self, flow: Flow, part: Part, known: Values, connections: Connections
    ) -> list[Problem]:
        """Return everything that is surely wrong with the steps of a part.

        `known` has the outputs of before and the inputs, as far as they are known: a binding whose
        values are known is checked with them.
        """
        raise NotImplementedError

    def hints(self, flow: Flow) -> "list[FlowHintDocument]":
        """See `Host.flow_hints`."""
        raise NotImplementedError

    def schemas(self, step: FlowStep) -> "SchemasDocument":
        """Return the schemas of a step's action. Raises `ConnectorError` (`not_found`, `internal`)."""
        raise NotImplementedError

    def output_schema(self, step: FlowStep) -> JsonObject:
        """Return the schema of a step's output: with `each`, that of its items. Raises as `schemas` does."""
        raise NotImplementedError

    def estimates(self, flow: Flow, part: Part, known: Values) -> "list[StepEstimate]":
        """Return the price of each step of a part, as far as its values are known."""
        raise NotImplementedError


def errors_in_flow(flow: Flow, problems: Sequence[Problem]) -> list[FieldError]:
    """Return the errors with pointers that lead into the flow."""
    raise NotImplementedError
