"""The version of this package."""

from importlib.metadata import PackageNotFoundError, version

PRODUCT = "perplexity-connector"


def own_version() -> str:
    """Return the version; `unknown` without the package's metadata, as in a frozen program."""
    try:
        return version(PRODUCT)
    except PackageNotFoundError:
        return "unknown"
