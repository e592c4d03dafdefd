"""What is shown between the answers: messages of a thread that is opened, lists of threads and of models."""

import sys
from collections.abc import Sequence

import click
from rich.console import Console

from threadline.cli.talk.prompt import PROMPT
from threadline.cli.talk.screen import markdown
from threadline.cli.terminal import harmless, local_time, one_line
from threadline.client.models import Message, ModelInfo, Run, Thread

TITLE_CHARS = 60


def show_message(message: Message) -> None:
    """Print a message of the past: a person's behind the prompt, an answer as it looked when it came."""
    if message.role == "user":
        click.secho(f"\n{PROMPT}{harmless(message.text)}", bold=True)
        return
    if sys.stdout.isatty():
        Console().print(markdown(harmless(message.text)))
    else:
        click.echo(message.text)
    if message.status != "complete":
        click.secho(f"({message.status})", dim=True)


def show_threads(threads: Sequence[Thread], current_id: str | None) -> None:
    """Print a numbered list of threads, the current one marked with an arrow, those in progress with a star."""
    if not threads:
        click.echo("You have no threads yet.")
    for number, thread in enumerate(threads, start=1):
        here = "→" if thread.id == current_id else " "
        active = "*" if thread.active_run_id is not None else " "
        title = one_line(thread.title or "(untitled)", TITLE_CHARS)
        click.echo(f"{here}{number:>3} {active} {local_time(thread.last_activity_at)}  {title}  ({thread.id})")


def show_queue(runs: Sequence[Run]) -> None:
    """Print what waits for its turn, the next one first."""
    if not runs:
        click.echo("Nothing waits in this thread.")
    for run in runs:
        text = "(answers an earlier message)" if run.input is None else one_line(run.input.text, TITLE_CHARS)
        click.echo(f"{run.position or 0:>4}  {text}  ({run.id})")


def show_models(models: Sequence[ModelInfo], current: str | None) -> None:
    """Print the models that are known by name."""
    for model in models:
        here = "→" if model.id == current else " "
        about = one_line(str(model.extra.get("description") or ""), 80)
        click.echo(f"{here} {one_line(model.id, TITLE_CHARS):<40} {about}".rstrip())


def end_of(run: Run) -> str:
    """Say in one line how a run ended; empty where there is nothing to say."""
    match run.status:
        case "completed":
            return ""
        case "waiting":
            return "It waits for somebody. `/open` with this thread's id comes back to its question."
        case "cancelled":
            return "Stopped. What was said is kept."
        case _ if run.error is not None:
            again = " Sending it again may help." if run.error.retryable else ""
            return f"No answer: {harmless(run.error.message)} ({run.error.code}){again}"
        case _:
            return f"No answer: the run is {run.status}."


def cost_of(run: Run) -> str:
    """Say in one line who answered, how long it took and what it cost, as far as that is known."""
    parts = [one_line(run.model or "", TITLE_CHARS)]
    if run.usage is not None and run.usage.output_tokens is not None:
        parts.append(f"{run.usage.output_tokens:,} tokens")
    if run.started_at is not None and run.ended_at is not None:
        parts.append(f"{(run.ended_at - run.started_at).total_seconds():.1f} s")
    return " · ".join(part for part in parts if part)
