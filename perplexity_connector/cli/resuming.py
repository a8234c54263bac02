"""The command `runs resume`: goes on with a run or a flow."""

from perplexity_connector.cli.flow_arguments import FlowArgs
from perplexity_connector.cli.flow_running import run_saved_flow
from perplexity_connector.cli.records import LAST, Records
from perplexity_connector.cli.running import RunArgs, run_action
from perplexity_connector.cli.targets import HostMaker
from perplexity_connector.contract.json import is_flow_id


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
    """Return the newest unfinished run or flow. A run of a flow goes on with its flow, if that can."""
    ledger = records.ledger
    flows = records.answer(ledger.flows(status="interrupted", limit=1))
    for run in records.answer(ledger.runs(status="begun", limit=1)):
        if any(run.created_at < flow.created_at for flow in flows):
            break
        if run.flow_id and records.get_flow(run.flow_id).status != "succeeded":
            return run.flow_id
        return run.run_id
    return flows[0].flow_id if flows else LAST
