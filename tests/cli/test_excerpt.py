"""The end of a Markdown text that is shown while it grows."""

import pytest

from threadline.cli.talk.excerpt import CHARS_MAX, CHARS_STEP, last_blocks

PARAGRAPHS = "\n\n".join(f"paragraph {number}" for number in range(100))


def test_a_short_text_is_shown_whole() -> None:
    """Nothing is cut where everything fits."""
    assert last_blocks("# Title\n\ntext", 30) == "# Title\n\ntext"
    assert last_blocks("", 30) == ""


def test_a_long_text_is_cut_between_blocks() -> None:
    """Whole paragraphs, and at least as many lines as were asked for."""
    shown = last_blocks(PARAGRAPHS, 10)
    assert PARAGRAPHS.endswith(shown)
    assert shown.startswith("paragraph ")
    assert 10 <= len(shown.split("\n")) <= 12


def test_a_block_of_code_is_not_cut() -> None:
    """An empty line in code begins no block; the rest of it would no longer look like code."""
    code = "```python\n" + "\n\n".join(f"line_{number}()" for number in range(20)) + "\n```"
    assert last_blocks(f"{PARAGRAPHS}\n\n{code}", 10) == code
    assert last_blocks(f"{PARAGRAPHS}\n\n{code}\n\nafter\n\nit", 2).startswith("after")


def test_a_part_of_a_list_is_not_cut_off_its_item() -> None:
    """What is indented belongs to the block before it."""
    text = f"{PARAGRAPHS}\n\n- item\n\n  more of it\n\n  and more"
    assert last_blocks(text, 1).startswith("- item")


@pytest.mark.parametrize("opening", ["", "```\n"])
def test_a_block_without_end_is_cut_all_the_same(opening: str) -> None:
    """The cost of a refresh has a bound. The cut moves in steps, and code stays code."""
    shown = [last_blocks(opening + "x" * (CHARS_MAX + more), 10) for more in range(1, CHARS_STEP, 997)]
    assert all(len(text) <= CHARS_MAX + len(opening) for text in shown)
    assert all(text.startswith(opening) for text in shown)
    assert len({len(text) - more for text, more in zip(shown, range(1, CHARS_STEP, 997), strict=True)}) == 1
