"""The shapes of answers that are more than one record."""

from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from threadline.access.keys import Key
from threadline.access.principals import PrincipalRole
from threadline.agent_records import Agent, Team, TeamMember
from threadline.engine.reads import SeenThread
from threadline.file_records import File
from threadline.records import Message, Run, Thread
from threadline.room_records import Member


class ThreadPage(Struct, frozen=True):
    """A page of threads: pinned first, then latest activity."""

    data: Sequence[SeenThread]
    has_more: bool
    next_cursor: str | None


class MessagePage(Struct, frozen=True):
    """A page of messages."""

    data: Sequence[Message]
    has_more: bool
    next_cursor: str | None


class RunPage(Struct, frozen=True):
    """The runs that wait in a thread, the next one first: all of them."""

    data: list[Run]
    has_more: bool = False
    next_cursor: str | None = None


class AgentPage(Struct, frozen=True):
    """A page of agents by handle, or of the versions of one, newest first."""

    data: list[Agent]
    has_more: bool
    next_cursor: str | None


class TeamPage(Struct, frozen=True):
    """A page of teams, oldest first."""

    data: list[Team]
    has_more: bool
    next_cursor: str | None


class TeamMemberPage(Struct, frozen=True):
    """A page of the people of a team."""

    data: list[TeamMember]
    has_more: bool
    next_cursor: str | None


class MemberPage(Struct, frozen=True):
    """Who takes part in a thread: all of them."""

    data: list[Member]
    has_more: bool = False
    next_cursor: str | None = None


class KeyPage(Struct, frozen=True):
    """All keys of a tenant."""

    data: list[Key]
    has_more: bool = False
    next_cursor: str | None = None


class FilePage(Struct, frozen=True):
    """A page of files, newest first."""

    data: Sequence[File]
    has_more: bool
    next_cursor: str | None


class FileLink(Struct, frozen=True):
    """A link to a file's bytes that works without a key until `expires_at`."""

    url: str
    expires_at: str


class Sent(Struct, frozen=True):
    """What a send became: the first run that answers it, and all of them, in the order in which they answer.

    `reply` and `replies` are there when the answers were waited for: the first run's, and those of all that have one.
    """

    message: Message
    run: Run | None
    reply: Message | None = None
    runs: Sequence[Run] = ()
    replies: Sequence[Message] = ()


class SentInBackground(Struct, frozen=True):
    """What a send became when nobody waited for the answer."""

    message: Message
    run: Run | None
    runs: Sequence[Run] = ()


class State(Struct, frozen=True):
    """The fold of the log up to `seq`. `events?after=seq` goes on from there without a gap; a room has `members`."""

    thread: Thread
    messages: Sequence[Message]
    runs: list[Run]
    has_more: bool
    next_cursor: str | None
    seq: int
    members: list[Member] | UnsetType = UNSET


class Model(Struct, frozen=True):
    """A model that a send may name. `name` is what people call it; what is `hidden` stands in no menu."""

    id: str
    name: str
    description: str | None = None
    hidden: bool = False
    object: Literal["model"] = "model"


class ModelPage(Struct, frozen=True):
    """The models that are known by name. A provider without a list takes any name after its slash."""

    data: list[Model]
    default: str
    has_more: bool = False
    next_cursor: str | None = None


class SignedIn(Struct, frozen=True, kw_only=True):
    """Who is asking. A browser's session is its person; `may_be` is what it may ask as with X-Threadline-Role."""

    object: Literal["session"] = "session"
    tenant: str
    end_user_id: str | None
    role: PrincipalRole
    may_be: PrincipalRole
    expires_at: str | None
