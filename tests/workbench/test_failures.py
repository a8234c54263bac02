import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.workbench.failures import (
    STATUS_BY_CODE,
    RefusedError,
    error_response,
)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_has_a_status(code: ErrorCode) -> None:
    """A new code needs one; 401 is left to the page's session."""
    assert STATUS_BY_CODE[code] in range(400, 600)
    assert STATUS_BY_CODE[code] != 401
    answer = error_response(ConnectorError(code, "Broken."))
    assert answer.status_code == STATUS_BY_CODE[code]


def test_a_refused_request_has_its_own_status() -> None:
    """Whatever its code."""
    error = RefusedError(415, ErrorCode.INVALID_INPUT, "Send JSON.")
    assert error_response(error).status_code == 415
