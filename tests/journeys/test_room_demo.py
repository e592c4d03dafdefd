"""`make demo` as a test: three people, two agents, an MCP tool, a webhook with an approval, and a kill -9 during the call."""

from pathlib import Path

from examples.room_demo.others import warehouse
from examples.room_demo.story import tell


async def test_everybody_in_the_room_holds_the_same_log_and_the_audit_explains_it(tmp_path: Path) -> None:
    """The story asserts as it goes that no event is missing, that all logs are one, and that one refund was booked."""
    told: list[str] = []
    with warehouse() as url:
        report = await tell(tmp_path, url, told.append)
    assert [line[0] for line in told if line[0] != " "] == list("12345678")
    for words in (
        "user ann says",
        "agent Ada answers",
        "calls warehouse__stock [mcp]",
        "agent Clerk answers",
        "calls refund [webhook]",
        "user cleo agreed",
        "try 2 of the same call",
        "ended by interrupted",
        "2 tool calls, 0 of them with an error",
    ):
        assert words in report
