"""The commands `run` and `run-flow`, and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    AsJson,
    ConnectionName,
    Plain,
    Stream,
    UseSandbox,
    check_sandbox,
    check_timeout,
    silence_logs,
)
from perplexity_connector.cli.terminal import use_plain

Action = Annotated[
    str,
    typer.Argument(
        metavar="ACTION",
        help="An action, such as execute_search. Leave it out with --resume.",
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FIELD=VALUE",
        help="Values for the input; dots lead inside: a.b=1, list.0.a=1. FIELD:=VALUE is always JSON.",
    ),
]
InputDocument = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="JSON|@FILE|-", help="The input as JSON; - reads stdin."
    ),
]
UseExample = Annotated[
    bool, typer.Option("--example", help="Start from the action's first example.")
]
Resumed = Annotated[
    str | None,
    typer.Option(
        metavar="RUN_ID|last",
        help="Resume a run that was cut short, or show its answer. With --connection '': by the environment's key.",
    ),
]
Forgotten = Annotated[
    str | None,
    typer.Option(
        metavar="RUN_ID|last",
        help="Drop a run, and all that was asked and answered in it.",
    ),
]
RunTimeout = Annotated[
    float | None,
    typer.Option(metavar="S", help="Maximum seconds for the whole run."),
]
FlowFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A file, or the name of a flow that the workbench has saved; - reads stdin. Leave it out with --resume.",
    ),
]
FlowInputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=VALUE",
        help="Values of the flow's inputs, as FIELD=VALUE of `run`. NAME:=VALUE is always JSON.",
    ),
]
OnlyStep = Annotated[
    str | None,
    typer.Option(
        "--only", metavar="STEP", help="Run only this step, with kept outputs."
    ),
]
FromStep = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STEP",
        help="Run this step and those after it, with kept outputs.",
    ),
]
KeptOutputs = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="last|FLOW_ID|FILE",
        help="Where the kept outputs are: the last run of FILE (the default), a run, or a file of --json.",
    ),
]
ResumedFlow = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="FLOW_ID|last",
        help="Go on with a flow that a crash, a stop or a failure cut short, from its step.",
    ),
]
RetriedSteps = Annotated[
    str | None,
    typer.Option(
        metavar="unsure",
        help="With --resume: also run a step again that may have been paid.",
    ),
]
FlowConnection = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Use this stored connection instead of those that the steps name.",
    ),
]
StepTimeout = Annotated[
    float | None,
    typer.Option(metavar="S", help="Maximum seconds for each step."),
]


@reporting_errors()
def run(  # noqa: PLR0913 - each option of the command is a parameter
    action: Action = "",
    fields: Fields = None,
    *,
    document: InputDocument = None,
    example: UseExample = False,
    stream: Stream = False,
    sandbox: UseSandbox = False,
    resume: Resumed = None,
    forget: Forgotten = None,
    connection: ConnectionName = None,
    timeout: RunTimeout = None,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Run an action and show its result.

    Exit codes: 0 succeeded; 2 invalid input or usage; 3 credentials, permission or quota; 4 rate
    limited, unavailable or timed out; 5 refused, or an unusable answer; 6 a search whose queries
    failed in part; 1 internal; stopped by a signal: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
    """
    from perplexity_connector.cli.running import RunArgs, forget_run, run_action

    check_timeout(timeout)
    check_sandbox(sandbox, connection)
    silence_logs()
    use_plain(plain)
    args = RunArgs(
        action=action,
        assignments=fields or (),
        document=document,
        example=example,
        stream=stream,
        sandbox=sandbox,
        resume=resume,
        connection=connection,
        timeout=timeout,
        as_json=as_json,
    )
    with hosts.make_records() as records:
        if forget is not None:
            raise typer.Exit(forget_run(args, forget, records))
        raise typer.Exit(run_action(args, hosts.make_host, records))


@reporting_errors()
def run_flow(  # noqa: PLR0913 - each option of the command is a parameter
    file: FlowFile = "",
    values: FlowInputs = None,
    *,
    only: OnlyStep = None,
    from_step: FromStep = None,
    outputs: KeptOutputs = None,
    resume: ResumedFlow = None,
    retry: RetriedSteps = None,
    connection: FlowConnection = None,
    sandbox: UseSandbox = False,
    timeout: StepTimeout = None,
    stream: Stream = False,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Run the steps of a saved flow and show each result.

    A step that does not succeed ends the flow, and the exit code is that of its run, see `run`. 6: the
    flow reached its end, but a step, an item or a part of a search did not succeed. Everything is
    recorded, so a part of the flow can run with kept outputs; stale ones are marked.
    """
    from perplexity_connector.cli.flow_arguments import FlowArgs
    from perplexity_connector.cli.flow_running import run_saved_flow

    check_timeout(timeout)
    check_sandbox(sandbox, connection)
    silence_logs()
    use_plain(plain)
    args = FlowArgs(
        file=file,
        values=values or (),
        only=only,
        from_step=from_step,
        outputs=outputs,
        resume=resume,
        retry=retry,
        connection=connection,
        sandbox=sandbox,
        timeout=timeout,
        stream=stream,
        as_json=as_json,
    )
    with hosts.make_records() as records:
        raise typer.Exit(run_saved_flow(args, hosts.make_host, records))
