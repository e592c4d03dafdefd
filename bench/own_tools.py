"""A tool that costs nothing, so that whatever a call of it takes is the framework's."""

from threadline.tools import tool


@tool(idempotent=True)
async def note(text: str) -> str:
    """Say the text again."""
    return text
