"""What the host's tests stand on: distributions made up on the spot, and hosts with a toy in them."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from perplexity_connector.contract import ActionHandler
from perplexity_connector.host import Host
from tests.toy.toy import MANIFEST, ToyPlugin

T = TypeVar("T")
TOKEN = "toy-secret-token"
CONNECTION = {"connection_name": "Mine", "token": TOKEN}
GREET = ("toy", "greet", {"name": "Ada"})
COUNT = ("toy", "count", {"text": "abc"})


def toy_host(
    plugin: object | None = None, manifest: Path = MANIFEST, **options: Any
) -> Host:
    """A host with the toy registered, and no environment."""
    host = Host(**{"environ": {}, **options})
    host.register(plugin or ToyPlugin(), manifest)
    return host


def in_host(host: Host, work: Callable[[Host], Awaitable[T]]) -> T:
    """What `work` gives inside an open host."""

    async def opened() -> T:
        async with host:
            return await work(host)

    return asyncio.run(opened())


def run(
    handler: ActionHandler,
    *,
    step: tuple[str, str, Any] = GREET,
    host: Any = None,
    **options: Any,
) -> Any:
    """The envelope of one run whose handler is `handler`; `host` holds the host's keywords."""
    plugin = ToyPlugin(greet=handler, count=handler)
    options = {"connection": CONNECTION, **options}
    return in_host(
        toy_host(plugin, **(host or {})), lambda host: host.run(*step, **options)
    )


def stream(handler: ActionHandler, **options: Any) -> list[Any]:
    """The events of one stream whose handler is `handler`, and its envelope."""

    async def collect(host: Host) -> list[Any]:
        async with aclosing(
            host.stream(*GREET, connection=CONNECTION, **options)
        ) as items:
            return opened([item async for item in items])

    return in_host(toy_host(ToyPlugin(greet=handler)), collect)


def opened(items: list[Any]) -> list[Any]:
    """The events of a stream, and the envelope of its last item."""
    *events, last = items
    assert last.keys() == {"type", "envelope"}
    assert last["type"] == "run.finished"
    return [*events, last["envelope"]]


def changed(
    folder: Path,
    change: Callable[[str], str] = str,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """A copy of the toy in `folder`, the text of its manifest changed, schemas replaced by their file's stem."""
    shutil.copytree(
        MANIFEST.parent,
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    manifest = folder / "connector.yaml"
    manifest.write_text(change(manifest.read_text(encoding="utf-8")), encoding="utf-8")
    for stem, schema in (schemas or {}).items():
        (folder / "schemas" / f"{stem}.schema.json").write_text(
            json.dumps(schema), encoding="utf-8"
        )
    return manifest


def distribution(
    site: Path,
    name: str,
    *,
    connector: str = "toy",
    package: str | None = None,
    plugin: str = "",
) -> Path:
    """A distribution in `site` whose package is a copy of the toy; the package's folder."""
    package = package or f"{name}_pkg"
    folder = site / package
    changed(folder)
    (folder / "__init__.py").write_text("", encoding="utf-8")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        f"[automation_host.manifests]\n{connector} = {package}:connector.yaml\n"
        f"[automation_host.plugins]\n{connector} = {plugin or f'{package}.toy'}\n",
        encoding="utf-8",
    )
    return folder
