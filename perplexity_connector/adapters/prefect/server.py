"""All that a flow asks Prefect's server for, beside the steps of the run itself."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.client.schemas.objects import BlockDocument


def block_documents(slug: str) -> "Sequence[BlockDocument]":
    """Return the saved blocks of a type, with their secrets; none before the type is known."""
    with get_client(sync_client=True) as client:
        try:
            return client.read_block_documents_by_type(slug, include_secrets=True)
        except ObjectNotFound:
            return ()


def block_name(document_id: UUID) -> str | None:
    """Return the name of a saved block."""
    with get_client(sync_client=True) as client:
        return client.read_block_document(document_id, include_secrets=False).name


def is_cancelling(flow_run_id: str) -> bool:
    """Return whether a person, or a program, cancels this run."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(flow_run_id)).state
        return state is not None and (state.is_cancelling() or state.is_cancelled())


def put_artifact(
    flow_run_id: str, key: str, kind: str, data: Any, description: str = ""
) -> None:
    """Write an artifact of a run, of the type `kind`. A run has one of each key: the next replaces the last."""
    with get_client(sync_client=True) as client:
        of_run = ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(flow_run_id)]),
            key=ArtifactFilterKey(any_=[key]),
        )
        if known := client.read_artifacts(artifact_filter=of_run, limit=1):
            change = ArtifactUpdate(data=data, description=description)
            client.update_artifact(known[0].id, change)
            return
        new = ArtifactCreate(
            key=key,
            type=kind,
            data=data,
            description=description,
            flow_run_id=UUID(flow_run_id),
        )
        client.create_artifact(new)
