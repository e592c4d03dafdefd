"""A thread's page comes with its words: readable without JavaScript, taken over without a gap, live from that seq."""

from playwright.async_api import expect

from support.server import Server
from threadline.api.web.build import find_build

from .conftest import MakePerson
from .people import answers

SCRIPT_GZIP_BYTES_MAX = 250_000

# From before any script of the page: notes each moment in which neither the server's words nor the app's are to be seen.
WATCH = """
  window.__gaps = [];
  new MutationObserver(() => {
    const shown = document.querySelector("#first-paint article, #app article");
    if (document.querySelector("#first-state") && !shown) window.__gaps.push(document.body.innerHTML.slice(0, 200));
  }).observe(document, { childList: true, subtree: true });
"""


async def test_a_page_is_read_without_javascript(person: MakePerson, server: Server) -> None:
    """Somebody with scripts switched off, and what a search or a screen reader takes from the page at first."""
    ann = await person("ann-plain", server, java_script_enabled=False)
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(page.locator("article.message.user")).to_contain_text("How are you?")
    await expect(page.locator("article.message.assistant")).to_contain_text("w0 w1 w2")
    await expect(page.get_by_role("heading", name="Greetings")).to_be_visible()


async def test_the_app_takes_over_without_a_gap(person: MakePerson, server: Server) -> None:
    """No moment without words, no second copy of them, and nothing is asked for that came with the page."""
    ann = await person("ann-over", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?", "And now?")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    await page.add_init_script(WATCH)
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(2)
    await expect(page.locator("#first-paint")).to_have_count(0)
    assert await page.evaluate("window.__gaps") == []
    assert not any("/state" in path or "/messages" in path for path in asked), asked
    # What comes now comes by the log, from the seq of the page.
    await ann.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "Third"})
    await expect(answers(page)).to_have_count(3)
    seq = (await ann.api("GET", f"/v1/threads/{thread_id}"))["seq"]
    followed = [path for path in asked if path.startswith("/v1/stream?")]
    assert any(f"{thread_id}:" in path or f"{thread_id}%3A" in path for path in followed), asked
    assert not any(f"{thread_id}%3A{seq}" in path for path in followed)


async def test_the_newest_words_are_in_view_from_the_first_frame(person: MakePerson, server: Server) -> None:
    """The server's page shows the end of a long thread, where the app will."""
    ann = await person("ann-end", server, service_workers="block")
    page = await ann.sign_in()
    thread_id = await ann.thread(*(f"Question {number}" for number in range(20)))
    # The app never comes (a service worker would bring it): what is seen is the server's alone.
    await page.route("**/assets/*.js", lambda route: route.abort())
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(page.get_by_text("Question 19")).to_be_in_viewport()
    await expect(page.get_by_text("Question 0", exact=True)).not_to_be_in_viewport()


async def test_the_first_load_is_small(person: MakePerson, server: Server) -> None:
    """All scripts that a thread's page loads: at most 250 kB as gzip."""
    ann = await person("ann-small", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_have_count(1)
    names = await page.evaluate("performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)")
    build = find_build()
    assert build is not None
    scripts = [build.folder / f"{name[1:]}.gz" for name in set(names) if name.endswith(".js")]
    assert scripts
    assert sum(script.stat().st_size for script in scripts) <= SCRIPT_GZIP_BYTES_MAX
