import pytest

from perplexity_connector.cli.exits import (
    EXIT_BY_ERROR,
    ExitCode,
    code_of_error,
    code_of_run,
)
from perplexity_connector.contract import ErrorCode
from tests.cli.fakes import envelope, error_record, failed


def test_every_error_code_has_an_exit_code() -> None:
    """A new way to fail cannot be forgotten here."""
    assert set(EXIT_BY_ERROR) == set(ErrorCode)


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("invalid_input", 2),
        ("invalid_credentials", 3),
        ("permission_denied", 3),
        ("quota_exhausted", 3),
        ("rate_limited", 4),
        ("unavailable", 4),
        ("timeout", 4),
        ("upstream_failed", 5),
        ("invalid_response", 5),
        ("unsupported", 5),
        ("not_found", 5),
        ("internal", 1),
        ("cancelled", 130),
        ("of_a_later_version", 1),
    ],
)
def test_a_failed_run_ends_with_the_exit_code_of_its_error(
    code: str, exit_code: int
) -> None:
    """The published table; a code that is not in it counts as internal."""
    assert code_of_run(failed(code)) == exit_code
    assert code_of_error(error_record(code)) == exit_code


def test_a_run_that_succeeded_ends_with_zero() -> None:
    """Warnings or not."""
    assert (
        code_of_run(envelope(warnings=[{"code": "a", "message": "b"}]))
        == ExitCode.SUCCEEDED
    )


@pytest.mark.parametrize("code", ["query_failed", "query_not_sent"])
def test_a_search_that_partly_failed_has_an_exit_code_of_its_own(code: str) -> None:
    """It has an output, but not all of it."""
    run = envelope(warnings=[{"code": code, "message": "b"}])
    assert code_of_run(run) == ExitCode.PARTLY == 6


def test_a_cancelled_run_counts_as_interrupted() -> None:
    """With or without an error that says so."""
    assert code_of_run(envelope(status="cancelled")) == ExitCode.INTERRUPTED
