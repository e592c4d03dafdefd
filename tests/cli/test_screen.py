"""What is shown of an answer: on a terminal, and where there is none."""

import io

import pytest
from rich.console import Console

from threadline.cli.talk.screen import LiveScreen, PlainScreen
from threadline.cli.terminal import counted, harmless, one_line, size


def live(with_reasoning: bool = False, height: int = 12) -> tuple[LiveScreen, io.StringIO]:
    """Return a screen of 60 columns, and what is written to it."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=60, height=height, color_system=None)
    return LiveScreen(console, with_reasoning), file


def refresh(screen: LiveScreen) -> None:
    """Refresh now, whenever the last time was."""
    screen._shown_at = 0.0
    screen.tick()


def last_frame(file: io.StringIO) -> str:
    """Return what the last refresh has shown, without the orders before it."""
    return file.getvalue().split("\x1b[2K")[-1]


def test_a_growing_answer_never_outgrows_the_screen() -> None:
    """While it comes its end is shown; when it is whole, all of it."""
    screen, file = live(height=12)
    screen.begin()
    for number in range(50):
        screen.say(f"line {number}\n\n")
    refresh(screen)
    frame = last_frame(file)
    assert "line 49" in frame
    assert frame.count("\n") < 12
    screen.end()
    whole = file.getvalue()[file.getvalue().rindex("line 0") :]
    assert all(f"line {number}" in whole for number in range(50))


def test_what_is_void_is_not_shown_again() -> None:
    """After an attempt was replaced, only the note about it stays."""
    screen, file = live()
    screen.begin()
    screen.say("the first attempt")
    refresh(screen)
    screen.start_over()
    screen.note("the server was interrupted")
    refresh(screen)
    assert "the first attempt" not in last_frame(file)
    screen.say("the second")
    before = len(file.getvalue())
    screen.end()
    assert "the first attempt" not in file.getvalue()[before:]
    assert "the server was interrupted" in file.getvalue()[before:]
    assert "the second" in file.getvalue()[before:]


def test_reasoning_is_one_line() -> None:
    """Its newest words while it goes on, its length afterwards."""
    screen, file = live()
    screen.begin()
    screen.think("first words " * 40 + "and\nthe last ones")
    refresh(screen)
    assert "thinking, 84 words: …" in last_frame(file)
    screen.say("So.")
    screen.end()
    assert "84 words (--reasoning shows them)" in file.getvalue()
    assert file.getvalue().rstrip().endswith("So.")


def test_all_of_the_reasoning_is_shown_where_wanted() -> None:
    """Above the answer."""
    screen, file = live(with_reasoning=True)
    screen.begin()
    screen.think("one\ntwo")
    screen.say("three")
    screen.end()
    shown = file.getvalue()
    assert 0 < shown.rindex("one") < shown.rindex("two") < shown.rindex("three")


def test_states_come_and_go() -> None:
    """A state is shown until the answer goes on, and leaves no trace in the end."""
    screen, file = live()
    screen.begin()
    screen.state("connection lost, trying again in 2.0 s…")
    refresh(screen)
    assert "connection lost" in last_frame(file)
    screen.state("")
    refresh(screen)
    assert "connection lost" not in last_frame(file)
    screen.end()


def test_refreshes_are_bounded() -> None:
    """However fast an answer comes, it is drawn fifteen times a second at most."""
    screen, file = live()
    screen.begin()
    before = len(file.getvalue())
    for number in range(1000):
        screen.say(f"{number} ")
        screen.tick()
        if len(file.getvalue()) > before:
            break
    assert number > 0, "the second word waits for the next refresh"


def test_an_answer_gives_no_orders_to_the_terminal() -> None:
    """Whoever can write into a thread cannot write to the title bar, the clipboard or the cursor of who reads it."""
    screen, file = live()
    screen.begin()
    screen.say("before \x1b]0;owned\x07 \x9b31m after")
    screen.end()
    assert "\x1b]0;owned" not in file.getvalue()
    assert "\x9b" not in file.getvalue()
    assert "owned" in file.getvalue()


def test_plain_text_is_written_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    """Words go to stdout unchanged, everything about them to stderr, each state once."""
    screen = PlainScreen(with_reasoning=True)
    screen.begin()
    screen.think("hm")
    screen.say("one ")
    screen.state("connection lost")
    screen.state("connection lost")
    screen.start_over()
    screen.note("begins again")
    screen.say("\x1b[1mtwo")
    screen.end()
    captured = capsys.readouterr()
    assert captured.out == "one \n\x1b[1mtwo\n"
    assert captured.err == "hm\n[connection lost]\n[begins again]\n"


def test_small_words() -> None:
    """Numbers with their nouns, sizes, lines that fit, and text without orders."""
    assert [counted(1, "thread"), counted(2000, "thread")] == ["1 thread", "2,000 threads"]
    assert [size(999), size(139_264), size(85_200_000_000), size(3e12)] == [
        "999 bytes",
        "139.3 kB",
        "85.2 GB",
        "3.0 TB",
    ]
    assert one_line("a\n b\tc", 10) == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert harmless("a\tb\r\nc\rd\x00") == "a\tb\nc\ufffdd\ufffd"
