"""The tool loop: a model asks, tools answer, the model goes on, until it asks for nothing more.

A round is one answer of the provider and the calls in it. It is written down before anything is called: the requests,
and the answer so far (`engine/keep.py` goes on from there after a crash). A call is written down as running before its
tool hears of it, and its result before the model does. Calls of one round are made side by side.

What becomes of a call that was left running by a process that died is not known here. A tool that says of itself that
it may be called again is; for the others the model is told so, and nothing is silently done twice (promise 7).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct, structs

from threadline.agent_records import Agent
from threadline.clock import Clock
from threadline.engine.calls import (
    CUT_OFF,
    NO_INPUT,
    NO_SUCH_TOOL,
    OUTCOME_UNKNOWN,
    Kind,
    Opening,
    Place,
    Request,
    asked_calls,
    output_bytes,
)
from threadline.engine.claim import Claim
from threadline.engine.hands import Hands
from threadline.engine.ledger import Ledger
from threadline.engine.turn import Turn
from threadline.errors import ThreadlineError, UploadLost
from threadline.fold import is_unparsed
from threadline.ids import IdMaker
from threadline.journal.append import Journal
from threadline.limits import TOOL_CALLS_AT_ONCE, TOOL_OUTPUT_BYTES_PER_RUN_MAX
from threadline.providers.contract import Prompt, PromptMessage, Provider
from threadline.records import NamedTool, RunOptions
from threadline.scopes import Tenant
from threadline.tool_calls import ToolCall
from threadline.tools.contract import Call, Offer, Result, Selection, Tool
from threadline.tools.fit import misfit
from threadline.tools.output import failure

Attach = Callable[[Provider, Prompt, bool], Awaitable[Prompt]]
"""Puts the files of a prompt into forms that the provider takes, anew where it has lost them. Raises ProviderFailure,
and Unavailable where the attempt is stopped meanwhile."""

IsSteered = Callable[[], Awaitable[bool]]
"""Says whether somebody has something for an answer that has heard from its tools."""

LIMIT_REACHED = failure("No more calls are made for this answer. Answer with what you have.")


class LoopLimits(Struct, frozen=True):
    """How much one run may do with tools. `wait_seconds` is how long it waits for people and clients."""

    rounds: int = 25
    calls: int = 100
    parallel: int = TOOL_CALLS_AT_ONCE
    output_bytes: int = TOOL_OUTPUT_BYTES_PER_RUN_MAX
    wait_seconds: float = 24 * 3600.0


class ToolLoop:
    """The rounds of one attempt. `calls` are all calls of the answer so far, those of the rounds before it included."""

    def __init__(
        self,
        turn: Turn,
        provider: Provider,
        prompt: Prompt,
        offer: Offer | None,
        hands: Hands,
        journal: Journal,
        ids: IdMaker,
        clock: Clock,
        limits: LoopLimits,
        is_steered: IsSteered,
        attach: Attach,
    ) -> None:
        self.calls: dict[str, ToolCall] = {call.id: call for call in turn.claim.kept.calls}
        self._turn = turn
        self._claim: Claim = turn.claim
        self._provider = provider
        self._prompt = prompt
        self._offer = offer
        self._hands = hands
        self._ids = ids
        self._clock = clock
        self._limits = limits
        self._is_steered = is_steered
        self._attach = attach
        self._attached: Prompt | None = None
        self.has_mail = False
        "Whether it has stopped between two rounds because something was sent to this answer."
        self._scope = Tenant(turn.claim.row.tenant_id)
        self._ledger = Ledger(turn.claim, journal, clock)
        self._begun: set[str] = set()
        "The calls of this round that were begun by the commit that holds their requests."

    @property
    def waits(self) -> bool:
        """Whether nothing is left to do but to wait for somebody outside."""
        return any(call.waits_for_approval or call.waits_for_result for call in self.calls.values())

    async def work(self) -> None:
        """Go on until the answer is whole, or waits. Raises ProviderFailure, and LeaseLost where it is another's."""
        batch = self._turn.batch
        while True:
            await self._make_calls()
            known = self._ledger.take_mail()
            if self.waits:
                return
            if self.calls:
                self.has_mail = await self._is_steered() if known is None else known
                if self.has_mail:
                    return
                batch.begin_round(list(self.calls.values()))
            is_last = self._is_at_limit()
            await self._ask(is_last)
            requests = batch.requests()
            if not requests or self._turn.stopped_by is not None:
                return
            # Told to stop asking, or cut off in mid-request by its vendor: what is half a request is not made.
            is_cut_off = is_last or batch.finish_reason != "tool_use"
            await self._record(requests, (LIMIT_REACHED if is_last else CUT_OFF) if is_cut_off else None)
            if is_cut_off:
                batch.finish_reason = "tool_limit" if is_last else batch.finish_reason
                return

    async def _ask(self, is_last: bool) -> None:
        """Read one answer of the provider. What its vendor has lost of the files is uploaded again, once."""
        if self._attached is None:
            self._attached = await self._attach(self._provider, self._prompt, False)
        try:
            await self._turn.read(self._provider, self._next_prompt(self._attached, is_last))
        except UploadLost:
            # Refused before a word was said.
            self._attached = await self._attach(self._provider, self._prompt, True)
            await self._turn.read(self._provider, self._next_prompt(self._attached, is_last))

    def take(self, calls: Sequence[ToolCall]) -> None:
        """Hear what has become of the calls, from somebody who has looked."""
        self.calls.update({call.id: call for call in calls})

    def _is_at_limit(self) -> bool:
        calls = list(self.calls.values())
        rounds = max((call.round for call in calls), default=0)
        limits = self._limits
        return rounds >= limits.rounds or len(calls) >= limits.calls or output_bytes(calls) >= limits.output_bytes

    def _next_prompt(self, prompt: Prompt, is_last: bool) -> Prompt:
        if not self.calls:
            return prompt
        # Asked to use a tool it has; asked again in every round it would never come to an end.
        choice = "none" if is_last else ("auto" if _is_demand(prompt) else prompt.tool_choice)
        so_far = PromptMessage("assistant", self._turn.batch.said())
        return structs.replace(prompt, messages=[*prompt.messages, so_far], tool_choice=choice)

    async def _record(self, requests: Sequence[Request], refusal: Result | None) -> None:
        """Write a round down with its first steps: all calls are refused, or what can begin begins."""
        batch, claim = self._turn.batch, self._claim
        rounds = max((call.round for call in self.calls.values()), default=0)
        place = Place(claim.row, claim.attempt.message_id, rounds + 1, batch.next_block)
        kinds = {request.tool_use_id: self._kind(request) for request in requests}
        asked = asked_calls(place, requests, kinds, self._ids, self._clock.now_ms())
        calls = await self._ledger.record(batch, asked, self._opening(asked, refusal))
        self.take(calls)
        # Also where the answer to this commit was lost: nobody but this attempt begins calls of its round.
        self._begun = {call.id for call in calls if call.status == "running"}

    def _opening(self, asked: Sequence[ToolCall], refusal: Result | None) -> Opening:
        if refusal is not None:
            return Opening({call.id: refusal for call in asked})
        refused, wanted = self._sorted(asked, len(self.calls))
        begun = frozenset(call.id for call, _ in wanted[: self._limits.parallel])
        return Opening({call.id: result for call, result in refused}, begun)

    def _kind(self, request: Request) -> Kind:
        tool = self._find(request.name)
        if tool is None or is_unparsed(request.input):
            return Kind()
        # Nobody is asked about a call that is not going to be made.
        return Kind(tool.kind, misfit(tool, request.input) is None and tool.needs_approval(request.input))

    def _find(self, name: str) -> Tool | None:
        return None if self._offer is None else self._offer.find(name)

    async def _make_calls(self) -> None:
        """Bring every open call as far as it comes without anybody from outside."""
        refused, wanted = self._sorted(list(self.calls.values()), 0)
        if refused:
            self.take(await self._ledger.settle(refused))
        await self._side_by_side(wanted)

    def _sorted(
        self, calls: Sequence[ToolCall], first: int
    ) -> tuple[list[tuple[ToolCall, Result]], list[tuple[ToolCall, Tool]]]:
        """Return the open calls that are refused, and those that are to be made; `first` is the place of the first."""
        refused: list[tuple[ToolCall, Result]] = []
        wanted: list[tuple[ToolCall, Tool]] = []
        for place, call in enumerate(calls, first):
            if call.is_settled or call.waits_for_approval:
                continue
            tool = self._find(call.name)
            if call.id in self._begun and tool is not None:
                wanted.append((call, tool))
                continue
            refusal = LIMIT_REACHED if place >= self._limits.calls else _refusal(call, tool)
            if call.waits_for_result and (tool is None or misfit(tool, call.input) is None):
                continue
            if refusal is not None:
                refused.append((call, refusal))
            elif tool is not None:
                wanted.append((call, tool))
        return refused, wanted

    async def _side_by_side(self, wanted: Sequence[tuple[ToolCall, Tool]]) -> None:
        errors: list[ThreadlineError] = []
        slots = asyncio.Semaphore(self._limits.parallel)

        async def one(call: ToolCall, tool: Tool) -> None:
            async with slots:
                try:
                    await self._make(call, tool)
                except ThreadlineError as error:
                    # The others are brought to their ends: they have been begun.
                    errors.append(error)

        async with asyncio.TaskGroup() as group:
            for call, tool in wanted:
                group.create_task(one(call, tool))
        if errors:
            raise errors[0]

    async def _make(self, call: ToolCall, tool: Tool) -> None:
        if call.id not in self._begun:
            call = await self._ledger.begin(call)
            self.take([call])
        result = await self._hands.call(tool, self._told(call))
        self.take(await self._ledger.settle([(call, result)]))

    def _told(self, call: ToolCall) -> Call:
        return Call(
            tenant_id=self._scope.tenant_id,
            end_user_id=self._turn.end_user_id,
            thread_id=call.thread_id,
            run_id=call.run_id,
            tool_use_id=call.tool_use_id,
            name=call.name,
            input=call.input,
            attempt=call.attempt,
            idempotency_key=call.id,
        )


def selection_of(options: RunOptions, agent: Agent | None) -> Selection | None:
    """Return which tools a run may use: those of its send, else those of its agent, else none."""
    if options.tools is not None or options.tools_mode is not None:
        return Selection(options.tools_mode or "explicit", options.tools or ())
    if agent is not None and (agent.tools or agent.tools_mode != "explicit"):
        return Selection(agent.tools_mode, agent.tools)
    return None


def _refusal(call: ToolCall, tool: Tool | None) -> Result | None:
    """Return why a call is not made, if it is not."""
    if call.status == "running" and (tool is None or not tool.is_idempotent):
        return OUTCOME_UNKNOWN
    if is_unparsed(call.input):
        return NO_INPUT
    return NO_SUCH_TOOL if tool is None else misfit(tool, call.input)


def _is_demand(prompt: Prompt) -> bool:
    return prompt.tool_choice == "required" or isinstance(prompt.tool_choice, NamedTool)
