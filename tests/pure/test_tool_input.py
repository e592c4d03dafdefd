"""What a model gives as the input of a tool, which may be anything."""

import msgspec
import pytest

from threadline.fold import is_unparsed, tool_input
from threadline.limits import JSON_DEPTH_MAX


@pytest.mark.parametrize("text", ["", " ", "{}"])
def test_nothing_is_an_empty_object(text: str) -> None:
    """Vendors say it in three ways."""
    assert tool_input(text) == {}


@pytest.mark.parametrize(
    "text", ['{"a": 1, "b', "[" * 100_000, "[" * (JSON_DEPTH_MAX + 2) + "]" * (JSON_DEPTH_MAX + 2), "no"]
)
def test_what_is_no_json_is_kept_as_it_came(text: str) -> None:
    """Broken off, or nested without end: nobody is called with it, and whoever audits it sees what was said."""
    assert tool_input(text) == {"unparsed": text}
    assert is_unparsed(tool_input(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "\\ud800"}', {"a": "\ufffd"}),
        ('{"a\\u0000": ["\\u0000"]}', {"a\ufffd": ["\ufffd"]}),
        ('{"a": 1e999}', {"a": None}),
        ('{"a": NaN}', {"a": None}),
        ('{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890.0}),
        ('{"a": [1.5, true, null, "ü"]}', {"a": [1.5, True, None, "ü"]}),
    ],
)
def test_what_no_store_would_take_is_made_storable(text: str, expected: object) -> None:
    """Half letters, NUL, infinity and endless numbers stop no writer."""
    assert tool_input(text) == expected
    assert msgspec.json.decode(msgspec.json.encode(tool_input(text))) == expected
