"""`threadline link`: a link that signs one browser in. Works beside a running server."""

from random import SystemRandom
from typing import Any

import click

from threadline.access import keys
from threadline.access.sessions import OPERATOR_PERSON, make_link
from threadline.cli.offline import write
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.clock import SystemClock
from threadline.ids import IdMaker
from threadline.store.contract import Transaction


@click.command("link")
@click.option("--person", default=OPERATOR_PERSON, show_default=True, help="Who is signed in: an end user's id.")
@click.option(
    "--role",
    type=click.Choice(("end_user", *keys.ROLES)),
    default="operator",
    show_default=True,
    help="What the browser may do: end_user is that person alone, the others are the roles of keys.",
)
@click.option("--url", metavar="URL", help="Where browsers find the server. Default: its host and port here.")
@setting_options(*WHERE, "host", "port")
def command(person: str, role: str, url: str | None, **options: Any) -> None:
    """Print a link that signs one browser in to the default tenant, once, within the hour."""
    settings, clock = settings_from(options), SystemClock()
    ids = IdMaker(clock, SystemRandom())

    async def script(transaction: Transaction) -> str:
        return await make_link(transaction, ids, clock, person, role)

    code = write(settings, clock, keys.KEYS, script)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = url or f"http://{shown}:{settings.port}"
    click.echo(f"{base.rstrip('/')}/sign-in?code={code}")
