import socket
from contextlib import closing

import pytest

from perplexity_connector.serving.listener import LOOPBACK, is_loopback, listen


@pytest.mark.parametrize("address", [LOOPBACK, "localhost", "::1"])
def test_a_listener_accepts_connections_at_once(address: str) -> None:
    """On a free port of its address, before any server runs."""
    with closing(listen(address, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((address, port)):
            assert is_loopback(listener.getsockname()[0])


def test_answers_are_sent_without_delay() -> None:
    """Only if it names its protocol does asyncio set TCP_NODELAY; else a kept-alive answer waits 40 ms."""
    with closing(listen(LOOPBACK, 0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_taken_port_is_an_error() -> None:
    """And the socket that tried it is closed: an open one would be a warning."""
    with closing(listen(LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listen(LOOPBACK, port)


def test_a_port_is_free_again_after_use() -> None:
    """Even while an old connection is still closing."""
    with closing(listen(LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            listener.accept()[0].close()
    with closing(listen(LOOPBACK, port)) as again:
        assert again.getsockname()[1] == port


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback_is_known_by_address_and_one_name(address: str, own: bool) -> None:
    """Any other name may lead anywhere."""
    assert is_loopback(address) is own
