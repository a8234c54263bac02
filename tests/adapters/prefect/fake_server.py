"""Prefect's server in memory: what the adapter asks its client for, and no more."""

from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Running, Scheduled

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


class FakeServer:
    """A server, and the client that asks it.

    * `blocks`: the saved blocks by the slug of their type.
    * `artifacts`, `deployments`, `automations`, `pools`: by key, full name, name and name.
    * `runs`: the flow runs, by idempotency key or id.
    * `state`: of any other flow run.
    * `is_away`: whether it does not answer.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.blocks: dict[str, list[Any]] = {}
        self.artifacts: dict[str, Any] = {}
        self.deployments: dict[str, Any] = {}
        self.automations: dict[str, Any] = {}
        self.pools: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.state: State[Any] | None = Running()
        self.is_away = False

    def get_client(self, *, sync_client: bool) -> Self:
        """Return the client."""
        assert sync_client
        return self

    def __enter__(self) -> Self:
        """Connect."""
        if self.is_away:
            raise ConnectionRefusedError
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave."""

    # Blocks.

    def save(self, name: str, slug: str = "perplexity-credentials", **data: Any) -> str:
        """Save a block, and return the id of its document."""
        document = SimpleNamespace(
            id=uuid4(), name=name, data=data, created=None, updated=None
        )
        self.blocks.setdefault(slug, []).append(document)
        return str(document.id)

    def read_block_documents_by_type(
        self, slug: str, *, include_secrets: bool
    ) -> list[Any]:
        """Return the blocks of a type."""
        assert include_secrets
        if slug not in self.blocks:
            raise ObjectNotFound(Exception(slug))
        return self.blocks[slug]

    def read_block_document(self, known: UUID, *, include_secrets: bool) -> Any:
        """Return a block."""
        assert not include_secrets
        documents = [one for found in self.blocks.values() for one in found]
        return next(one for one in documents if one.id == known)

    # Artifacts.

    def read_artifacts(self, *, artifact_filter: Any, limit: int) -> list[Any]:
        """Return the artifact of a key."""
        (key,) = artifact_filter.key.any_
        found = self.artifacts.get(key)
        return [found][:limit] if found else []

    def create_artifact(self, artifact: Any) -> None:
        """Keep an artifact."""
        assert artifact.key not in self.artifacts
        self.artifacts[artifact.key] = SimpleNamespace(
            id=uuid4(), **artifact.model_dump()
        )

    def update_artifact(self, known: UUID, change: Any) -> None:
        """Change an artifact."""
        (found,) = [one for one in self.artifacts.values() if one.id == known]
        vars(found).update(change.model_dump(exclude_unset=True))

    # Set-up.

    def create_work_pool(self, pool: Any) -> None:
        """Keep a pool."""
        if pool.name in self.pools:
            raise ObjectAlreadyExists(Exception(pool.name))
        self.pools[pool.name] = pool

    def create_flow(self, made: Any) -> str:
        """Return the id of a flow: its name."""
        return str(made.name)

    def read_deployment_by_name(self, name: str) -> Any:
        """Return a deployment."""
        if name not in self.deployments:
            raise ObjectNotFound(Exception(name))
        return self.deployments[name]

    def create_deployment(self, flow: str, name: str, **fields: Any) -> UUID:
        """Keep a deployment."""
        known = uuid4()
        self.deployments[f"{flow}/{name}"] = SimpleNamespace(id=known, **fields)
        return known

    def update_deployment(self, known: UUID, change: Any) -> None:
        """Change a deployment."""
        (found,) = [one for one in self.deployments.values() if one.id == known]
        vars(found).update(change.model_dump(exclude_unset=True))

    def read_automations_by_name(self, name: str) -> list[Any]:
        """Return the automations of a name."""
        return [self.automations[name]] if name in self.automations else []

    def create_automation(self, automation: Any) -> None:
        """Keep an automation."""
        assert automation.name not in self.automations
        self.update_automation(uuid4(), automation)

    def update_automation(self, known: UUID, automation: Any) -> None:
        """Replace an automation."""
        fields = {**automation.model_dump(), "id": known}
        self.automations[automation.name] = SimpleNamespace(**fields)

    # Flow runs.

    def create_flow_run_from_deployment(
        self, deployment: UUID, *, parameters: Any, idempotency_key: str
    ) -> Any:
        """Start a flow run, or return the one of that key."""
        new = SimpleNamespace(
            id=uuid4(),
            name=f"run-{len(self.runs)}",
            deployment=deployment,
            parameters=parameters,
            state=Scheduled(),
        )
        return self.runs.setdefault(idempotency_key, new)

    def read_flow_runs(self, *, flow_run_filter: Any) -> list[Any]:
        """Return flow runs."""
        wanted = flow_run_filter.id.any_
        return [run for run in self.runs.values() if run.id in wanted]

    def read_flow_run(self, known: UUID) -> Any:
        """Return the flow run of a test."""
        del known
        return SimpleNamespace(state=self.state)
