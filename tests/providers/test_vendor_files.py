"""Files at vendors: which forms they take, and what an upload is on the wire."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic.types as anthropic_types
import msgspec
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from threadline.content import FileBlock, FileSource, ImageBlock, TextBlock
from threadline.errors import ProviderAuth, ProviderFailure, ProviderRefused, UploadLost
from threadline.providers.anthropic import AnthropicAdapter
from threadline.providers.contract import Prompt
from threadline.providers.failures import Failures
from threadline.providers.files import MB, FileOptions, FileUpload, TakesFiles, Uploaded, name_for_vendors
from threadline.providers.openai import OpenAIAdapter

from .conftest import KEY, MakeProvider, Naps
from .reading import read, read_failing, said
from .speech import anthropic_stream, openai_stream
from .vendor import Answer, Vendor

DATA = bytes(range(256)) * 3000
SHA = "5a" * 32
NAMING = Prompt("m", [said("user", TextBlock("look"), FileBlock(FileSource("file-1"), "a.pdf"))], run_id="run_1")


def to_upload(name: str = "a.pdf") -> FileUpload:
    """Return a file that comes in pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(DATA), 100_000):
            yield DATA[place : place + 100_000]

    return FileUpload(name, "application/pdf", len(DATA), SHA, pieces)


def answer(body: Any, status: int = 200) -> Answer:
    """Return an answer that is one JSON value."""
    return Answer([msgspec.json.encode(body)], status=status, content_type="application/json")


def taking(kind: str, make_provider: MakeProvider, **options: Any) -> Any:
    """Return a provider that uploads."""
    provider = make_provider(kind, upload_files=True, **options)
    assert isinstance(provider, TakesFiles)
    return provider


def test_what_each_vendor_takes() -> None:
    """By kind, type and size; what is not known of a server is not assumed of it; an operator may take away."""
    own = Failures("x")
    claude = AnthropicAdapter("a", "https://api.anthropic.com", own)
    gpt = OpenAIAdapter("o", "https://api.openai.com/v1", own)
    local = OpenAIAdapter("l", "http://localhost:11434/v1", own, files=FileOptions(urls=False, inline_bytes_max=9))
    assert [claude.forms("image", kind).is_any for kind in ("image/png", "image/svg+xml", None)] == [True, False, True]
    assert claude.forms("image", "image/png").inline_bytes_max * 4 // 3 <= 5 * MB
    assert (claude.forms("file", "application/pdf").upload_bytes_max, claude.forms("file", None).url) == (
        500 * MB,
        True,
    )
    assert not claude.forms("file", "application/zip").is_any
    assert claude.forms("file", "text/csv").inline_bytes_max > 0
    assert gpt.forms("file", "application/pdf").upload_bytes_max == 50 * MB
    assert (gpt.forms("image", "image/png").upload_bytes_max, gpt.forms("image", "image/png").url) == (0, True)
    assert not gpt.forms("file", None).url
    taken = local.forms("image", "image/png")
    assert (taken.inline_bytes_max, taken.upload_bytes_max, taken.url) == (9, 0, False)
    assert AnthropicAdapter("a", "http://imitation", own).files is None


def test_names_that_every_vendor_takes() -> None:
    """Without what breaks a header, and with an ending."""
    assert name_for_vendors('a"b\r\n/c:.pdf', "application/pdf") == "a_b___c_.pdf"
    assert name_for_vendors(None, "application/pdf") == "file.pdf"
    assert name_for_vendors("Übersicht", "image/png") == "Übersicht.png"
    assert len(name_for_vendors("x" * 900, "image/png")) <= 210


async def test_an_upload_on_the_wire(vendor: Vendor, make_provider: MakeProvider) -> None:
    """A form with the bytes in it, of a length that is known, with what the vendor wants beside them."""
    vendor.play(answer({"id": "file-7", "expires_at": 1_800_000_000}), answer({"id": "file_8", "expires_at": None}))
    gpt = taking("openai", make_provider)
    assert await gpt.upload(to_upload()) == Uploaded("file-7", 1_800_000_000_000)
    claude = taking("anthropic", make_provider, headers={"Anthropic-Beta": "other-1"})
    assert await claude.upload(to_upload("b c.pdf")) == Uploaded("file_8", None)
    first, second = vendor.requests
    assert (first.method, first.target, second.target) == ("POST", "/v1/files", "/v1/files")
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert second.headers["anthropic-beta"] == "other-1,files-api-2025-04-14"
    for asked, name in ((first, "a.pdf"), (second, "b c.pdf")):
        assert asked.headers["content-type"] == f"multipart/form-data; boundary={SHA}"
        *fields, file, end = asked.body.split(f"--{SHA}".encode())
        head, _, body = file.partition(b"\r\n\r\n")
        assert body == DATA + b"\r\n"
        assert end == b"--\r\n"
        assert f'filename="{name}"\r\ncontent-type: application/pdf'.encode() in head
        purpose = b'name="purpose"\r\n\r\nuser_data\r\n' in b"".join(fields)
        lives = b'name="expires_after[seconds]"\r\n\r\n2592000\r\n' in b"".join(fields)
        assert (purpose, lives) == ((True, True) if asked is first else (False, False))


async def test_an_upload_is_tried_again_from_its_beginning(
    vendor: Vendor, make_provider: MakeProvider, naps: Naps
) -> None:
    """As an answer is; what the vendor refuses for good is a failure in words."""
    gpt = taking("openai", make_provider)
    vendor.play(
        answer({"error": {"message": "busy"}}, 503), answer({"id": "file-7", "expires_at": "2027-01-01T00:00:00Z"})
    )
    made = await gpt.upload(to_upload())
    assert made == Uploaded("file-7", 1_798_761_600_000)
    assert len(vendor.requests) == 2
    assert vendor.requests[0].body == vendor.requests[1].body
    assert len(naps.seconds) == 1
    for said_so, kind in ((answer({"error": {}}, 401), ProviderAuth), (answer([]), ProviderFailure)):
        vendor.play(said_so)
        with pytest.raises(kind):
            await gpt.upload(to_upload())


async def test_a_deletion_on_the_wire(vendor: Vendor, make_provider: MakeProvider) -> None:
    """What is not there is deleted; who may not delete hears of it."""
    claude = taking("anthropic", make_provider)
    vendor.play(answer({"id": "file_1", "type": "file_deleted"}), answer({"error": {"type": "not_found_error"}}, 404))
    await claude.delete_upload("file_1")
    await claude.delete_upload("file_1")
    assert {(asked.method, asked.target) for asked in vendor.requests} == {("DELETE", "/v1/files/file_1")}
    assert vendor.requests[0].headers["anthropic-beta"] == "files-api-2025-04-14"
    vendor.play(answer({"error": {"message": "no"}}, 403))
    with pytest.raises(ProviderAuth):
        await claude.delete_upload("file_1")


async def test_who_names_an_upload_says_so(vendor: Vendor, make_provider: MakeProvider) -> None:
    """By its id, in each vendor's form, of the SDKs' own types; the beta is named where it is used, and only there."""
    vendor.play(Answer(openai_stream([{"say": "x"}])))
    await read(make_provider("openai"), NAMING)
    vendor.play(Answer(anthropic_stream([{"say": "x"}])))
    claude = make_provider("anthropic", headers={"anthropic-beta": "other-1"})
    pictures = Prompt("m", [said("user", ImageBlock(FileSource("file-2")))])
    await read(claude, NAMING)
    await read(claude, pictures)
    await read(claude, Prompt("m", [said("user", TextBlock("x"))]))
    gpt, document, picture, plain = vendor.requests
    assert gpt.json["messages"][0]["content"][1] == {"type": "file", "file": {"file_id": "file-1"}}
    assert document.json["messages"][0]["content"][1] | {"cache_control": None} == {
        "type": "document",
        "source": {"type": "file", "file_id": "file-1"},
        "title": "a.pdf",
        "cache_control": None,
    }
    assert picture.json["messages"][0]["content"][0]["source"] == {"type": "file", "file_id": "file-2"}
    both = "other-1,files-api-2025-04-14"
    assert [asked.headers.get("anthropic-beta") for asked in (document, picture, plain)] == [both, both, "other-1"]
    TypeAdapter(CompletionCreateParamsStreaming).validate_json(gpt.body, strict=True, extra="forbid")
    kind = TypeAdapter(anthropic_types.message_create_params.MessageCreateParamsStreaming)
    for asked in (document, picture):
        kind.validate_json(asked.body, strict=True, extra="forbid")


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("status", "words", "error"),
    [
        (404, "File not found: file-1", UploadLost),
        (400, "No such File object: file-1", UploadLost),
        (404, "model m not found", ProviderRefused),
        (500, "file-1 cannot be read", ProviderFailure),
    ],
)
async def test_a_lost_upload_is_known(
    vendor: Vendor,
    make_provider: MakeProvider,
    kind: str,
    status: int,
    words: str,
    error: type[ProviderFailure],
) -> None:
    """By the id that the vendor names; anything else that is not there is not it."""
    vendor.play(answer({"error": {"type": "not_found_error" if status == 404 else "x", "message": words}}, status))
    _, failure = await read_failing(make_provider(kind, retries=0), NAMING)
    assert type(failure) is error
