"""Files in the form that each vendor takes: inline, uploaded once, by an address, or in words."""

import asyncio
import base64
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.client import Client
from support.fixtures import Installation, StartServer
from support.server import Server
from support.toys import Toys
from support.upstream import Kept, Upstream, anthropic, chat, chat_call, refusal
from support.waiting import until

from .test_files import PNG, image, upload

PDF = b"%PDF-1.7 " + os.urandom(3000)

CONFIG = """
[providers.openai]
type = "openai"
base_url = "{url}/v1"
api_key = "sk-test"
upload_files = true
inline_bytes_max = 1000

[providers.anthropic]
type = "anthropic"
base_url = "{url}"
api_key = "sk-ant-test"
upload_files = true
inline_bytes_max = 1000

[providers.linked]
type = "openai"
base_url = "{url}/v1"
inline_bytes_max = 1000

[providers.blind]
type = "openai"
base_url = "{url}/v1"
image_urls = false
"""


@pytest.fixture
def store_of_vendor() -> Iterator[Upstream]:
    """A vendor with a store for files of its own."""
    vendor = Upstream().start()
    yield vendor
    vendor.stop()


@pytest.fixture
def settings(store_of_vendor: Upstream, tmp_path: Path) -> dict[str, str]:
    """The settings that make it the server's."""
    config = tmp_path / "threadline.toml"
    config.write_text(CONFIG.format(url=store_of_vendor.url))
    return {"THREADLINE_CONFIG": str(config), "THREADLINE_DEFAULT_MODEL": "demo/echo@max"}


@pytest.fixture
def server(make_server: StartServer, settings: dict[str, str]) -> Server:
    """A server that knows the vendor."""
    return make_server(**settings, THREADLINE_FILE_ORPHAN_HOURS="0.0005").start()


@pytest.fixture
async def client(server: Server, installation: Installation) -> AsyncIterator[Client]:
    """A client of that server."""
    async with Client(server.url, installation.key) as client:
        yield client


def document(file_id: str) -> dict[str, Any]:
    """Return a document by its file."""
    return {"type": "file", "source": {"type": "file", "file_id": file_id}}


async def shown(client: Client, vendor: Upstream, provider: str, *blocks: dict[str, Any], thread: str = "") -> Any:
    """Ask with these blocks. Returns what the vendor was asked last, as its parts of the first message."""
    model = f"m-{uuid.uuid4()}"
    vendor.play(model, anthropic("ok") if provider == "anthropic" else chat("ok"))
    await client.ask(thread or await client.thread(), list(blocks), model=f"{provider}/{model}")
    return vendor.asked(model)[-1].body["messages"][0]["content"]


async def test_a_large_file_is_uploaded_once(client: Client, store_of_vendor: Upstream) -> None:
    """Every turn names the same upload, of each account its own; small ones go inline, and pictures where they can."""
    small, large = await upload(client), await upload(client, PDF, "?name=a.pdf", "application/pdf")
    thread = await client.thread()
    blocks = (document(large["id"]), image(small["id"]))
    first = await shown(client, store_of_vendor, "anthropic", *blocks, thread=thread)
    (file_id,) = store_of_vendor.files
    kept = store_of_vendor.files[file_id]
    assert kept == Kept("a.pdf", "application/pdf", PDF, {}, kept.headers)
    assert kept.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert [part["source"]["type"] for part in first] == ["file", "base64"]
    assert first[0]["source"]["file_id"] == file_id
    second = await shown(client, store_of_vendor, "anthropic", {"type": "text", "text": "again"}, thread=thread)
    assert second[0]["source"]["file_id"] == file_id
    assert len(store_of_vendor.files) == 1
    other = await shown(client, store_of_vendor, "openai", document(large["id"]))
    assert len(store_of_vendor.files) == 2
    assert other == [{"type": "file", "file": {"file_id": [*store_of_vendor.files][1]}}]
    assert store_of_vendor.files[other[0]["file"]["file_id"]].fields["purpose"] == "user_data"


async def test_what_the_vendor_has_lost_is_uploaded_again_once(client: Client, store_of_vendor: Upstream) -> None:
    """The person notices nothing; a vendor that never has it ends the run in words."""
    file = await upload(client, PDF, "?name=a.pdf", "application/pdf")
    await shown(client, store_of_vendor, "anthropic", document(file["id"]))
    (lost,) = store_of_vendor.files
    store_of_vendor.files.clear()
    again = await shown(client, store_of_vendor, "anthropic", document(file["id"]))
    (found,) = store_of_vendor.files
    assert found != lost
    assert again[0]["source"]["file_id"] == found
    model = f"m-{uuid.uuid4()}"
    store_of_vendor.play(model, refusal(404, f"File not found: {found}"))
    run = (await client.send(await client.thread(), [document(file["id"])], model=f"anthropic/{model}")).ok(200)["run"]
    assert (run["status"], run["error"]["code"]) == ("failed", "provider_refused")


async def test_an_upload_outlives_the_process(
    client: Client, store_of_vendor: Upstream, server: Server, installation: Installation
) -> None:
    """It stands in the store, so a server that was killed knows of it."""
    file = await upload(client, PDF, "?name=a.pdf", "application/pdf")
    thread = await client.thread()
    await shown(client, store_of_vendor, "anthropic", document(file["id"]), thread=thread)
    server.kill9()
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as after:
        await shown(after, store_of_vendor, "anthropic", {"type": "text", "text": "again"}, thread=thread)
    assert len(store_of_vendor.files) == 1


async def test_an_upload_goes_with_its_file(client: Client, store_of_vendor: Upstream, server: Server) -> None:
    """When the thread is deleted and its file swept, the vendor is told; what is in use stays there."""
    gone, kept = (
        await upload(client, PDF, media_type="application/pdf"),
        await upload(client, PDF + b"2", "", "application/pdf"),
    )
    thread, other = await client.thread(), await client.thread()
    await shown(client, store_of_vendor, "anthropic", document(gone["id"]), thread=thread)
    await shown(client, store_of_vendor, "anthropic", document(kept["id"]), thread=other)
    going, staying = store_of_vendor.files
    (await client.delete(f"/v1/threads/{thread}")).ok(204)
    await asyncio.sleep(2)
    # It sweeps when it starts, and once a minute.
    server.kill9()
    await asyncio.to_thread(server.start)

    async def is_deleted() -> bool:
        return store_of_vendor.deleted == [going]

    await until(is_deleted, "the deletion at the vendor")
    assert list(store_of_vendor.files) == [staying]


async def test_an_upload_that_fails_ends_the_run_in_words(client: Client, store_of_vendor: Upstream) -> None:
    """With the vendor's own refusal, and the next send tries again."""
    store_of_vendor.files_answer = (401, {"error": {"message": "bad key"}})
    file = await upload(client, PDF, media_type="application/pdf")
    thread = await client.thread()
    model = f"m-{uuid.uuid4()}"
    store_of_vendor.play(model, anthropic("ok"))
    run = (await client.send(thread, [document(file["id"])], model=f"anthropic/{model}")).ok(200)["run"]
    assert (run["status"], run["error"]["code"]) == ("failed", "provider_auth")
    assert store_of_vendor.asked(model) == []
    store_of_vendor.files_answer = None
    parts = await shown(client, store_of_vendor, "anthropic", {"type": "text", "text": "again"}, thread=thread)
    assert parts[0]["source"]["type"] == "file"


async def test_addresses_are_handed_on(client: Client, store_of_vendor: Upstream) -> None:
    """As they are, to vendors that fetch; a private one to nobody; where none are taken the model is told."""
    address = {"type": "url", "url": "https://pictures.example/a.png"}
    parts = await shown(client, store_of_vendor, "anthropic", {"type": "image", "source": address})
    assert parts == [{"type": "image", "source": address, "cache_control": {"type": "ephemeral"}}]
    parts = await shown(client, store_of_vendor, "openai", {"type": "image", "source": address})
    assert parts == [{"type": "image_url", "image_url": {"url": address["url"]}}]
    blind = await shown(client, store_of_vendor, "blind", {"type": "image", "source": address})
    assert blind == "[A picture is not shown: blind takes no addresses. It can be uploaded.]"
    named = {"type": "file", "source": address, "name": "a.pdf"}
    refused = await shown(client, store_of_vendor, "openai", named)
    assert refused == "[The file 'a.pdf' is not shown: openai takes no addresses. It can be uploaded.]"
    for host in ("127.0.0.1", "169.254.169.254", "[::1]:8000", "localhost", "db.internal", "2130706433", "127.0.0.0x1"):
        inside = {"type": "image", "source": {"type": "url", "url": f"http://{host}/a.png"}}
        told = await shown(client, store_of_vendor, "openai", inside)
        assert told == "[A picture is not shown: its address is not a public one.]", host


async def test_what_no_vendor_takes_is_said(client: Client, store_of_vendor: Upstream) -> None:
    """A type, or a size, that would be refused with the whole request, on every later turn too."""
    archive = await upload(client, b"PK", "?name=a.zip", "application/zip")
    drawing = {"type": "image", "source": {"type": "base64", "media_type": "image/svg+xml", "data": "aGk="}}
    parts = await shown(client, store_of_vendor, "anthropic", document(archive["id"]), drawing)
    assert [part["text"] for part in parts] == [
        "[The file 'a.zip' is not shown: anthropic does not take application/zip.]",
        "[A picture is not shown: anthropic does not take image/svg+xml.]",
    ]
    big = await upload(client, PNG + bytes(2000))
    parts = await shown(client, store_of_vendor, "openai", image(big["id"]))
    assert parts == "[A picture is not shown: it is larger than openai takes.]"


async def test_a_vendor_fetches_from_our_public_address(
    make_server: StartServer, settings: dict[str, str], installation: Installation, store_of_vendor: Upstream
) -> None:
    """What it takes in no other form, by a link that opens this one file."""
    server = make_server(**settings, THREADLINE_PUBLIC_URL="https://chat.example.com/")
    async with Client(server.start().url, installation.key) as client, Client(server.url, "") as anybody:
        big = await upload(client, PNG + bytes(2000))
        (part,) = await shown(client, store_of_vendor, "linked", image(big["id"]))
        url = part["image_url"]["url"]
        assert url.startswith(f"https://chat.example.com/v1/files/{big['id']}/content?link=")
        fetched = await anybody.get(url.removeprefix("https://chat.example.com"))
        assert (fetched.status, fetched.body) == (200, PNG + bytes(2000))


async def test_a_steered_picture_reaches_the_vendor(
    make_server: StartServer,
    settings: dict[str, str],
    installation: Installation,
    store_of_vendor: Upstream,
    tmp_path: Path,
) -> None:
    """Inline or uploaded, whether the file was there before or came within the message, in a thread without files so far."""
    toys = Toys(tmp_path)
    server = make_server(**{**settings, **toys.settings}).start()
    async with Client(server.url, installation.key) as client:
        thread, model = await client.thread(), f"m-{uuid.uuid4()}"
        store_of_vendor.play(model, chat_call("look", '{"at": "it"}'), chat("seen"))
        run = (await client.begin(thread, "look", model=f"openai/{model}", tools=["look"]))["run"]

        async def calls() -> bool:
            return bool(toys.effects())

        await until(calls, "the call")
        small = await upload(client)
        inside = {
            "type": "base64",
            "media_type": "application/pdf",
            "data": base64.b64encode(os.urandom(90_000)).decode(),
        }
        blocks = [{"type": "text", "text": "and this"}, image(small["id"]), {"type": "file", "source": inside}]
        (await client.begin(thread, blocks, on_busy="steer"))
        toys.go()
        assert (await client.settled(run["id"]))["status"] == "completed"
        asked = store_of_vendor.asked(model)[-1].body["messages"][-1]["content"]
    (uploaded,) = store_of_vendor.files
    assert base64.b64decode(inside["data"]) == store_of_vendor.files[uploaded].data
    assert asked == [
        {"type": "text", "text": "and this"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}},
        {"type": "file", "file": {"file_id": uploaded}},
    ]
