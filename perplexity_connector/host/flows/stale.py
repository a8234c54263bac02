"""Find the kept outputs that are stale: what they came from is not the same any more. Pure."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace

from perplexity_connector.contract import (
    Flow,
    FlowStep,
    InputReference,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.flow import EachOfInput
from perplexity_connector.host.flows.references import (
    Values,
    references_of,
    steps_of,
    value_of,
)


def stale_steps(
    flow: Flow, inputs: JsonObject, old_flow: Flow, old_inputs: JsonObject
) -> Collection[str]:
    """Return the ids of the steps whose outputs of an old run are stale.

    A step is stale if its definition has changed, apart from its connection and `on_failure`; if it
    refers to a stale step; or if an input value that it refers to has changed. A step that the old
    flow did not have is stale.
    """
    old_steps = {step.id: step for step in old_flow.steps}
    now, then = Values(inputs=inputs), Values(inputs=old_inputs)
    stale: set[str] = set()
    for step in flow.steps:
        old = old_steps.get(step.id)
        is_same = old is not None and _origin(step, now) == _origin(old, then)
        if not is_same or not stale.isdisjoint(steps_of(step)):
            stale.add(step.id)
    return stale


def _origin(step: FlowStep, values: Values) -> str:
    """Return a text that is the same for the same definition and input values."""
    definition = asdict(replace(step, connection=None, on_failure="stop"))
    inputs = [_value(source, values) for source in _input_sources(step)]
    # `ABSENT` is not JSON. In Python, 1 is equal to true; as text, it is not.
    return json.dumps([definition, inputs], sort_keys=True, default=repr)


def _input_sources(step: FlowStep) -> Iterator[InputReference | EachOfInput]:
    if isinstance(step.each, EachOfInput):
        yield step.each
    for binding in step.bindings.values():
        for reference in references_of(binding):
            if isinstance(reference, InputReference):
                yield reference


def _value(source: InputReference | EachOfInput, values: Values) -> JsonValue:
    try:
        return value_of(source, values)
    except LookupError:
        return None
