"""Read the schema files that a manifest names."""

import json
from pathlib import Path

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonValue


def read_schema(manifest: Path, name: str) -> dict[str, JsonValue]:
    """Return the schema in the file `name`, relative to the manifest's folder.

    Raises `ConnectorError` (`internal`) for a file that is missing or is not a JSON object.
    """
    file = manifest.parent / name
    try:
        schema = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(name, type(error).__name__) from None
    if not isinstance(schema, dict):
        raise _unreadable(name, "not an object")
    return schema


def _unreadable(name: str, reason: str) -> ConnectorError:
    message = f"The connector's schema {name} cannot be read ({reason})."
    return ConnectorError(ErrorCode.INTERNAL, message)
