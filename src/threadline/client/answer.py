"""What a run's stream has said so far: the text, the finished reply, the run. Pure; fed one event at a time.

The rule for text is the contract's: deltas are added, a superseded message starts again from nothing, and a completed
message replaces whatever was held of it.
"""

from msgspec import Struct, structs

from threadline.client import events
from threadline.client.blocks import TEXT_BLOCK_SEPARATOR
from threadline.client.errors import RunFailed
from threadline.client.models import Message, Run


class SendResult(Struct, frozen=True, kw_only=True):
    """How a send ended. `message` is what was sent, as the log has it.

    `run` is None where nobody was to answer, as it may be in a room; `reply` also where the answer said nothing.
    """

    run: Run | None
    reply: Message | None = None
    message: Message | None = None

    @property
    def text(self) -> str:
        """What a person reads of the reply; empty where there is none."""
        return self.reply.text if self.reply else ""

    @property
    def answered_by(self) -> str | None:
        """The run that the message was handed to, which answers it; None where it was not."""
        return self.run.answered_by if self.run else None

    def answered(self, other: "SendResult") -> "SendResult":
        """Return this result with the reply of the run that the message was handed to."""
        return structs.replace(self, reply=other.reply)

    def raise_for_run(self) -> "SendResult":
        """Return this result. Raises `RunFailed` when there was a run and it did not complete."""
        if self.run is not None and self.run.status != "completed":
            raise RunFailed(self.run)
        return self


class Answer:
    """The fold of one run's events.

    `piece` is the visible text that the last event added, `superseded` the id of the message that it took back, if any.
    """

    __slots__ = ("_texts", "_whole", "message", "piece", "reply", "run", "superseded")

    def __init__(self) -> None:
        self.run: Run | None = None
        self.message: Message | None = None
        self.reply: Message | None = None
        self.piece = ""
        self.superseded: str | None = None
        self._texts: dict[str, _ShownText] = {}
        # Messages whose text we have from its beginning; of others the stream began in the middle.
        self._whole: set[str] = set()

    @property
    def text(self) -> str:
        """The visible text so far. Of several messages of one run, all, in order."""
        return TEXT_BLOCK_SEPARATOR.join(shown for text in self._texts.values() if (shown := text.joined()))

    def take(self, event: events.Event) -> None:
        """Add one event."""
        self.piece, self.superseded = "", None
        match event:
            case events.MessageDelta(kind="text"):
                self._add(event.message_id, event.block, event.text)
            case events.MessageSuperseded():
                self._empty(event.message_id)
            case events.MessageStarted(message=message):
                self._whole.add(message.id)
            case events.MessageCreated(message=message):
                self._take_question(message)
            case events.MessageCompleted(message=message) if message.role == "assistant":
                self.reply = message
                self._replace(message)
            case events.RunQueued(run=run) | events.RunStarted(run=run) | events.RunWaiting(run=run):
                self._take_run(run)
            case events.RunCompleted(run=run) | events.RunFailed(run=run):
                self._take_run(run)
            case events.RunCancelled(run=run) | events.RunExpired(run=run):
                self._take_run(run)
            case _:
                pass

    def result(self, unanswered: Message | None = None) -> SendResult:
        """Return how it ended. Only after the terminal event, or where nobody answers what was sent."""
        if unanswered is not None:
            return SendResult(run=None, message=unanswered)
        assert self.run is not None, "a run's stream that has ended has shown its run"
        return SendResult(run=self.run, reply=self.reply, message=self.message)

    def _take_run(self, run: Run) -> None:
        self.run = run
        if run.input is not None:
            self._take_question(run.input)

    def _take_question(self, message: Message) -> None:
        # While it waits it may be rewritten; what is handed to the answer later is another message.
        if self.message is None or self.message.id == message.id:
            self.message = message

    def _add(self, message_id: str, block: int, text: str) -> None:
        shown = self._texts.get(message_id)
        if shown is None:
            opening = TEXT_BLOCK_SEPARATOR if self.text else ""
            shown = self._texts[message_id] = _ShownText(opening)
        self.piece = shown.add(block, text)

    def _empty(self, message_id: str) -> None:
        self.superseded = message_id
        self._whole.add(message_id)
        if (shown := self._texts.get(message_id)) is not None:
            shown.clear()

    def _replace(self, message: Message) -> None:
        """Show what a completed message has beyond its deltas; start it again where it says something else."""
        said, held = message.text, self._held(message.id)
        if message.id in self._whole and said.startswith(held):
            self._add(message.id, _REST_OF_MESSAGE, said[len(held) :])
        elif message.id not in self._whole and said.endswith(held):
            self._texts[message.id] = _ShownText.of(said)  # The caller has the beginning from an earlier stream.
        else:
            self._empty(message.id)
            self._add(message.id, _REST_OF_MESSAGE, said)

    def _held(self, message_id: str) -> str:
        shown = self._texts.get(message_id)
        return "" if shown is None else shown.joined()


# Not a block number of the wire: the rest of a completed message, already joined, goes on without a separator.
_REST_OF_MESSAGE = -1


class _ShownText:
    """The visible text of one message, in the order in which it came."""

    __slots__ = ("_block", "_opening", "_pieces")

    def __init__(self, opening: str) -> None:
        self._opening = opening
        self._pieces: list[str] = []
        self._block: int | None = None

    @classmethod
    def of(cls, text: str) -> "_ShownText":
        """Return one that holds `text` already."""
        shown = cls("")
        shown.add(_REST_OF_MESSAGE, text)
        return shown

    def add(self, block: int, text: str) -> str:
        """Add text; return it with what has to stand before it."""
        if not text:
            return ""
        before = ""
        if not self._pieces:
            before = self._opening
        elif block not in (self._block, _REST_OF_MESSAGE):
            before = TEXT_BLOCK_SEPARATOR
            self._pieces.append(before)
        self._block = block
        self._pieces.append(text)
        return before + text

    def clear(self) -> None:
        self._pieces.clear()

    def joined(self) -> str:
        return "".join(self._pieces)
