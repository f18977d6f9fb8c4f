"""`harness gate`: a CI job's answer about a run or a duel, in the forms that CI systems read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from commands.shared import RUNS_FOLDER, find_run, write_file
from results.errors import UsageError

if TYPE_CHECKING:
    from analysis.gate import GateResult, Outcome

FILE = click.Path(path_type=Path, dir_okay=False)
WORDS = {"pass": "pass", "fail": "fail", "inconclusive": "cannot tell"}
MOST_LINES = 12


@click.command(short_help="Judge a stored run or duel, for CI.")
@click.argument("name", metavar="RUN|DUEL")
@click.option("--baseline", metavar="RUN", help="A stored run to hold the run against (weaker than a duel).")
@click.option("--inconclusive", type=click.Choice(["pass", "fail"]), help="What 'cannot tell' counts as.")
@click.option("--junit", type=FILE, help="Write JUnit XML.")
@click.option("--markdown", type=FILE, help="Write a summary for a pull request.")
@click.option("--json", "json_file", type=FILE, help="Write the answer as JSON.")
@click.option(
    "--annotations/--no-annotations", default=None, help="GitHub's; on where GITHUB_ACTIONS is set."
)
@click.option("--force", is_flag=True, help="Compare what should not be compared; the answer says so.")
@RUNS_FOLDER
def gate(
    name: str,
    baseline: str | None,
    inconclusive: Literal["pass", "fail"] | None,
    junit: Path | None,
    markdown: Path | None,
    json_file: Path | None,
    annotations: bool | None,
    force: bool,
    runs_folder: Path,
) -> int:
    """Judge a RUN by its objectives, or against a stored baseline; or a DUEL by its verdict.

    Exits 0 where it passes, 3 where it fails, and 4 where it cannot tell (see --inconclusive).
    """
    from reports.annotations import github_annotations
    from reports.as_json import gate_json
    from reports.junit import junit_xml
    from reports.markdown import markdown as as_markdown

    asked = inconclusive or "report"
    result, span_s = _judge(name, baseline, asked, force, runs_folder)
    for line in _lines(result):
        click.echo(line)
    if junit:
        write_file(junit, junit_xml(result, asked, span_s))
    if markdown:
        write_file(markdown, as_markdown(result, _job_link()))
    if json_file:
        write_file(json_file, gate_json(result))
    if annotations or (annotations is None and os.environ.get("GITHUB_ACTIONS") == "true"):
        click.echo(github_annotations(result), nl=False)
    return result.exit_code


def _judge(
    name: str, baseline: str | None, inconclusive: Literal["report", "pass", "fail"], force: bool, runs: Path
) -> tuple[GateResult, float]:
    """The answer, and how many seconds of load it rests on."""
    from analysis.duel.stored import judge_stored
    from analysis.gate import gate_baseline, gate_duel, gate_run
    from results import is_duel, open_duel, open_run

    folder = find_run(name, runs)
    if is_duel(folder):
        if baseline:
            raise UsageError("a duel has its own baseline: leave --baseline out")
        judged = judge_stored(open_duel(folder), force=force)
        span_s = sum(run.duration_s for run in [*judged.baseline, *judged.candidate])
        forced = judged.forced
        return gate_duel(judged.result, judged.stored.id, inconclusive, forced), span_s
    run = open_run(folder)
    if run.kind != "run":
        raise UsageError(
            f"{run.id} is a {run.kind} search, which has no objectives to keep: gate a run or a duel"
        )
    if not baseline:
        return gate_run(run, inconclusive), run.duration_s
    before = open_run(find_run(baseline, runs))
    return gate_baseline(run, before, None, inconclusive, force=force), run.duration_s


def _lines(result: GateResult) -> list[str]:
    """The answer for a terminal: the sentence, what failed or decides, how many others, and the notes."""
    told = result.told(MOST_LINES)
    widths = [max((len(text) for text in texts), default=0) for texts in zip(*map(_words, told), strict=True)]
    rows = [[f"{text:<{width}}" for text, width in zip(_words(one), widths, strict=True)] for one in told]
    rest = result.rest_counted(MOST_LINES)
    return [
        f"{WORDS[result.verdict].upper()}: {result.sentence}",
        *(f"  {'  '.join(row)}".rstrip() for row in rows),
        *([f"  and of the other figures: {rest}"] if rest else []),
        *(f"note: {note}" for note in result.notes),
    ]


def _words(one: Outcome) -> tuple[str, ...]:
    return WORDS[one.verdict], one.name, one.where, one.text


def _job_link() -> str:
    """Where this CI job keeps its files, as the CI system says; empty elsewhere."""
    told = os.environ
    if told.get("GITHUB_RUN_ID"):
        page = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
        return page.format_map({name: told.get(name, "") for name in _GITHUB})
    return f"{told['CI_JOB_URL']}/artifacts/browse" if told.get("CI_JOB_URL") else ""


_GITHUB = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
