"""Files: chosen, pasted, dropped; on their way, refused, cancelled, and in the message at last."""

import asyncio
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, eventually
from .running import running


def png(width: int = 24, height: int = 24) -> bytes:
    """Return a picture."""
    rows = b"".join(b"\0" + bytes((200, row * 9 % 256, 180)) * width for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


PICTURE = {"name": "sunset.png", "mimeType": "image/png", "buffer": png()}
PAPER = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"notes"}

# What a person does with the mouse or the clipboard, and a test cannot: the event that comes of it.
GIVE = """
([kind, name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, {type}));
  const target = document.querySelector("textarea");
  const init = {bubbles: true, cancelable: true};
  if (kind === "paste") target.dispatchEvent(new ClipboardEvent("paste", {...init, clipboardData: data}));
  else for (const one of ["dragenter", "drop"].slice(0, kind === "drag" ? 1 : 2))
    document.body.dispatchEvent(new DragEvent(one, {...init, dataTransfer: data}));
}
"""


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes small pictures and texts."""
    settings = {
        "THREADLINE_DEFAULT_MODEL": "demo/count-3@max",
        "THREADLINE_FILE_BYTES_MAX": "20000",
        "THREADLINE_FILE_TYPES": "image/*,text/*",
    }
    with running(Server(Path(tmp_path_factory.mktemp("files")) / "data", settings)) as made:
        yield made


def attached(page: Page) -> Locator:
    """Return the cards of what is attached to the message that is being written."""
    return page.get_by_role("list", name="Attachments").get_by_role("listitem")


async def give(page: Page, kind: str, file: dict[str, Any]) -> None:
    """Paste, drag or drop a file."""
    await page.evaluate(GIVE, [kind, file["name"], file["mimeType"], list(file["buffer"])])


async def choose(page: Page, *files: Any) -> None:
    """Choose files behind the button."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files(list(files))


async def blocks(person: Any, page: Page) -> list[dict[str, Any]]:
    """Return the content of the newest question of the thread that the page shows."""
    thread_id = page.url.rsplit("/", 1)[1]
    history = await person.api("GET", f"/v1/threads/{thread_id}/messages?order=asc")
    content: list[dict[str, Any]] = [one for one in history["data"] if one["role"] == "user"][-1]["content"]
    return content


async def test_files_come_in_by_every_way_and_stand_in_the_message(person: MakePerson, small_server: Server) -> None:
    """Chosen, dropped and pasted; they survive a reload with the draft; the picture is a picture in the message."""
    ann = await person("ann-ways", small_server)
    page = await ann.sign_in()
    await choose(page, PICTURE)
    await expect(attached(page)).to_have_count(1)
    # Files stand in the order in which they were up.
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await give(page, "drag", PAPER)
    await expect(page.get_by_text("Drop files to attach them")).to_be_visible()
    await give(page, "drop", PAPER)
    await expect(page.get_by_text("Drop files to attach them")).to_have_count(0)
    await expect(attached(page)).to_have_count(2)
    await give(page, "paste", {**PICTURE, "name": "pasted.png", "buffer": png(30, 30)})
    await expect(attached(page)).to_have_count(3)
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await page.get_by_role("textbox", name="Write a message").fill("Look")
    await page.reload()
    await expect(attached(page)).to_have_count(3)
    await page.get_by_role("button", name="Remove pasted.png").click()
    await expect(attached(page)).to_have_count(2)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(answers(page)).to_contain_text("w2")
    await expect(attached(page)).to_have_count(0)
    message = page.locator("#app article.message.user")
    await expect(message).to_contain_text("Look")
    await expect(message.get_by_role("link", name="notes.txt")).to_be_visible()
    picture = message.get_by_role("img")
    await expect(picture).to_have_js_property("naturalWidth", 24)
    content = await blocks(ann, page)
    assert [block["type"] for block in content] == ["image", "file", "text"]
    assert [block["source"]["type"] for block in content[:2]] == ["file", "file"]
    assert content[1]["name"] == "notes.txt"
    await page.reload()
    await expect(picture).to_have_js_property("naturalWidth", 24)


async def test_what_is_refused_says_why_and_takes_no_word_with_it(person: MakePerson, small_server: Server) -> None:
    """Too large, and of a type that is not taken: in the server's words; the message waits until it is settled."""
    ann = await person("ann-refused", small_server)
    page = await ann.sign_in()
    await page.get_by_role("textbox", name="Write a message").fill("See these")
    large = {"name": "large.png", "mimeType": "image/png", "buffer": png() + bytes(30_000)}
    await choose(page, large, {"name": "run.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    await expect(page.get_by_text("at most 20000 bytes")).to_be_visible()
    await expect(attached(page).filter(has_text="run.exe")).to_contain_text("x-msdownload")
    send = page.get_by_role("button", name="Send", exact=True)
    await expect(send).to_be_disabled()
    await expect(page.get_by_role("status").filter(has_text="Try again what could not be uploaded")).to_be_visible()
    await page.get_by_role("textbox", name="Write a message").press("Enter")
    await expect(page.get_by_role("textbox", name="Write a message")).to_have_value("See these")
    await page.get_by_role("button", name="Remove large.png").click()
    await page.get_by_role("button", name="Remove run.exe").click()
    await send.click()
    await expect(page.locator("#app article.message.user")).to_contain_text("See these")


async def test_an_upload_is_seen_on_its_way_cancelled_and_tried_again(person: MakePerson, small_server: Server) -> None:
    """While it goes up the message waits; what is cancelled is gone; without an answer it is tried again by itself."""
    ann = await person("ann-way", small_server)
    page = await ann.sign_in()
    gate = asyncio.Event()

    async def hold(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route("**/v1/files?*", hold)
    await choose(page, PICTURE, PAPER)
    await expect(page.get_by_role("progressbar", name="Uploading sunset.png")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="still on their way")).to_be_visible()
    await page.get_by_role("button", name="Remove notes.txt").click()
    await expect(attached(page)).to_have_count(1)
    gate.set()
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await expect(attached(page)).to_have_count(1)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#app article.message.user").get_by_role("img")).to_have_count(1)


async def test_a_small_file_goes_along_in_the_message_without_a_network(
    person: MakePerson, small_server: Server
) -> None:
    """It is written down on this device with the words, and both are there once the network is back."""
    ann = await person("ann-tunnel", small_server)
    page = await ann.sign_in()
    thread_id = await ann.thread("Hello")
    await page.goto(f"{small_server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    await ann.context.set_offline(True)
    await choose(page, PICTURE)
    await expect(attached(page)).to_contain_text("Waits for the network")
    box = page.get_by_role("textbox", name="Write a message")
    await box.fill("From a tunnel")

    async def left_behind() -> int:
        # The upload is tried again every few seconds: an Enter at that very moment sends nothing.
        await box.press("Enter")
        return await attached(page).count()

    await eventually(left_behind, 0)
    message = page.locator("#app article.message.user").filter(has_text="From a tunnel")
    await expect(message.get_by_role("img")).to_have_js_property("naturalWidth", 24)
    await ann.context.set_offline(False)
    await expect(answers(page)).to_have_count(2)
    assert [block["type"] for block in await blocks(ann, page)] == ["image", "text"]
    await expect(message.get_by_role("img")).to_have_js_property("naturalWidth", 24)
