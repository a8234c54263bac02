import pytest
from starlette.requests import Request

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.workbench.failures import (
    STATUS_BY_CODE,
    RefusedError,
    error_response,
)


def asking(accept: str = "*/*") -> Request:
    """A request that takes this type of answer."""
    headers = [(b"accept", accept.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_has_a_status(code: ErrorCode) -> None:
    """A new code needs one; 401 is left to the page's session."""
    assert STATUS_BY_CODE[code] in range(400, 600)
    assert STATUS_BY_CODE[code] != 401
    answer = error_response(asking(), ConnectorError(code, "Broken."))
    assert answer.status_code == STATUS_BY_CODE[code]


def test_a_refused_request_has_its_own_status() -> None:
    """Whatever its code."""
    error = RefusedError(415, ErrorCode.INVALID_INPUT, "Send JSON.")
    assert error_response(asking(), error).status_code == 415


def test_a_browser_that_opens_an_address_gets_a_page() -> None:
    """With the same status, the words of the error as text, and a way back."""
    error = RefusedError(404, ErrorCode.NOT_FOUND, "No <b>such</b> address.")
    answer = error_response(asking("text/html,*/*;q=0.8"), error)
    text = bytes(answer.body).decode()
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "No &lt;b&gt;such&lt;/b&gt; address." in text
    assert 'href="/"' in text
