"""Chat Completions: what is asked, and what is understood of the answers of all who speak it."""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threadline.content import (
    Base64Source,
    FileBlock,
    ImageBlock,
    ProviderBlock,
    ReasoningBlock,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from threadline.errors import ProviderFailure, ProviderOverloaded
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    Prompt,
    ProviderPartChunk,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
)
from threadline.providers.failures import Failures
from threadline.providers.openai import OpenAIAdapter, OpenAIDecoder
from threadline.records import NamedTool, Usage

from .reading import asking, outline, said, text_of, usage_of
from .speech import frame, openai_chunk, openai_stream, openai_usage

FAILURES = Failures("openai")
DONE = frame(b"[DONE]")


def body_of(prompt: Prompt, base_url: str = "http://localhost/v1", **options: Any) -> Any:
    """Return the request body for a prompt."""
    return msgspec.json.decode(OpenAIAdapter("openai", base_url, FAILURES, **options).request(prompt).body)


def decode(*reads: bytes, prompt: Prompt | None = None) -> list[Chunk]:
    """Decode a stream that came in these reads, to its end."""
    decoder = OpenAIDecoder(prompt or asking(), FAILURES)
    chunks: list[Chunk] = []
    for data in reads:
        chunks += decoder.feed(data)
        if decoder.failure is not None:
            raise decoder.failure
    return [*chunks, *decoder.end()]


def calls(*deltas: list[dict[str, Any]], finish: str = "tool_calls") -> list[Chunk]:
    """Decode an answer that consists of these `tool_calls` deltas."""
    return decode(*(openai_chunk({"tool_calls": delta}) for delta in deltas), openai_chunk({}, finish), DONE)


# --- what is asked ---


def test_the_plain_request() -> None:
    """A question becomes a model, messages, a stream, and the wish to know the usage; nothing that was not asked."""
    assert body_of(asking("hi", instructions="Be kind.")) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_every_option() -> None:
    """Limits, temperature, tools and a house's own fields go where this API has them."""
    tool = {"name": "now", "description": "Tells the time.", "input_schema": {"type": "object"}}
    prompt = asking(max_output_tokens=9, temperature=0.5, tools=[tool])
    body = body_of(prompt, extra_body={"reasoning_effort": "low", "temperature": 1})
    assert body["max_tokens"] == 9
    assert body["temperature"] == 1
    assert body["reasoning_effort"] == "low"
    function = {"name": "now", "description": "Tells the time.", "parameters": {"type": "object"}}
    assert body["tools"] == [{"type": "function", "function": function}]


def test_a_choice_of_tools() -> None:
    """May, must and must not use one; one by its name; nothing is said where there are none, or no wish."""
    tools = [{"name": "now"}]
    assert "tool_choice" not in body_of(asking(tools=tools))
    assert body_of(asking(tools=tools, tool_choice="none"))["tool_choice"] == "none"
    assert body_of(asking(tools=tools, tool_choice="required"))["tool_choice"] == "required"
    named = {"type": "function", "function": {"name": "now"}}
    assert body_of(asking(tools=tools, tool_choice=NamedTool("now")))["tool_choice"] == named
    assert "tool_choice" not in body_of(asking(tool_choice="required"))


@pytest.mark.parametrize(
    ("base_url", "field", "asks_usage"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens", True),
        ("https://api.groq.com/openai/v1", "max_tokens", True),
        ("https://api.mistral.ai/v1", "max_tokens", False),
        ("http://localhost:11434/v1", "max_tokens", True),
    ],
)
def test_servers_differ(base_url: str, field: str, asks_usage: bool) -> None:
    """OpenAI wants the new name of the limit, others know only the old one; Mistral refuses `stream_options`."""
    body = body_of(asking(max_output_tokens=9), base_url)
    assert body[field] == 9
    assert ("stream_options" in body) is asks_usage


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("http://localhost:8000", "http://localhost:8000/chat/completions"),
        ("https://x.azure.com/openai?api-version=1", "https://x.azure.com/openai/chat/completions?api-version=1"),
    ],
)
def test_the_address(base_url: str, url: str) -> None:
    """The path is put behind the base, whatever its end, and a query stays behind the path."""
    assert OpenAIAdapter("openai", base_url, FAILURES).request(asking()).url == url


def test_pictures_and_files() -> None:
    """Addresses stay addresses, bytes become data URLs, and a file that is text is read out."""
    text = base64.b64encode("grün".encode()).decode()
    prompt = Prompt(
        "m",
        [
            said(
                "user",
                TextBlock("look"),
                ImageBlock(UrlSource("https://x.test/a.png")),
                ImageBlock(Base64Source("image/png", "iVBO")),
                FileBlock(Base64Source("application/pdf", "JVBE"), "a.pdf"),
                FileBlock(Base64Source("text/markdown", text), "notes.md"),
            )
        ],
    )
    assert body_of(prompt)["messages"][0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "text", "text": "notes.md:\n\ngrün"},
    ]


def test_a_text_file_that_is_none() -> None:
    """What does not decode goes as it stands, for the vendor to judge, instead of ending the run here."""
    prompt = Prompt("m", [said("user", FileBlock(Base64Source("text/plain", "abcde")))])
    (part,) = body_of(prompt)["messages"][0]["content"]
    assert part["file"]["file_data"] == "data:text/plain;base64,abcde"


def test_several_texts_are_one_string() -> None:
    """What is all text goes as a string: small servers take nothing else."""
    prompt = Prompt("m", [said("user", TextBlock("one"), TextBlock(""), TextBlock("two"))])
    assert body_of(prompt)["messages"] == [{"role": "user", "content": "one\n\ntwo"}]


def test_tools_of_the_history_are_paired() -> None:
    """One of our messages becomes a call, its results, and the words after them, in that order."""
    answer = said(
        "assistant",
        TextBlock("I'll look."),
        ToolUseBlock("a", "weather", {"city": "Ulm"}),
        ToolUseBlock("b", "weather", {"city": "Bonn"}),
        ToolResultBlock("a", "rain"),
        ToolResultBlock("b", {"sky": "blue"}, is_error=True),
        TextBlock("Rain in Ulm."),
    )
    function = {"name": "weather", "arguments": '{"city":"Ulm"}'}
    other = {"name": "weather", "arguments": '{"city":"Bonn"}'}
    assert body_of(asking("thanks", history=[answer]))["messages"] == [
        {
            "role": "assistant",
            "content": "I'll look.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": function},
                {"id": "b", "type": "function", "function": other},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "rain"},
        {"role": "tool", "tool_call_id": "b", "content": 'Error: {"sky":"blue"}'},
        {"role": "assistant", "content": "Rain in Ulm."},
        {"role": "user", "content": "thanks"},
    ]


def test_a_result_that_stands_late_goes_behind_its_call() -> None:
    """Vendors refuse a call whose result is not in the very next place; a repaired history has it at the end."""
    answer = said(
        "assistant",
        ToolUseBlock("a", "x", {}),
        ToolUseBlock("b", "x", {}),
        ToolResultBlock("b", "2"),
        TextBlock("so"),
        ToolResultBlock("a", "1"),
        TextBlock("and so"),
    )
    messages = body_of(asking(history=[answer]))["messages"]
    assert [message.get("tool_call_id", message["role"]) for message in messages] == [
        "assistant",
        "a",
        "b",
        "assistant",
        "user",
    ]


def test_what_other_vendors_sealed_stays_here() -> None:
    """Reasoning, signatures and parts of another vendor are not sent, and a message of nothing else is left out."""
    history = [
        said("assistant", ReasoningBlock("hm", signature="s", provider="anthropic"), TextBlock("yes")),
        said("assistant", ReasoningBlock("hm"), ProviderBlock("anthropic", '{"type":"redacted_thinking","data":"x"}')),
    ]
    assert body_of(asking(history=history))["messages"] == [
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "hello"},
    ]


@pytest.mark.parametrize(
    ("base_url", "call_id", "sent"),
    [
        ("https://api.openai.com/v1", "toolu_01ABC", "toolu_01ABC"),
        ("https://api.openai.com/v1", "x" * 41, "9 characters"),
        ("https://api.mistral.ai/v1", "abcDEF123", "abcDEF123"),
        ("https://api.mistral.ai/v1", "toolu_01ABC", "9 characters"),
    ],
)
def test_ids_of_another_vendor_are_made_to_fit(base_url: str, call_id: str, sent: str) -> None:
    """An id that this server would refuse is replaced, in the call and in its result alike."""
    history = [said("assistant", ToolUseBlock(call_id, "now", {}), ToolResultBlock(call_id, "12:00"))]
    call, result, _ = body_of(asking(history=history), base_url)["messages"]
    assert call["tool_calls"][0]["id"] == result["tool_call_id"]
    assert result["tool_call_id"] == sent or (sent == "9 characters" and len(result["tool_call_id"]) == 9)


def test_servers_that_want_the_reasoning_of_their_calls_get_it() -> None:
    """DeepSeek refuses a call of the history without its reasoning, be that empty; ordinary words go bare."""
    history = [
        said(
            "assistant", ReasoningBlock("own", provider="openai"), ToolUseBlock("a", "x", {}), ToolResultBlock("a", "")
        ),
        said(
            "assistant", ReasoningBlock("foreign", provider="b"), ToolUseBlock("b", "x", {}), ToolResultBlock("b", "")
        ),
        said("assistant", ReasoningBlock("own", provider="openai"), TextBlock("done")),
    ]
    messages = body_of(asking(history=history), "https://api.deepseek.com")["messages"]
    assert [message.get("reasoning_content") for message in messages if message["role"] == "assistant"] == [
        "own",
        "",
        None,
    ]
    messages = body_of(asking(history=history), "https://api.mistral.ai/v1")["messages"]
    assert not any("reasoning_content" in message for message in messages)


def test_geminis_seal_goes_back_with_its_call_byte_for_byte() -> None:
    """Gemini seals a call in `extra_content`, and refuses the call without it. The round trip changes no byte."""
    seal = b'{"google": {"thought_signature" :"AY89+/=\\u00e9"}}'
    delta = (
        b'{"tool_calls":[{"index":0,"id":"c1","function":{"name":"now","arguments":"{}"},"extra_content":%b}]}' % seal
    )
    chunks = decode(frame(b'{"choices":[{"index":0,"delta":%b}]}' % delta), openai_chunk({}, "tool_calls"), DONE)
    part, call = chunks[0], chunks[1]
    assert isinstance(part, ProviderPartChunk)
    assert isinstance(call, ToolCallChunk)
    assert (part.block, call.block) == (0, 1)
    answer = said(
        "assistant", ProviderBlock("openai", part.data), ToolUseBlock("c1", "now", {}), ToolResultBlock("c1", "12:00")
    )
    assert (
        b'"extra_content":' + seal
        in OpenAIAdapter("openai", "http://x/v1", FAILURES).request(asking(history=[answer])).body
    )
    assert (
        b"extra_content" not in OpenAIAdapter("other", "http://x/v1", FAILURES).request(asking(history=[answer])).body
    )


# --- what is understood ---


def test_a_whole_answer() -> None:
    """Reasoning, words, usage and the end of an ordinary stream."""
    chunks = decode(*openai_stream([{"think": "hm"}, {"say": "Hello you"}]))
    assert outline(chunks) == [(0, "reasoning", "hm"), (1, "text", "Hello you"), ("finish", "stop")]
    assert isinstance(chunks[-1], FinishChunk)


@settings(deadline=None)
@given(st.data())
def test_where_the_bytes_are_cut_makes_no_difference(data: st.DataObject) -> None:
    """The same chunks come out, whatever reads the network makes of it, also inside characters and escapes."""
    steps = [{"think": "ähm 思考"}, {"say": "Grüße \U0001f600 \u2028 \x00 end"}, {"call": "x", "input": {"é": ["\n"]}}]
    stream = b"".join(openai_stream(steps))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reads = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(*reads) == decode(stream)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_has_two_names(field: str) -> None:
    """DeepSeek and vLLM say one, OpenRouter and Groq the other; who says both does not say it twice."""
    assert outline(decode(openai_chunk({field: "hm"}), DONE))[0] == (0, "reasoning", "hm")
    both = openai_chunk({"reasoning_content": "hm", "reasoning": "hm"})
    assert outline(decode(both, DONE))[0] == (0, "reasoning", "hm")


def test_lists_as_content() -> None:
    """Mistral's reasoning models send their content in parts."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    chunks = decode(
        openai_chunk({"content": [thinking]}), openai_chunk({"content": [{"type": "text", "text": "yes"}]}), DONE
    )
    assert outline(chunks)[:2] == [(0, "reasoning", "hm"), (1, "text", "yes")]


def test_a_refusal_is_said_and_told() -> None:
    """The words of a refusal are shown, and the answer ends as one."""
    chunks = decode(openai_chunk({"refusal": "I can't"}), openai_chunk({}, "stop"), DONE)
    assert outline(chunks) == [(0, "text", "I can't"), ("finish", "refusal")]


@pytest.mark.parametrize(
    ("said_reason", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "refusal"),
        ("content_filter: SAFETY", "refusal"),
        ("model_length", "length"),
        ("eos_token", "stop"),
        ("tool_calls", "stop"),
        ("something_new", "other"),
    ],
)
def test_reasons(said_reason: str, reason: str) -> None:
    """Every reason is one of ours. One that speaks of calls where there are none is an ordinary end."""
    assert decode(openai_chunk({"content": "x"}), openai_chunk({}, said_reason), DONE)[-1] == FinishChunk(reason)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call", "weird"])
def test_calls_are_the_better_witness(reason: str) -> None:
    """An answer that called tools ends as one, whatever its server calls it."""
    function = {"name": "now", "arguments": "{}"}
    assert calls([{"index": 0, "id": "a", "function": function}], finish=reason)[-1] == FinishChunk("tool_use")


def test_calls_that_come_whole_without_index() -> None:
    """Servers that do not stream calls send them in one piece, without numbers."""
    one = {"id": "a", "function": {"name": "x", "arguments": '{"n":1}'}}
    two = {"id": "b", "function": {"name": "x", "arguments": '{"n":2}'}}
    expected = [
        (0, "call x", ""),
        (0, "input", '{"n":1}'),
        (1, "call x", ""),
        (1, "input", '{"n":2}'),
        ("finish", "tool_use"),
    ]
    assert outline(calls([one, two])) == expected
    assert outline(calls([one], [two])) == expected


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("call_id", [None, ""])
def test_calls_without_ids_get_some(call_id: str | None, apart: bool) -> None:
    """Missing and empty ids are made up from the run, the same ones on every try."""
    call = {"id": call_id, "function": {"name": "x", "arguments": "{}"}}
    deltas: Sequence[list[dict[str, Any]]] = [[call], [call]] if apart else [[call, call]]
    found = [chunk.tool_use_id for chunk in calls(*deltas) if isinstance(chunk, ToolCallChunk)]
    assert found == ["call_1_0", "call_1_1"]


def test_calls_that_all_have_the_same_index() -> None:
    """Gemini and Ollama number every call 0; a new id begins a new call."""
    deltas = [[{"index": 0, "id": name, "function": {"name": "x", "arguments": "{}"}}] for name in "ab"]
    assert [chunk.tool_use_id for chunk in calls(*deltas) if isinstance(chunk, ToolCallChunk)] == ["a", "b"]
    bare = {"index": 0, "function": {"name": "x", "arguments": "{}"}}
    found = [chunk.tool_use_id for chunk in calls([bare, bare]) if isinstance(chunk, ToolCallChunk)]
    assert found == ["call_1_0", "call_1_1"], "two in one delta are two"


def test_calls_that_repeat_their_head() -> None:
    """A server that repeats id and name with every piece still means one call, also where its id had to be replaced."""
    pieces = [[{"index": 0, "id": "call_0", "function": {"name": "x", "arguments": part}}] for part in ('{"a"', ":1}")]
    assert outline(calls(*pieces))[:2] == [(0, "call x", ""), (0, "input", '{"a":1}')]
    taken = [said("assistant", ToolUseBlock("call_0", "x", {}), ToolResultBlock("call_0", ""))]
    stream = [openai_chunk({"tool_calls": piece}) for piece in pieces]
    assert outline(decode(*stream, DONE, prompt=asking(history=taken)))[:2] == [
        (0, "call x", ""),
        (0, "input", '{"a":1}'),
    ]


def test_pieces_of_two_calls_mixed() -> None:
    """The index says to which call a piece belongs."""
    begin = [{"index": n, "id": f"c{n}", "function": {"name": f"f{n}", "arguments": ""}} for n in (0, 1)]
    more = [[{"index": n, "function": {"arguments": part}}] for part in ("[", "]") for n in (1, 0)]
    assert outline(calls(begin, *more))[:4] == [
        (0, "call f0", ""),
        (1, "call f1", ""),
        (1, "input", "[]"),
        (0, "input", "[]"),
    ]


def test_arguments_as_an_object() -> None:
    """Some servers do not write the arguments as text; they become text."""
    chunks = calls([{"index": 0, "id": "a", "function": {"name": "x", "arguments": {"n": [1]}}}])
    assert (0, "input", '{"n":[1]}') in outline(chunks)


def test_input_without_a_call_is_garbage() -> None:
    """A piece of input that belongs to no call cannot be shown as anything."""
    with pytest.raises(ProviderFailure, match="without a name"):
        calls([{"index": 0, "function": {"arguments": "{"}}])


@pytest.mark.parametrize(
    ("tokens", "usage"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 5}, Usage(7, 5)),
        (
            {
                "prompt_tokens": 7,
                "completion_tokens": 5,
                "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(7, 5, 4, 2),
        ),
        # xAI and Gemini: the reasoning is in the total only.
        ({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 32}, Usage(7, 25)),
        ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_cache_hit_tokens": 3}, Usage(7, 5, 3)),
        ({"prompt_tokens": 0, "completion_tokens": None, "prompt_tokens_details": None}, Usage(0)),
        ({"prompt_tokens": "many"}, Usage()),
    ],
)
def test_usage(tokens: dict[str, Any], usage: Usage) -> None:
    """What is known is told, what is not is None and never 0."""
    assert usage_of(decode(openai_chunk({}, "stop"), openai_usage(**tokens), DONE)) == usage


def test_usage_with_every_token_is_told_once_a_read() -> None:
    """A server that repeats its usage with every token does not double the chunks."""
    events = [openai_chunk({"content": "x"}, usage={"completion_tokens": n}) for n in range(1, 51)]
    decoder = OpenAIDecoder(asking(), FAILURES)
    chunks = decoder.feed(b"".join(events))
    assert [type(chunk).__name__ for chunk in chunks].count("UsageChunk") == 1
    assert usage_of(chunks) == Usage(None, 50)


def test_no_usage_is_no_usage() -> None:
    """A server that tells no usage gets none made up."""
    assert usage_of(decode(openai_chunk({"content": "x"}), DONE)) is None


@pytest.mark.parametrize(
    "stream",
    [
        [openai_chunk({"content": "hi"}), openai_chunk({}, "stop")],
        [openai_chunk({"content": "hi"}), DONE],
        [openai_chunk({"content": "hi"}), openai_chunk({}, "stop").rstrip(b"\n")],
        [openai_chunk({"content": "hi"}), b"data: [DONE]"],
        [openai_chunk({"content": "hi"}, "stop"), b'data: {"choi'],
        [openai_chunk({"content": "hi"}, "stop"), b"%%% garbage\n\n"],
        [openai_chunk({"content": "hi"}, "stop"), frame({"error": {"message": "late"}})],
        [openai_chunk({"content": "hi"}), DONE, openai_chunk({"content": "never said"})],
    ],
)
def test_streams_that_are_whole(stream: list[bytes]) -> None:
    """`[DONE]` or a reason is enough; what follows, or is missing, behind it does not take the answer away."""
    for reads in (stream, [b"".join(stream)]):
        assert outline(decode(*reads)) == [(0, "text", "hi"), ("finish", "stop")]


@pytest.mark.parametrize("rest", [b"", b'data: {"choices":[{"del', b"dat", b"data: \xf0\x9f", b": still here\n\n"])
def test_streams_that_are_cut(rest: bytes) -> None:
    """With neither, it is cut; half a line at the end is no garbage, it is where the cut was."""
    with pytest.raises(ProviderFailure, match="cut"):
        decode(openai_chunk({"content": "hi"}), rest)


@pytest.mark.parametrize(
    "garbage", [b"data: what\n\n", b'data: {"choices": 5}\n\n', b"data: {\n\n", b"data: " + b"[" * 9999 + b"\n\n"]
)
def test_garbage(garbage: bytes) -> None:
    """What is no JSON, or JSON of another shape, fails with a short excerpt; the words before it are said."""
    decoder = OpenAIDecoder(asking(), FAILURES)
    assert text_of(decoder.feed(openai_chunk({"content": "hi"}) + garbage)) == "hi"
    assert decoder.failure is not None
    assert "cannot be read" in decoder.failure.detail
    assert len(decoder.failure.detail) <= 300


@pytest.mark.parametrize(
    "event",
    [
        frame({"error": {"message": "Overloaded", "type": "overloaded_error", "code": None}}),
        frame(
            {
                "id": "x",
                "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}],
                "error": {"code": 503, "message": "x"},
            }
        ),
        frame({"message": "Overloaded", "type": "overloaded_error"}, "error"),
        b'error: {"code": 503, "message": "x"}\n\n',
        b'{"error": {"code": 503, "message": "x"}}\n\n',
        b'[{\n "error": {\n"code": 503, "message": "x"}}]\n\n',
        frame({"object": "error", "message": "x", "code": 503}),
        openai_chunk({}, "insufficient_system_resource"),
    ],
)
def test_errors_in_the_stream(event: bytes) -> None:
    """Everybody's way to fail in the middle is recognised, and none is taken for words or for an end."""
    with pytest.raises(ProviderOverloaded):
        decode(openai_chunk({"content": "hi"}), event)


@pytest.mark.parametrize("noise", [b": OPENROUTER PROCESSING\n\n", b"data: \n\n", b"data:\n\n", b"\n\n", b"id: 3\n\n"])
def test_heartbeats_say_nothing(noise: bytes) -> None:
    """Comments and empty events are no words and no errors."""
    assert outline(decode(noise, openai_chunk({"content": "hi"}), noise, DONE, noise))[0] == (0, "text", "hi")


def test_a_character_in_two_halves() -> None:
    """A surrogate pair that was cut between two deltas is one character again; words in between do not mix it up."""
    halves = [b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}', b'{"choices":[{"delta":{"content":"\\ude00b"}}]}']
    assert text_of(decode(*(frame(half) for half in halves), DONE)) == "a\U0001f600b"


def test_a_half_that_stays_alone_is_shown() -> None:
    """It becomes U+FFFD, in its place and in its block, also at the very end."""
    lone = frame(b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}')
    assert text_of(decode(lone, openai_chunk({"content": "b"}), DONE)) == "a\ufffdb"
    assert text_of(decode(lone, DONE)) == "a\ufffd"
    tail = frame(b'{"choices":[{"delta":{"content":"\\ude00b"}}]}')
    assert text_of(decode(tail, DONE)) == "\ufffdb"


def test_bytes_that_are_no_text() -> None:
    """A broken character costs that character, not the answer."""
    broken = frame(b'{"choices":[{"delta":{"content":"a\xff\xfeb"}}]}')
    assert text_of(decode(broken, DONE)) == "a\ufffd\ufffdb"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[])))
def test_all_text_is_storable(text: str) -> None:
    """Whatever JSON can say, what comes out can be stored, and text that could be stored anyway is unchanged."""
    escaped = b'"' + b"".join(b"\\u%04x" % unit for unit in _utf16(text)) + b'"'
    found = text_of(decode(frame(b'{"choices":[{"delta":{"content":%b}}]}' % escaped), DONE))
    assert "\x00" not in found
    found.encode()
    if "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert found == text


def _utf16(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


def test_other_choices_are_not_mixed_in() -> None:
    """A server that answers more than once is heard once."""
    other = frame({"choices": [{"index": 1, "delta": {"content": "other"}}]})
    assert text_of(decode(openai_chunk({"content": "one"}), other, DONE)) == "one"


def test_an_answer_that_is_no_stream() -> None:
    """A server that answers in one piece although a stream was asked for is understood."""
    function = {"name": "now", "arguments": "{}"}
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "hm",
        "tool_calls": [{"id": "a", "function": function}],
    }
    whole = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    decoder = OpenAIDecoder(asking(), FAILURES)
    chunks = [*decoder.feed_whole(msgspec.json.encode(whole)), *decoder.end()]
    assert outline(chunks) == [
        (0, "reasoning", "hm"),
        (1, "text", "Hi"),
        (2, "call now", ""),
        (2, "input", "{}"),
        ("finish", "tool_use"),
    ]
    assert usage_of(chunks) == Usage(1, 2)


@pytest.mark.parametrize(
    ("body", "words"), [(b'{"error": {"message": "no"}}', "no"), (b"{}", "read"), (b"[]", "read"), (b"", "read")]
)
def test_an_answer_that_is_no_answer(body: bytes, words: str) -> None:
    """A JSON body that says nothing is a failure, with the vendor's reason where there is one."""
    with pytest.raises(ProviderFailure, match=words):
        OpenAIDecoder(asking(), FAILURES).feed_whole(body)


def test_text_around_reasoning_keeps_its_blocks() -> None:
    """A model that thinks again goes on in its one reasoning block: the API has one field for each."""
    deltas = [{"reasoning": "a"}, {"content": "x"}, {"reasoning": "b"}, {"content": "y"}]
    chunks = decode(*(openai_chunk(delta) for delta in deltas), DONE)
    assert [chunk for chunk in chunks if isinstance(chunk, TextChunk | ReasoningChunk)] == [
        ReasoningChunk(0, "a"),
        TextChunk(1, "x"),
        ReasoningChunk(0, "b"),
        TextChunk(1, "y"),
    ]
