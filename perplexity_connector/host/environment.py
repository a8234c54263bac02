"""Read the environment variables of the host. No other module of the host reads any.

* `AUTOMATION_HOST_HOME`: the folder in which the hosts of this user keep their files.
* `AUTOMATION_HOST_MASTER_KEY`: the key of the stored connections, in place of a file.
* `AUTOMATION_HOST_CHECK_MODES`: `0` accepts files that other users may read.
* `AUTOMATION_HOST_FLOWS`: the folder of the saved flows.
* `AUTOMATION_HOST_LEDGER`: the URL of the ledger's database, in place of a file.
* `AUTOMATION_HOST_KEEP_DAYS`: how many days the ledger keeps inputs and outputs.
* `AUTOMATION_HOST_RECORD_CONTENT`: `0` erases them as soon as their run or job ends.
* `AUTOMATION_HOST_DAILY_BUDGET`: the most that all runs of a UTC day may cost, in US dollars.
"""

import os
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "AUTOMATION_HOST_HOME"
MASTER_KEY_VARIABLE = "AUTOMATION_HOST_MASTER_KEY"
CHECK_MODES_VARIABLE = "AUTOMATION_HOST_CHECK_MODES"
FLOWS_VARIABLE = "AUTOMATION_HOST_FLOWS"
LEDGER_VARIABLE = "AUTOMATION_HOST_LEDGER"
KEEP_DAYS_VARIABLE = "AUTOMATION_HOST_KEEP_DAYS"
RECORD_CONTENT_VARIABLE = "AUTOMATION_HOST_RECORD_CONTENT"
DAILY_BUDGET_VARIABLE = "AUTOMATION_HOST_DAILY_BUDGET"
KEEP_DAYS = 30


def variables(given: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the given environment variables, or those of the process without any."""
    return os.environ if given is None else given


def data_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the stored connections, which all hosts of this user share.

    Raises `RuntimeError` for a user without a home folder.
    """
    from platformdirs import user_data_path  # noqa: PLC0415 - only stored connections need it

    return _folder(environ, HOME_VARIABLE) or user_data_path("automation-host")


def flows_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the saved flows, which a user may share with others. Raises as `data_folder`."""
    environ = variables(environ)
    return _folder(environ, FLOWS_VARIABLE) or data_folder(environ) / "flows"


def state_folder(application: str, environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder in which an application keeps unfinished work. Raises as `data_folder`."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only runs need it

    home = _folder(variables(environ), HOME_VARIABLE)
    return home / application if home else user_state_path(application)


def master_key(environ: Mapping[str, str]) -> bytes:
    """Return the master key as it was written, or nothing."""
    text = _text(environ, MASTER_KEY_VARIABLE)
    # Bytes that are not text are lone surrogates here. They are not a key, and are refused as such.
    return text.encode(errors="surrogatepass")


def checks_modes(environ: Mapping[str, str]) -> bool:
    """Return whether files that other users may read are refused."""
    return _text(environ, CHECK_MODES_VARIABLE) != "0"


def ledger_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the ledger, which all hosts of this user share. Raises as `data_folder`."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only a ledger needs it

    return _folder(environ, HOME_VARIABLE) or user_state_path("automation-host")


def tables_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the tables that a face was sent. Raises as `data_folder`."""
    return ledger_folder(variables(environ)) / "tables"


def ledger_url(environ: Mapping[str, str]) -> str:
    """Return the URL of the ledger's database, or nothing."""
    return _text(environ, LEDGER_VARIABLE)


def keep_days(environ: Mapping[str, str]) -> int:
    """Return how many days the ledger keeps content. Raises `ValueError` for anything else."""
    text = _text(environ, KEEP_DAYS_VARIABLE) or str(KEEP_DAYS)
    if text.isascii() and text.isdigit():
        return int(text)
    message = f"{KEEP_DAYS_VARIABLE} must be a whole number of days"
    raise ValueError(message)


def records_content(environ: Mapping[str, str]) -> bool:
    """Return whether the ledger keeps inputs and outputs after the end of their run or job."""
    return _text(environ, RECORD_CONTENT_VARIABLE) != "0"


def daily_budget(environ: Mapping[str, str]) -> str:
    """Return the budget of a day as it was written, or nothing."""
    return _text(environ, DAILY_BUDGET_VARIABLE)


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    text = _text(environ, name)
    return Path(text).expanduser().absolute() if text else None


def _text(environ: Mapping[str, str], name: str) -> str:
    # The quotes of a container's file of variables arrive as part of the value.
    return environ.get(name, "").strip().strip("\"'").strip()
