"""The URL of a ledger's database, and its errors as texts without a password."""

from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from perplexity_connector.host.environment import LEDGER_VARIABLE
from perplexity_connector.host.ledger.address import Address, is_clear
from perplexity_connector.host.ledger.entries import LedgerError, NewerLedgerError

_KNOWN = ("sqlite", "postgresql")
_MASK = "***"
_SECRET_NAMES = ("pass", "secret", "token", "key")


def database_url(address: Address) -> URL:
    """Return the URL of a ledger. Raises `LedgerError` for a text that is not one, or not certainly."""
    if address.url:
        return _known_url(address.url.reveal())
    if address.file:
        return URL.create("sqlite", database=str(address.file))
    message = "You have no home folder. Set HOME."
    raise LedgerError(message)


def _known_url(text: str) -> URL:
    if not is_clear(text):
        message = (
            f"{LEDGER_VARIABLE} is not the URL of a database. In its password, write special"
            " characters in percent: %40 for @."
        )
        raise LedgerError(message)
    url = make_url(text)
    if url.get_backend_name() not in _KNOWN:
        message = (
            "It is neither SQLite nor PostgreSQL."
            " Use a URL that begins with sqlite: or postgresql+psycopg:."
        )
        raise LedgerError(message)
    return url


def ledger_error(error: Exception, address: Address) -> LedgerError:
    """Return an error as a `LedgerError` with the ledger's place, without the password.

    It has neither a cause nor a traceback: these hold the URL. Raise it outside the handler.
    """
    kind = NewerLedgerError if isinstance(error, NewerLedgerError) else LedgerError
    return kind(f"The ledger at {address.place}: {_text(error, address)}")


def _text(error: Exception, address: Address) -> str:
    if isinstance(error, ImportError):
        return f"The driver of its database is not installed: {error.name}. Install it, or name another driver."
    found = error.orig if isinstance(error, DBAPIError) else error
    line = (str(found).strip() or type(found).__name__).splitlines()[0]
    for secret in _secrets(address):
        line = line.replace(secret, _MASK)
    return line


def _secrets(address: Address) -> set[str]:
    """Return the texts that no message may hold."""
    text = address.url.reveal() if address.url else ""
    if not is_clear(text):
        return set()
    url = make_url(text)
    texts = [str(url.password or "")]
    for name, values in url.normalized_query.items():
        if any(word in name.lower() for word in _SECRET_NAMES):
            texts += values
    found = {text for text in texts if text}
    return found | {quote(text, safe="") for text in found}
