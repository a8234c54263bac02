"""The operator's settings."""

import httpx
import pytest

from perplexity_connector.contract import ConnectorError, Effect, ErrorCode
from perplexity_connector.perplexity.wire.endpoint import (
    Endpoint,
    endpoint_from_settings,
)


def test_what_is_left_out_or_blank_takes_its_default() -> None:
    """No settings, blank ones and unknown ones are all the same."""
    blank = {
        "base_url": " ",
        "connect_timeout": "",
        "first_byte_timeout": "\t",
        "colour": "blue",
    }
    assert endpoint_from_settings({}) == endpoint_from_settings(blank) == Endpoint()
    assert Endpoint().base_url == "https://api.perplexity.ai"


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("https://api.perplexity.ai", "https://api.perplexity.ai"),
        (" https://api.perplexity.ai/ ", "https://api.perplexity.ai"),
        ("https://proxy.example/pplx/", "https://proxy.example/pplx"),
        ("https://proxy.example:8443", "https://proxy.example:8443"),
        ("HTTPS://proxy.example", "HTTPS://proxy.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_https_and_loopback_are_good(given: str, base_url: str) -> None:
    """Without the slash at the end, so that paths can follow."""
    assert endpoint_from_settings({"base_url": given}).base_url == base_url
    httpx.URL(base_url)


@pytest.mark.parametrize(
    "given",
    [
        "http://api.perplexity.ai",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0",
        "ftp://localhost",
        "file:///etc/passwd",
        "api.perplexity.ai",
        "//api.perplexity.ai",
        "https://",
        "https:///path",
        "https://user@api.perplexity.ai",
        "https://user:word@api.perplexity.ai",
        "https://:word@api.perplexity.ai",
        "https://api.perplexity.ai?x=1",
        "https://api.perplexity.ai#x",
        "https://api.perplexity.ai:99999",
        "https://api.perplexity.ai:port",
        "https://[::1",
        "https://api perplexity.ai",
        "https://api.perplexity.ai/\x00",
        "https://api\n.perplexity.ai",
        "https://api.perplexity.ai/\r\nx: y",
        "https://perplexit\xe9.example",
        "javascript:alert(1)",
    ],
)
def test_any_other_address_is_refused_at_the_setting(given: str) -> None:
    """A key must not travel in the open, nor to where nobody meant it to; the value is not repeated."""
    with pytest.raises(ConnectorError) as caught:
        endpoint_from_settings({"base_url": given})
    error = caught.value
    assert (error.code, error.effect) == (ErrorCode.INVALID_INPUT, Effect.NONE)
    assert [problem.pointer for problem in error.fields] == ["/settings/base_url"]
    assert "word" not in str(error.to_dict())


TIMEOUTS = ("connect_timeout", "first_byte_timeout", "idle_timeout")


@pytest.mark.parametrize("name", TIMEOUTS)
@pytest.mark.parametrize(
    ("given", "seconds"), [("5", 5.0), (" 0.25 ", 0.25), ("1e3", 1000.0)]
)
def test_a_time_out_is_a_number_of_seconds(
    name: str, given: str, seconds: float
) -> None:
    """Text, since all settings are text."""
    assert getattr(endpoint_from_settings({name: given}), name) == seconds


@pytest.mark.parametrize("name", TIMEOUTS)
@pytest.mark.parametrize(
    "given", ["0", "-1", "soon", "5s", "nan", "inf", "-inf", "1e999"]
)
def test_any_other_time_out_is_refused_at_the_setting(name: str, given: str) -> None:
    """Zero would time everything out, and infinity nothing."""
    with pytest.raises(ConnectorError) as caught:
        endpoint_from_settings({name: given})
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert [problem.pointer for problem in caught.value.fields] == [f"/settings/{name}"]
