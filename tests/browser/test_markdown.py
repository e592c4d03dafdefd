"""What a model writes, as the app sets it: plain elements, colours, formulas, and nothing that leads in or runs."""

from playwright.async_api import Locator, Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import Person, answers, passing, say
from .scripts import script

ALL_OF_IT = r"""## Heading

**weight** and `code`, [out](https://x.example/?a=1), [in](/v1/keys), [own](OWN/t/x), ![cat](https://x.example/cat.png)

- [x] done

| a | b |
|---|--:|
| 1 | 2 |

```python
def greet() -> str:
    return "hello"
```

So \(x^2\) and

\[ \sqrt{2} \]

<b onclick="alert(1)">bold</b>
"""


async def says(person: Person, text: str) -> str:
    """Make a thread in which the model has said this; returns its id."""
    return await person.thread(script({"say": text}), model="demo/script@max")


async def test_everything_is_set(person: MakePerson, server: Server) -> None:
    """Headings, lists, tables, code in colours, formulas; links go out or nowhere; HTML is text."""
    ann = await person("ann-markdown", server, permissions=["clipboard-read", "clipboard-write"])
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await says(ann, ALL_OF_IT.replace('OWN', server.url))}")
    words = answers(page).locator(".words")
    await expect(words.get_by_role("heading", name="Heading", level=2)).to_be_visible()
    await expect(words.get_by_role("table").get_by_role("cell")).to_have_text(["1", "2"])
    await expect(words.get_by_role("img", name="done")).to_be_visible()
    await expect(words.locator("pre .token-keyword").first).to_have_text("def")
    await expect(words.locator(".katex")).to_have_count(2)
    await expect(words).to_contain_text('<b onclick="alert(1)">bold</b>')
    await _links_lead_out(words)
    assert await words.locator("img, b, [onclick]").count() == 0
    async with passing(page, 'button[aria-label="Copied"]'):
        await words.get_by_role("button", name="Copy code").click()
    assert await page.evaluate("navigator.clipboard.readText()") == 'def greet() -> str:\n    return "hello"'


async def _links_lead_out(words: Locator) -> None:
    links = words.get_by_role("link")
    await expect(links).to_have_count(2)
    for place, address in enumerate(("https://x.example/?a=1", "https://x.example/cat.png")):
        await expect(links.nth(place)).to_have_attribute("href", address)
        await expect(links.nth(place)).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
        await expect(links.nth(place)).to_have_attribute("target", "_blank")


async def test_what_is_nested_thousands_deep_is_text(person: MakePerson, server: Server) -> None:
    """No parser gets to its end, and the page stays whole."""
    ann = await person("ann-deep", server)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await says(ann, '> ' * 4000 + 'the end')}")
    await expect(answers(page)).to_contain_text("the end")
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()


async def test_what_is_being_written_looks_closed(person: MakePerson, server: Server) -> None:
    """A fence and a weight that are still open are shown as what they become."""
    ann = await person("ann-open", server)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread(model='demo/script@max')}")
    await say(page, script({"say": "Some **weight that is open"}, {"stall": True}))
    await expect(answers(page).locator("strong")).to_have_text("weight that is open")
    await say_next(page, script({"say": "```js\nconst a = 1;"}, {"stall": True}))
    await expect(answers(page).last.locator("pre .token-keyword").first).to_have_text("const")


async def say_next(page: Page, text: str) -> None:
    """Stop the answer, and ask on."""
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#app [aria-busy=true]")).to_have_count(0)
    await say(page, text)
