"""The lower bounds of pyproject.toml: each is there, agrees with the others, and is what `.ci/hosts lowest` tries."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]
# The benchmarks' peers are compared in their newest releases.
TRIED = ("host", "mcp", "prefect", "test")
SCRIPT = (ROOT / ".ci" / "hosts.d" / "lowest").read_text(encoding="utf-8")

# The first release without a known vulnerability.
SAFE = {
    "aiohttp": "3.14.3",
    "cryptography": "50",
    "filelock": "3.20.3",
    "mcp": "1.28.1",
    "pytest": "9.0.3",
    "starlette": "1.3.1",
}


def bounds(*extras: str) -> dict[str, set[Version]]:
    """The lower bounds of each package, in the package itself and in these extras."""
    found: dict[str, set[Version]] = {}
    lines = [
        *PROJECT["dependencies"],
        *(line for name in extras for line in EXTRAS[name]),
    ]
    for requirement in map(Requirement, lines):
        if requirement.name != PROJECT["name"]:
            lowest = {
                Version(part.version)
                for part in requirement.specifier
                if part.operator == ">="
            }
            assert len(lowest) == 1, requirement
            found.setdefault(requirement.name, set()).update(lowest)
    return found


def test_every_dependency_has_one_lower_bound_and_the_same_everywhere() -> None:
    """An extra that allows an older release than another would be tried with the newer one."""
    assert {
        name: found for name, found in bounds(*EXTRAS).items() if len(found) > 1
    } == {}


def test_the_script_tries_every_bound() -> None:
    """It installs the extras from pyproject.toml itself, as low as they allow, and names no version."""
    assert "--resolution lowest-direct" in SCRIPT
    assert "lowest_installed.py" in SCRIPT  # fails for a bound that was not tried
    (extras,) = re.findall(r"'\.\[(.*)\]'", SCRIPT)
    assert tuple(extras.split(",")) == TRIED
    assert bounds(*EXTRAS).keys() - bounds("bench").keys() <= bounds(*TRIED).keys()
    assert not re.search(r"[=<>~]=?\s*[0-9]", SCRIPT)


@pytest.mark.parametrize("package", SAFE)
def test_no_bound_allows_a_release_with_a_known_vulnerability(package: str) -> None:
    """A bound is raised here first."""
    (lowest,) = bounds(*EXTRAS)[package]
    assert lowest >= Version(SAFE[package])
