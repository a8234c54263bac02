"""Choose the certificate authorities that a TLS connection trusts.

A bundle that a variable names replaces everything else. Without one, the system's own store is
used: there an administrator adds the authority of a company's proxy.
"""

import os
import ssl
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from perplexity_connector.perplexity.wire.variables import named_variable, refuse

# The first one that is set counts. The folder is last: some systems set it to their own store, and a
# company names its bundle beside it.
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
_WANTED = (
    "It must name a PEM file with certificates, or a folder that c_rehash prepared."
)
# OpenSSL looks in a folder for files with the hash of a name.
_HASHED = "????????.[0-9]"


def tls_context(default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return the context of a client; `default` makes the one for a machine without a store.

    Raises `ConnectorError` (`invalid_input`), naming the variable, for a bundle that cannot be used.
    """
    for variable in BUNDLES:
        if place := os.environ.get(variable, "").strip():
            return _bundle(variable, place)
    return _system_store() or default()


def _bundle(variable: str, place: str) -> ssl.SSLContext:
    # Not `create_default_context`: since Python 3.13 it refuses the certificates of many companies.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # OpenSSL takes several folders.
    is_folder = any(Path(part).is_dir() for part in place.split(os.pathsep))
    where = "capath" if is_folder else "cafile"
    try:
        context.load_verify_locations(**{where: place})
    except OSError:
        refuse(named_variable(variable), _WANTED)
    return context


def _system_store() -> ssl.SSLContext | None:
    """Return a context for the system's store; None without `truststore`, or if the store is empty."""
    if find_spec("truststore") is None:
        return None
    import truststore  # noqa: PLC0415 - installed with the extra only

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.platform in {"win32", "darwin"}:
        return context
    # Elsewhere truststore reads the store for each connection, and OpenSSL checks. Reading takes
    # longer than a run on loopback, so it is done once.
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    filled: ssl.SSLContext = context._ctx  # noqa: SLF001 - no public way to read it once
    return filled if _has_authorities(filled) else None


def _has_authorities(context: ssl.SSLContext) -> bool:
    # The files of a folder are read when one is needed: they are not in the count.
    folder = ssl.get_default_verify_paths().capath
    in_folder = folder is not None and any(Path(folder).glob(_HASHED))
    return in_folder or context.cert_store_stats()["x509"] > 0
