"""Which concrete rooms a process is made of, and the order in which they start and stop."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, cast

from starlette.types import ASGIApp

from threadline.access.keys import KEYS
from threadline.access.principals import Access
from threadline.access.secret import SECRET_BYTES, read_secret
from threadline.access.sessions import make_link
from threadline.access.tokens import Link, TokenSigner
from threadline.api.answers import Model
from threadline.api.app import create_app
from threadline.api.credentials import Credentials
from threadline.api.house import House
from threadline.api.presence.presence import Presence
from threadline.api.readers import Readers
from threadline.api.sidebar.touches import Touches
from threadline.api.web.attempts import Attempts
from threadline.bus.contract import Bus, Nudge
from threadline.bus.echo import Echo
from threadline.bus.memory import MemoryBus
from threadline.clock import Clock, SystemClock
from threadline.engine.attach import Attachments, Places
from threadline.engine.attendance import Attendants
from threadline.engine.engine import Engine
from threadline.engine.figures import Figures
from threadline.engine.files import ALL_TYPES, FileRules, Files
from threadline.engine.loop import LoopLimits
from threadline.engine.pack import Packer
from threadline.engine.rename import Renamer
from threadline.engine.schedule import RunTimes, Scheduler
from threadline.engine.sweep import Sweeper
from threadline.engine.title import Titler
from threadline.errors import SettingsRefused
from threadline.file_records import FileId
from threadline.files.contract import Blobs
from threadline.files.folder import FolderBlobs
from threadline.ids import IdMaker, NodeId, TenantId
from threadline.journal.append import Journal
from threadline.journal.lease import Leases
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.limits import VENDOR_LINK_SECONDS
from threadline.observe import Metrics
from threadline.opening import make_store
from threadline.providers.registry import Registry
from threadline.scopes import Scope
from threadline.settings import Settings
from threadline.store.contract import Reader, Store, Transaction
from threadline.tool_records import ToolRow
from threadline.tools.loading import load_tools
from threadline.tools.mcp.config import HOW_TO_INSTALL, is_installed, server_of_config
from threadline.tools.network import Guard
from threadline.tools.outbound import Outbound
from threadline.tools.toolbox import NodeTools

if TYPE_CHECKING:
    from threadline.store.postgres.store import PostgresStore

LAST_COMMIT_SECONDS = 5.0
"""How long the writer may take for what is left when the process ends. What it leaves was shown to nobody."""


class Node:
    """One process: its rooms, wired. `running` starts them in order and stops them in the opposite one."""

    def __init__(self, settings: Settings, env: Mapping[str, str]) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock()
        source = SystemRandom()
        ids = IdMaker(self.clock, source)
        self.metrics = Metrics()
        self.store: Store = make_store(settings, self.clock)
        self.touches = Touches(self.store)
        self.bus: Bus = Echo(make_bus(settings), self.touches.hear)
        self.registry = Registry(settings.provider_configs(), env, clock=self.clock, source=source)
        default_model = settings.default_model or self.registry.default_model()
        self.registry.resolve(default_model)
        outbound = Outbound(Guard(settings.allowed_hosts))
        servers = [server_of_config(config, env) for config in settings.mcp_configs()]
        if servers and not is_installed():
            raise SettingsRefused(HOW_TO_INSTALL)
        self.toolbox = NodeTools(load_tools(settings.tools), servers, self._registered_tools, outbound, self.clock)
        windows = Windows()
        self.journal = Journal(
            self.store, self.bus, windows, self.clock, self.metrics, settings.gather_window_ms / 1000
        )
        self.tail = Tail(self.store, windows)
        self.leases = Leases(self.journal, NodeId(ids.make("node")), settings.lease_seconds, self.clock)
        self.packer = Packer(self.store, self.journal)
        self.blobs: Blobs = make_blobs(settings)
        self.files = Files(self.blobs, self.store, self.journal, self.clock, _file_rules(settings))
        self._signer = TokenSigner(self.clock)
        self.attachments = self._make_attachments(outbound)
        self.sweeper = self._make_sweeper()
        self.scheduler = Scheduler(
            self.store,
            self.journal,
            windows,
            self.leases,
            self.registry.resolve,
            self.packer,
            ids,
            self.clock,
            self.metrics,
            _times(settings),
            self.toolbox,
            _loop_limits(settings),
            self.attachments.attach,
        )
        self.titler = self._make_titler()
        self.renamer = Renamer(self.store, self.journal)
        self.attendants = Attendants(
            self.store, self.journal, self.tail, self.scheduler, self.clock, settings.disconnect_grace_seconds
        )
        self.readers = Readers(self.clock, self.metrics)
        self.presence = Presence(self.bus, self.clock, self.leases.node_id)
        self.figures = Figures(
            self.store, self.journal, self.clock, self.metrics, self.leases.node_id, self.readers.by_tenant
        )
        self.credentials = Credentials(self.store, self.bus, self.readers)
        self.house = self._make_house(default_model, ids)

    def _make_house(self, default_model: str, ids: IdMaker) -> House:
        def resolve_model(of_send: str | None, of_thread: str | None) -> str:
            model = of_send or of_thread or default_model
            self.registry.resolve(model)
            return model

        engine = Engine(self.store, self.journal, self.tail, self.scheduler, resolve_model, ids, self.clock, self.files)
        access = Access(self.store, self._signer, self.clock)
        return House(
            engine,
            access,
            self.readers,
            self.presence,
            self.toolbox,
            self.touches,
            self.files,
            self.journal,
            self.store,
            self.bus,
            self.credentials,
            self.figures,
            Attempts(self.clock),
            self.renamer,
            tuple(Model(one.id, one.name, one.description, one.hidden) for one in self.registry.models()),
            ids,
            self.clock,
            self.metrics,
            default_model,
            self.metrics.scrape,
        )

    def _link_to(self, tenant_id: TenantId, file_id: FileId) -> str | None:
        """Return an address of this installation at which a vendor may fetch a file, for a time; None without one."""
        public_url = self.settings.public_url.rstrip("/")
        if not public_url:
            return None
        # As a link of no key: it is this installation's own.
        expires_at_ms = self.clock.now_ms() + VENDOR_LINK_SECONDS * 1000
        link = self._signer.issue_link(Link(None, tenant_id, file_id, expires_at_ms))
        return f"{public_url}/v1/files/{file_id}/content?link={link}"

    def _make_attachments(self, outbound: Outbound) -> Attachments:
        places = Places(self.registry.of_account, self._link_to, outbound.guard.may_hand_on)
        return Attachments(self.files, self.store, self.journal, self.clock, places)

    def _make_sweeper(self) -> Sweeper:
        seconds = self.settings.idempotency_hours * 3600
        return Sweeper(self.journal, self.clock, seconds, self.files, self.attachments)

    def _make_titler(self) -> Titler | None:
        model = self.settings.title_model
        if model == "off":
            return None
        if model:
            self.registry.resolve(model)
        return Titler(self.store, self.journal, self.registry.resolve, self.clock, self.metrics, model)

    def app(self) -> ASGIApp:
        """Return the HTTP application over this node."""
        return create_app(self.house, self.settings.allowed_origins)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the node's rooms around the caller's block. A room that fails takes the process down, loudly.

        Raises:
            StoreRefused: the store cannot be opened.
        """
        await self.store.open()
        self._signer.use(await signing_secret(self.settings, self.store))
        try:
            await self.blobs.open()
            await self.bus.open(self._hear, self.presence.hear)
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self.journal.run(), name="journal")
                if self.store.has_one_writer:
                    # One server on one data folder, held by its lock, so whoever had a lease is dead.
                    await self.leases.begin_alone()
                else:
                    await self.leases.begin()
                others = [
                    tasks.create_task(room, name=name)
                    for name, room in (
                        ("leases", self.leases.renew_forever()),
                        ("scheduler", self.scheduler.run()),
                        ("attendants", self.attendants.run()),
                        ("packer", self.packer.run()),
                        ("sweeper", self.sweeper.run()),
                        ("poll", self.tail.poll_forever()),
                        ("fill", self.tail.fill_forever()),
                        ("heartbeat", self.tail.beat_forever()),
                        ("readers", self.readers.watch_forever()),
                        ("renamer", self.renamer.run()),
                        ("credentials", self.credentials.look_forever()),
                        ("figures", self.figures.keep_forever()),
                        ("tools", self.toolbox.open()),
                        ("presence", self.presence.keep_forever()),
                        ("touches", self.touches.look_forever()),
                    )
                ]
                if self.titler is not None:
                    others.append(tasks.create_task(self.titler.run(), name="titler"))
                try:
                    yield
                finally:
                    for task in others:
                        task.cancel()
                    await asyncio.wait(others)
                    self.journal.close()
                    await asyncio.wait([writer], timeout=LAST_COMMIT_SECONDS)
                    writer.cancel()
        finally:
            await self.bus.close()
            await self.blobs.close()
            await self.toolbox.close()
            await self.registry.close()
            await self.store.close()

    async def _registered_tools(self, scope: Scope, names: Sequence[str] | None) -> Sequence[ToolRow]:
        async def script(reader: Reader) -> Sequence[ToolRow]:
            return await reader.tools(scope, names)

        return await self.store.read(scope, script)

    def _hear(self, nudges: Sequence[Nudge]) -> None:
        self.house.engine.hear(nudges)
        self.credentials.hear(nudges)

    async def make_sign_in_link(self) -> str:
        """Return the code of a link that signs the operator in, once. Raises Unavailable."""

        async def script(transaction: Transaction) -> str:
            return await make_link(transaction, self.house.ids, self.clock)

        return await self.journal.write(KEYS, script)

    async def drain(self) -> None:
        """Finish or give back what is running, then cut the readers of what is unfinished."""
        await self.scheduler.drain(self.settings.drain_seconds)
        self.readers.cut_all()


async def signing_secret(settings: Settings, store: Store) -> bytes:
    """Return what end-user tokens are signed with: nodes that share a database share it.

    Raises:
        SettingsRefused: the configured one is too short.
        StoreRefused: the data folder is not writable.
    """
    if settings.secret:
        if len(settings.secret) < SECRET_BYTES:
            raise SettingsRefused(f"The secret is too short; it takes {SECRET_BYTES} characters or more.")
        return hashlib.sha256(settings.secret.encode()).digest()
    if settings.is_postgres:
        return await cast("PostgresStore", store).signing_secret()
    return read_secret(settings.data_folder)


def make_bus(settings: Settings) -> Bus:
    """Return the bus that the settings name. Raises SettingsRefused."""
    address = settings.bus_address
    if address == "memory":
        return MemoryBus()
    if address.startswith("redis"):
        from threadline.bus.redis import RedisBus

        try:
            return RedisBus(address, settings.bus_prefix)
        except ValueError as error:
            raise SettingsRefused(f"The bus has no usable address: {error}.") from error
    from threadline.bus.postgres import PostgresBus

    return PostgresBus(address, settings.bus_prefix)


def make_blobs(settings: Settings) -> Blobs:
    """Return the place for files that the settings name. Raises SettingsRefused."""
    scheme, mark, _ = settings.files.partition("://")
    if mark and scheme != "s3":
        raise SettingsRefused(f"Files cannot be kept at {scheme}://; it is a folder or s3://bucket/prefix.")
    if not mark:
        if settings.files:
            return FolderBlobs(Path(settings.files).expanduser())
        return FolderBlobs(settings.data_folder / "files", is_asked_for=False)
    from threadline.files.s3 import make_s3

    return make_s3(settings.files)


def _loop_limits(settings: Settings) -> LoopLimits:
    return LoopLimits(
        rounds=settings.tool_rounds_max, calls=settings.tool_calls_max, wait_seconds=settings.tool_wait_seconds
    )


def _file_rules(settings: Settings) -> FileRules:
    return FileRules(settings.file_bytes_max, settings.file_types or ALL_TYPES, settings.file_orphan_hours * 3600)


def _times(settings: Settings) -> RunTimes:
    return RunTimes(
        first_chunk_seconds=settings.first_chunk_seconds,
        no_progress_seconds=settings.no_progress_seconds,
        run_seconds=settings.run_seconds,
        reap_seconds=settings.reap_seconds,
        attempts_max=settings.attempts_max,
    )
