"""The job of a table: found in the ledger or new, with all that its rows and records need."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from perplexity_connector.host.ledger.entries import KeptPlan, KnownJob
from perplexity_connector.host.tables.inputs.kept_plans import (
    digest_of_plan,
    kept_columns,
)
from perplexity_connector.host.tables.inputs.planning import digest_of
from perplexity_connector.host.tables.inputs.reading import (
    Table,
    file_digest,
    is_json_lines,
    open_table,
)
from perplexity_connector.host.tables.outputs.opening import require_free
from perplexity_connector.host.tables.outputs.records import Layout, Place, layout_of
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.request import Request
from perplexity_connector.host.tables.runnables.runnable import MakeInput, Runnable

# Returns what the rows run, by the version that the job has already.
Find: TypeAlias = Callable[[int | None], Runnable]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableJob:
    """A job that can be planned.

    * `job_id`: its id, which a new job gets here.
    * `name`: its name in the ledger.
    * `known`: as the ledger has it; None for a new job.
    * `replaced`: the job of that name that `fresh` ends; None if there is not one.
    * `runnable`: what each row runs.
    * `digest`: of that and the templates.
    * `table_digest`: of the bytes of the table, before it was read.
    * `plan_digest`: of all that its plan is made of.
    * `kept`: the plan that is kept; None if it is of something else.
    * `make_input`: makes the input of a row from its cells.
    """

    request: Request
    job_id: str
    name: str
    known: KnownJob | None
    replaced: KnownJob | None
    runnable: Runnable
    digest: str
    table_digest: str
    plan_digest: str
    kept: KeptPlan | None
    table: Table
    layout: Layout
    make_input: MakeInput

    @property
    def is_fresh(self) -> bool:
        """Whether an old output is kept under another name."""
        return self.request.options.get("fresh", False)

    @property
    def place(self) -> Place:
        """Where its records go."""
        return Place(job_id=self.job_id, path=self.request.out, layout=self.layout)


def prepare_job(
    request: Request,
    find: Find,
    found: KnownJob | None,
    kept: KeptPlan | None,
    *,
    is_sandbox: bool,
) -> TableJob:
    """Open the table and compile its templates. `found` is the job that has the name already, with its plan.

    Raises `ConnectorError`: `not_found` for what the rows run, `invalid_input` for what does not fit.
    """
    is_fresh = request.options.get("fresh", False)
    known = None if is_fresh else found
    runnable = find(known.version if known else None)
    digest = _digest(request, runnable)
    if known is not None:
        _require_same(known, runnable, digest, is_sandbox=is_sandbox)
    if not is_fresh and not (known and known.output == str(request.out)):
        require_free(request.out)
    table_digest = file_digest(request.table)
    made_of = (table_digest, digest, runnable.release)
    plan_digest = digest_of_plan(*made_of, is_json_lines(request.table))
    if kept and kept.digest != plan_digest:
        kept = None
    table = open_table(request.table, kept_columns(kept) if kept else None)
    return TableJob(
        request=request,
        job_id=known.job_id if known else f"job_{os.urandom(16).hex()}",
        name=(found and found.name) or request.job_name,
        known=known,
        replaced=found if is_fresh else None,
        runnable=runnable,
        digest=digest,
        table_digest=table_digest,
        plan_digest=plan_digest,
        kept=kept,
        table=table,
        layout=_layout(request, table, runnable.content),
        make_input=runnable.compile(request.template, table.columns),
    )


def _digest(request: Request, runnable: Runnable) -> str:
    key = request.options.get("key")
    template = [list(pair) for pair in request.template.items()]
    return digest_of([*runnable.identity, key, template])


def _require_same(
    known: KnownJob, runnable: Runnable, digest: str, *, is_sandbox: bool
) -> None:
    if known.template_digest != digest:
        other = "another action or flow, template or key column"
    elif known.connection != runnable.named.connection:
        other = "another connection"
    elif known.is_sandbox != is_sandbox:
        other = other_answers(known)
    else:
        return
    message = (
        f"This job has {other}. Use --fresh to begin a new job, which pays for all rows again and keeps "
        "the old output under another name, or choose another --out."
    )
    raise refusal(message)


def other_answers(known: KnownJob) -> str:
    """Return whose answers a job has, for a host that has others.

    Invented ones would count as done, and real costs as those of a sandbox.
    """
    return "answers of a sandbox" if known.is_sandbox else "real answers"


def _layout(request: Request, table: Table, content: str | None) -> Layout:
    key = request.options.get("key")
    if key is not None and key not in table.columns:
        message = "The key column is not in the table."
        raise refusal(message)
    return layout_of(
        is_json_lines=is_json_lines(request.out),
        columns=table.columns,
        own=request.options.get("columns"),
        content=content,
        raw=request.options.get("raw", False),
    )
