"""`harness duel`: whether a candidate is worse than a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.shared import RUNS_FOLDER, WARMUP_UNLESS_SAID, find_allowed_target
from results.errors import UsageError

if TYPE_CHECKING:
    from analysis.compare.effect import Layout
    from analysis.duel import DuelPlan
    from drive.duel_sides import SideAsked
    from drive.plan import Plan

DEFAULT_LENGTH_S = 20.0


@click.command(short_help="Candidate against baseline: worse, or not worse?")
@click.argument("scenario")
@click.option("--baseline", metavar="TARGET", help="What is there now: a stack's name or one of targets/.")
@click.option("--candidate", metavar="TARGET", help="What is held against it.")
@click.option(
    "--baseline-set", multiple=True, metavar="KNOB=VALUE", help="A stack brought up for it instead."
)
@click.option("--candidate-set", multiple=True, metavar="KNOB=VALUE", help="E.g. api.slow_ms=2.")
@click.option("--baseline-fault", multiple=True, metavar="NAME", help="A fault that stack is to have.")
@click.option("--candidate-fault", multiple=True, metavar="NAME", help="E.g. missing-index.")
@click.option(
    "--turns", is_flag=True, help="One stack, restarted each turn, where two would stand side by side."
)
@click.option("--together", is_flag=True, help="Both runs of a pair at the same time, side by side.")
@click.option("--pairs", type=click.IntRange(2), default=5, show_default=True, help="Pairs of runs planned.")
@click.option("--max-pairs", type=click.IntRange(2), help="Go on to so many where it is not clear by then.")
@click.option(
    "--tolerance", help='How much worse is allowed, e.g. "typical 3%, todo.list p99 10%" (docs/duel.md).'
)
@click.option("--rate", help="Arrivals per second, e.g. 100/s (open model); 20/s unless a plan says.")
@click.option("--users", type=click.IntRange(1), help="Users (closed model).")
@click.option("--stages", help='e.g. "50/s for 5s, 100/s for 15s".')
@click.option("--for", "duration", help="How long each run lasts; 20s unless a plan says.")
@click.option("--warmup", help=f"Left out of every run's figures, e.g. 4s; {WARMUP_UNLESS_SAID}.")
@click.option("--seed", type=int, help="Seed of the first pair's arrivals.")
@click.option("--processes", type=click.IntRange(1, 64), help="Generator processes.")
@click.option("--yes-load", help="Repeat the name of a production target to allow load on it.")
@click.option("--force", is_flag=True, help="Judge runs that are not valid, too; the page says so.")
@RUNS_FOLDER
def duel(scenario: str, runs_folder: Path, force: bool, turns: bool, **said: Any) -> int:
    """Hold a candidate against a baseline: worse, not worse, or cannot tell.

    Both run SCENARIO in turn or --together, with the same load. A side is a target that is there, or a
    stack that is brought up for the duel with settings and faults of its own and taken down again:

      harness duel web/trpc --baseline main --candidate branch

      harness duel web/trpc --candidate-set api.slow_ms=2 --rate 25/s --for 7s --pairs 12 --together

    Exit code 0 not worse, 3 worse, 4 cannot tell.
    """
    from drive.duel import DuelCourse
    from drive.duel_sides import sides_for
    from drive.progress import make_progress
    from results.units import show_duration

    baseline, candidate = _side("baseline", said), _side("candidate", said)
    if not any(
        said[f"{side}{what}"] for side in ("baseline", "candidate") for what in ("", "_set", "_fault")
    ):
        raise UsageError(
            "say what is held against what: --baseline and --candidate take targets, --candidate-set and"
            " --candidate-fault bring up a stack that differs"
        )
    plan = _plan(scenario, said)
    duel_plan = _duel_plan(plan, said)
    progress = make_progress()
    most_s = duel_plan.max_pairs * (1 if duel_plan.layout == "together" else 2) * plan.stages.duration_s
    progress.phase(f"at most {duel_plan.max_pairs} pairs of runs, {show_duration(most_s)} of load in all")
    with sides_for(baseline, candidate, progress.phase, turns=turns, layout=duel_plan.layout) as sides:
        stored = DuelCourse(plan, duel_plan, sides, runs_folder, progress, force=force).run()
    code = report_on_duel(stored.folder)
    return 130 if stored.state == "interrupted" else code


def _side(name: str, said: dict[str, Any]) -> SideAsked:
    from drive.duel_sides import SideAsked
    from stack.asked import Asked
    from stack.faults import check_names
    from stack.knobs import parse_settings

    target = said[name] and find_allowed_target(said[name], said["yes_load"])
    settings, faults = parse_settings(said[f"{name}_set"]), check_names(said[f"{name}_fault"])
    Asked(settings, faults).knobs()  # what cannot be is said before anything is started
    return SideAsked(target or None, settings, faults)


def _plan(scenario: str, said: dict[str, Any]) -> Plan:
    from drive.plan import plan_from
    from results.units import parse_duration_s, parse_rate_per_s

    told = {name: said[name] for name in ("users", "stages", "seed", "processes")}
    told["rate_per_s"] = parse_rate_per_s(said["rate"]) if said["rate"] else None
    told["warmup_s"] = parse_duration_s(said["warmup"]) if said["warmup"] else None
    is_short = said["duration"] is None and said["stages"] is None and not plan_from(scenario).name
    told["for_s"] = DEFAULT_LENGTH_S if is_short else None
    if said["duration"]:
        told["for_s"] = parse_duration_s(said["duration"])
    return plan_from(scenario, **told)


def _duel_plan(plan: Plan, said: dict[str, Any]) -> DuelPlan:
    from analysis.compare.tolerance import Tolerances, parse_tolerances
    from analysis.duel import DuelPlan

    tolerances = plan.tolerances
    if said["tolerance"]:
        asked = parse_tolerances(said["tolerance"])
        tolerances = Tolerances({**tolerances.by_name, **asked.by_name})
    pairs, max_pairs = said["pairs"], said["max_pairs"] or said["pairs"]
    if max_pairs < pairs:
        raise UsageError(f"--max-pairs {max_pairs} is less than --pairs {pairs}")
    layout: Layout = "together" if said["together"] else "turns"
    return DuelPlan(pairs=pairs, max_pairs=max_pairs, tolerances=tolerances, layout=layout)


def report_on_duel(folder: Path, *, force: bool = False) -> int:
    """Write a stored duel's page and say what it says; returns the exit code.

    Raises NotComparable where its runs must not be compared, unless that is forced.
    """
    from analysis.duel.stored import judge_stored
    from analysis.gate import EXIT_CODES
    from reports.duel_page import write_duel_report
    from results import open_duel

    judged = judge_stored(open_duel(folder), force=force)
    page = write_duel_report(judged, judged.stored.folder / "report.html")
    click.echo(judged.result.sentence)
    for doubt in judged.result.doubts:
        click.echo(f"doubt: {doubt}")
    click.echo(f"report: {page}")
    return EXIT_CODES[judged.result.verdict]
