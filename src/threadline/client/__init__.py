"""The Python SDK: `Threadline` for ordinary code, `AsyncThreadline` for asyncio.

Promises: a send happens once, and every event of a stream is given out once and in order, however often the
connection breaks and the server restarts. Takes plain arguments in, gives frozen structs out (`models`, `blocks`,
`events`), and raises what stands in `errors`.

How a stream is made, from the network up: `sse` (bytes to frames), `events` (frames to events), `resume` (events of
many connections to one sequence), `answer` (events to text and reply). All of that is pure and shared; `blocking` and
`nonblocking` add the I/O. This room is independent: it imports the standard library, httpx and msgspec only.
"""

from threadline.client import errors, events
from threadline.client.answer import SendResult
from threadline.client.blocking.client import Threadline
from threadline.client.blocking.pages import Listing
from threadline.client.blocking.streams import RunStream, SidebarStream, ThreadStream
from threadline.client.blocks import (
    Block,
    Content,
    FileBlock,
    ImageBlock,
    ReasoningBlock,
    Source,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    UnknownBlock,
)
from threadline.client.errors import (
    APIError,
    BadCursor,
    ConnectionLost,
    Forbidden,
    IdempotencyMismatch,
    InvalidRequest,
    ModelUnknown,
    NotFound,
    RateLimited,
    RunFailed,
    ShuttingDown,
    SpendLimit,
    ThreadBusy,
    ThreadlineError,
    Timeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from threadline.client.events import Event, UnknownEvent
from threadline.client.files import File, FileLink
from threadline.client.models import (
    Accepted,
    AccessToken,
    AskedCall,
    Attempt,
    Author,
    ErrorInfo,
    Health,
    Key,
    Message,
    ModelInfo,
    Page,
    Run,
    Thread,
    ThreadChanges,
    ThreadState,
    Tool,
    ToolCall,
    ToolDefinition,
    Usage,
    WaitingFor,
)
from threadline.client.nonblocking.client import AsyncThreadline
from threadline.client.nonblocking.pages import AsyncListing
from threadline.client.nonblocking.streams import AsyncRunStream, AsyncSidebarStream, AsyncThreadStream
from threadline.client.retry import Backoff

__all__ = [
    "APIError",
    "Accepted",
    "AccessToken",
    "AskedCall",
    "AsyncListing",
    "AsyncRunStream",
    "AsyncSidebarStream",
    "AsyncThreadStream",
    "AsyncThreadline",
    "Attempt",
    "Author",
    "Backoff",
    "BadCursor",
    "Block",
    "ConnectionLost",
    "Content",
    "ErrorInfo",
    "Event",
    "File",
    "FileBlock",
    "FileLink",
    "Forbidden",
    "Health",
    "IdempotencyMismatch",
    "ImageBlock",
    "InvalidRequest",
    "Key",
    "Listing",
    "Message",
    "ModelInfo",
    "ModelUnknown",
    "NotFound",
    "Page",
    "RateLimited",
    "ReasoningBlock",
    "Run",
    "RunFailed",
    "RunStream",
    "SendResult",
    "ShuttingDown",
    "SidebarStream",
    "Source",
    "SpendLimit",
    "TextBlock",
    "Thread",
    "ThreadBusy",
    "ThreadChanges",
    "ThreadState",
    "ThreadStream",
    "Threadline",
    "ThreadlineError",
    "Timeout",
    "TooLarge",
    "Tool",
    "ToolCall",
    "ToolDefinition",
    "ToolResultBlock",
    "ToolUseBlock",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "UnknownBlock",
    "UnknownEvent",
    "Usage",
    "WaitingFor",
    "errors",
    "events",
]
