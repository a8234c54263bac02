"""`connector.yaml` in Python: a connector's description, readable without importing the connector.

Unknown keys are errors: `__pydantic_config__` says so to pydantic, and to
`schemas/connector.schema.json`, which is emitted from these dataclasses. Paths are relative to the
manifest's folder. A host checks the most necessary fields at discovery, from a table that a test
compares with these dataclasses (`host/catalogue/manifests.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

__all__ = [
    "Action",
    "Annotations",
    "Command",
    "CommandOption",
    "ConnectionSpec",
    "Continuation",
    "GuideStep",
    "HostApiRange",
    "Manifest",
    "SandboxCredential",
    "SandboxSpec",
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
    """A setting of the operator, never of a workflow. It is text, which the connector parses."""

    __pydantic_config__: ClassVar = _CLOSED

    name: str
    title: str
    description: str
    env: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideStep:
    """One step of the guide to getting a credential."""

    __pydantic_config__: ClassVar = _CLOSED

    title: str
    text: str
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpec:
    """The credential: its form (a schema file), its environment variables, how to get one."""

    __pydantic_config__: ClassVar = _CLOSED

    schema: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    guide: Sequence[GuideStep] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCredential:
    """A credential of the sandbox. `title` says what happens with it."""

    __pydantic_config__: ClassVar = _CLOSED

    title: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSpec:
    """A server on this machine that answers in place of the real service, without cost.

    * `start`: a Python function, as `package.module:function`. Only a user who asks for the sandbox
      has it imported and called: `start(pace=SECONDS)`, the pause between the events of a stream. It
      returns a context manager that gives the server's address and stops the server at its end.
    * `settings`: the settings of a run there. `{address}` in a text becomes the address.
    * `connection`: the credential's fields there; none of them is a real secret.
    * `test_connections`: credentials to try, each with the case that it brings about; none is real.
    * `test_prefixes`: how test values of a field begin. If the field's environment variable begins
      so, its value is used in place of the one in `connection`.
    """

    __pydantic_config__: ClassVar = _CLOSED

    start: str
    settings: Mapping[str, str]
    connection: Mapping[str, str] = field(default_factory=dict[str, str])
    test_connections: Sequence[SandboxCredential] = ()
    test_prefixes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """The effects of an action, for hosts that ask before a run. MCP's names, and `billable`."""

    __pydantic_config__: ClassVar = _CLOSED

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    billable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOption:
    """An option of a command, `--name` or `-short`, whose value goes into the input at `field`.

    * `setting`: the setting whose value counts if the option is not given.
    * `file`: whether the option takes the path of a file, and the file has the value.
    * `without`: the part of the command's `values` that is removed if the option has no value.
    * `help`: the words for people, in place of the field's description.
    """

    __pydantic_config__: ClassVar = _CLOSED

    name: str
    field: str
    short: str | None = None
    setting: str | None = None
    file: bool = False
    without: str | None = None
    help: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """How a run goes on from an earlier one: `output` of that run becomes `field` of the new input."""

    __pydantic_config__: ClassVar = _CLOSED

    field: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A short command for an action, which a command line offers under `name`.

    * `words`: the field that takes the command's words.
    * `summary`: one short sentence, in place of the action's.
    * `help`: explains the words to people, in place of the field's description.
    * `examples`: arguments that can be copied, without the command's name.
    * `values`: fixed values of the input. Words and options are set in a copy of them.
    * `options`: the options of the command.
    * `continues`: how the command goes on from its last run. Without it, the command cannot.

    All fields are JSON Pointers.
    """

    __pydantic_config__: ClassVar = _CLOSED

    name: str
    words: str
    summary: str | None = None
    help: str | None = None
    examples: Sequence[str] = ()
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    options: Sequence[CommandOption] = ()
    continues: Continuation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action in one version.

    `input`, `output` and `events` are schema files. `timeout` is in seconds. `labels` names the
    choices of an enum for people; its keys are field pointers with `*` for an array's items
    (`/messages/*/role`). `options` names the source of a field's suggestions. `author_schemas` names
    the places of the output whose JSON Schema an author writes into a field of the input:
    `{"/parsed": "/response_format/json_schema/schema"}`. `command` is a short command for terminals.
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
    author_schemas: Mapping[str, str] = field(default_factory=dict[str, str])
    command: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A connector. `version` is the package's SemVer; `icon` is a URI, preferably a `data:` one."""

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
    sandbox: SandboxSpec | None = None
    actions: Sequence[Action]
