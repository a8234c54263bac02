"""The parameters of a flow, from the schema of an action's input."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from prefect.blocks.core import Block
from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    WithJsonSchema,
    create_model,
)

from perplexity_connector.adapters.prefect import server
from perplexity_connector.adapters.prefect.blocks import BLOCKS
from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
    Secret,
)
from perplexity_connector.contract.readers import as_list, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from perplexity_connector.contract import ActionDescription
    from perplexity_connector.host.runs.params import GivenConnection

CONNECTION = "connection"
_NULL = {"type": "null"}


def signature_of(about: "ActionDescription") -> inspect.Signature:
    """Return the parameters of an action's flow: its input's fields, and the connection.

    The server shows and enforces our schema of each field as it is. Prefect posts null for a field
    that is not filled in, so an optional one without a default may be null.
    """
    schema = about["schemas"]["input"]
    required = as_list(schema.get("required"))
    properties = as_object(schema.get("properties"))
    fields = [
        _parameter(name, as_object(shown), is_required=name in required)
        for name, shown in properties.items()
    ]
    return inspect.Signature([*fields, _connection(about["connector"]["id"])])


def docstring_of(about: "ActionDescription") -> str:
    """Return the docstring of an action's flow, where Prefect reads what a parameter of a type means."""
    block = BLOCKS[about["connector"]["id"]].get_block_type_name()
    return (
        f"{about['action']['summary']}\n\nArgs:\n"
        f"    {CONNECTION}: A saved block of {block}, or its name. Without one, the worker's environment has the key."
    )


def input_of(values: "Mapping[str, Any]") -> dict[str, JsonValue]:
    """Return the input of an action from the parameters of its flow, without nulls."""
    return {
        name: value
        for name, value in values.items()
        if name != CONNECTION and value is not None
    }


def connection_of(given: object) -> "GivenConnection":
    """Return the connection of a run: the name of a saved block, or the fields of another one.

    Raises `ConnectorError` (`invalid_input`) for anything else: the environment's key may be of another account.
    """
    if isinstance(given, Block):
        return given._block_document_name or dict(_fields(given))  # noqa: SLF001 - no public name has it
    if given is None or isinstance(given, str):
        return given
    reference = as_object(given).get("$ref")
    if isinstance(reference, dict):
        reference = reference.get("block_document_id")
    try:
        return server.block_name(UUID(as_text(reference)))
    except ValueError:
        message = "The connection must be a saved block, or the name of one."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message) from None


def _parameter(name: str, shown: JsonObject, *, is_required: bool) -> inspect.Parameter:
    if is_required:
        return _of_schema(name, shown, inspect.Parameter.empty)
    if shown.get("default") is None:
        words = {
            word: shown[word] for word in ("title", "description") if word in shown
        }
        return _of_schema(name, {**words, "anyOf": [shown, _NULL]}, None)
    return _of_schema(name, shown, shown["default"])


def _connection(connector: str) -> inspect.Parameter:
    """Return a picker for a saved block, which also takes its name."""
    return inspect.Parameter(
        CONNECTION,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=_reference_to(BLOCKS[connector]) | str | None,
    )


def _reference_to(block: type[Block]) -> type[BaseModel]:
    """Return a type whose schema is a picker in Prefect's page. A key itself is refused: it would be kept.

    Prefect's server adds the form of a reference to each definition with the slug of a block.
    """
    shown: dict[str, Any] = {
        "title": block.__name__,
        "type": "object",
        "block_type_slug": block.get_block_type_slug(),
        "not": {},
    }

    def show(schema: dict[str, Any]) -> None:
        schema.clear()
        schema.update(shown)

    config = ConfigDict(json_schema_extra=show)
    return create_model(block.__name__, __config__=config)


def _of_schema(name: str, shown: JsonObject, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[Any, WithJsonSchema(dict(shown))],
    )


def _fields(block: Block) -> "Iterator[tuple[str, str | Secret]]":
    for name in type(block).model_fields:
        match getattr(block, name):
            case SecretStr() as secret:
                yield name, Secret(secret.get_secret_value())
            case str(text):
                yield name, text
