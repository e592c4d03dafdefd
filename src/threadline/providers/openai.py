"""OpenAI's Chat Completions, and everybody who speaks it.

That is DeepSeek, Groq, Mistral, xAI, OpenRouter, vLLM, llama.cpp, Ollama and Gemini's compatible endpoint. Goes out: a
`Prompt` as a request body. Comes in: the stream's bytes; out of them come chunks. Where servers differ, the form of the
request follows `Traits`; the decoder takes every form without being told.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

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
    UrlSource,
)
from threadline.limits import PROMPT_FILE_BYTES_MAX
from threadline.providers.contract import (
    Chunk,
    FinishReason,
    Prompt,
    ProviderPartChunk,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
)
from threadline.providers.decoding import REFUSED, AnswerDecoder, as_any, decode_leniently, is_done_mark
from threadline.providers.failures import Failures
from threadline.providers.files import KEPT_SECONDS, MB, PICTURES, FileKind, FileOptions, FilesApi, Forms
from threadline.providers.history import CallIds, Turn, file_text, fitting_call_id, is_text, result_text, turns
from threadline.providers.http import HttpRequest
from threadline.providers.sse import excerpt
from threadline.records import NamedTool, ToolChoice, Usage

BASE_URL: Final = "https://api.openai.com/v1"
DEFAULT_MODEL: Final = "gpt-5.2"
HOST: Final = "api.openai.com"

_PICTURE: Final = Forms(inline_bytes_max=20 * MB, url=True)
_TEXT: Final = Forms(inline_bytes_max=PROMPT_FILE_BYTES_MAX)
_DOCUMENT: Final = Forms(inline_bytes_max=PROMPT_FILE_BYTES_MAX, upload_bytes_max=50 * MB)
"""Chat Completions take pictures inline or at an address, and no ids of uploads; other files inline or by an id, each
below 50 MB, and no address. (The Responses API takes all three of both.) Text goes as text: every server takes that."""

MaxTokensField = Literal["max_tokens", "max_completion_tokens"]


class Traits(Struct, frozen=True):
    """How one server's requests differ from the common form."""

    max_tokens_field: MaxTokensField = "max_tokens"
    include_usage: bool = True
    replay_reasoning: bool = False
    call_id: str = r"[^\x00-\x1f]{1,40}"


_UPLOAD_FIELDS: Final = {
    "purpose": "user_data",
    "expires_after[anchor]": "created_at",
    "expires_after[seconds]": str(KEPT_SECONDS),
}

_TRAITS: Final[Mapping[str, Traits]] = {
    HOST: Traits(max_tokens_field="max_completion_tokens"),
    # Refuses fields that it does not know, tells its usage unasked, and counts the characters of ids.
    "api.mistral.ai": Traits(include_usage=False, call_id=r"[A-Za-z0-9]{9}"),
    # Refuse a tool call in the history that comes without the reasoning that led to it.
    "api.deepseek.com": Traits(replay_reasoning=True),
    "api.moonshot.ai": Traits(replay_reasoning=True),
    "api.moonshot.cn": Traits(replay_reasoning=True),
}


def traits_of(base_url: str) -> Traits:
    """Return the traits of the server at this address."""
    return _TRAITS.get(URL(base_url).host or "", Traits())


class OpenAIAdapter:
    """The language of one server."""

    def __init__(
        self,
        name: str,
        base_url: str,
        failures: Failures,
        *,
        traits: Traits | None = None,
        max_output_tokens: int | None = None,
        extra_body: Mapping[str, Any] | None = None,
        files: FileOptions | None = None,
    ) -> None:
        base = URL(base_url)
        path = base.path.rstrip("/")
        self._name = name
        self._url = str(base.with_path(path + "/chat/completions", keep_query=True))
        self._file_options = options = files or FileOptions()
        self.files = None
        if base.host == HOST if options.uploads is None else options.uploads:
            self.files = FilesApi(str(base.with_path(path + "/files", keep_query=True)), fields=_UPLOAD_FIELDS)
        self._failures = failures
        self._traits = traits or traits_of(base_url)
        self._call_id = re.compile(self._traits.call_id)
        self._max_output_tokens = max_output_tokens
        self._extra_body = dict(extra_body or {})

    def forms(self, kind: FileKind, media_type: str | None) -> Forms:
        """Say in which forms a file is taken."""
        return self._file_options.applied(_forms(kind, media_type), has_uploads=self.files is not None)

    def request(self, prompt: Prompt) -> HttpRequest:
        """Say the prompt in a Chat Completions body."""
        body: dict[str, Any] = {"model": prompt.model, "messages": self._messages(prompt), "stream": True}
        if self._traits.include_usage:
            body["stream_options"] = {"include_usage": True}
        if tokens := prompt.max_output_tokens or self._max_output_tokens:
            body[self._traits.max_tokens_field] = tokens
        if prompt.temperature is not None:
            body["temperature"] = prompt.temperature
        if prompt.tools:
            body["tools"] = [_tool(tool) for tool in prompt.tools]
            if prompt.tool_choice != "auto":
                body["tool_choice"] = _choice(prompt.tool_choice)
        body.update(self._extra_body)
        headers = {"x-client-request-id": prompt.run_id} if prompt.run_id else {}
        return HttpRequest(self._url, headers, msgspec.json.encode(body))

    def decoder(self, prompt: Prompt) -> "OpenAIDecoder":
        """Return a decoder for the answer."""
        return OpenAIDecoder(prompt, self._failures)

    def _messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        if prompt.instructions:
            messages.append({"role": "system", "content": prompt.instructions})
        for turn in turns(prompt.messages):
            match turn.role:
                case "assistant":
                    messages += self._assistant(turn)
                case "tool":
                    messages += [self._result(block) for block in turn.blocks if isinstance(block, ToolResultBlock)]
                case role:
                    if content := _content(turn.blocks):
                        messages.append({"role": role, "content": content})
        return messages

    def _assistant(self, turn: Turn) -> list[dict[str, Any]]:
        text = "\n\n".join(block.text for block in turn.blocks if isinstance(block, TextBlock) and block.text)
        calls = [block for block in turn.blocks if isinstance(block, ToolUseBlock)]
        if not text and not calls:
            return []
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if calls:
            extras = self._extras(turn.blocks)
            message["tool_calls"] = [self._call(call, extras) for call in calls]
            if self._traits.replay_reasoning:
                own = (block for block in turn.blocks if isinstance(block, ReasoningBlock))
                message["reasoning_content"] = "".join(block.text for block in own if block.provider == self._name)
        return [message]

    def _call(self, call: ToolUseBlock, extras: Mapping[str, Raw]) -> dict[str, Any]:
        arguments = msgspec.json.encode(call.input).decode()
        said: dict[str, Any] = {
            "id": fitting_call_id(call.id, self._call_id),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        }
        if call.id in extras:
            said["extra_content"] = extras[call.id]
        return said

    def _extras(self, blocks: Sequence[Block]) -> dict[str, Raw]:
        """Return, by call, what this server wants back with a tool call: Gemini seals its calls so."""
        found: dict[str, Raw] = {}
        for block in blocks:
            if isinstance(block, ProviderBlock) and block.provider == self._name:
                try:
                    part = msgspec.json.decode(block.data, type=_CallExtra)
                except REFUSED:
                    continue
                found[part.tool_call_id] = part.extra_content
        return found

    def _result(self, result: ToolResultBlock) -> dict[str, Any]:
        text = result_text(result)
        return {
            "role": "tool",
            "tool_call_id": fitting_call_id(result.tool_use_id, self._call_id),
            # There is no field that says so.
            "content": f"Error: {text}" if result.is_error else text,
        }


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {
        "name": tool["name"],
        "description": tool.get("description") or "",
        "parameters": tool.get("input_schema") or {"type": "object", "properties": {}},
    }
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> Any:
    return {"type": "function", "function": {"name": choice.name}} if isinstance(choice, NamedTool) else choice


def _content(blocks: Sequence[Block]) -> str | list[dict[str, Any]]:
    """Return a person's or the system's content: one string where it is all text, which every server takes."""
    parts = [part for block in blocks if (part := _part(block)) is not None]
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts


def _part(block: Block) -> dict[str, Any] | None:
    match block:
        case TextBlock(text=text):
            return {"type": "text", "text": text} if text else None
        case ImageBlock(source=source):
            return {"type": "image_url", "image_url": {"url": _url(source)}}
        case FileBlock(source=source, name=name):
            if (written := file_text(block)) is not None:
                return {"type": "text", "text": f"{name or 'File'}:\n\n{written}"}
            if isinstance(source, FileSource):
                return {"type": "file", "file": {"file_id": source.file_id}}
            return {"type": "file", "file": {"filename": name or "file", "file_data": _url(source)}}
        case _:
            return None


def _forms(kind: FileKind, media_type: str | None) -> Forms:
    if kind == "image":
        return _PICTURE if media_type is None or media_type in PICTURES else Forms()
    return _TEXT if media_type is not None and is_text(media_type) else _DOCUMENT


def _url(source: Source) -> str:
    if isinstance(source, Base64Source):
        return f"data:{source.media_type};base64,{source.data}"
    assert isinstance(source, UrlSource), "the other forms that are taken have no address"
    return source.url


# --- the answer ---


class _CallExtra(Struct, frozen=True):
    tool_call_id: str
    extra_content: Raw


class _Function(Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _ToolCall(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: Raw = Raw()


class _Delta(Struct, gc=False):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(Struct, gc=False):
    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Event(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Event).decode

_FINISH: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


class _Call:
    """A tool call that is being streamed."""

    __slots__ = ("block", "has_input", "vendor_id")

    def __init__(self, block: int, vendor_id: str | None) -> None:
        self.block = block
        self.vendor_id = vendor_id
        self.has_input = False


class OpenAIDecoder(AnswerDecoder):
    """Makes one answer's bytes into chunks. Blocks (reasoning, text, each tool call) are numbered as they appear."""

    def __init__(self, prompt: Prompt, failures: Failures) -> None:
        super().__init__(failures)
        self._call_ids = CallIds(prompt)
        self._blocks = 0
        self._text_block: int | None = None
        self._reasoning_block: int | None = None
        self._open: dict[int | None, _Call] = {}
        self._calls: list[_Call] = []
        self._reason: FinishReason = "stop"

    def _take(self, name: bytes, body: bytes, chunks: list[Chunk]) -> None:
        lenient = False
        try:
            event = _decode(body)
        except REFUSED:
            if not body.strip():
                return  # A heartbeat.
            if is_done_mark(body):
                self.is_done = True
                return
            event = decode_leniently(body, _Event, self._failures)
            lenient = True
        if event.choices is None or event.error or name == b"error":
            self._check(name, body, event)
        for choice in event.choices or ():
            if not choice.index:
                self._choose(choice, chunks, lenient)
        if event.usage:
            self._usage = _usage(event.usage)

    def _take_whole(self, body: bytes, chunks: list[Chunk]) -> None:
        self._take(b"", body, chunks)
        if not self.is_whole and not chunks:
            raise self._failures.garbage(excerpt(body))

    def _closing(self, chunks: list[Chunk]) -> FinishReason:
        chunks += [ToolInputChunk(call.block, "{}") for call in self._calls if not call.has_input]
        # Servers disagree about the reason of an answer that calls tools; the calls themselves are the better witness.
        if self._calls and self._reason in ("stop", "other"):
            return "tool_use"
        return "stop" if self._reason == "tool_use" and not self._calls else self._reason

    def _check(self, name: bytes, body: bytes, event: _Event) -> None:
        """Raise what an event complains about, if it does. Some servers say no more than `{"object": "error"}`."""
        whole = as_any(body)
        complains = name == b"error" or event.error or (isinstance(whole, dict) and whole.get("object") == "error")
        if complains:
            raise self._failures.in_stream(whole if whole is not None else event.error)

    def _choose(self, choice: _Choice, chunks: list[Chunk], lenient: bool) -> None:
        delta = choice.delta or choice.message
        if delta is not None:
            if thought := delta.reasoning_content or delta.reasoning:
                self._think(thought, chunks, lenient)
            if content := delta.content:
                if type(content) is str:
                    self._say(content, chunks, lenient)
                else:
                    self._say_parts(content, chunks, lenient)
            if delta.refusal:
                self._reason = "refusal"
                self._say(delta.refusal, chunks, lenient)
            if delta.tool_calls:
                self._call_tools(delta.tool_calls, chunks, lenient)
        if choice.finish_reason:
            self._finish(choice.finish_reason)

    def _say(self, text: str, chunks: list[Chunk], lenient: bool) -> None:
        if self._text_block is None:
            self._text_block = self._new_block()
        self._add(TextChunk, self._text_block, text, chunks, lenient)

    def _think(self, thought: Any, chunks: list[Chunk], lenient: bool) -> None:
        if not isinstance(thought, str):
            return
        if self._reasoning_block is None:
            self._reasoning_block = self._new_block()
        self._add(ReasoningChunk, self._reasoning_block, thought, chunks, lenient)

    def _say_parts(self, parts: Any, chunks: list[Chunk], lenient: bool) -> None:
        """Mistral's reasoning models send lists: `{type: "text", text}` and `{type: "thinking", thinking: [text…]}`."""
        for part in parts if isinstance(parts, list) else ():
            if not isinstance(part, dict):
                continue
            if isinstance(part.get("text"), str):
                self._say(part["text"], chunks, lenient)
            for thought in part.get("thinking") or ():
                self._think(thought.get("text") if isinstance(thought, dict) else thought, chunks, lenient)

    def _call_tools(self, calls: list[_ToolCall], chunks: list[Chunk], lenient: bool) -> None:
        indexes: set[int | None] = set()
        for call in calls:
            function = call.function or _Function()
            current = self._open.get(call.index)
            if function.name and (current is None or call.index in indexes or _is_another(call, current)):
                current = self._begin_call(call, function.name, chunks)
            indexes.add(call.index)
            arguments = function.arguments
            if arguments is None or arguments == "":
                continue
            if current is None:
                raise self._failures.garbage("a tool call without a name")
            current.has_input = True
            text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
            self._add(ToolInputChunk, current.block, text, chunks, lenient)

    def _begin_call(self, call: _ToolCall, name: str, chunks: list[Chunk]) -> _Call:
        call_id = self._call_ids.unique(call.id)
        if bytes(call.extra_content) not in (b"", b"null"):
            part = msgspec.json.encode(_CallExtra(call_id, call.extra_content))
            chunks.append(ProviderPartChunk(self._new_block(), part.decode()))
        begun = _Call(self._new_block(), call.id)
        chunks.append(ToolCallChunk(begun.block, call_id, name))
        self._open[call.index] = begun
        self._calls.append(begun)
        return begun

    def _new_block(self) -> int:
        self._blocks += 1
        return self._blocks - 1

    def _finish(self, reason: str) -> None:
        if reason == "insufficient_system_resource":  # DeepSeek stops so in mid-answer when it is overloaded.
            raise self._failures.in_stream({"type": "overloaded_error", "message": reason})
        self.is_whole = True
        if self._reason != "refusal":
            self._reason = _FINISH.get(reason.lower().partition(":")[0], "other")


def _is_another(call: _ToolCall, current: _Call) -> bool:
    """Say whether a named call is a new one although its index is taken.

    Servers that send calls whole give them no index, or all the same one; there the next call shows by its id or, with
    no id either, by being named again. Servers that repeat the name with every piece of a call repeat its id too.
    """
    if call.id:
        return call.id != current.vendor_id
    return call.index is None


def _usage(said: Any) -> Usage:
    prompt, completion = _count(said, "prompt_tokens"), _count(said, "completion_tokens")
    total = _count(said, "total_tokens")
    if prompt is not None and completion is not None and total is not None:
        # xAI and Gemini leave the reasoning out of `completion_tokens` and count it, as they bill it, in the total.
        completion = max(completion, total - prompt)
    cached = _count(_inside(said, "prompt_tokens_details"), "cached_tokens")
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_input_tokens=_count(said, "prompt_cache_hit_tokens") if cached is None else cached,
        reasoning_tokens=_count(_inside(said, "completion_tokens_details"), "reasoning_tokens"),
    )


def _inside(said: Any, key: str) -> Any:
    return said.get(key) if isinstance(said, dict) else None


def _count(said: Any, key: str) -> int | None:
    value = _inside(said, key)
    return value if isinstance(value, int) and value >= 0 else None
