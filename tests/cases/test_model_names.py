"""What models are called among people, by cases that the app's function has to get right too."""

import json
from pathlib import Path

import pytest

from threadline.providers.names import readable_name

CASES: list[tuple[str, str]] = json.loads((Path(__file__).parent / "model_names.json").read_text())


@pytest.mark.parametrize(("model", "name"), CASES)
def test_a_model_has_a_name_for_people(model: str, name: str) -> None:
    """What vendors have for programs is taken away; what nobody knows is left as it is."""
    assert readable_name(model) == name
