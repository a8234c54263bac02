"""What `tools/list` has of an action's schemas: only what the protocol and the clients of several models take."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from mcp import Client

from perplexity_connector.adapters.mcp import make_server
from perplexity_connector.adapters.mcp.schemas import tool_schema
from perplexity_connector.contract.readers import parts_of
from perplexity_connector.host import Host
from tests.host.stage import changed, toy_host
from tests.toy.toy import ToyPlugin

# Cut from schema/*/schema.json of modelcontextprotocol/modelcontextprotocol on GitHub, without the descriptions.
PROTOCOLS = sorted(Path(__file__).with_name("protocol").glob("*.json"))
# What the schema of another connector may have, and a client may not take.
STRANGE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://toy.example/strange",
    "properties": {
        "any": True,
        "never": False,
        "format": {"type": "string", "format": "date", "title": "Format"},
        "at": {"type": "string", "format": "date-time"},
        "days": {"type": "array", "items": {"anyOf": [{"format": "date"}, True]}},
        "fixed": {"const": {"format": "date"}, "default": {"format": "date"}},
    },
    "additionalProperties": False,
}


def listed(host: Host, mode: str) -> Any:
    """The list of tools as JSON, without what the server left out."""

    async def work() -> Any:
        async with Client(make_server(host, {}), mode=mode) as client:
            tools = await client.list_tools()
            return json.loads(tools.model_dump_json(by_alias=True, exclude_unset=True))

    return asyncio.run(work())


@pytest.fixture(params=["perplexity", "strange"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """The installed connector, or one with a strange schema."""
    if request.param == "perplexity":
        return Host()
    manifest = changed(tmp_path, lambda text: text.replace("id: toy", "id: strange"))
    file = tmp_path / "schemas" / "count.v1.input.schema.json"
    file.write_text(json.dumps(STRANGE), encoding="utf-8")
    strange = toy_host()
    strange.register(ToyPlugin(), manifest)
    return strange


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    "root", [{}, {"type": ["object"]}, {"type": ["object", "null"]}]
)
def test_an_ordinary_schema_without_the_protocols_type_is_a_tool(
    tmp_path: Path, root: Mapping[str, Any], mode: str
) -> None:
    """JSON Schema asks for no type at the root, and allows a list of them."""
    schema = {**root, "properties": {"text": {"type": "string"}}}
    files = dict.fromkeys(("count.v1.input", "count.v1.output"), schema)
    host = toy_host(manifest=changed(tmp_path, schemas=files))
    tools = {one["name"]: one for one in listed(host, mode)["tools"]}
    assert tools["toy-count"]["inputSchema"] == {**schema, "type": "object"}
    assert "toy" not in {one["connector"] for one in host.problems()}


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.name)
def test_the_list_of_tools_is_valid_by_the_protocols_own_schema(
    host: Host, path: Path
) -> None:
    """Of each version: a strict client drops the whole list otherwise."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    names = "$defs" if "$defs" in schema else "definitions"
    judge = jsonschema_rs.validator_for(
        {**schema, "$ref": f"#/{names}/ListToolsResult"}, validate_formats=True
    )
    tools = listed(host, "auto" if path.name > "2026" else "legacy")
    assert [error.message for error in judge.iter_errors(tools)] == []
    assert len(tools["tools"]) > 1


def formats(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Every format that a schema asks for; a property of that name has an object there."""
    for part in parts_of(schema):
        if isinstance(part, dict) and isinstance(part.get("format"), str):
            yield part["format"]


def test_no_format_is_listed_that_gemini_refuses() -> None:
    """The schema files keep theirs."""
    tools = listed(Host(), "auto")["tools"]
    assert not [
        one
        for tool in tools
        for kind in ("inputSchema", "outputSchema")
        for one in formats(tool[kind])
    ]
    assert "date" in list(formats(Host().describe("perplexity", "execute_search")))


def test_a_listed_schema_takes_what_the_actions_schema_takes() -> None:
    """Formats, addresses and booleans differ; plain values stay as they are."""
    found = tool_schema(STRANGE)
    assert found == {
        "type": "object",
        "properties": {
            "any": {},
            "never": {"not": {}},
            "format": {"type": "string", "title": "Format"},
            "at": {"type": "string", "format": "date-time"},
            "days": {"type": "array", "items": {"anyOf": [{}, True]}},
            "fixed": {"const": {"format": "date"}, "default": {"format": "date"}},
        },
    }
