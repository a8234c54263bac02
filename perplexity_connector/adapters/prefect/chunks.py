"""Start the flow runs of a job, and look at them, from the machine that has its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.exceptions import ObjectNotFound

from perplexity_connector.adapters.prefect.setup import DEPLOYMENT
from perplexity_connector.adapters.prefect.tables import PAUSED
from perplexity_connector.contract import JsonObject

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from perplexity_connector.host.tables.rows.brakes import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A flow run that runs rows of a job.

    * `state`, `message`: of its state.
    * `reason`: why it ended before the job did; None if it did not.
    """

    flow_run_id: str
    name: str
    state: str
    message: str
    is_final: bool
    reason: "Reason | None"


def begin_chunks(
    job_id: str, start: int, chunks: int, parameters: JsonObject
) -> Sequence[str]:
    """Start so many flow runs for a start of a job. Return their ids. To repeat it starts no others.

    Raises `LookupError` if the server has no deployment for tables.
    """
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"run_table/{DEPLOYMENT}")
        except ObjectNotFound:
            raise LookupError(DEPLOYMENT) from None
        return [
            str(
                client.create_flow_run_from_deployment(
                    deployment.id,
                    parameters={**parameters, "start": start, "chunk": chunk},
                    # With the same key, the server returns the run that it has.
                    idempotency_key=f"{job_id}:{start}:{chunk}",
                ).id
            )
            for chunk in range(1, chunks + 1)
        ]


def look_at(flow_run_ids: Sequence[str]) -> Sequence[Chunk]:
    """Return the flow runs as they are now."""
    if not flow_run_ids:
        return ()
    wanted = FlowRunFilterId(any_=[UUID(one) for one in flow_run_ids])
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=wanted))
    return [
        Chunk(
            flow_run_id=str(run.id),
            name=run.name,
            state=run.state.name or "",
            message=run.state.message or "",
            is_final=run.state.is_final(),
            reason=_reason(run.state),
        )
        for run in found
        if run.state is not None
    ]


def _reason(state: "State[Any]") -> "Reason | None":
    if state.name == PAUSED:
        return "budget"
    if state.is_failed() or state.is_crashed():
        return "failed"
    return "stopped" if state.is_cancelled() else None
