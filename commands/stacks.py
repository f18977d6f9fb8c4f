"""Commands for the stack that ships with the harness, and for this machine."""

from __future__ import annotations

import click

from commands.shared import NAME

COMPOSE = click.option(
    "--compose", "in_containers", is_flag=True, help="The stack in containers, by docker compose."
)


@click.command(short_help="Start the stack that ships with the harness.")
@NAME
@click.option("--set", "settings", multiple=True, metavar="KNOB=VALUE", help="E.g. api.pool_size=2.")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME", help="Bring it up with a fault, e.g. small-pool."
)
@click.option("--knobs", is_flag=True, help="List every knob and every fault and stop.")
@COMPOSE
def up(
    name: str, settings: tuple[str, ...], faults: tuple[str, ...], knobs: bool, in_containers: bool
) -> None:
    """Start the stack, or bring it to where it should be."""
    from stack import compose, control
    from stack.faults import FAULTS
    from stack.knobs import describe, parse_settings

    if knobs:
        for knob, default, what in describe():
            click.echo(f"{knob:<24} {default:<12} {what}")
        for fault, known in FAULTS.items():
            click.echo(f"--fault {fault:<29} {known.text}")
        return
    if in_containers:
        if faults or name != "default":
            raise click.UsageError("--compose goes without --fault and --name: they are of local stacks")
        compose.up(parse_settings(settings))
        click.echo(
            "the containers serve at http://127.0.0.1:17300; to load them:"
            " set -a; . ./.env; set +a; harness run web/trpc --target compose"
        )
        return
    control.up(name, parse_settings(settings), lambda text: click.echo(text, err=True), faults)
    click.echo(f"stack {name} serves at {control.status(name).url}")


@click.command(short_help="Stop the stack and remove everything of it.")
@NAME
@COMPOSE
def down(name: str, in_containers: bool) -> None:
    """Stop the stack and remove everything of it."""
    from stack import compose, control

    if in_containers:
        compose.down()
        click.echo("the containers and their data are gone")
        return
    click.echo(f"stack {name} is down" if control.down(name) else f"stack {name} was not up")


@click.command(short_help="Say how the stack is.")
@NAME
def status(name: str) -> int:
    """Say how the stack is; exits 1 where something is wrong with it."""
    from stack import status as stack_status

    told = stack_status.status(name)
    click.echo(stack_status.render(told))
    if not told.healthy:
        what = "puts it right, 'harness down' removes it" if told.exists else "starts it"
        click.echo(f"'harness up --name {name}' {what}")
    return 0 if told.healthy else 1


@click.command(short_help="Show the end of the stack's logs.")
@click.argument("process", required=False)
@NAME
@click.option("--lines", default=20, show_default=True, help="How many lines of each log.")
def logs(process: str | None, name: str, lines: int) -> None:
    """Show the end of the stack's logs, of all processes or one."""
    from stack.control import log_files
    from stack.supervision import tail

    for file in log_files(name, process):
        words = tail(file, lines)
        click.echo(f"== {file.stem}\n{words}" if words else f"== {file.stem} (empty)")


@click.command(short_help="Check this machine, and say what is missing.")
def doctor() -> int:
    """Check this machine: Python, server programs, CPUs, memory, open files, disk.

    Says what to do where something is missing, and exits 1 then.
    """
    from drive.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.what}: {finding.found}")
        if not finding.ok:
            click.echo(f"     {finding.advice}")
    return 0 if all(finding.ok for finding in findings) else 1
