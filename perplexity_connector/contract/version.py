"""The version of this package."""

import functools
from importlib.metadata import PackageNotFoundError, version

PRODUCT = "perplexity-connector"


@functools.cache
def own_version() -> str:
    """Return the version; `unknown` without the package's metadata, as in a frozen program."""
    try:
        return version(PRODUCT)
    except PackageNotFoundError:
        return "unknown"
