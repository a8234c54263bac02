"""The credentials of each connector as a block of Prefect, made from its connection schema.

Prefect imports this module when it is itself imported. A block's name is the name of the connection.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, create_model

from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.contract.readers import as_list, as_object, as_text
from perplexity_connector.host import Host
from perplexity_connector.host.credentials.form import NAME

if TYPE_CHECKING:
    from perplexity_connector.contract import ActionDescription


def block_of(about: "ActionDescription") -> type[Block]:
    """Return the block of the connector of an action."""
    connector = about["connector"]
    schema = about["schemas"]["connection"]
    words = re.findall("[A-Za-z0-9]+", connector["id"])
    title = " ".join(word.capitalize() for word in words)
    name = f"{title.replace(' ', '')}Credentials"
    block = create_model(
        name, __base__=Block, __module__=__name__, **_fields_of(schema)
    )
    links = connector["links"]
    about_block = {
        "_block_type_name": f"{title} Credentials",
        "_description": as_text(schema.get("description")),
        "_logo_url": _url(links.get("logo")),
        "_documentation_url": _url(links.get("documentation")),
    }
    for attribute, value in about_block.items():
        setattr(block, attribute, value)
    return block


def secrets_of(block: type[Block]) -> frozenset[str]:
    """Return the names of the secret fields."""
    fields = block.model_fields.items()
    return frozenset(
        name
        for name, field in fields
        if SecretStr in (field.annotation, *get_args(field.annotation))
    )


def _fields_of(schema: JsonObject) -> dict[str, Any]:
    required = as_list(schema.get("required"))
    properties = as_object(schema.get("properties"))
    return {
        name: _field_of(as_object(shown), is_required=name in required)
        for name, shown in properties.items()
        if name != NAME
    }


def _field_of(shown: JsonObject, *, is_required: bool) -> tuple[Any, Any]:
    is_secret = shown.get("format") == "password" or shown.get("writeOnly") is True
    kind: Any = SecretStr if is_secret else str
    words: dict[str, Any] = {
        word: as_text(shown.get(word)) for word in ("title", "description")
    }
    if is_required:
        return kind, Field(min_length=1, **words)
    return kind | None, Field(default=None, **words)


def _url(address: str | None) -> HttpUrl | None:
    return HttpUrl(address) if address else None


def _described() -> "Iterator[tuple[str, ActionDescription]]":
    """Yield each connector's id, with one of its actions. One that cannot be described is left out."""
    host, known = Host(), set[str]()
    for entry in host.actions():
        connector = entry["connector"]
        if connector in known:
            continue
        try:
            yield connector, host.describe(connector, entry["action"])
        except ConnectorError:
            continue  # the flow of the action says why
        known.add(connector)


# By the id of the connector.
BLOCKS: Mapping[str, type[Block]] = {
    connector: block_of(about) for connector, about in _described()
}
# Prefect finds the blocks of a module by its attributes.
globals().update({block.__name__: block for block in BLOCKS.values()})

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
