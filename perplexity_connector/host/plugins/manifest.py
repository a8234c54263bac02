"""Turn the manifest of a connector into the contract's dataclasses, when the connector is first used.

Without pydantic: its preparation takes many times as long, and discovery has checked nearly all.
"""

from typing import TYPE_CHECKING

from perplexity_connector.contract import (
    Action,
    Annotations,
    Command,
    CommandOption,
    ConnectionSpec,
    ConnectorError,
    Continuation,
    ErrorCode,
    GuideStep,
    HostApiRange,
    Manifest,
    SandboxCredential,
    SandboxSpec,
    Setting,
)
from perplexity_connector.host.catalogue.discovery import Installed
from perplexity_connector.host.catalogue.manifests import surplus_keys

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CommandDocument,
        ManifestActionDocument,
        ManifestDocument,
        ManifestSandboxDocument,
    )


def load_manifest(installed: Installed) -> Manifest:
    """Return the manifest. Raises `ConnectorError` (`internal`) if it has an unknown key."""
    if places := ", ".join(surplus_keys(installed.document)):
        message = f"The manifest of {installed.id!r} is invalid: {installed.file.name} has unknown keys at {places}."
        raise ConnectorError(ErrorCode.INTERNAL, message)
    return _to_manifest(installed.document)


def _to_manifest(document: "ManifestDocument") -> Manifest:
    connection, sandbox = document["connection"], document.get("sandbox")
    guide = [GuideStep(**step) for step in connection.get("guide", [])]
    return Manifest(
        manifest_version=document["manifest_version"],
        id=document["id"],
        version=document["version"],
        title=document["title"],
        summary=document["summary"],
        icon=document["icon"],
        categories=document["categories"],
        links=document["links"],
        host_api=HostApiRange(**document["host_api"]),
        settings=[Setting(**setting) for setting in document.get("settings", [])],
        connection=ConnectionSpec(
            schema=connection["schema"], env=connection.get("env", {}), guide=guide
        ),
        sandbox=_to_sandbox(sandbox) if sandbox else None,
        actions=[_to_action(action) for action in document["actions"]],
    )


def _to_sandbox(document: "ManifestSandboxDocument") -> SandboxSpec:
    written = document.get("test_connections", [])
    return SandboxSpec(
        start=document["start"],
        settings=document["settings"],
        connection=document.get("connection", {}),
        test_connections=[SandboxCredential(**credential) for credential in written],
        test_prefixes=document.get("test_prefixes", {}),
    )


def _to_action(document: "ManifestActionDocument") -> Action:
    command = document.get("command")
    return Action(
        id=document["id"],
        version=document["version"],
        title=document["title"],
        summary=document["summary"],
        input=document["input"],
        output=document["output"],
        events=document.get("events"),
        streaming=document.get("streaming", False),
        annotations=Annotations(**document["annotations"]),
        timeout=document["timeout"],
        options=document.get("options", {}),
        labels=document.get("labels", {}),
        author_schemas=document.get("author_schemas", {}),
        command=_to_command(command) if command else None,
    )


def _to_command(document: "CommandDocument") -> Command:
    continues = document.get("continues")
    return Command(
        name=document["name"],
        words=document["words"],
        summary=document.get("summary"),
        help=document.get("help"),
        examples=document.get("examples", []),
        values=document.get("values", {}),
        options=[CommandOption(**option) for option in document.get("options", [])],
        continues=Continuation(**continues) if continues else None,
    )
