"""Anthropic's Messages API.

Goes out: a `Prompt` as a request body. Comes in: the stream's bytes; out of them come chunks. What only this vendor
understands (the signature of a thought, a redacted thought) leaves here byte for byte and goes back the same way, and
only to the provider of the same name.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from yarl import URL

from threadline.content import (
    Base64Source,
    Block,
    FileBlock,
    FileSource,
    ImageBlock,
    ProviderBlock,
    ReasoningBlock,
    Source,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from threadline.limits import PROMPT_FILE_BYTES_MAX
from threadline.providers.contract import (
    Chunk,
    FinishReason,
    Prompt,
    PromptMessage,
    ProviderPartChunk,
    ReasoningChunk,
    SignatureChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
)
from threadline.providers.decoding import REFUSED, AnswerDecoder, as_any, decode, decode_leniently, is_json
from threadline.providers.failures import Failures
from threadline.providers.files import MB, PICTURES, FileKind, FileOptions, FilesApi, Forms, uploads_in
from threadline.providers.history import CallIds, file_text, fitting_call_id, is_text, result_text, turns
from threadline.providers.http import HttpRequest
from threadline.providers.sse import excerpt
from threadline.records import NamedTool, ToolChoice, Usage

BASE_URL: Final = "https://api.anthropic.com"
DEFAULT_MODEL: Final = "claude-sonnet-4-5"
API_VERSION: Final = "2023-06-01"
"""The one that everybody who imitates this API speaks. The next, 2026-10-21, refuses every temperature."""

MAX_OUTPUT_TOKENS: Final = 8192
"""The API wants a limit. This is what every model that is still served takes, about 6,000 words; an answer that reaches
it ends as `length`, in plain sight. More is a setting of the provider, or of the send."""

HOST: Final = "api.anthropic.com"
FILES_BETA: Final = "files-api-2025-04-14"
"""What this version of the API calls its store for files; both the uploads and whoever names them have to say so."""

_PICTURE: Final = Forms(inline_bytes_max=5 * MB * 3 // 4, upload_bytes_max=500 * MB, url=True)
_PDF: Final = Forms(inline_bytes_max=PROMPT_FILE_BYTES_MAX, upload_bytes_max=500 * MB, url=True)
_TEXT: Final = Forms(inline_bytes_max=PROMPT_FILE_BYTES_MAX)
"""5 MB for a picture in base64, 32 MB for a whole request, 500 MB for an upload. Text goes as text."""

THINKING_TOKENS_MIN: Final = 1024
"""The smallest budget for thinking that the API takes."""

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CACHE: Final = {"type": "ephemeral"}


class AnthropicAdapter:
    """The language of Anthropic's API, and of the servers that imitate it."""

    def __init__(
        self,
        name: str,
        base_url: str,
        failures: Failures,
        *,
        max_output_tokens: int | None = None,
        thinking_budget_tokens: int | None = None,
        cache_prompt: bool = True,
        extra_body: Mapping[str, Any] | None = None,
        files: FileOptions | None = None,
        betas: str = "",
    ) -> None:
        base = URL(base_url)
        path = base.path.rstrip("/").removesuffix("/v1") + "/v1/"
        self._name = name
        self._url = str(base.with_path(path + "messages", keep_query=True))
        self._betas = f"{betas},{FILES_BETA}" if betas else FILES_BETA
        self._file_options = options = files or FileOptions()
        self.files = None
        if base.host == HOST if options.uploads is None else options.uploads:
            self.files = FilesApi(str(base.with_path(path + "files", keep_query=True)), {"anthropic-beta": self._betas})
        self._failures = failures
        self._max_output_tokens = max_output_tokens
        self._thinking_budget = thinking_budget_tokens
        self._cache_prompt = cache_prompt
        self._extra_body = dict(extra_body or {})

    def forms(self, kind: FileKind, media_type: str | None) -> Forms:
        """Say in which forms a file is taken."""
        known = _forms(kind, media_type)
        return self._file_options.applied(known, has_uploads=self.files is not None)

    def request(self, prompt: Prompt) -> HttpRequest:
        """Say the prompt in a Messages body."""
        history = list(prompt.messages)
        system = [prompt.instructions] if prompt.instructions else []
        while history and history[0].role == "system":
            system += [block.text for block in history.pop(0).content if isinstance(block, TextBlock)]
        messages = _Messages(self._name)
        for turn in turns(history):
            messages.add(turn.role, turn.blocks)
        body: dict[str, Any] = {"model": prompt.model, "messages": messages.said, "stream": True}
        if text := "\n\n".join(filter(None, system)):
            body["system"] = [{"type": "text", "text": text}]
        if prompt.tools:
            body["tools"] = [_tool(tool) for tool in prompt.tools]
            if prompt.tool_choice != "auto":
                body["tool_choice"] = _choice(prompt.tool_choice)
        elif names := _called(history):
            # Calls in a history want their tools declared, also where none may be used any more.
            body["tools"] = [_tool({"name": name}) for name in names]
            body["tool_choice"] = {"type": "none"}
        if self._cache_prompt:
            _mark_for_cache(body)
        # A model that has to use a tool may not think first.
        is_demand = body.get("tool_choice", {}).get("type") in ("any", "tool")
        self._limit(prompt, body, messages.may_think and not is_demand)
        body.update(self._extra_body)
        headers = {"x-client-request-id": prompt.run_id} if prompt.run_id else {}
        if uploads_in(prompt):
            headers["anthropic-beta"] = self._betas
        return HttpRequest(self._url, headers, msgspec.json.encode(body))

    def decoder(self, prompt: Prompt) -> "AnthropicDecoder":
        """Return a decoder for the answer."""
        return AnthropicDecoder(prompt, self._failures)

    def _limit(self, prompt: Prompt, body: dict[str, Any], may_think: bool) -> None:
        """Set the limits on the answer. Thinking counts towards it, so somebody's limit holds for both together."""
        budget = self._thinking_budget if self._thinking_budget and may_think else 0
        limit = prompt.max_output_tokens or self._max_output_tokens
        if limit is None:
            limit = MAX_OUTPUT_TOKENS + budget
        budget = min(budget, limit - 1)
        body["max_tokens"] = limit
        if budget >= THINKING_TOKENS_MIN:
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        elif prompt.temperature is not None:
            # A thinking model takes no temperature. Other vendors' scale ends at 2, this one's at 1.
            body["temperature"] = min(prompt.temperature, 1.0)


class _Messages:
    """The history in Anthropic's form: user and assistant by turns, beginning with the user."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.said: list[dict[str, Any]] = []

    @property
    def may_think(self) -> bool:
        """Whether thinking may be on. A tool loop that began without it, say with another vendor, goes on without."""
        if len(self.said) < 2 or not _is_result(self.said[-1]["content"][0]):
            return True
        return _is_thought(self.said[-2]["content"][0])

    def add(self, role: str, blocks: Sequence[Block]) -> None:
        """Add a turn to the message that it belongs to."""
        parts = [part for block in blocks if (part := self._part(block)) is not None]
        if role == "system":
            # There is no system role between messages: such a word reaches the model as the user's, marked.
            parts = [{"type": "text", "text": f"<system>{part['text']}</system>"} for part in parts if "text" in part]
        role = "assistant" if role == "assistant" else "user"
        while role == "assistant" and parts and _is_thought(parts[-1]):
            parts.pop()  # An answer that was stopped while thinking. The API refuses a message that ends so.
        if not parts:
            return
        if not self.said and role == "assistant":
            self.said.append({"role": "user", "content": [{"type": "text", "text": "(You open the conversation.)"}]})
        if self.said and self.said[-1]["role"] == role:
            self.said[-1]["content"] += parts
        else:
            self.said.append({"role": role, "content": parts})

    def _part(self, block: Block) -> Any:
        match block:
            case TextBlock(text=text):
                # The API refuses a text that is empty or all blank.
                return {"type": "text", "text": text} if text.strip() else None
            case ImageBlock(source=source):
                return {"type": "image", "source": _source(source)}
            case FileBlock():
                return _document(block)
            case ReasoningBlock(text=text, signature=signature, provider=provider):
                if provider != self._name or signature is None:
                    return None
                return {"type": "thinking", "thinking": text, "signature": signature}
            case ProviderBlock(provider=provider, data=data):
                # As it came, not decoded and encoded again: it is sealed.
                body = data.encode()
                return Raw(body) if provider == self._name and is_json(body) else None
            case ToolUseBlock(id=call_id, name=name, input=value):
                given = value if isinstance(value, dict) else {}
                return {"type": "tool_use", "id": fitting_call_id(call_id, _CALL_ID), "name": name, "input": given}
            case ToolResultBlock(tool_use_id=call_id, is_error=is_error):
                return {
                    "type": "tool_result",
                    "tool_use_id": fitting_call_id(call_id, _CALL_ID),
                    "content": result_text(block),
                    "is_error": is_error,
                }


def _is_result(part: Any) -> bool:
    return isinstance(part, dict) and part["type"] == "tool_result"


def _is_thought(part: Any) -> bool:
    return isinstance(part, Raw) or part["type"] == "thinking"


def _forms(kind: FileKind, media_type: str | None) -> Forms:
    if kind == "image":
        return _PICTURE if media_type is None or media_type in PICTURES else Forms()
    if media_type is not None and is_text(media_type):
        return _TEXT
    return _PDF if media_type in (None, "application/pdf") else Forms()


def _source(source: Source) -> dict[str, Any]:
    if isinstance(source, Base64Source):
        return {"type": "base64", "media_type": source.media_type, "data": source.data}
    if isinstance(source, FileSource):
        return {"type": "file", "file_id": source.file_id}
    return {"type": "url", "url": source.url}


def _document(block: FileBlock) -> dict[str, Any]:
    text = file_text(block)
    source = _source(block.source) if text is None else {"type": "text", "media_type": "text/plain", "data": text}
    said: dict[str, Any] = {"type": "document", "source": source}
    if block.name:
        said["title"] = block.name
    return said


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    said = {"name": tool["name"], "input_schema": tool.get("input_schema") or {"type": "object", "properties": {}}}
    if description := tool.get("description"):
        said["description"] = description
    return said


def _choice(choice: ToolChoice) -> dict[str, Any]:
    if isinstance(choice, NamedTool):
        return {"type": "tool", "name": choice.name}
    return {"type": "any" if choice == "required" else choice}


def _called(history: Sequence[PromptMessage]) -> list[str]:
    """Return the names of the tools that were called, each once."""
    blocks = (block for message in history for block in message.content)
    return list(dict.fromkeys(block.name for block in blocks if isinstance(block, ToolUseBlock)))


def _mark_for_cache(body: dict[str, Any]) -> None:
    """Mark the prefix that the next request of this conversation repeats: its input then costs a tenth.

    Writing the cache costs a quarter more once, which the second step of a tool loop, or the next question within five
    minutes, has already earned back.
    """
    if "system" in body:
        body["system"][-1]["cache_control"] = _CACHE
    last = body["messages"][-1]["content"][-1] if body["messages"] else None
    if last is not None and not _is_thought(last):
        last["cache_control"] = _CACHE


# --- the answer ---


class _Delta(Struct, gc=False):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Start(Struct, gc=False):
    usage: Any = None


class _Event(Struct, gc=False):
    type: str = ""
    index: int = 0
    delta: _Delta | None = None
    content_block: Raw = Raw()
    message: _Start | None = None
    usage: Any = None
    error: Any = None


class _Whole(Struct, gc=False):
    """An answer that came as one object, or an error that did."""

    type: str = ""
    content: list[Raw] = []
    stop_reason: str | None = None
    usage: Any = None
    error: Any = None


class _Kind(Struct, gc=False):
    type: str = ""


class _Begun(_Kind, gc=False):
    """The head of a content block that we know."""

    text: str = ""
    thinking: str = ""
    signature: str = ""
    id: str | None = None
    name: str = ""
    input: Any = None


class _ToolInput:
    """The input of a tool call: in pieces, or, from some servers, whole in the block's head."""

    __slots__ = ("has_pieces", "whole")

    def __init__(self, whole: Any) -> None:
        self.whole = whole if isinstance(whole, dict) else {}
        self.has_pieces = False


_decode = msgspec.json.Decoder(_Event).decode

_KNOWN: Final = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})

_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_use",
    "refusal": "refusal",
}


class AnthropicDecoder(AnswerDecoder):
    """Makes one answer's bytes into chunks. Kinds of events, blocks and deltas that it does not know are left out."""

    def __init__(self, prompt: Prompt, failures: Failures) -> None:
        super().__init__(failures)
        self._call_ids = CallIds(prompt)
        self._blocks: dict[int, int] = {}
        self._inputs: dict[int, _ToolInput] = {}
        self._counted: dict[str, Any] = {}
        self._reason: FinishReason = "stop"

    def _take(self, name: bytes, body: bytes, chunks: list[Chunk]) -> None:
        lenient = False
        try:
            event = _decode(body)
        except REFUSED:
            if not body.strip():
                return
            event = decode_leniently(body, _Event, self._failures)
            lenient = True
        match event.type:
            case "content_block_delta":
                if event.delta is not None:
                    self._add_delta(event.index, event.delta, chunks, lenient)
            case "content_block_start":
                if event.content_block:
                    self._begin(event.index, event.content_block, chunks)
            case "content_block_stop":
                self._end_block(event.index, chunks)
            case "message_start":
                if event.message is not None:
                    self._count(event.message.usage)
            case "message_delta":
                if event.delta is not None and event.delta.stop_reason:
                    self._finish(event.delta.stop_reason)
                self._count(event.usage)
            case "message_stop":
                self.is_done = True
            case kind:
                if kind == "error" or event.error or name == b"error":
                    raise self._failures.in_stream(as_any(body) or event.error)

    def _take_whole(self, body: bytes, chunks: list[Chunk]) -> None:
        whole = decode(body, _Whole, self._failures)
        if whole.error or whole.type == "error":
            raise self._failures.in_stream(as_any(body))
        if whole.stop_reason is None:
            raise self._failures.garbage(excerpt(body))
        for index, block in enumerate(whole.content):
            self._begin(index, block, chunks)
        self._finish(whole.stop_reason)
        self._count(whole.usage)

    def _closing(self, chunks: list[Chunk]) -> FinishReason:
        for index in list(self._inputs):
            self._end_block(index, chunks)
        return self._reason

    def _add_delta(self, index: int, delta: _Delta, chunks: list[Chunk], lenient: bool) -> None:
        match delta.type:
            case "text_delta":
                self._add(TextChunk, self._block(index), delta.text, chunks, lenient)
            case "thinking_delta":
                self._add(ReasoningChunk, self._block(index), delta.thinking, chunks, lenient)
            case "input_json_delta" if delta.partial_json and index in self._inputs:
                self._inputs[index].has_pieces = True
                self._add(ToolInputChunk, self._block(index), delta.partial_json, chunks, lenient)
            case "signature_delta" if delta.signature:
                chunks.append(SignatureChunk(self._block(index), delta.signature))

    def _begin(self, index: int, raw: Raw, chunks: list[Chunk]) -> None:
        body = bytes(raw)
        if decode(body, _Kind, self._failures).type not in _KNOWN:
            return
        begun = decode(body, _Begun, self._failures)
        match begun.type:
            case "text":
                self._add(TextChunk, self._block(index), begun.text, chunks, True)
            case "thinking":
                self._add(ReasoningChunk, self._block(index), begun.thinking, chunks, True)
                if begun.signature:
                    chunks.append(SignatureChunk(self._block(index), begun.signature))
            case "redacted_thinking":
                chunks.append(ProviderPartChunk(self._block(index), body.decode("utf-8", "replace")))
            case "tool_use":
                if not begun.name:
                    raise self._failures.garbage("a tool call without a name")
                self._inputs[index] = _ToolInput(begun.input)
                chunks.append(ToolCallChunk(self._block(index), self._call_ids.unique(begun.id), begun.name))

    def _end_block(self, index: int, chunks: list[Chunk]) -> None:
        given = self._inputs.pop(index, None)
        if given is not None and not given.has_pieces:
            chunks.append(ToolInputChunk(self._block(index), msgspec.json.encode(given.whole).decode()))

    def _block(self, index: int) -> int:
        """Return our number of the vendor's block: blocks that are left out leave no gap."""
        return self._blocks.setdefault(index, len(self._blocks))

    def _finish(self, reason: str) -> None:
        self.is_whole = True
        self._reason = _FINISH.get(reason, "other")

    def _count(self, said: Any) -> None:
        """Take what is said of the cost. The figures are cumulative; one that is not repeated still holds."""
        if said and isinstance(said, dict):
            self._counted.update({key: value for key, value in said.items() if value is not None})
            self._usage = _usage(self._counted)


def _usage(said: Mapping[str, Any]) -> Usage:
    """Return the usage in our terms: `input_tokens` counts all input, where Anthropic's leaves out the cached part."""
    fresh, read = _number(said, "input_tokens"), _number(said, "cache_read_input_tokens")
    written = _number(said, "cache_creation_input_tokens")
    details = said.get("output_tokens_details")
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=_number(said, "output_tokens"),
        cached_input_tokens=read,
        reasoning_tokens=_number(details, "thinking_tokens") if isinstance(details, dict) else None,
    )


def _number(said: Mapping[str, Any], key: str) -> int | None:
    value = said.get(key)
    return value if isinstance(value, int) and value >= 0 else None
