"""Files are put into a prompt, in the form that every vendor takes: their bytes, in base64.

What cannot be put in is said in words, so that a model knows what it does not see, and an old conversation with many
pictures can still go on.
"""

import base64
from collections.abc import Mapping

from msgspec import structs

from threadline.content import Base64Source, Block, FileBlock, FileSource, ImageBlock, TextBlock
from threadline.engine.files import Files, files_in
from threadline.errors import BlobLost, NotFound
from threadline.file_records import File, FileId
from threadline.ids import TenantId
from threadline.limits import PROMPT_FILE_BYTES_MAX
from threadline.observe import log
from threadline.providers.contract import Prompt
from threadline.scopes import Tenant


async def inlined(files: Files, tenant_id: TenantId, prompt: Prompt) -> Prompt:
    """Return the prompt with the bytes of its files in it, the newest ones first as far as they fit.

    Raises Unavailable where the store or the place for files is away.
    """
    wanted = [file_id for message in reversed(prompt.messages) for _, file_id in reversed(files_in(message.content))]
    if not wanted:
        return prompt
    sources: dict[FileId, Base64Source | str] = {}
    left = PROMPT_FILE_BYTES_MAX
    for file_id in dict.fromkeys(wanted):
        sources[file_id], size = await _source(files, tenant_id, file_id, left)
        left -= size
    messages = [
        structs.replace(message, content=[_with(block, sources) for block in message.content])
        for message in prompt.messages
    ]
    return structs.replace(prompt, messages=messages)


async def _source(files: Files, tenant_id: TenantId, file_id: FileId, left: int) -> tuple[Base64Source | str, int]:
    """Return the bytes of a file, or in words why they are not there; and how many they are."""
    try:
        file = await files.file(Tenant(tenant_id), file_id)
        if file.size > left:
            return f"[{_named(file)} is not shown: the files of this conversation are too large together.]", 0
        data = b"".join([chunk async for chunk in files.read(tenant_id, file)])
    except (NotFound, BlobLost) as error:
        log.error("file_lost", file_id=file_id, detail=error.detail)
        return "[A file is not shown: it is lost.]", 0
    return Base64Source(file.media_type, base64.b64encode(data).decode()), len(data)


def _with(block: Block, sources: Mapping[FileId, Base64Source | str]) -> Block:
    if not isinstance(block, ImageBlock | FileBlock) or not isinstance(block.source, FileSource):
        return block
    source = sources[FileId(block.source.file_id)]
    return TextBlock(source) if isinstance(source, str) else structs.replace(block, source=source)


def _named(file: File) -> str:
    return f"The file {file.name!r}" if file.name else "A file"
