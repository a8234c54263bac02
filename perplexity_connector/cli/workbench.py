"""The workbench on the command line: a server on loopback, and the browser that shows it."""

import os
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.shape import as_object, as_text
from perplexity_connector.cli.stand_in import can_stand_in, private_sandbox
from perplexity_connector.contract import JsonObject
from perplexity_connector.host import ConnectionStore, Host
