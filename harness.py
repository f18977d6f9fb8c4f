"""The command line: parse, call, and turn what goes wrong into one line and an exit code."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import Any

import click

from commands import capacity, compare, duel, gate, history, run, runs, stacks, worker
from results.errors import HarnessError, UsageError

EPILOG = (
    "Exit codes: 0 passed, 1 error, 2 usage, 3 failed (SLO missed, or worse), 4 cannot tell or not valid,"
    " 130 interrupted."
)


class OneLine(click.Group):
    """A group of commands whose every error is one line; help lists them in the order of use."""

    def list_commands(self, _: click.Context) -> list[str]:
        """As they were added."""
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and exit with the code that the outcome has."""
        debug = "--debug" in sys.argv
        # As Ctrl-C: load and faults are ended in good order, and what was measured is kept.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
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


# In the order of use: a first look, the stack, a run, capacity, comparing, what is stored, this machine.
for command in (
    *(run.demo, stacks.up, stacks.status, stacks.logs, stacks.down),
    *(run.run, run.report, capacity.capacity, duel.duel, gate.gate, worker.worker),
    *(compare.compare, history.history, runs.runs, stacks.doctor),
):
    main.add_command(command)


if __name__ == "__main__":
    main()
