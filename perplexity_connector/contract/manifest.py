"""`connector.yaml` in Python: what a connector is, readable without importing anything of it.

The dataclasses are closed to unknown keys: `__pydantic_config__` says so to whoever validates them with pydantic, and
to `schemas/connector.schema.json`, which is emitted from them. Paths are relative to the manifest's own folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

__all__ = [
    "Action",
    "Annotations",
    "ConnectionSpec",
    "GuideStep",
    "HostApiRange",
    "Manifest",
    "Setting",
]

_CLOSED = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostApiRange:
    """The host interface versions that a connector works with, both ends included."""

    __pydantic_config__: ClassVar = _CLOSED

    min: int
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something the operator may set, never a workflow. All settings are text; the connector parses its own."""

    __pydantic_config__: ClassVar = _CLOSED

    name: str
    title: str
    description: str
    env: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideStep:
    """One step on the way to a credential."""

    __pydantic_config__: ClassVar = _CLOSED

    title: str
    text: str
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpec:
    """The credential: its form, the environment variables that can fill it, and how to get one."""

    __pydantic_config__: ClassVar = _CLOSED

    schema: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    guide: Sequence[GuideStep] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """What running an action means, for hosts that ask before they run (the names are MCP's, and `billable`)."""

    __pydantic_config__: ClassVar = _CLOSED

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    billable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action in one version.

    `input`, `output` and `events` are schema files. `timeout` is in seconds. `labels` gives words for the choices of
    an enum, keyed by the field's pointer with `*` for an array's items (`/messages/*/role`). `options` names the
    source of a field's suggestions.
    """

    __pydantic_config__: ClassVar = _CLOSED

    id: str
    version: int
    title: str
    summary: str
    input: str
    output: str
    events: str | None = None
    streaming: bool = False
    annotations: Annotations
    timeout: int
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A connector's whole description. `version` is the package's SemVer; `icon` is a URI, a `data:` one for choice."""

    __pydantic_config__: ClassVar = _CLOSED

    manifest_version: Literal[1]
    id: str
    version: str
    title: str
    summary: str
    icon: str
    categories: Sequence[str]
    links: Mapping[str, str]
    host_api: HostApiRange
    settings: Sequence[Setting] = ()
    connection: ConnectionSpec
    actions: Sequence[Action]
