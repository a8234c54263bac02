import re
import subprocess
import sys
from pathlib import Path

import perplexity_connector.host

ROOM = Path(perplexity_connector.host.__file__).parent
OWN_PATHS = re.compile(r"perplexity_connector(\.| import )(contract|host)\b")


def test_the_host_knows_no_connector_by_name() -> None:
    """Beside the paths of its own imports, not one word."""
    for file in ROOM.rglob("*.py"):
        assert (
            "perplexity"
            not in OWN_PATHS.sub("", file.read_text(encoding="utf-8")).lower()
        ), file.name


def test_no_room_of_the_host_has_more_than_ten_files() -> None:
    """A line of code there knows its room."""
    rooms = [ROOM, *(path for path in ROOM.iterdir() if path.is_dir())]
    full = [room.name for room in rooms if len(list(room.glob("*.py"))) > 10]
    assert full == []


def test_reading_the_palette_loads_nothing_heavy() -> None:
    """Importing the host, the palette and a description: no HTTP, no pydantic, no schema validator, no retries."""
    code = """
import sys
from pathlib import Path
from perplexity_connector.host import Host, SyncHost
host = Host()
host.register(object(), Path(sys.argv[1]))
SyncHost().actions()
entries = host.actions()
assert [entry["action"] for entry in entries if entry["connector"] == "toy"] == ["greet", "count"]
for entry in entries:
    host.describe(entry["connector"], entry["action"])
heavy = {"httpx", "aiohttp", "pydantic", "jsonschema", "jsonschema_rs", "referencing", "stamina", "tenacity"}
loaded = heavy & set(sys.modules)
assert not loaded, loaded
"""
    manifest = Path(__file__).parents[1] / "toy" / "connector.yaml"
    outcome = subprocess.run(
        [sys.executable, "-c", code, str(manifest)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOM.parents[1],
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_a_run_whose_first_attempt_succeeds_imports_no_retry_library() -> None:
    """It takes longer to import than the whole run."""
    code = """
import asyncio, sys
from tests.host.stage import CONNECTION, GREET, toy_host
async def main():
    async with toy_host() as host:
        return await host.run(*GREET, connection=CONNECTION)
assert asyncio.run(main())["status"] == "succeeded"
assert "stamina" not in sys.modules
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOM.parents[1],
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")
