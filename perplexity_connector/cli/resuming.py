"""The command `runs resume`: goes on with a run or a flow."""

from perplexity_connector.cli.flow_arguments import FlowArgs
from perplexity_connector.cli.flow_running import run_saved_flow
from perplexity_connector.cli.records import LAST, Records, is_flow_id
from perplexity_connector.cli.running import RunArgs, run_action
from perplexity_connector.cli.targets import HostMaker


def resume_entry(
    records: Records,
    make_host: HostMaker,
    name: str,
    connection: str | None,
    *,
    as_json: bool,
) -> int:
    """Go on with a run or a flow. Return its exit code.

    `last` is the newest one that is unfinished; without one, the newest run. Raises as
    `run_action` and `run_saved_flow`.
    """
    if name == LAST:
        name = _last(records)
    if is_flow_id(name):
        flow = FlowArgs(resume=name, connection=connection, as_json=as_json)
        return run_saved_flow(flow, make_host, records)
    run = RunArgs(resume=name, connection=connection, as_json=as_json)
    return run_action(run, make_host, records)


def _last(records: Records) -> str:
    """Return the newest flow that was cut short, unless an unfinished run is newer and not of it."""
    ledger = records.ledger
    runs = records.answer(ledger.runs(status="begun", limit=1))
    for newest in records.answer(ledger.flows(status="interrupted", limit=1)):
        # An entry of a list has no items.
        flow = records.get_flow(newest.flow_id)
        own = {step.run_id for step in flow.steps}
        if all(run.run_id in own or run.created_at < flow.created_at for run in runs):
            return flow.flow_id
    return LAST
