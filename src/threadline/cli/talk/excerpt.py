"""The end of a long Markdown text: what fits on a screen while an answer arrives.

A terminal cannot take back lines that have scrolled out of it, and to render all of a long answer fifteen times a
second is work that grows with its square. So only its last blocks are rendered while it comes, and in the end all.
"""

CHARS_MAX = 20_000
"""More characters than any terminal shows at once."""

CHARS_STEP = 10_000
"""A cut in the middle of a block moves by this much at a time: if it moved with each word, every line would jump."""


def last_blocks(text: str, lines_min: int) -> str:
    """Return the end of the text, cut between two blocks, at least `lines_min` lines of it where there are as many."""
    lines = text.split("\n")
    wanted = len(lines) - lines_min
    start = max((number for number in _starts(lines) if number <= wanted), default=0)
    return _bounded("\n".join(lines[start:]))


def _starts(lines: list[str]) -> list[int]:
    """Return the numbers of the lines with which a block begins that does not depend on those before it."""
    found, fence = [0], ""
    for number, line in enumerate(lines):
        mark = line.lstrip()[:3]
        if fence:
            fence = "" if mark == fence else fence
        elif mark in ("```", "~~~"):
            fence = mark
        if not fence and number + 1 < len(lines) and not line.strip() and not lines[number + 1].startswith((" ", "\t")):
            found.append(number + 1)
    return found


def _bounded(text: str) -> str:
    beyond = len(text) - CHARS_MAX
    if beyond <= 0:
        return text
    cut = -(-beyond // CHARS_STEP) * CHARS_STEP
    opening = text.split("\n", 1)[0]
    # Cut in the middle of a long code block, the rest of it is still code.
    is_code = opening.lstrip().startswith(("```", "~~~"))
    return f"{opening}\n{text[cut:]}" if is_code else text[cut:]
