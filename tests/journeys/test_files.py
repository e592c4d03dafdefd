"""Files: uploaded, sent, shown to models, downloaded by those who may, and swept when nobody needs them."""

import asyncio
import base64
import os
import uuid
from collections.abc import Sequence
from typing import Any

from support.client import Answer, Client
from support.fixtures import Installation, StartServer
from support.server import Server
from support.upstream import Upstream, chat
from support.waiting import until

from .test_access import browser

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def upload(
    client: Client, data: bytes = PNG, query: str = "", media_type: str = "image/png", status: int = 201
) -> Any:
    """Upload a file and return it."""
    answer = await client.request("POST", f"/v1/files{query}", data=data, headers={"content-type": media_type})
    return answer.ok(status)


def image(file_id: str) -> dict[str, Any]:
    """Return a picture by its file."""
    return {"type": "image", "source": {"type": "file", "file_id": file_id}}


async def download(client: Client, file_id: str, query: str = "") -> Answer:
    """Ask for a file's bytes."""
    return await client.get(f"/v1/files/{file_id}/content{query}")


async def test_a_file_is_uploaded_once_and_downloaded_as_it_was(client: Client) -> None:
    """The same bytes, name, type and person are the same file; anything else is another one."""
    data = os.urandom(700_000)
    file = await upload(client, data, "?name=a%20b.bin&end_user_id=ann", "application/x-thing; charset=x")
    assert (file["name"], file["media_type"], file["size"]) == ("a b.bin", "application/x-thing", 700_000)
    again = await upload(client, data, "?name=a%20b.bin&end_user_id=ann", "application/x-thing")
    assert again == file
    others = [await upload(client, data, query) for query in ("?name=b&end_user_id=ann", "?end_user_id=bob", "")]
    assert len({file["id"], *(other["id"] for other in others)}) == 4
    assert (await client.get(f"/v1/files/{file['id']}")).ok(200) == file
    answer = await download(client, file["id"])
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["content-type"] == "application/x-thing"
    assert answer.headers["content-disposition"] == "attachment; filename=\"a b.bin\"; filename*=UTF-8''a%20b.bin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    shown = await download(client, (await upload(client))["id"])
    assert shown.headers["content-disposition"].startswith("inline")


async def test_a_message_carries_a_file_and_the_model_sees_it(client: Client, upstream: Upstream) -> None:
    """The history has its id, the vendor its bytes; what is not there is refused, and nothing is stored."""
    model = f"sees-{uuid.uuid4()}"
    upstream.play(model, chat("I see."))
    file = await upload(client, query="?end_user_id=ann")
    thread_id = await client.thread(end_user_id="ann")
    for file_id in ("file_00000000000000000000000000", "x"):
        answer = await client.send(thread_id, [{"type": "text", "text": "look"}, image(file_id)])
        assert answer.problem(422, "invalid_request")["pointer"] == "/content/1/source/file_id"
    await client.ask(thread_id, [{"type": "text", "text": "look"}, image(file["id"])], model=f"openai/{model}")
    assert (await client.history(thread_id))[0]["content"][1] == image(file["id"])
    (asked,) = upstream.asked(model)
    sent = asked.body["messages"][-1]["content"][1]["image_url"]["url"]
    assert sent == "data:image/png;base64," + base64.b64encode(PNG).decode()


async def test_large_base64_is_moved_into_a_file(client: Client, upstream: Upstream) -> None:
    """A page of history stays small, the vendor gets every byte, and a send that is repeated is one send."""
    model = f"large-{uuid.uuid4()}"
    upstream.play(model, chat("Big."))
    data = base64.b64encode(os.urandom(300_000)).decode()
    small = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    large = {
        "type": "file",
        "source": {"type": "base64", "media_type": "application/pdf", "data": data},
        "name": "a.pdf",
    }
    thread_id = await client.thread()
    first = await client.send(thread_id, [small, large], key="once", model=f"openai/{model}")
    message = first.ok(200)["message"]
    again = await client.send(thread_id, [small, large], key="once", model=f"openai/{model}")
    assert again.ok(200)["message"] == message
    assert again.headers["idempotency-replayed"] == "true"
    other = {**large, "name": "b.pdf"}
    assert (await client.send(thread_id, [small, other], key="once", model=f"openai/{model}")).status == 422
    kept, moved = message["content"]
    assert (kept, moved["name"], moved["source"]["type"]) == (small, "a.pdf", "file")
    assert len((await client.get(f"/v1/threads/{thread_id}/messages")).body) < 5000
    assert base64.b64encode((await download(client, moved["source"]["file_id"])).body).decode() == data
    (asked,) = upstream.asked(model)
    assert asked.body["messages"][-1]["content"][1]["file"]["file_data"] == f"data:application/pdf;base64,{data}"
    bad = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "a" * 100_001}}
    problem = (await client.send(thread_id, [bad])).problem(422, "invalid_request")
    assert problem["pointer"] == "/content/0/source/data"


async def test_files_are_seen_by_those_who_reach_them(client: Client, foreign: Client, nobody: Client) -> None:
    """One's own and those in one's threads; somebody else's are like none; a link works for whoever has it, for a time."""
    file = await upload(client, query="?end_user_id=ann")
    path = f"/v1/files/{file['id']}"
    (await nobody.get(path)).problem(401, "unauthorized")
    (await nobody.get(f"{path}/content")).problem(401, "unauthorized")
    async with browser(client, "ann") as ann, browser(client, "bob") as bob:
        for stranger in (foreign, bob):
            (await stranger.get(path)).problem(404, "not_found")
            (await stranger.get(f"{path}/content")).problem(404, "not_found")
            (await stranger.post(f"{path}/link", {})).problem(404, "not_found")
        assert (await nobody.get(f"{path}/content?token={ann.key}")).body == PNG
        link = (await ann.post(f"{path}/link", {"expires_in": 60})).ok(201)
        assert (await nobody.get(link["url"])).body == PNG
        (await nobody.get(link["url"] + "x")).problem(401, "unauthorized")
        other = await upload(client, b"other", media_type="text/plain")
        (await nobody.get(link["url"].replace(file["id"], other["id"]))).problem(401, "unauthorized")
        short = (await ann.post(f"{path}/link", {"expires_in": 1})).ok(201)

        async def has_expired() -> bool:
            return (await nobody.get(short["url"])).status == 401

        await until(has_expired, "the end of the link")
        (await ann.get("/v1/threads", headers={"authorization": f"Bearer {link['url'].partition('=')[2]}"})).problem(
            401, "unauthorized"
        )
        thread_id = await client.thread(end_user_id="bob")
        assert (await ann.send(thread_id, [image(file["id"])], respond=False)).status == 404
        assert (await bob.send(thread_id, [image(file["id"])], respond=False)).status == 422
        (await client.send(thread_id, [image(file["id"])], respond=False)).ok(201)
        assert (await download(bob, file["id"])).body == PNG
        (await client.delete(f"/v1/threads/{thread_id}")).ok(204)
        (await bob.get(path)).problem(404, "not_found")


async def test_what_is_no_file_is_refused(client: Client) -> None:
    """Nothing, no type, a name that is none, somebody else's: each with its problem."""
    for data, query, media_type in ((b"", "", "a/b"), (b"x", "", "nonsense"), (b"x", "?name=", "a/b")):
        await upload(client, data, query, media_type, status=422)
    async with browser(client, "ann") as ann, browser(client, "ann", rights=["read"]) as mute:
        await upload(ann, query="?end_user_id=bob", status=422)
        await upload(mute, status=403)
        assert (await upload(ann))["end_user_id"] == "ann"


async def test_an_operator_says_how_large_and_of_which_types(
    make_server: StartServer, installation: Installation
) -> None:
    """413 and 415; a large picture within a message is held to the same."""
    server = make_server(THREADLINE_FILE_BYTES_MAX="100000", THREADLINE_FILE_TYPES="image/*, text/plain").start()
    async with Client(server.url, installation.key) as client:
        await upload(client, b"x" * 100_000)
        await upload(client, b"x" * 100_001, status=413)
        await upload(client, b"x", media_type="text/html", status=415)
        thread_id = await client.thread()
        data = base64.b64encode(b"x" * 100_001).decode()
        block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
        (await client.send(thread_id, [block])).problem(413, "too_large")
        assert (await client.get(f"/v1/threads/{thread_id}/messages")).ok(200)["data"] == []


async def test_files_that_nobody_needs_are_swept(make_server: StartServer, installation: Installation) -> None:
    """After their time, with their bytes; what a thread has stays, also over a crash."""
    server = make_server(THREADLINE_FILE_ORPHAN_HOURS="0.0005").start()
    async with Client(server.url, installation.key) as client:
        used, unused = await upload(client, b"used"), await upload(client, b"unused")
        thread_id = await client.thread()
        (await client.send(thread_id, [image(used["id"])], respond=False)).ok(201)
        await asyncio.sleep(2)
        server.kill9()
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:

        async def is_swept() -> bool:
            return (await client.get(f"/v1/files/{unused['id']}")).status == 404

        await until(is_swept, "the sweep")
        assert (await download(client, used["id"])).body == b"used"
    folder = server.data / "files"

    async def names() -> bool:
        return {path.name for path in folder.rglob("file_*")} == {used["id"]}

    await until(names, "the end of its bytes")
    assert list((folder / "incoming").iterdir()) == []


async def test_an_upload_that_is_cut_leaves_nothing(client: Client, nodes: Sequence[Server]) -> None:
    """Neither a file nor bytes of one."""
    _, writer = await asyncio.open_connection("127.0.0.1", nodes[0].port)
    head = f"POST /v1/files HTTP/1.1\r\nhost: x\r\nx-api-key: {client.key}\r\ncontent-type: a/b\r\ncontent-length: 99\r\n\r\n"
    writer.write(head.encode() + b"the beginning")
    await writer.drain()
    incoming = nodes[0].data / "files" / "incoming"

    async def has_begun() -> bool:
        return any(path.stat().st_size >= 0 for path in incoming.iterdir())

    await until(has_begun, "the beginning of the upload")
    writer.close()

    async def is_gone() -> bool:
        return not list(incoming.iterdir())

    await until(is_gone, "the end of the upload")


async def test_a_download_goes_on_where_it_broke_off(client: Client) -> None:
    """One part, to the byte; what the asker has already is not sent again; what is not there is 416."""
    data = os.urandom(700_000)
    path = f"/v1/files/{(await upload(client, data, media_type='video/mp4'))['id']}/content"
    whole = await client.get(path)
    etag = whole.headers["etag"]
    assert (whole.headers["accept-ranges"], whole.headers["content-length"]) == ("bytes", "700000")
    part = await client.get(path, headers={"range": "bytes=500000-", "if-range": etag})
    assert (part.status, part.body, part.headers["content-length"]) == (206, data[500_000:], "200000")
    assert part.headers["content-range"] == "bytes 500000-699999/700000"
    first = await client.get(path, headers={"range": "bytes=0-0"})
    assert (first.status, first.body, first.headers["etag"]) == (206, data[:1], etag)
    changed = await client.get(path, headers={"range": "bytes=5-", "if-range": '"other"'})
    assert (changed.status, changed.body) == (200, data)
    beyond = await client.get(path, headers={"range": "bytes=700000-"})
    assert (beyond.status, beyond.body, beyond.headers["content-range"]) == (416, b"", "bytes */700000")
    known = await client.get(path, headers={"if-none-match": f'"x", {etag}'})
    assert (known.status, known.body, known.headers["etag"]) == (304, b"", etag)
    assert (await client.get(path, headers={"if-none-match": '"x"'})).status == 200
    # Who may not see it does not learn that he has it.
    async with browser(client, "bob") as bob:
        assert (await bob.get(path, headers={"if-none-match": etag})).status == 404


async def test_names_lead_nowhere(client: Client) -> None:
    """Neither out of a folder nor out of a header, for programs of any age."""
    file = await upload(
        client, b"x", "?name=..%2F..%2Fetc%2Fp%22%0D%0Aset-cookie%3A%20a%3Db%20%C3%BC.txt", "text/plain"
    )
    said = (await download(client, file["id"])).headers
    assert said["content-disposition"] == (
        'attachment; filename="_.._etc_p___set-cookie_ a=b _.txt"; '
        "filename*=UTF-8''_.._etc_p___set-cookie_%20a%3Db%20%C3%BC.txt"
    )
    assert "set-cookie" not in said
    # Written from right to left it would read as a picture.
    turned = await upload(client, b"x", "?name=a%E2%80%AEgpj.exe%E2%80%AC%C2%85", "text/plain")
    named = (await download(client, turned["id"])).headers["content-disposition"]
    assert named == "attachment; filename=\"a_gpj.exe__\"; filename*=UTF-8''a_gpj.exe__"


async def test_files_are_listed_and_deleted(client: Client, foreign: Client) -> None:
    """Page by page, newest first; by thread and by person; deleted with their bytes unless a thread has them."""
    ann, bob = f"ann-{uuid.uuid4()}", f"bob-{uuid.uuid4()}"
    files = [await upload(client, f"{n}".encode(), f"?end_user_id={ann}", "text/plain") for n in range(3)]
    ids = [file["id"] for file in files]
    found, cursor = [], ""
    while True:
        page = (await client.get(f"/v1/files?end_user_id={ann}&limit=2{cursor}")).ok(200)
        found += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(file["id"] for file in found) == sorted(ids)
    assert [file["created_at"] for file in found] == sorted((file["created_at"] for file in found), reverse=True)
    thread_id = await client.thread(end_user_id=ann)
    (await client.send(thread_id, [{"type": "file", "source": {"type": "file", "file_id": ids[0]}}], respond=False)).ok(
        201
    )
    in_thread = (await client.get(f"/v1/files?thread_id={thread_id}")).ok(200)["data"]
    assert in_thread == [files[0]]
    (await foreign.get(f"/v1/files?thread_id={thread_id}")).problem(404, "not_found")
    assert (await foreign.get(f"/v1/files?end_user_id={ann}")).ok(200)["data"] == []
    async with browser(client, ann) as hers, browser(client, bob) as his, browser(client, ann, rights=["read"]) as mute:
        assert {file["id"] for file in (await hers.get("/v1/files")).ok(200)["data"]} == set(ids)
        assert (await his.get("/v1/files")).ok(200)["data"] == []
        (await his.delete(f"/v1/files/{ids[1]}")).problem(404, "not_found")
        (await mute.delete(f"/v1/files/{ids[1]}")).problem(403, "forbidden")
        (await hers.delete(f"/v1/files/{ids[0]}")).problem(409, "file_in_use")
        (await hers.delete(f"/v1/files/{ids[1]}")).ok(204)
        (await hers.delete(f"/v1/files/{ids[1]}")).problem(404, "not_found")
    assert (await download(client, ids[1])).status == 404
    assert (await download(client, ids[0])).body == b"0"
    # At once, with its bytes: the same may be uploaded again.
    again = await upload(client, b"1", f"?end_user_id={ann}", "text/plain")
    assert again["id"] == ids[1]
    (await client.get("/v1/files?cursor=x")).problem(400, "bad_cursor")


async def test_a_deleted_file_leaves_no_bytes(make_server: StartServer, installation: Installation) -> None:
    """Neither at once nor after a while."""
    server = make_server().start()
    async with Client(server.url, installation.key) as client:
        kept, gone = await upload(client, b"kept"), await upload(client, b"gone")
        (await client.delete(f"/v1/files/{gone['id']}")).ok(204)
        assert {path.name for path in (server.data / "files").rglob("file_*")} == {kept["id"]}
