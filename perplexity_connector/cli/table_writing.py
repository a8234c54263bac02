"""The command `run-table` without a table: writes the output of a job from the ledger."""

import asyncio
from typing import TYPE_CHECKING

from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import print_json
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.table_running import TableArgs, show_end
from perplexity_connector.cli.targets import HostMaker
from perplexity_connector.host import HostOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import TableFinishedItem


def write_table(args: TableArgs, make_host: HostMaker, records: Records) -> int:
    """Write the output of the job. Return the exit code.

    Raises `UsageError` for options that only a table has, `ConnectorError` for a job or an output
    that cannot be used.
    """
    job = args.job
    alone = TableArgs(out=args.out, job=job, raw=args.raw, as_json=args.as_json)
    if job is None or args != alone:
        message = "Give ACTION and TABLE, or only --job NAME and --out FILE to write the job's output."
        raise UsageError(message)
    host = make_host(HostOptions(ledger=records.ledger))
    finished = asyncio.run(host.write_table(job, args.out, raw=args.raw))
    delivery = Delivery()
    if args.as_json:
        delivery.write(print_json, finished, on_one_line=True)
    # The end of an earlier process is not the end of this one.
    is_written = finished["message"] is None
    shown: TableFinishedItem = (
        {**finished, "reason": "done"} if is_written else finished
    )
    return delivery.code(show_end(shown, delivery, as_json=args.as_json))
