"""What is not as it should be gets a clear error that says where, and nothing is stored."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.client import Client

from .conftest import ON_SQLITE

RAW = [
    (b"", ""),
    (b"{", ""),
    (b"nonsense", ""),
    (b'{"content": "x"', ""),
    (b'{"content": "x"} trailing', ""),
    (b"[]", ""),
    (b'"x"', ""),
    (b"null", ""),
    (b'{"content": "\xff\xfe"}', ""),
    (b'{"content": "\xc3"}', ""),
    (b'{"content": "\xed\xa0\x80"}', ""),
    (b'{"content": "\\ud800"}', ""),
    (b'{"content": "\\udc00\\ud800"}', ""),
    (b'{"content": "x", "metadata": {"\\ud800": 1}}', ""),
    (b'{"content": NaN}', ""),
    (b'{"content": "x", "temperature": 1e999}', ""),
    (b"[" * 100_000, ""),
    (b'{"content": "x", "metadata": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}", ""),
    (b'{"content": "x", "metadata": {"a": ' + b"[" * 70 + b"]" * 70 + b"}}", "/metadata/a"),
    (b'{"content": "a\\u0000b"}', "/content"),
    (b'{"content": [{"type": "text", "text": "a\\u0000b"}]}', "/content/0/text"),
    (b'{"content": "x", "metadata": {"a/b": ["\\u0000"]}}', "/metadata/a~1b/0"),
    (b'{"content": "x", "metadata": {"\\u0000": 1}}', "/metadata"),
    (b'{"content": "x", "instructions": "\\u0000"}', "/instructions"),
]


@ON_SQLITE
@pytest.mark.parametrize(("raw", "pointer"), RAW, ids=range(len(RAW)))
async def test_a_body_that_is_no_usable_json_is_422(client: Client, raw: bytes, pointer: str) -> None:
    """Broken JSON, broken UTF-8, half characters, NUL and endless nesting, each told with the place where it is known."""
    thread_id = await client.thread()
    answer = await client.post(f"/v1/threads/{thread_id}/messages", data=raw)
    assert answer.problem(422, "invalid_request")["pointer"].startswith(pointer)
    assert (await client.state(thread_id))["seq"] == 1


TEXT = {"type": "text", "text": "x"}
FIELDS: list[tuple[dict[str, Any], str]] = [
    ({}, "/content"),
    ({"content": None}, "/content"),
    ({"content": 7}, "/content"),
    ({"content": {}}, "/content"),
    ({"content": ""}, "/content"),
    ({"content": "  \n\t "}, "/content"),
    ({"content": []}, "/content"),
    ({"content": ["x"]}, "/content/0"),
    ({"content": [{}]}, "/content/0"),
    ({"content": [{"type": "text"}]}, "/content/0"),
    ({"content": [TEXT, {"type": "text", "text": 7}]}, "/content/1/text"),
    ({"content": [{"type": "text", "text": " "}]}, "/content"),
    ({"content": [{"type": "video", "text": "x"}]}, "/content/0"),
    ({"content": [{"type": "text", "text": "x", "more": 1}]}, "/content/0"),
    ({"content": [TEXT] * 257}, "/content"),
    ({"content": "x" * 1_000_001}, "/content"),
    ({"content": [{"type": "text", "text": "x" * 1_000_001}]}, "/content/0/text"),
    ({"content": [{"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}}]}, "/content/0/source/url"),
    (
        {"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}]},
        "/content/0",
    ),
    ({"content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]}, "/content/0/type"),
    ({"content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}, "/content/0/type"),
    ({"content": "x", "stream": "yes"}, "/stream"),
    ({"content": "x", "background": 1}, "/background"),
    ({"content": "x", "respond": None}, "/respond"),
    ({"content": "x", "role": "robot"}, "/role"),
    ({"content": "x", "role": "assistant"}, "/role"),
    ({"content": "x", "on_busy": "shout"}, "/on_busy"),
    ({"content": "x", "model": ""}, "/model"),
    ({"content": "x", "model": 7}, "/model"),
    ({"content": "x", "model": "m" * 201}, "/model"),
    ({"content": "x", "instructions": "i" * 200_001}, "/instructions"),
    ({"content": "x", "max_output_tokens": 0}, "/max_output_tokens"),
    ({"content": "x", "max_output_tokens": 1.5}, "/max_output_tokens"),
    ({"content": "x", "temperature": -1}, "/temperature"),
    ({"content": "x", "temperature": "hot"}, "/temperature"),
    ({"content": "x", "metadata": []}, "/metadata"),
    ({"content": "x", "metadata": {"a": "x" * 20_000}}, "/metadata"),
    ({"content": "x", "parent_id": 7}, "/parent_id"),
    ({"content": "x", "contents": "y"}, "/contents"),
]


@ON_SQLITE
@pytest.mark.parametrize(("body", "pointer"), FIELDS, ids=range(len(FIELDS)))
async def test_a_field_of_the_wrong_form_is_422_and_the_pointer_says_which(
    client: Client, body: dict[str, Any], pointer: str
) -> None:
    """Types, bounds, unknown fields and unknown values: each names its field, and nothing is stored."""
    thread_id = await client.thread()
    answer = await client.post(f"/v1/threads/{thread_id}/messages", body)
    problem = answer.problem(422, "invalid_request")
    assert problem["pointer"].startswith(pointer)
    assert not problem["retryable"]
    assert len(answer.body) < 2000, "an error does not repeat what was sent"
    assert (await client.state(thread_id))["seq"] == 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"end_user_id": ""}, "/end_user_id"),
        ({"end_user_id": "x" * 257}, "/end_user_id"),
        ({"external_id": "x" * 257}, "/external_id"),
        ({"title": "x" * 501}, "/title"),
        ({"title": ["x"]}, "/title"),
        ({"metadata": {"a": "x" * 17_000}}, "/metadata"),
        ({"id": "thr_mine"}, "/id"),
        ({"title": "a\x00b"}, "/title"),
    ],
)
async def test_a_thread_of_the_wrong_form_is_422(client: Client, body: dict[str, Any], pointer: str) -> None:
    """The same for threads; an id cannot be chosen by the client."""
    assert (await client.post("/v1/threads", body)).problem(422, "invalid_request")["pointer"] == pointer


async def test_a_body_over_the_limit_is_413(client: Client) -> None:
    """With its length said beforehand or not, more than eight MiB is refused, and the server goes on."""
    thread_id = await client.thread()
    path = f"/v1/threads/{thread_id}/messages"
    big = json.dumps({"content": "x" * (8 * 1024 * 1024)}).encode()
    (await client.post(path, data=big)).problem(413, "too_large")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    (await client.request("POST", path, data=pieces())).problem(413, "too_large")
    assert (await client.ask(thread_id, "x"))["run"]["status"] == "completed"


async def test_the_largest_that_is_allowed_is_stored_and_told(client: Client) -> None:
    """A million characters of text go in, out through the log, and into an answer, whole."""
    thread_id = await client.thread()
    words = "word \u00e9\u4e2d\U0001f600 " * 90_909
    words = words[:1_000_000].rstrip()
    sent = await client.ask(thread_id, words)
    assert sent["reply"]["content"] == [{"type": "text", "text": words}]
    log = await client.log(thread_id)
    assert "".join(frame.data["text"] for frame in log if frame.event == "message.delta") == words


async def test_unknown_addresses_and_methods_are_said(client: Client, nobody: Client) -> None:
    """404 and 405 are problems like all others; 405 says what is allowed."""
    for path in ("/v1/nothing", "/v2/threads", "/v1/threads/", "/v1/threads/x/y", "/v1//threads", "/v1/threads/%00"):
        (await client.get(path)).problem(404, "not_found")
    answer = await client.request("PUT", "/v1/threads")
    answer.problem(405, "method_not_allowed")
    assert {method.strip() for method in answer.headers["allow"].split(",")} >= {"GET"} or "POST" in answer.headers[
        "allow"
    ]
    (await nobody.get("/v1/nothing")).problem(404, "not_found")


async def test_ids_of_any_form_are_only_ids_that_do_not_exist(client: Client) -> None:
    """Quotes, dots, wildcards and long ids are 404 and reach nothing else."""
    for wanted in ("'%20OR%201=1--", "..", "%2e%2e", "*", "thr_" + "x" * 2000, "\u00e9", "%F0%9F%98%80", "thr_%"):
        for path in (f"/v1/threads/{wanted}", f"/v1/threads/{wanted}/messages", f"/v1/runs/{wanted}"):
            answer = await client.get(path)
            answer.problem(404, "not_found")


@pytest.mark.parametrize("query", ["q=a%00b", "end_user_id=%00", "archived=%00", "q=x&more=%00"])
async def test_nul_in_a_query_is_422(client: Client, query: str) -> None:
    """No store can look it up, and PostgreSQL refuses it as an error of its own."""
    problem = (await client.get(f"/v1/threads?{query}")).problem(422, "invalid_request")
    assert problem["pointer"] == "/" + query.rpartition("&")[2].partition("=")[0]


@pytest.mark.parametrize("wanted", ["thr_%00", "%00", "thr_01%00"])
async def test_nul_in_an_address_is_404(client: Client, wanted: str) -> None:
    """Nothing has such an id, on every route that takes one."""
    for path in (f"threads/{wanted}", f"threads/{wanted}/events", f"threads/{wanted}/messages", f"runs/{wanted}"):
        (await client.get(f"/v1/{path}")).problem(404, "not_found")


@pytest.mark.parametrize("place", [[False, "\x00", "x"], [True, "x", "\x00"]])
async def test_nul_in_a_page_cursor_was_never_handed_out(client: Client, place: list[Any]) -> None:
    """Cursors are opaque, and one that nobody has made is refused as such."""
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    (await client.get(f"/v1/threads?cursor={cursor}")).problem(400, "bad_cursor")


@ON_SQLITE
async def test_a_body_with_too_many_values_is_422(client: Client) -> None:
    """Eight megabytes of zeros would be looked at for seconds, in which nobody else is served."""
    thread_id = await client.thread()
    body = b'{"content": "x", "metadata": {"a": [' + b"0," * 2_000_000 + b"0]}}"
    problem = (await client.post(f"/v1/threads/{thread_id}/messages", data=body)).problem(422, "invalid_request")
    assert "values" in problem["detail"]
    assert (await client.state(thread_id))["seq"] == 1


@pytest.mark.parametrize("place", [10**30, 2**63, -1])
async def test_a_number_in_a_page_cursor_that_no_store_knows_was_never_handed_out(client: Client, place: int) -> None:
    """On every list whose cursors have a seq or a version in them."""
    thread_id = await client.thread()
    agent = (await client.post("/v1/agents", {"handle": f"numbers{abs(place) % 97}"})).ok(201)["id"]
    cursor = base64.urlsafe_b64encode(json.dumps([place]).encode()).decode().rstrip("=")
    lists = [f"threads/{thread_id}/{name}" for name in ("branches", "tool_calls", "audit")]
    for path in (*lists, f"agents/{agent}/versions"):
        (await client.get(f"/v1/{path}?cursor={cursor}")).problem(400, "bad_cursor")
