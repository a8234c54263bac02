"""The secrets of one launch, and the file that brings one of them to the browser."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from perplexity_connector.contract import ErrorCode
from perplexity_connector.serving.middleware import is_same_text
from perplexity_connector.workbench.failures import RefusedError

_PAGE = """<!doctype html>
<title>Workbench</title>
<meta http-equiv="refresh" content="0; url={address}">
<a href="{address}">Open the workbench</a>
"""


class LaunchSecrets:
    """The random texts of one launch.

    A page brings a token and gets the session for it.

    * `session`: what the page sends with each request.
    * `token`: the token of the printed address; it opens any number of pages.
    * `single_token`: a token that opens one page.
    """

    def __init__(self) -> None:
        """Draw them."""
        self.session = _draw()
        self.token = _draw()
        self.single_token = _draw()

    def exchange(self, token: str) -> str:
        """Return the session for a token, else raise `RefusedError` (401)."""
        if is_same_text(token, self.single_token):
            self.single_token = _draw()
        elif not is_same_text(token, self.token):
            message = "This address is of another launch, or was used before. Open the one that was printed."
            raise RefusedError(401, ErrorCode.INVALID_CREDENTIALS, message)
        return self.session


@contextmanager
def redirect_page(address: str) -> Iterator[Path]:
    """Write a page that leads to an address, for this user's eyes only, until the end of the block.

    A browser is started with the page's path: all users can read the arguments of a process.
    """
    with TemporaryDirectory(prefix="workbench-") as folder:
        page = Path(folder, "workbench.html")
        page.touch(0o600)
        page.write_text(_PAGE.format(address=address), encoding="utf-8")
        yield page


def _draw() -> str:
    return secrets.token_urlsafe(32)
