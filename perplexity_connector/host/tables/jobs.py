"""Find the job of a table in the ledger, or prepare a new one, and refuse what does not fit it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.ledger.entries import KnownJob, NewJob
from perplexity_connector.host.ledger.ids import new_job_id
