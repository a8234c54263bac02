"""The folders of the user in which the server keeps files, and the errors of a folder that cannot be used."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perplexity_connector.contract import ConnectorError, ErrorCode


def folder_of(files: str, find: Callable[[], Path], variable: str) -> Path:
    """Return the folder of some files. Raises `ConnectorError` (`internal`) without a home folder."""
    try:
        return find()
    except RuntimeError:
        message = f"The folder of the {files} is unknown: no home folder. Set HOME or {variable}."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None


@contextmanager
def using_folder(files: str, variable: str) -> Iterator[None]:
    """Raise `ConnectorError` (`internal`) if the folder of some files cannot be used."""
    try:
        yield
    except OSError as error:
        message = f"The folder of the {files} cannot be used: {error.strerror}. {variable} chooses another."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None
