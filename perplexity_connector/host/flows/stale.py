"""Find the kept outputs that are stale: their step is not the same any more. Pure."""

from collections.abc import Collection

from perplexity_connector.contract import Flow, JsonObject


def stale_steps(
    flow: Flow,
    inputs: JsonObject,
    old_flow: Flow,
    old_inputs: JsonObject,
) -> Collection[str]:
    """Return the ids of the steps whose outputs of an old run are stale.

    A step is stale if its definition has changed, apart from its id, connection and `on_failure`; if
    it refers to a stale step; or if an input value that it refers to has changed. A step that the old
    flow did not have is stale.
    """
    raise NotImplementedError
