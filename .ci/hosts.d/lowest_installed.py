"""Check that the oldest allowed release of each direct dependency is installed: else its bound was never tried."""

import sys
from importlib.metadata import requires, version

from packaging.requirements import Requirement
from packaging.version import Version

EXTRAS = ("host", "mcp", "test")


def main() -> int:
    """Print each bound below the installed release. Return 1 if there is one."""
    wrong = []
    for requirement in map(Requirement, requires("perplexity-connector") or ()):
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in EXTRAS
        )
        lowest = [
            part.version for part in requirement.specifier if part.operator == ">="
        ]
        if not wanted or not lowest:
            continue
        installed = version(requirement.name)
        if Version(lowest[0]) != Version(installed):
            wrong.append(
                f"{requirement.name}: the bound is {lowest[0]}, and {installed} is installed"
            )
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
