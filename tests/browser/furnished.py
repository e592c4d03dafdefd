"""An installation as it looks after some days of use: what the screenshots show, and what axe looks at."""

import json
from typing import Any

from .people import Person

ANSWER = """A log that is only ever appended to makes **resume** a matter of arithmetic: whoever has read up to
`seq` 41 asks for what comes after it.

| | stream on a connection | state in a log |
|---|---|---|
| laptop closed | answer lost | answer goes on |
| second device | sees nothing | sees every word |
| retry | asked twice | the same answer |

```python
async for event in thread.events(after=41):
    state = fold(state, event)  # pure: the same everywhere
```

The cost of a token falls with the number of tokens that one commit carries:

$$
c(n) = \\frac{c_0}{n} + c_1
$$
"""

THOUGHT = "They ask why a log is better than a stream. A table shows it best; then some code, and the formula."

TITLES = (
    "Why a durable log?",
    "Menu for twelve, two of them vegan",
    "Release notes for October",
    "خطة السفر إلى عمّان",
    "What the contract says about notice",
    "Naming the new office",
    "Regex for French postcodes",
)


def script(*steps: dict[str, Any]) -> str:
    """Return a message that makes the demo model do these steps."""
    return json.dumps({"steps": steps})


async def furnish(ann: Person) -> str:
    """Leave conversations behind; returns the id of the one that has everything in it."""
    first = ""
    for title in TITLES:
        thread_id = await ann.thread(title=title)
        first = first or thread_id
        await ann.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "Hello!", "respond": False})
    await ann.api("PATCH", f"/v1/threads/{first}", json={"pinned": True})
    await ask(ann, first, "Why is a log better than a stream?", {"think": THOUGHT}, {"say": ANSWER})
    await ask(ann, first, "Which tools can you call?", {"say": "None here, but I can tell you what I would do."})
    return first


async def ask(ann: Person, thread_id: str, question: str, *steps: dict[str, Any]) -> None:
    """Ask a question in ordinary words, to which the demo model has its part in the instructions."""
    body = {"content": question, "model": "demo/role", "instructions": script(*steps)}
    await ann.api("POST", f"/v1/threads/{thread_id}/messages", json=body)
