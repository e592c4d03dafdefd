"""The Messages API: what is asked, what is understood, and what comes back byte for byte."""

import base64
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
from threadline.errors import ContextTooLong, ProviderFailure, ProviderOverloaded
from threadline.providers.anthropic import MAX_OUTPUT_TOKENS, AnthropicAdapter, AnthropicDecoder
from threadline.providers.contract import Chunk, FinishChunk, Prompt, ProviderPartChunk, SignatureChunk
from threadline.providers.failures import Failures
from threadline.records import NamedTool, Usage

from .reading import asking, outline, said, text_of, usage_of
from .speech import (
    anthropic_block,
    anthropic_end,
    anthropic_event,
    anthropic_start,
    anthropic_stream,
    frame,
)

FAILURES = Failures("anthropic")
HELLO = {"role": "user", "content": [{"type": "text", "text": "hello"}]}


def request_of(prompt: Prompt, **options: Any) -> bytes:
    """Return the raw request body for a prompt, without cache marks unless they are asked for."""
    options = {"cache_prompt": False, **options}
    return AnthropicAdapter("anthropic", "http://x", FAILURES, **options).request(prompt).body


def body_of(prompt: Prompt, **options: Any) -> Any:
    """Return the same, decoded."""
    return msgspec.json.decode(request_of(prompt, **options))


def decode(*reads: bytes) -> list[Chunk]:
    """Decode a stream that came in these reads, to its end."""
    decoder = AnthropicDecoder(asking(), FAILURES)
    chunks: list[Chunk] = []
    for data in reads:
        chunks += decoder.feed(data)
        if decoder.failure is not None:
            raise decoder.failure
    return [*chunks, *decoder.end()]


# --- what is asked ---


def test_the_plain_request() -> None:
    """A question becomes a model, messages, the limit that the API insists on, and a stream."""
    assert body_of(asking("hi", instructions="Be kind.")) == {
        "model": "m",
        "system": [{"type": "text", "text": "Be kind."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": MAX_OUTPUT_TOKENS,
        "stream": True,
    }


def test_every_option() -> None:
    """Limits, temperature, tools and a house's own fields go where this API has them."""
    tools = [{"name": "now", "description": "Time.", "input_schema": {"type": "object"}}, {"name": "bare"}]
    prompt = asking(max_output_tokens=9, temperature=1.7, tools=tools)
    body = body_of(prompt, extra_body={"output_config": {"effort": "low"}})
    assert body["max_tokens"] == 9
    assert body["temperature"] == 1.0, "this API's scale ends at 1"
    assert body["output_config"] == {"effort": "low"}
    assert body["tools"] == [tools[0], {"name": "bare", "input_schema": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1/messages"),
    ],
)
def test_the_address(base_url: str, url: str) -> None:
    """The vendor's own SDK leaves the version out of the base; whoever writes it there means the same."""
    assert AnthropicAdapter("anthropic", base_url, FAILURES).request(asking()).url == url


def test_a_choice_of_tools() -> None:
    """May, must and must not use one, in this API's words; a model that has to use one may not think first."""
    tools = [{"name": "now"}]
    assert "tool_choice" not in body_of(asking(tools=tools))
    assert body_of(asking(tools=tools, tool_choice="none"))["tool_choice"] == {"type": "none"}
    assert body_of(asking(tools=tools, tool_choice="required"))["tool_choice"] == {"type": "any"}
    named = body_of(asking(tools=tools, tool_choice=NamedTool("now")), thinking_budget_tokens=2000)
    assert named["tool_choice"] == {"type": "tool", "name": "now"}
    assert "thinking" not in named
    assert "tool_choice" not in body_of(asking(tool_choice="required")), "nothing to choose from"


def test_tools_of_the_history_are_declared() -> None:
    """Calls in a history go with the tools that they are of; those that were called are named, and may not be used."""
    answer = said("assistant", ToolUseBlock("a", "weather", {}), ToolResultBlock("a", "wet"), TextBlock("Wet."))
    body = body_of(asking("thanks", history=[said("user", TextBlock("w?")), answer]))
    assert [tool["name"] for tool in body["tools"]] == ["weather"]
    assert body["tool_choice"] == {"type": "none"}


def test_thinking_has_a_budget_within_the_limit() -> None:
    """Thinking counts towards the limit: a limit that somebody set holds, the usual one makes room."""
    assert body_of(asking(), thinking_budget_tokens=2000) == {
        "model": "m",
        "messages": [HELLO],
        "stream": True,
        "max_tokens": MAX_OUTPUT_TOKENS + 2000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    body = body_of(asking(max_output_tokens=1500, temperature=0.3), thinking_budget_tokens=2000)
    assert (body["max_tokens"], body["thinking"]["budget_tokens"]) == (1500, 1499)
    assert "temperature" not in body, "a thinking model takes none"
    body = body_of(asking(max_output_tokens=500, temperature=0.3), thinking_budget_tokens=2000)
    assert "thinking" not in body, "there is no room for the smallest budget"
    assert body["temperature"] == 0.3


def test_a_tool_loop_that_began_without_thinking_goes_on_without() -> None:
    """The API refuses to think over calls that came without thoughts, as another vendor's do."""
    foreign = said("assistant", ToolUseBlock("a", "x", {}), ToolResultBlock("a", "1"))
    prompt = Prompt("m", [said("user", TextBlock("q")), foreign])
    assert "thinking" not in body_of(prompt, thinking_budget_tokens=2000)
    own = ReasoningBlock("hm", signature="s", provider="anthropic")
    thought = said("assistant", own, ToolUseBlock("a", "x", {}), ToolResultBlock("a", "1"))
    prompt = Prompt("m", [said("user", TextBlock("q")), thought])
    assert "thinking" in body_of(prompt, thinking_budget_tokens=2000)


def test_pictures_and_documents() -> None:
    """Each kind of source has its form, and a file that is text goes as text."""
    text = base64.b64encode("grün".encode()).decode()
    blocks = [
        ImageBlock(UrlSource("https://x.test/a.png")),
        ImageBlock(Base64Source("image/png", "iVBO")),
        FileBlock(Base64Source("application/pdf", "JVBE"), "a.pdf"),
        FileBlock(UrlSource("https://x.test/b.pdf")),
        FileBlock(Base64Source("text/csv", text), "t.csv"),
    ]
    assert body_of(Prompt("m", [said("user", *blocks)]))["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "url", "url": "https://x.test/b.pdf"}},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "grün"},
            "title": "t.csv",
        },
    ]


def test_tools_of_the_history_are_paired() -> None:
    """Results stand in the user's message right behind the calls, before anything that the user said."""
    answer = said(
        "assistant",
        TextBlock("I'll look."),
        ToolUseBlock("a", "weather", {"city": "Ulm"}),
        ToolUseBlock("b", "weather", ["not an object"]),
        ToolResultBlock("a", {"sky": "grey"}),
        ToolResultBlock("b", "no", is_error=True),
    )
    assert body_of(asking("thanks", history=[said("user", TextBlock("w?")), answer]))["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I'll look."},
                {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Ulm"}},
                {"type": "tool_use", "id": "b", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": '{"sky":"grey"}', "is_error": False},
                {"type": "tool_result", "tool_use_id": "b", "content": "no", "is_error": True},
                {"type": "text", "text": "thanks"},
            ],
        },
    ]


def test_roles_take_turns() -> None:
    """Messages of one side are one message, empty ones are none, and the user has the first word."""
    history = [
        said("assistant", TextBlock("Welcome!")),
        said("user", TextBlock("a")),
        said("user", TextBlock("b"), TextBlock("  ")),
        said("assistant", ReasoningBlock("hm", provider="openai")),
        said("user", TextBlock("c")),
    ]
    messages = body_of(asking("d", history=history))["messages"]
    assert [(message["role"], [part["text"] for part in message["content"]]) for message in messages] == [
        ("user", ["(You open the conversation.)"]),
        ("assistant", ["Welcome!"]),
        ("user", ["a", "b", "c", "d"]),
    ]


def test_system_messages() -> None:
    """At the beginning they are the system prompt; later ones reach the model in their place, marked."""
    history = [said("system", TextBlock("one")), said("user", TextBlock("hi")), said("system", TextBlock("two"))]
    body = body_of(asking("go", history=history, instructions="zero"))
    assert body["system"] == [{"type": "text", "text": "zero\n\none"}]
    assert [part["text"] for part in body["messages"][0]["content"]] == ["hi", "<system>two</system>", "go"]


def test_ids_of_another_vendor_are_made_to_fit() -> None:
    """An id with characters that the API refuses is replaced, in the call and in its result alike."""
    history = [said("user", TextBlock("q"))]
    history += [said("assistant", ToolUseBlock("functions.now:0", "now", {}), ToolResultBlock("functions.now:0", ""))]
    _, call, result = body_of(Prompt("m", history))["messages"]
    assert call["content"][0]["id"] == result["content"][0]["tool_use_id"]
    assert call["content"][0]["id"].isalnum()


def test_the_prompt_is_marked_for_the_cache() -> None:
    """The system prompt and the end of the conversation are marked; nothing else is, and not if it was switched off."""
    mark = {"type": "ephemeral"}
    history = [said("user", TextBlock("a")), said("assistant", TextBlock("b"))]
    body = body_of(asking("c", history=history, instructions="i"), cache_prompt=True)
    assert body["system"][-1]["cache_control"] == mark
    assert body["messages"][-1]["content"][-1]["cache_control"] == mark
    assert request_of(asking("c", history=history, instructions="i"), cache_prompt=True).count(b"cache_control") == 2
    assert b"cache_control" not in request_of(asking("c", history=history, instructions="i"))


# --- sealed parts ---

SEAL = "EqQBCkYIBxgCKkDm/+8e==\u00e9\U0001f512"
REDACTED = b'{ "type":"redacted_thinking" , "data": "EmwKAhgBEgy3va3pzix\\/LafPsn4a\\u00e9" }'


def test_seals_come_and_go_byte_for_byte() -> None:
    """A thought, its signature and a redacted thought go back exactly as they came, spaces and escapes too."""
    stream = [
        anthropic_start(),
        *anthropic_block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm "},
            {"type": "thinking_delta", "thinking": "so\n"},
            {"type": "signature_delta", "signature": SEAL[:9]},
            {"type": "signature_delta", "signature": SEAL[9:]},
        ),
        frame(b'{"type":"content_block_start","index":1,"content_block":%b}' % REDACTED, "content_block_start"),
        anthropic_event("content_block_stop", index=1),
        *anthropic_block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "yes"}),
        *anthropic_end(),
    ]
    chunks = decode(b"".join(stream))
    thought = "hm so\n"
    seal = "".join(chunk.signature for chunk in chunks if isinstance(chunk, SignatureChunk))
    part = next(chunk for chunk in chunks if isinstance(chunk, ProviderPartChunk))
    assert seal == SEAL
    assert part.data.encode() == REDACTED
    assert outline(chunks) == [
        (0, "reasoning", thought),
        (0, "signature", SEAL),
        (1, "part", REDACTED.decode()),
        (2, "text", "yes"),
        ("finish", "stop"),
    ]
    answer = said(
        "assistant",
        ReasoningBlock(thought, signature=seal, provider="anthropic"),
        ProviderBlock("anthropic", part.data),
        TextBlock("yes"),
    )
    raw = request_of(asking("go on", history=[said("user", TextBlock("q")), answer]))
    assert REDACTED in raw
    assert msgspec.json.decode(raw)["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": thought,
        "signature": SEAL,
    }


def test_a_seal_without_a_thought() -> None:
    """A thought that is not shown has a signature all the same, and both go back."""
    block = anthropic_block(
        0, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "signature_delta", "signature": "S"}
    )
    assert outline(decode(anthropic_start(), *block, *anthropic_end())) == [(0, "signature", "S"), ("finish", "stop")]
    answer = said("assistant", ReasoningBlock("", signature="S", provider="anthropic"), TextBlock("yes"))
    content = body_of(asking(history=[said("user", TextBlock("q")), answer]))["messages"][1]["content"]
    assert content[0] == {"type": "thinking", "thinking": "", "signature": "S"}


@pytest.mark.parametrize(
    "block",
    [
        ReasoningBlock("hm", signature="s", provider="openai"),
        ReasoningBlock("hm", signature="s", provider="other-claude"),
        ReasoningBlock("hm", provider="anthropic"),
        ReasoningBlock("hm"),
        ProviderBlock("openai", '{"type":"text","text":"x"}'),
        ProviderBlock("anthropic", "this is no JSON"),
    ],
)
def test_what_others_sealed_stays_here(block: Any) -> None:
    """What is not this provider's own, or not sealed, is not sent; the API would refuse the whole conversation."""
    history = [said("user", TextBlock("q")), said("assistant", block, TextBlock("yes"))]
    assert body_of(asking(history=history))["messages"][1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "yes"}],
    }


def test_an_answer_that_was_stopped_while_thinking_is_left_out() -> None:
    """The API refuses an assistant's message that ends with a thought."""
    thought = ReasoningBlock("hm", signature="s", provider="anthropic")
    history = [said("user", TextBlock("q")), said("assistant", thought, ProviderBlock("anthropic", "{}"))]
    assert [message["role"] for message in body_of(asking(history=history))["messages"]] == ["user"]


# --- what is understood ---


@settings(deadline=None)
@given(st.data())
def test_where_the_bytes_are_cut_makes_no_difference(data: st.DataObject) -> None:
    """The same chunks come out, whatever reads the network makes of it, also inside characters and escapes."""
    steps = [{"think": "ähm 思考"}, {"say": "Grüße \U0001f600 \x00 end"}, {"call": "x", "input": {"é": ["\n"]}}]
    stream = b"".join(anthropic_stream(steps))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reads = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    # How often the usage is repeated depends on the reads; what it says at the end does not.
    assert outline(decode(*reads)) == outline(decode(stream))
    assert usage_of(decode(*reads)) == usage_of(decode(stream))


def test_what_is_not_known_is_left_out_and_leaves_no_gap() -> None:
    """New kinds of events, blocks and deltas do not stop an answer, and our blocks are numbered without them."""
    stream = [
        anthropic_start(),
        anthropic_event("brand_new_event", text={"not": "a string"}),
        *anthropic_block(
            0,
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
        *anthropic_block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": [], "text": 5}),
        *anthropic_block(
            2,
            {"type": "text", "text": "", "citations": []},
            {"type": "citations_delta", "citation": {"type": "page_location"}},
            {"type": "text_delta", "text": "found"},
            {"type": "new_delta", "thing": 1},
        ),
        *anthropic_end(),
    ]
    assert outline(decode(*stream)) == [(0, "text", "found"), ("finish", "stop")]


def test_usage_counts_all_input() -> None:
    """Our input tokens include the cached ones, which this vendor counts apart; figures that are not repeated hold."""
    stream = [
        anthropic_start(cache_read_input_tokens=100, cache_creation_input_tokens=20),
        *anthropic_end(output_tokens=50, output_tokens_details={"thinking_tokens": 30}),
    ]
    assert usage_of(decode(*stream)) == Usage(123, 50, 100, 30)
    assert usage_of(decode(anthropic_start(), *anthropic_end())) == Usage(3, 5)
    late = anthropic_end(input_tokens=9, cache_read_input_tokens=None)
    assert usage_of(decode(anthropic_start(cache_read_input_tokens=100), *late)) == Usage(109, 5, 100)


def test_the_cost_so_far_is_told_at_the_beginning() -> None:
    """An answer that is stopped in the middle has its input counted."""
    decoder = AnthropicDecoder(asking(), FAILURES)
    assert usage_of(decoder.feed(anthropic_start())) == Usage(3, 1)


@pytest.mark.parametrize(
    ("stop_reason", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "other"),
        ("tool_use", "tool_use"),
        ("brand_new", "other"),
    ],
)
def test_reasons(stop_reason: str, reason: str) -> None:
    """Every stop reason is one of ours."""
    assert decode(anthropic_start(), *anthropic_end(stop_reason))[-1] == FinishChunk(reason)  # type: ignore[arg-type]


def test_input_that_stands_in_the_head_of_its_block() -> None:
    """Servers that imitate this API give a call's input whole, without deltas."""
    head = {"type": "tool_use", "id": "a", "name": "x", "input": {"n": 1}}
    assert (0, "input", '{"n":1}') in outline(decode(anthropic_start(), *anthropic_block(0, head), *anthropic_end()))
    unclosed = anthropic_block(0, head)[:1]
    assert (0, "input", '{"n":1}') in outline(decode(anthropic_start(), *unclosed, *anthropic_end()))


def test_text_that_stands_in_the_head_of_its_block() -> None:
    """And so do some with words and thoughts."""
    stream = [
        *anthropic_block(0, {"type": "thinking", "thinking": "hm", "signature": "S"}),
        *anthropic_block(1, {"type": "text", "text": "yes"}),
    ]
    assert outline(decode(anthropic_start(), *stream, *anthropic_end()))[:3] == [
        (0, "reasoning", "hm"),
        (0, "signature", "S"),
        (1, "text", "yes"),
    ]


def test_events_without_names() -> None:
    """The type stands in the data too, which is what is read."""
    stream = b"".join(anthropic_stream([{"say": "hi"}]))
    bare = b"\n".join(line for line in stream.split(b"\n") if not line.startswith(b"event:"))
    assert outline(decode(bare)) == [(0, "text", "hi"), ("finish", "stop")]


@pytest.mark.parametrize("kept", [-1, -2])
def test_what_is_whole_and_what_is_cut(kept: int) -> None:
    """A stop reason makes an answer whole, with or without the last event; without it, the answer was cut."""
    stream = anthropic_stream([{"say": "hi"}])[:kept]
    if kept == -1:
        assert outline(decode(*stream)) == [(0, "text", "hi"), ("finish", "stop")]
    else:
        with pytest.raises(ProviderFailure, match="cut"):
            decode(*stream)


def test_errors_in_the_stream() -> None:
    """The vendor's error in mid-answer has our code; the words before it are said."""
    error = anthropic_event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    with pytest.raises(ProviderOverloaded, match="Overloaded"):
        decode(anthropic_start(), error)
    decoder = AnthropicDecoder(asking(), FAILURES)
    words = anthropic_block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "so far"})
    assert text_of(decoder.feed(b"".join([anthropic_start(), *words, error]))) == "so far"
    assert isinstance(decoder.failure, ProviderOverloaded)


@pytest.mark.parametrize(
    "garbage", [b"data: what\n\n", b'data: {"type":"content_block_delta","index":"x"}\n\n', b"<html>\n\n"]
)
def test_garbage(garbage: bytes) -> None:
    """What is not of this API's form fails with a short excerpt."""
    with pytest.raises(ProviderFailure, match=r"cannot be read|no event stream"):
        decode(anthropic_start(), garbage)


def test_a_character_in_two_halves() -> None:
    """A surrogate pair that was cut between two deltas is one character again, in words, thoughts and inputs."""
    for kind, key in (("text_delta", b"text"), ("thinking_delta", b"thinking")):
        delta = b'{"type":"content_block_delta","index":0,"delta":{"type":"%b","%b":"%b"}}'
        halves = [frame(delta % (kind.encode(), key, half)) for half in (b"a\\ud83d", b"\\ude00b")]
        assert outline(decode(anthropic_start(), *halves, *anthropic_end()))[0][2] == "a\U0001f600b"


def test_an_answer_that_is_no_stream() -> None:
    """A server that answers in one piece although a stream was asked for is understood; sealed parts stay exact."""
    body = (
        b'{"type":"message","content":[{"type":"thinking","thinking":"hm","signature":"S"},%b,'
        b'{"type":"text","text":"yes"},{"type":"tool_use","id":"a","name":"x","input":{}}],'
        b'"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}' % REDACTED
    )
    decoder = AnthropicDecoder(asking(), FAILURES)
    chunks = [*decoder.feed_whole(body), *decoder.end()]
    assert outline(chunks) == [
        (0, "reasoning", "hm"),
        (0, "signature", "S"),
        (1, "part", REDACTED.decode()),
        (2, "text", "yes"),
        (3, "call x", ""),
        (3, "input", "{}"),
        ("finish", "tool_use"),
    ]
    assert usage_of(chunks) == Usage(1, 2)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"type":"error","error":{"type":"request_too_large","message":"x"}}', ContextTooLong),
        (b"{}", ProviderFailure),
        (b"no", ProviderFailure),
    ],
)
def test_an_answer_that_is_no_answer(body: bytes, kind: type[ProviderFailure]) -> None:
    """A JSON body that says nothing is a failure, with the vendor's reason where there is one."""
    with pytest.raises(kind):
        AnthropicDecoder(asking(), FAILURES).feed_whole(body)
