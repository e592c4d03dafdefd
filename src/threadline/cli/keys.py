"""`threadline keys`: create, list and revoke API keys. Works beside a running server and takes effect at once."""

from random import SystemRandom
from typing import Any

import click

from threadline.access import keys
from threadline.cli.offline import read, write
from threadline.cli.options import WHERE, setting_options, settings_from
from threadline.clock import SystemClock
from threadline.ids import IdMaker, KeyId
from threadline.store.contract import Reader, Transaction


@click.group("keys")
def command() -> None:
    """Create, list and revoke API keys."""


@command.command("create")
@click.option("--tenant", default=keys.DEFAULT_TENANT, show_default=True, help="Whose key; created where new.")
@click.option("--name", default="", help="What the key is for, to recognise it in lists.")
@click.option(
    "--role",
    type=click.Choice(keys.ROLES),
    default="server",
    show_default=True,
    help="server: acts for any end user of its tenant. admin: also manages its keys. operator: the installation.",
)
@setting_options(*WHERE)
def create(tenant: str, name: str, role: keys.Role, **options: Any) -> None:
    """Create a key and print its secret, alone, on stdout. It is not stored and not shown again."""
    settings, clock = settings_from(options), SystemClock()
    ids = IdMaker(clock, SystemRandom())

    async def script(transaction: Transaction) -> keys.Key:
        return await keys.create_key(transaction, tenant, name, role, ids, clock)

    made = write(settings, clock, keys.KEYS, script)
    assert made.secret is not None, "a new key has its secret"
    click.echo(made.secret)


@command.command("list")
@click.option("--tenant", default=keys.DEFAULT_TENANT, show_default=True, help="Whose keys.")
@setting_options(*WHERE)
def list_keys(tenant: str, **options: Any) -> None:
    """List a tenant's keys, oldest first. Secrets are not stored and cannot be shown."""
    settings = settings_from(options)

    async def script(reader: Reader) -> list[keys.Key]:
        return await keys.list_keys(reader, tenant)

    for key in read(settings, SystemClock(), keys.KEYS, script):
        state = f"revoked {key.revoked_at}" if key.revoked_at else "active"
        click.echo(f"{key.id}  {key.role:<8}  {key.created_at}  {state:<32}  {key.name}")


@command.command("revoke")
@click.argument("key_id")
@setting_options(*WHERE)
def revoke(key_id: str, **options: Any) -> None:
    """Revoke a key by its id (key_…), and with it the tokens that it has issued."""
    settings, clock = settings_from(options), SystemClock()

    async def script(transaction: Transaction) -> None:
        await keys.revoke_key(transaction, KeyId(key_id), clock)

    write(settings, clock, keys.KEYS, script)
    click.echo(f"{key_id} is revoked.", err=True)
