"""The command line: parse, call, and turn what goes wrong into one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from results.errors import HarnessError, UsageError

RUNS = Path("runs")
Command = TypeVar("Command", bound=Callable[..., Any])

EPILOG = "Exit codes: 0 passed, 1 error, 2 usage, 3 failed (SLO missed), 4 inconclusive or not valid."


class OneLine(click.Group):
    """A group of commands whose every error is one line."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and exit with the code that the outcome has."""
        debug = "--debug" in sys.argv
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.Abort:
            _fail("interrupted", 130)
        except click.ClickException as problem:
            _fail(problem.format_message().replace("\n", " "), 2)
        except KeyboardInterrupt:
            _fail("interrupted", 130)
        except BrokenPipeError:
            sys.exit(0)
        except Exception as problem:
            if debug:
                traceback.print_exc()
            _fail(*_said(problem))
        sys.exit(code if isinstance(code, int) else 0)


def _said(problem: Exception) -> tuple[str, int]:
    """One line and an exit code for whatever went wrong."""
    from stack.errors import SettingError, StackError

    if isinstance(problem, HarnessError):
        return str(problem), problem.exit_code
    if isinstance(problem, SettingError):
        return str(problem), UsageError.exit_code
    if isinstance(problem, StackError):
        return str(problem), HarnessError.exit_code
    first = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {first[0] if first else ''} (--debug shows where)", 1


def _fail(text: str, code: int) -> None:
    click.echo(f"harness: {text}", err=True)
    sys.exit(code)


@click.group(cls=OneLine, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show a traceback with errors.")
@click.version_option("0.1.0", prog_name="harness")
def main(debug: bool) -> None:
    """Find out what a web stack carries, what gives way first, and whether a change made it worse."""


NAME = click.option("--name", default="default", show_default=True, help="Which of several stacks.")
RUNS_FOLDER = click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path), default=RUNS, help="The folder of stored runs."
)


@main.command()
@NAME
@click.option("--set", "settings", multiple=True, metavar="KNOB=VALUE", help="E.g. api.pool_size=2.")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME", help="Bring it up with a fault, e.g. small-pool."
)
@click.option("--knobs", is_flag=True, help="List every knob and every fault and stop.")
def up(name: str, settings: tuple[str, ...], faults: tuple[str, ...], knobs: bool) -> None:
    """Start the stack, or bring it to where it should be."""
    from stack import control
    from stack.faults import FAULTS
    from stack.knobs import describe, parse_settings

    if knobs:
        for knob, default, what in describe():
            click.echo(f"{knob:<24} {default:<12} {what}")
        for fault, known in FAULTS.items():
            click.echo(f"--fault {fault:<29} {known.text}")
        return
    control.up(name, parse_settings(settings), lambda text: click.echo(text, err=True), faults)
    click.echo(f"stack {name} serves at {control.status(name).url}")


@main.command()
@NAME
def down(name: str) -> None:
    """Stop the stack and remove everything of it."""
    from stack import control

    click.echo(f"stack {name} is down" if control.down(name) else f"stack {name} was not up")


@main.command()
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


@main.command()
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


def _run_options(command: Command) -> Command:
    for option in reversed(
        [
            click.option("--target", "target_name", help="A stack's name, one of targets/, or a TOML file."),
            click.option("--yes-load", help="Repeat the name of a production target to allow load on it."),
            click.option("--slo", help='Objectives, e.g. "p99<250ms, errors<0.1%".'),
            click.option("--seed", type=int, help="Seed of the arrivals."),
            click.option("--processes", type=click.IntRange(1, 64), help="Generator processes."),
            click.option("--max-users", type=click.IntRange(1), help="Most users in the open model's pool."),
        ]
    ):
        command = option(command)
    return command


@main.command()
@click.argument("scenario")
@click.option("--rate", help="Arrivals per second, e.g. 200/s (open model).")
@click.option("--users", type=click.IntRange(1), help="Users (closed model).")
@click.option("--stages", help='e.g. "50/s for 30s, ramp to 200/s over 1m".')
@click.option("--for", "duration", help="How long, e.g. 60s.")
@click.option("--warmup", help="Left out of every figure, e.g. 5s.")
@click.option("--arrivals", type=click.Choice(["poisson", "even"]), help="How arrivals are spaced.")
@_run_options
@RUNS_FOLDER
def run(
    scenario: str,
    rate: str | None,
    users: int | None,
    stages: str | None,
    duration: str | None,
    warmup: str | None,
    target_name: str | None,
    yes_load: str | None,
    slo: str | None,
    runs_folder: Path,
    **options: Any,
) -> int:
    """Run a SCENARIO (a locustfile, or a name like web/browse) or a plan, and write its report."""
    from drive.plan import plan_from
    from results.units import parse_duration_s, parse_rate_per_s

    plan = plan_from(
        scenario,
        rate_per_s=parse_rate_per_s(rate) if rate else None,
        users=users,
        stages=stages,
        for_s=parse_duration_s(duration) if duration else None,
        slos=slo,
        warmup_s=parse_duration_s(warmup) if warmup else None,
        **options,
    )
    target = _target(target_name, yes_load)
    return _run_and_report(plan, target, runs_folder)


def _target(name: str | None, yes_load: str | None) -> Any:
    from drive.target import find_target
    from stack.control import running_stacks

    target = find_target(name, running_stacks())
    target.check_allowed(yes_load)
    return target


def _run_and_report(plan: Any, target: Any, runs_folder: Path) -> int:
    from drive.course import run_plan
    from drive.progress import make_progress

    before = set(runs_folder.glob("*/run.db"))
    try:
        folder = run_plan(plan, target, runs_folder, make_progress())
    except KeyboardInterrupt:
        made = sorted(set(runs_folder.glob("*/run.db")) - before)
        if made:
            click.echo(f"interrupted; what was measured is kept: harness report {made[-1].parent}", err=True)
            sys.exit(130)
        raise
    return _report(folder)


def _report(folder: Path) -> int:
    from reports.page import write_report
    from reports.terminal import summary
    from results import open_run

    told = open_run(folder)
    page = (folder if folder.is_dir() else folder.parent) / "report.html"
    write_report(told, page)
    lines, code = summary(told)
    for line in lines:
        click.echo(line)
    click.echo(f"report: {page}")
    return code


@main.command()
@click.argument("scenario")
@click.option(
    "--slo", default="p99<250ms, errors<0.1%", show_default=True, help="The objectives to stay within."
)
@click.option("--start", default="25/s", show_default=True, help="The first rate that is tried.")
@click.option("--budget", default="5m", show_default=True, help="How long the search may take.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--target", "target_name", help="A stack's name, one of targets/, or a TOML file.")
@click.option("--yes-load", help="Repeat the name of a production target to allow load on it.")
@RUNS_FOLDER
def capacity(
    scenario: str,
    slo: str,
    start: str,
    budget: str,
    as_json: bool,
    target_name: str | None,
    yes_load: str | None,
    runs_folder: Path,
) -> int:
    """Find the highest rate that the system carries within its objectives."""
    from analysis.capacity import Settings
    from drive.capacity import find_capacity
    from drive.plan import plan_from
    from drive.progress import make_progress
    from reports.capacity_page import write_capacity_report
    from results import open_run
    from results.slo import parse_slos
    from results.units import parse_duration_s, parse_rate_per_s

    settings = Settings(tuple(parse_slos(slo)), parse_rate_per_s(start), budget_s=parse_duration_s(budget))
    target = _target(target_name, yes_load)
    folder, found = find_capacity(plan_from(scenario), target, settings, runs_folder, make_progress())
    page = write_capacity_report(open_run(folder), found, folder / "report.html")
    if as_json:
        click.echo((folder / "capacity.json").read_text())
    else:
        click.echo(found.sentence())
        if found.low_per_s is not None and found.high_per_s is not None:
            click.echo(f"90% interval {found.low_per_s:.0f} to {found.high_per_s:.0f}/s")
        click.echo(f"report: {page}")
    return 0 if found.found else 4


@main.command()
@click.argument("run_name", metavar="RUN")
@RUNS_FOLDER
def report(run_name: str, runs_folder: Path) -> int:
    """Write the report of a stored RUN again; `last` is the newest."""
    return _report(find_run(run_name, runs_folder))


def find_run(name: str, runs_folder: Path) -> Path:
    """The folder of a run by its path, its id, the beginning of it, or `last`. Raises HarnessError."""
    from results import find_runs

    if Path(name).exists():
        return Path(name)
    known = [file.parent for file in find_runs(runs_folder)]
    matching = known[:1] if name == "last" else [folder for folder in known if folder.name.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    which = f"{len(matching)} runs begin with" if matching else "there is no run"
    raise HarnessError(f"{which} '{name}' in {runs_folder}: 'harness runs' lists what there is")


@main.command()
@RUNS_FOLDER
def runs(runs_folder: Path) -> None:
    """List stored runs, the newest first."""
    from results import HarnessError, find_runs, open_run
    from results.units import show_duration

    found = list(find_runs(runs_folder))
    if not found:
        click.echo(f"no runs in {runs_folder}: 'harness run web/browse' makes one")
    for file in found:
        try:
            told = open_run(file)
        except HarnessError as problem:
            click.echo(f"{file.parent.name}  cannot be read: {problem}")
            continue
        stages = str(told.stages) if told.stages else told.kind
        length = show_duration(told.duration_s)
        click.echo(f"{told.id}  {told.state:<11} {told.target:<10} {length:>10}  {told.scenario}  {stages}")
        told.close()


@main.command()
def doctor() -> int:
    """Check this machine: programs, memory, open files, ports; says what to do where something is missing."""
    from drive.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.what}: {finding.found}")
        if not finding.ok:
            click.echo(f"     {finding.advice}")
    return 0 if all(finding.ok for finding in findings) else 1


@main.command()
@RUNS_FOLDER
def demo(runs_folder: Path) -> int:
    """Everything once: stack up, seeded, a short ramp through the load balancer, the report, stack down."""
    from drive.plan import plan_from
    from stack import control

    name = "demo"
    try:
        control.up(name, {}, say=lambda text: click.echo(text, err=True))
        return min(_run_and_report(plan_from("demo"), _target(name, None), runs_folder), 0)
    finally:
        control.down(name)


if __name__ == "__main__":
    main()
