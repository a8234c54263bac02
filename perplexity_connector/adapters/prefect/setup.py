"""Set a server of Prefect up: work pool, blocks, deployments, and one automation for lost workers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect import Flow, get_client
from prefect.automations import (
    AutomationCore,
    ChangeFlowRunState,
    EventTrigger,
    Posture,
)
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.process import ProcessWorker

from perplexity_connector.adapters.prefect.blocks import BLOCKS
from perplexity_connector.adapters.prefect.flows import ACTIONS, run_table
from perplexity_connector.adapters.prefect.tables import PAUSED

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient

POOL = "perplexity"
TAG = "perplexity-connector"
# The deployment of `run_table`; those of actions have the name of their connector.
DEPLOYMENT = "perplexity"
AUTOMATION = "perplexity-connector: run again after a lost worker"

# Prefect sends none more often. A run whose heart is silent for three of them is lost.
_BEAT_S = 30
_LOST_S = 3 * _BEAT_S
_BEAT = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
_EVENT = "prefect.flow-run"
# The events of a run that has no heart any more. A state's event has the state's own name.
_ENDS = ("Completed", "Failed", "Crashed", "Cancelling", "Cancelled", PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """The names of all that the server has now."""

    pool: str
    blocks: Sequence[str]
    deployments: Sequence[str]
    automation: str


def set_up(pool: str = POOL) -> SetUp:
    """Make or renew all that our flows need on the server. To repeat it changes nothing else.

    A work pool that exists is used as it is.
    """
    with get_client(sync_client=True) as client:
        _make_pool(client, pool)
        for block in BLOCKS.values():
            block.register_type_and_schema(_sync=True)  # type: ignore[call-arg] # of its two forms, the blocking one
        deployed = dict(_deploy(client, pool))
        _make_automation(client, list(deployed.values()))
    return SetUp(
        pool=pool,
        blocks=[block.get_block_type_slug() for block in BLOCKS.values()],
        deployments=list(deployed),
        automation=AUTOMATION,
    )


def _make_pool(client: "SyncPrefectClient", pool: str) -> None:
    template = ProcessWorker.get_default_base_job_template()
    new = WorkPoolCreate(name=pool, type="process", base_job_template=template)
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(new)


def _deploy(client: "SyncPrefectClient", pool: str) -> "Iterator[tuple[str, UUID]]":
    flows = [(made, connector) for connector, made in ACTIONS.values()]
    for made, name in [*flows, (run_table, DEPLOYMENT)]:
        full_name = f"{made.name}/{name}"
        yield full_name, _deploy_one(client, pool, made, name)


def _deploy_one(
    client: "SyncPrefectClient", pool: str, made: Flow[..., Any], name: str
) -> "UUID":
    try:
        known = client.read_deployment_by_name(f"{made.name}/{name}")
    except ObjectNotFound:
        flow_id = client.create_flow(made)
        fields = _fields_of(made, pool, {}, ())
        return client.create_deployment(flow_id, name, **fields)
    # The rest is the operator's: schedules, whether it is paused, other variables and tags.
    fields = _fields_of(made, pool, known.job_variables or {}, known.tags)
    client.update_deployment(known.id, DeploymentUpdate(**fields))
    return known.id


def _fields_of(
    made: Flow[..., Any], pool: str, variables: Mapping[str, Any], tags: Sequence[str]
) -> dict[str, Any]:
    schema = made.parameters.model_dump(exclude_unset=True)
    environment = {_BEAT: str(_BEAT_S), **variables.get("env", {})}
    return {
        "entrypoint": f"{made.fn.__module__}.{made.fn.__name__}",
        "work_pool_name": pool,
        "description": made.description,
        "tags": sorted({TAG, *tags}),
        "job_variables": {**variables, "env": environment},
        "enforce_parameter_schema": True,
        # A field that we do not know is refused by the server, not by a worker after its start.
        "parameter_openapi_schema": {**schema, "additionalProperties": False},
    }


def _make_automation(
    client: "SyncPrefectClient", deployments: "Sequence[UUID]"
) -> None:
    new = _automation(deployments)
    if known := client.read_automations_by_name(AUTOMATION):
        client.update_automation(known[0].id, new)
    else:
        client.create_automation(new)


def _automation(deployments: "Sequence[UUID]") -> AutomationCore:
    """Schedule a run of ours again when its heartbeat is lost. Runs of other deployments stay as they are."""
    ours = [f"prefect.deployment.{deployment}" for deployment in deployments]
    beat = f"{_EVENT}.heartbeat"
    return AutomationCore(
        name=AUTOMATION,
        description="Another worker goes on with a run whose worker was lost. Nothing is paid twice.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            match={"prefect.resource.id": f"{_EVENT}.*"},
            match_related={
                "prefect.resource.role": "deployment",
                "prefect.resource.id": ours,
            },
            for_each={"prefect.resource.id"},
            after={beat},
            expect={beat, *(f"{_EVENT}.{end}" for end in _ENDS)},
            threshold=1,
            within=timedelta(seconds=_LOST_S),
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.SCHEDULED,
                message="Its worker was lost.",
                force=False,
            )
        ],
    )
