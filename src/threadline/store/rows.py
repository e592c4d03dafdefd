"""Records to rows and back: one mapping for every dialect, so that a column is named in one place.

A field of a record is a column of the same name. Nested values are JSON text; truth is 0 or 1.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct, structs

from threadline.agent_records import Agent, Parameters, Team, TeamMember
from threadline.content import Block
from threadline.file_records import File
from threadline.ids import RunId
from threadline.records import (
    Attempt,
    Author,
    ErrorInfo,
    ForkPoint,
    Message,
    Run,
    RunOptions,
    Thread,
    Usage,
    WaitingFor,
)
from threadline.room_records import Hop, Member, Mention, Rename
from threadline.store.contract import KeyRow, SendRow
from threadline.store.contract_uploads import UploadRow
from threadline.store.contract_web import SessionRow, ShareRow
from threadline.tool_calls import ToolCall
from threadline.tool_records import Approval, ToolRow

R = TypeVar("R", bound=Struct)

_encoder = msgspec.json.Encoder()


def to_json(value: Any) -> str:
    """Encode a nested value for a column."""
    return _encoder.encode(value).decode()


class RecordMapping(Generic[R]):
    """How one kind of record lies in its table.

    `nested` gives the type of each field that is stored as JSON; `truths` names the fields that are booleans;
    `constant` names the fields that are not stored: all records of the kind have them alike, or they are counted.
    """

    def __init__(
        self,
        record: type[R],
        nested: dict[str, Any] | None = None,
        truths: Sequence[str] = (),
        constant: Sequence[str] = (),
    ) -> None:
        self._record = record
        self._truths = frozenset(truths)
        self._decoders = {name: msgspec.json.Decoder(kind | None) for name, kind in (nested or {}).items()}
        self.columns: tuple[str, ...] = tuple(
            field.name for field in structs.fields(record) if field.name not in constant
        )
        self._readers: tuple[Callable[[Any], Any] | None, ...] = tuple(map(self._reader, self.columns))

    def values(self, record: R) -> list[Any]:
        """Return the record's values in the order of `columns`, as a driver takes them."""
        return [self._written(name, getattr(record, name)) for name in self.columns]

    def record(self, row: Sequence[Any]) -> R:
        """Return the record in a row that begins with `columns`."""
        fields = {
            name: value if read is None or value is None else read(value)
            for name, read, value in zip(self.columns, self._readers, row, strict=False)
        }
        return self._record(**fields)

    def _written(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in self._decoders:
            return to_json(value)
        return int(value) if name in self._truths else value

    def _reader(self, name: str) -> Callable[[Any], Any] | None:
        if name in self._decoders:
            return self._decoders[name].decode
        return bool if name in self._truths else None


THREADS = RecordMapping(
    Thread,
    nested={"metadata": dict[str, Any], "forked_from": ForkPoint},
    truths=("pinned", "archived"),
    constant=("object",),
)
MESSAGES = RecordMapping(
    Message,
    nested={
        "author": Author,
        "mentions": list[Mention],
        "content": list[Block],
        "usage": Usage,
        "error": ErrorInfo,
        "metadata": dict[str, Any],
    },
    constant=("object", "siblings"),
)
RUNS = RecordMapping(
    Run,
    nested={"attempts": list[Attempt], "usage": Usage, "error": ErrorInfo, "input": Message, "waiting_for": WaitingFor},
    # The position is counted where it is read: stored, each turn would change the rows of all who wait.
    constant=("object", "position"),
)
TOOL_CALLS = RecordMapping(
    ToolCall,
    nested={"input": Any, "output": Any, "decided_by": Author},
    truths=("is_error", "needs_approval", "is_approved"),
    constant=("object",),
)
SENDS = RecordMapping(SendRow, nested={"run_ids": list[RunId]})
KEYS = RecordMapping(KeyRow)
TOOLS = RecordMapping(
    ToolRow,
    nested={"input_schema": dict[str, Any], "approval": Approval, "allow": list[str], "headers": dict[str, str]},
    truths=("idempotent",),
)
AGENTS = RecordMapping(
    Agent,
    nested={"parameters": Parameters, "tools": list[str], "metadata": dict[str, Any]},
    truths=("archived",),
    constant=("object",),
)
TEAMS = RecordMapping(Team, nested={"metadata": dict[str, Any]}, constant=("object",))
HOPS = RecordMapping(Hop)
RENAMES = RecordMapping(Rename)
TEAM_MEMBERS = RecordMapping(TeamMember, constant=("object",))
MEMBERS = RecordMapping(Member, constant=("object",))
SESSIONS = RecordMapping(SessionRow, constant=("tenant_name",))
SHARES = RecordMapping(ShareRow)
FILES = RecordMapping(File, constant=("object",))
UPLOADS = RecordMapping(UploadRow)

_options_decoder = msgspec.json.Decoder(RunOptions)


_usage_decoder = msgspec.json.Decoder(Usage)


def to_usage(text: str | None) -> Usage | None:
    """Read what an attempt has cost."""
    return None if text is None else _usage_decoder.decode(text)


def to_options(text: str) -> RunOptions:
    """Read the options of a run."""
    return _options_decoder.decode(text)
