"""What was written to do harm, everywhere where somebody else's words are shown: in a browser, nothing comes of it."""

from typing import Any

import httpx
from playwright.async_api import BrowserContext, Page, expect

from support.installation import make_key
from support.server import Server
from web.corpus import TEXTS

from .conftest import MakePerson
from .people import ASKING, Person, answers, say
from .scripts import script

AT_ONCE = 18
"""Texts in one thread. Their messages are all in the page: its window is as high as they are."""

# A script that runs can do no less than one of these.
WATCH = "for (const name of ['alert', 'prompt', 'confirm']) window[name] = () => { window.harmed = name; };"

FAULTS = """() => {
    const allowed = new Set(('a article bdi blockquote br button code del details div em footer h1 h2 h3 h4 h5 h6 header hr ' +
        'input label li nav ol p pre search section span strong summary table tbody td textarea th thead time tr ul main ' +
        'svg path circle line polyline polygon rect ellipse g form img aside kbd math semantics annotation mrow mi mo mn msup msub ' +
        'mtext mstyle mspace merror menclose mfrac msqrt munderover').split(' '));
    const faults = [];
    if (window.harmed) faults.push(`it ran: ${window.harmed}`);
    for (const one of document.querySelectorAll('#app, #app *')) {
        const tag = one.localName;
        if (!allowed.has(tag)) faults.push(`<${tag}> ${one.outerHTML.slice(0, 200)}`);
        for (const { name, value } of one.attributes) {
            const isOurs = !one.closest('.content') || one.closest('.katex');
            if (/^on|^srcdoc$|^formaction$|^xlink/.test(name)) faults.push(`${name} of ${one.outerHTML.slice(0, 200)}`);
            if (name === 'style' && (!isOurs || /url|fixed/.test(value))) faults.push(`style ${value}`);
            if (name === 'src' && !value.startsWith('data:image/') && !value.startsWith('/v1/files/')) faults.push(`src ${value}`);
            if (name !== 'href') continue;
            const isOut = /^(https?|mailto):/.test(value) && one.rel.includes('noopener') && one.target === '_blank';
            if (!isOut && (one.closest('.content') || !value.startsWith('/'))) faults.push(`href ${value}`);
        }
    }
    return faults;
}"""


class Guard:
    """Listens to everything that a page asks for."""

    def __init__(self, context: BrowserContext, own: str) -> None:
        self.faults: list[str] = []
        self._own = (own, "data:", "blob:")
        context.on("request", lambda request: self._judge(request.url))
        context.on("dialog", lambda dialog: self.faults.append(f"dialog {dialog.message}"))

    def _judge(self, url: str) -> None:
        if not url.startswith(self._own):
            self.faults.append(f"request of {url}")


def portions() -> list[list[str]]:
    """Return the texts, so many at once."""
    return [TEXTS[at : at + AT_ONCE] for at in range(0, len(TEXTS), AT_ONCE)]


def said(text: str) -> list[dict[str, Any]]:
    """Return an answer that has this text wherever an answer has any."""
    name = text[:100]
    return [
        {"type": "text", "text": text},
        {"type": "reasoning", "text": text},
        {"type": "tool_use", "id": "t1", "name": name, "input": {"q": text, name: 1}},
        {"type": "tool_result", "tool_use_id": "t1", "content": text, "is_error": True},
        {"type": "file", "source": {"type": "url", "url": "https://evil.example/" + name}, "name": name},
        {"type": "image", "source": {"type": "url", "url": "https://evil.example/?" + name}},
    ]


async def stored(ann: Person, texts: list[str]) -> str:
    """Make a thread in which all of this was said; returns its id."""
    thread_id = await ann.thread(title=texts[0])
    headers = {"authorization": f"Bearer {make_key(ann.server.data)}"}
    async with httpx.AsyncClient(base_url=ann.server.url, headers=headers, **ASKING) as client:
        for text in texts:
            for role, content in (("user", text), ("assistant", said(text))):
                body = {"content": content, "role": role, "respond": False}
                sent = await client.post(f"/v1/threads/{thread_id}/messages", json=body)
                assert sent.status_code == 201, sent.text
    return thread_id


async def unfold(page: Page) -> None:
    """Open all that is folded, so that what is in it is laid out and loaded."""
    await page.evaluate("() => document.querySelectorAll('#app details').forEach((one) => { one.open = true; })")


async def test_what_is_stored_does_no_harm(person: MakePerson, server: Server) -> None:
    """In answers, questions, reasoning, names and arguments and results of tools, names and addresses of files, titles."""
    ann = await person("ann-xss", server, viewport={"width": 1000, "height": 20_000})
    await ann.context.add_init_script(WATCH)
    guard = Guard(ann.context, server.url)
    page = await ann.sign_in()
    for texts in portions():
        await page.goto(f"{server.url}/t/{await stored(ann, texts)}")
        await expect(answers(page)).to_have_count(len(texts))
        await unfold(page)
        await expect(page.locator("#first-paint")).to_have_count(0)
        assert await page.evaluate(FAULTS) == []
    assert guard.faults == []


async def test_what_is_being_written_does_no_harm(person: MakePerson, server: Server) -> None:
    """Word by word, with everything open that is not closed yet; also behind a name that means harm."""
    ann = await person("<img src=x onerror=alert(1)>", server)
    await ann.context.add_init_script(WATCH)
    guard = Guard(ann.context, server.url)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread(model='demo/script@max')}")
    for number, texts in enumerate(portions()):
        await say(page, script({"say": "\n\n".join(texts), "pace": 300}, {"say": f"\n\n```\n```\n\nend {number}"}))
        await expect(answers(page).last).to_contain_text(f"end {number}")
        await expect(page.locator("#app [aria-busy=true]")).to_have_count(0)
        assert await page.evaluate(FAULTS) == []
    assert guard.faults == []


async def test_the_judge_knows_harm(person: MakePerson, server: Server) -> None:
    """What does come through is found: elements, handlers, addresses, scripts that ran."""
    ann = await person("ann-judge", server)
    await ann.context.add_init_script(WATCH)
    page = await ann.sign_in()
    await page.goto(f"{server.url}/t/{await ann.thread('Hello', model='demo/echo@max')}")
    await expect(answers(page)).to_have_count(1)
    await page.evaluate("""() => {
        const content = document.querySelector('#app .content');
        const add = (tag, name, value) => {
            const made = content.appendChild(document.createElement(tag));
            if (name) made.setAttribute(name, value);
        };
        add('object');
        add('p', 'title', 'harmless');
        add('a', 'href', '/v1/keys');
        add('a', 'href', 'https://x.example/');
        add('img', 'src', 'blob:x');
        window.alert(1);
    }""")
    found = [str(fault).split(" ")[0] for fault in await page.evaluate(FAULTS)]
    assert sorted(found) == ["<object>", "href", "href", "it", "src"]
    ann.faults.clear()
