"""The schema files that a manifest names."""

import json
from pathlib import Path

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonValue


def read_schema(manifest: Path, name: str) -> dict[str, JsonValue]:
    """The schema of that name, relative to the manifest's folder.

    Raises `ConnectorError` (`internal`) for a file that is missing or holds no JSON object.
    """
    try:
        schema = json.loads(manifest.parent.joinpath(name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(name, type(error).__name__) from None
    if not isinstance(schema, dict):
        raise _broken(name, "not an object")
    return schema


def _broken(name: str, reason: str) -> ConnectorError:
    return ConnectorError(
        ErrorCode.INTERNAL, f"The connector's schema {name} cannot be read ({reason})."
    )
