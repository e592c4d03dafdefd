"""Gives threads a title after their first exchange, by a small model or from the first words.

It is no part of an answer and delays none. What is to be done stands in the store: a thread with an exchange and no
title. A node claims it for a while, so that no two ask a model for the same one, and after a crash somebody else does.
A title that a person has written, or has emptied, is never touched: that is looked up in the transaction that stores.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing

from threadline.clock import Clock, rfc3339
from threadline.content import TextBlock, plain_text
from threadline.engine.change import change_thread
from threadline.engine.schedule import ResolveProvider
from threadline.errors import ModelUnknown, NotFound, ProviderFailure, ShuttingDown, Unavailable
from threadline.ids import TenantId, ThreadId
from threadline.journal.append import Journal
from threadline.observe import Metrics, log
from threadline.providers.contract import Prompt, PromptMessage, TextChunk, UsageChunk
from threadline.records import Message
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader, Store, Transaction
from threadline.store.contract_branches import BranchQuery

_TITLE = System("make titles")

LOOK_SECONDS = 1.0
"""How often the store is asked for threads without a title: soon enough for somebody who looks at the sidebar."""

CLAIM_SECONDS = 120.0
"""Longer than a model may take."""

ASK_SECONDS = 30.0
TITLES_AT_ONCE = 8
"""A small model answers in a second or two; a dead one may not keep the others waiting for long."""

ACTIVE_SECONDS = 24 * 3600.0
"""What has been without a title for longer stays so: an upgrade does not ask a model about every old thread."""

TITLE_CHARS = 60
EXCERPT_CHARS = 2000

INSTRUCTIONS = (
    "Write a title of at most six words for this conversation, in its language. Answer with the title alone, without "
    "quotes and without a full stop."
)


class Titler:
    """The titles of one node. `model` is `provider/model`; without one the first words are the title."""

    def __init__(
        self, store: Store, journal: Journal, resolve: ResolveProvider, clock: Clock, metrics: Metrics, model: str
    ) -> None:
        self._store = store
        self._journal = journal
        self._resolve = resolve
        self._clock = clock
        self._metrics = metrics
        self._model = model

    async def run(self) -> None:
        """Make titles for ever; the caller owns the task."""
        while True:
            try:
                await self.look()
            except Unavailable as error:
                log.warning("titles_not_made", detail=error.detail)
            except ShuttingDown:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Give a title to each thread that has none now. Raises Unavailable and ShuttingDown."""
        since = rfc3339(self._clock.now_ms() - round(ACTIVE_SECONDS * 1000))

        async def script(reader: Reader) -> list[tuple[TenantId, ThreadId]]:
            return await reader.untitled(_TITLE, since, TITLES_AT_ONCE)

        found = await self._store.read(_TITLE, script)
        ends = await asyncio.gather(*(self._title(*each) for each in found), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _title(self, tenant_id: TenantId, thread_id: ThreadId) -> None:
        try:
            if self._model:
                await self._ask_for_title(tenant_id, thread_id)
            else:
                await self._take_first_words(tenant_id, thread_id)
        except NotFound:
            # It was deleted meanwhile.
            return
        except (ShuttingDown, Unavailable):
            raise
        except Exception as error:
            # One thread that cannot be titled is no reason to end a node, and the next one that looks at it.
            log.exception("title_failed_unforeseen", thread_id=thread_id, error=repr(error))
            await self._put_off(tenant_id, thread_id)

    async def _put_off(self, tenant_id: TenantId, thread_id: ThreadId) -> None:
        async def script(transaction: Transaction) -> None:
            await transaction.claim_title(_TITLE, tenant_id, thread_id, CLAIM_SECONDS)

        await self._journal.write(_TITLE, script)

    async def _take_first_words(self, tenant_id: TenantId, thread_id: ThreadId) -> None:
        """Do it all at once: nobody is asked, so nothing has to be claimed."""
        scope = Tenant(tenant_id)

        async def script(transaction: Transaction) -> None:
            words = _words(await _beginning(transaction, scope, thread_id))
            if title := next(filter(None, (short(text) for _, text in words)), ""):
                await _store_title(transaction, scope, thread_id, title)
            else:
                await transaction.claim_title(_TITLE, tenant_id, thread_id, CLAIM_SECONDS)

        await self._journal.write(_TITLE, script)

    async def _ask_for_title(self, tenant_id: TenantId, thread_id: ThreadId) -> None:
        words = _words(await self._claim(tenant_id, thread_id))
        if not any(text.strip() for _, text in words):
            return
        scope = Tenant(tenant_id)
        title = await self._asked(tenant_id, words) or next(filter(None, (short(text) for _, text in words)))

        async def script(transaction: Transaction) -> None:
            await _store_title(transaction, scope, thread_id, title)

        await self._journal.write(_TITLE, script)

    async def _claim(self, tenant_id: TenantId, thread_id: ThreadId) -> Sequence[Message]:
        """Return the beginning of the active branch; nothing where somebody else is making the title."""
        scope = Tenant(tenant_id)

        async def script(transaction: Transaction) -> Sequence[Message]:
            if not await transaction.claim_title(_TITLE, tenant_id, thread_id, CLAIM_SECONDS):
                return ()
            return await _beginning(transaction, scope, thread_id)

        return await self._journal.write(_TITLE, script)

    async def _asked(self, tenant_id: TenantId, words: Sequence[tuple[str, str]]) -> str:
        """Return what the model suggests; nothing where there is none or it fails."""
        if not self._model:
            return ""
        said, prompt = "", "\n\n".join(f"{role}: {text}" for role, text in words)
        try:
            provider, name = self._resolve(self._model)
            question = Prompt(
                model=name,
                messages=[PromptMessage("user", [TextBlock(prompt)])],
                instructions=INSTRUCTIONS,
                max_output_tokens=200,
            )
            async with asyncio.timeout(ASK_SECONDS), aclosing(provider.stream(question)) as stream:
                async for chunks in stream:
                    said += "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
                    for chunk in chunks:
                        if isinstance(chunk, UsageChunk):
                            self._metrics.count_tokens(tenant_id, chunk.usage)
        except (ProviderFailure, ModelUnknown, TimeoutError) as error:
            log.info("title_not_asked", error=repr(error))
            return ""
        except Exception as error:
            # Also what nobody foresaw of a provider leaves the first words, as a run of its would end in words.
            log.exception("title_asked_in_vain", error=repr(error))
            return ""
        return short(said)


async def _beginning(reader: Reader, scope: Tenant, thread_id: ThreadId) -> Sequence[Message]:
    """Return the first question and the first answer of the active branch."""
    tip = (await reader.thread(scope, thread_id)).thread.tip_message_id
    if tip is None:
        return ()
    branch = await reader.branch(scope, thread_id, BranchQuery(tip, descending=False, limit=4))
    return [message for message in branch if message.role != "system"][:2]


def _words(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.role, plain_text(message.content)[:EXCERPT_CHARS]) for message in messages]


async def _store_title(transaction: Transaction, scope: Tenant, thread_id: ThreadId, title: str) -> None:
    row = await transaction.thread(scope, thread_id)
    if row.thread.title is None and await transaction.may_title(_TITLE, scope.tenant_id, thread_id):
        await change_thread(transaction, scope, thread_id, {"title": title})


def short(text: str) -> str:
    """Return the first line that says something, without marks of Markdown, cut between two words."""
    lines = (re.sub(r"[#*_`>\"“”„]+", "", line).strip() for line in text.splitlines())
    line = re.sub(r"\s+", " ", next(filter(None, lines), ""))
    if len(line) <= TITLE_CHARS:
        return line
    cut = line[: TITLE_CHARS - 1].rsplit(" ", 1)[0] if " " in line[:TITLE_CHARS] else line[: TITLE_CHARS - 1]
    return cut.rstrip(" ,;:.-") + "…"
