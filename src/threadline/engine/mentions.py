"""`@handle` in a text becomes somebody. Pure but for `mentioned_agents`, which looks handles up."""

import re
from collections.abc import Sequence

from threadline.agent_records import Agent
from threadline.content import Block, plain_text
from threadline.limits import HANDLE_CHARS_MAX, MENTIONS_MAX
from threadline.room_records import Member, Mention
from threadline.scopes import Scope
from threadline.store.contract import Reader
from threadline.store.contract_agents import AgentQuery

# Not within a word: that is an address of something else, such as an email.
_MENTION = re.compile(r"(?<![\w@./-])@([a-zA-Z0-9][a-zA-Z0-9_-]*)")


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TICKS = re.compile("`+")


def handles_in(content: Sequence[Block]) -> list[str]:
    """Return the handles that a text calls, as they are stored, each once, in order; the first `MENTIONS_MAX`."""
    text = plain_text(list(content))
    if "@" not in text:
        return []
    found = dict.fromkeys(match.group(1).rstrip("-_").lower() for match in _MENTION.finditer(_without_code(text)))
    return [handle for handle in found if len(handle) <= HANDLE_CHARS_MAX][:MENTIONS_MAX]


def mentioned_members(content: Sequence[Block], members: Sequence[Member]) -> list[Member]:
    """Return the members that a text calls, in the order of the calls."""
    called = {member.handle: member for member in members if member.handle is not None}
    return [called[handle] for handle in handles_in(content) if handle in called]


async def mentioned_agents(reader: Reader, scope: Scope, content: Sequence[Block]) -> list[Agent]:
    """Return the agents that a text calls and this scope may use, in the order of the calls."""
    handles = handles_in(content)
    if not handles:
        return []
    query = AgentQuery(handles=handles, archived=False, limit=len(handles))
    found = {agent.handle: agent for agent in await reader.agents(scope, query)}
    return [found[handle] for handle in handles if handle in found]


def _without_code(text: str) -> str:
    """Return a text without its code, as Markdown marks it: a decorator in a program is nobody's name."""
    if "`" not in text and "~~~" not in text:
        return text
    said: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark is not None and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark is not None and "`" not in line[mark.end() :]:
            fence = mark[1]
        else:
            said.append(line)
    return _without_spans("\n".join(said))


def _without_spans(text: str) -> str:
    runs = list(_TICKS.finditer(text))
    # From the end, so that each run of ticks finds the next one of its length in one step.
    ends: list[int | None] = []
    next_of: dict[int, int] = {}
    for place in reversed(range(len(runs))):
        ends.append(next_of.get(len(runs[place][0])))
        next_of[len(runs[place][0])] = place
    ends.reverse()
    parts: list[str] = []
    start = place = 0
    while place < len(runs):
        end = ends[place]
        if end is not None:
            parts.append(text[start : runs[place].start()])
            start, place = runs[end].end(), end
        place += 1
    return " ".join([*parts, text[start:]])


def mention_of(who: Member | Agent) -> Mention:
    """Return how a message notes whom it calls."""
    if isinstance(who, Agent):
        return Mention("agent", who.id, who.handle)
    assert who.handle is not None, "nobody is called without a handle"
    if who.agent_id is not None:
        return Mention("agent", who.agent_id, who.handle)
    assert who.end_user_id is not None, "a member is one or the other"
    return Mention("user", who.end_user_id, who.handle)
