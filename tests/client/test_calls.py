"""Requests as values: paths, bodies, keys, settings."""

import json

import pytest

from threadline.client import Threadline, calls
from threadline.client.blocks import TextBlock
from threadline.client.retry import Repeat
from threadline.client.settings import settings_from


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_cannot_lead_to_another_route(bad: str) -> None:
    """Ids come from users; none of them may turn one request into another."""
    with pytest.raises(ValueError, match="not an id"):
        calls.thread_get(bad)
    assert calls.thread_get("../keys?x#y").path == "/v1/threads/..%2Fkeys%3Fx%23y"


def test_every_send_has_a_key_of_its_own() -> None:
    """Keys are made if not given, differ between sends, and are not part of the body."""
    first, second = (calls.message_send_streamed("t", "hi", {}) for _ in range(2))
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    given = calls.message_send_streamed("t", "hi", {"idempotency_key": "order-7"})
    assert given.headers["idempotency-key"] == "order-7"
    assert json.loads(given.body or b"") == {"content": "hi", "stream": True}


@pytest.mark.parametrize("key", ["", " a", "a\n", "é", 'a"b', "a" * 256, "a\x7f"])
def test_a_key_that_a_header_cannot_carry_is_refused(key: str) -> None:
    """A key that would arrive as another one must not be sent at all."""
    with pytest.raises(ValueError, match="idempotency_key"):
        calls.message_send_streamed("t", "hi", {"idempotency_key": key})


def test_what_is_not_given_is_not_sent() -> None:
    """None means the server's default; in a change it means null."""
    sent = calls.message_send_in_background("t", [TextBlock(text="a")], {"model": None, "temperature": 0.0})
    assert json.loads(sent.body or b"") == {
        "content": [{"type": "text", "text": "a"}],
        "temperature": 0.0,
        "background": True,
    }
    changed = calls.thread_update("t", {"title": None, "pinned": False})
    assert json.loads(changed.body or b"") == {"title": None, "pinned": False}
    listed = calls.thread_list({"archived": False, "q": "a b", "limit": None}, "c1")
    assert listed.query == {"archived": "false", "q": "a b", "cursor": "c1"}


def test_only_what_is_idempotent_is_repeated_freely() -> None:
    """A request that would do something twice is repeated only when it was refused."""
    assert calls.thread_create({}).repeat is Repeat.IF_REFUSED
    assert calls.thread_create({"external_id": "x"}).repeat is Repeat.ALWAYS
    assert calls.thread_update("t", {}).repeat is Repeat.IF_REFUSED
    assert calls.key_create(None, None).repeat is Repeat.IF_REFUSED
    assert calls.token_create("ada", {}).repeat is Repeat.IF_REFUSED
    assert calls.message_append("t", "a", None, {}).repeat is Repeat.ALWAYS
    assert calls.run_cancel("r", False).repeat is Repeat.ALWAYS


def test_settings_come_from_arguments_then_from_the_environment() -> None:
    """An argument wins over the environment, which wins over this machine; blanks around a key are no part of it."""
    environ = {"THREADLINE_URL": "https://chat.example/base/", "THREADLINE_API_KEY": "key_env\n"}
    assert settings_from(None, None, {}).base_url == "http://127.0.0.1:8400"
    assert settings_from(None, None, {}).api_key is None
    assert settings_from(None, None, environ).base_url == "https://chat.example/base"
    assert settings_from(None, None, environ).api_key == "key_env"
    assert settings_from("http://x:1", "key_arg", environ).base_url == "http://x:1"
    assert settings_from("http://x:1", "key_arg", environ).api_key == "key_arg"
    with pytest.raises(ValueError, match="base_url"):
        settings_from("localhost:8400", None, {})


def test_a_client_does_not_show_its_key() -> None:
    """Neither the client's repr nor its settings' leaks the key."""
    with Threadline("http://x:1", "s3cret") as client:
        assert "s3cret" not in repr(client) + repr(client._transport.settings)
