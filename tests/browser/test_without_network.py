"""The laptop is closed, the train is in a tunnel, the server is down: what is on the screen stays, and goes on afterwards."""

from playwright.async_api import Page, expect

from support.server import Server

from .conftest import MakePerson
from .people import answers, eventually, say

SLOW = "demo/count-60@20"


KEPT = """async ([name, id]) => {
  const opened = indexedDB.open(name);
  const database = await new Promise((done) => { opened.onsuccess = () => done(opened.result); });
  const read = (store) => new Promise((done) => {
    const asked = database.transaction(store).objectStore(store).getAll();
    asked.onsuccess = () => done(asked.result);
  });
  const isListed = (await read("list")).some((list) => list.threads.some((thread) => thread.id === id));
  const messages = (await read("messages")).filter((one) => one.of === id && one.message.status === "complete");
  database.close();
  return isListed && messages.length;
}"""
"""How many messages of a thread this device keeps, once it is in the list that it keeps."""


async def shell_is_kept(page: Page) -> None:
    """Wait until the service worker keeps the shell."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => caches.match('/shell'))")


async def test_a_refresh_in_mid_answer_keeps_the_words_and_goes_on(person: MakePerson, server: Server) -> None:
    """What was said stands there at once, and the rest comes: each word once."""
    ann = await person("ann-refresh", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(model=SLOW)
    await page.goto(f"{server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("w9 ")
    await page.reload(wait_until="commit")
    await expect(page.locator("article.message.assistant").first).to_contain_text("w9 ")
    await expect(answers(page)).to_contain_text("w59")
    await expect(answers(page).locator(".content")).to_have_text(" ".join(f"w{number}" for number in range(60)))


async def test_the_laptop_is_closed_and_opened(person: MakePerson, server: Server) -> None:
    """Without a network the words stay; with it the answer is whole, without a reload."""
    ann = await person("ann-laptop", server)
    page = await ann.sign_in()
    thread_id = await ann.thread(model=SLOW)
    await page.goto(f"{server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("w5 ")
    await ann.context.set_offline(True)
    await expect(page.get_by_role("status").filter(has_text="offline")).to_be_visible()
    await expect(answers(page)).to_contain_text("w5 ")
    await ann.context.set_offline(False)
    await expect(answers(page).locator(".content")).to_have_text(" ".join(f"w{number}" for number in range(60)))
    await expect(page.get_by_role("status").filter(has_text="offline")).to_have_count(0)


async def test_the_server_is_killed_in_mid_answer(person: MakePerson, own_server: Server) -> None:
    """Killed by signal 9 while it streams: the page keeps what it has, and the next life of the server finishes the answer."""
    ann = await person("ann-killed", own_server)
    page = await ann.sign_in()
    thread_id = await ann.thread(model=SLOW)
    await page.goto(f"{own_server.url}/t/{thread_id}")
    await say(page, "Count")
    await expect(answers(page)).to_contain_text("w5 ")
    own_server.kill9()
    await expect(answers(page)).to_contain_text("w5 ")
    own_server.start()
    await expect(answers(page)).to_contain_text("w59")
    await expect(answers(page)).to_have_count(1)
    await expect(answers(page).locator(".content")).to_have_text(" ".join(f"w{number}" for number in range(60)))


async def test_the_app_opens_without_a_network(person: MakePerson, server: Server) -> None:
    """After one visit: the shell from the service worker, the words from the client's store."""
    ann = await person("ann-tunnel", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await shell_is_kept(page)
    # The client writes what it shows within a second.
    await eventually(lambda: page.evaluate(KEPT, ["threadline:default:ann-tunnel", thread_id]), 2)
    await ann.context.set_offline(True)
    await page.reload()
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await expect(page.get_by_role("link", name="Greetings")).to_be_visible()
    await ann.context.set_offline(False)
    await ann.api("POST", f"/v1/threads/{thread_id}/messages", json={"content": "Again"})
    await expect(answers(page)).to_have_count(2)


async def test_two_tabs_show_the_same(person: MakePerson, server: Server) -> None:
    """One writes, both read, in the same order; a person's phone is a third."""
    ann = await person("ann-tabs", server)
    first = await ann.sign_in()
    # It is never whole: there is something to stop, however long it takes until all three have it.
    thread_id = await ann.thread(model="demo/stall-9")
    await first.goto(f"{server.url}/t/{thread_id}")
    second = await ann.open(f"/t/{thread_id}")
    phone = await (await person("ann-tabs", server)).sign_in()
    await phone.goto(f"{server.url}/t/{thread_id}")
    await say(first, "Count")
    for page in (first, second, phone):
        await expect(answers(page)).to_contain_text("w5 ")
    await second.get_by_role("button", name="Stop").click()
    for page in (first, second, phone):
        await expect(answers(page)).to_contain_text("Stopped.")
    answer = (await ann.api("GET", f"/v1/threads/{thread_id}/messages"))["data"][0]
    for page in (first, second, phone):
        # Not by what is visible: a tab behind another one is not laid out.
        await expect(answers(page).locator(".words")).to_have_text(answer["content"][0]["text"].strip())


REST_IS_KEPT = """async () => {
  const script = await (await fetch('/sw.js')).text();
  const rest = JSON.parse(/self\\.REST = (.*);/.exec(script)[1]);
  return (await Promise.all(rest.map((file) => caches.match(file)))).every((found) => found !== undefined);
}"""


async def test_what_is_asked_for_later_is_there_without_a_network(person: MakePerson, server: Server) -> None:
    """Dialogs that nobody has opened before: the service worker has fetched them behind the first visit."""
    ann = await person("ann-later", server)
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    await shell_is_kept(page)
    await eventually(lambda: page.evaluate(REST_IS_KEPT), True)
    await ann.context.set_offline(True)
    for name in ("Members", "Share"):
        await page.get_by_role("button", name="More for this conversation").click()
        await page.get_by_role("menuitem", name=name).click()
        await expect(page.get_by_role("dialog", name=name)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_cannot_be_loaded_says_so_and_can_be_tried_again(person: MakePerson, server: Server) -> None:
    """Without a service worker and without a network: one line in its place, the page stays, and then it comes."""
    ann = await person("ann-unloaded", server, service_workers="block")
    page = await ann.sign_in()
    thread_id = await ann.thread("How are you?")
    await page.goto(f"{server.url}/t/{thread_id}")
    await expect(answers(page)).to_contain_text("w0 w1 w2")
    more = page.get_by_role("button", name="More for this conversation")
    await more.click()
    await expect(page.get_by_role("menu")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(0)
    await ann.context.set_offline(True)
    line = page.get_by_role("alert").filter(has_text="could not be loaded")
    for _ in range(2):
        await more.click()
        await page.get_by_role("menuitem", name="Share").click()
        await expect(line).to_be_visible()
        await expect(answers(page)).to_contain_text("w0 w1 w2")
        await line.get_by_role("button", name="Close").click()
        await expect(line).to_have_count(0)
    await more.click()
    await page.get_by_role("menuitem", name="Share").click()
    await expect(line).to_be_visible()
    await ann.context.set_offline(False)
    loaded: list[Page] = []
    page.on("load", lambda it: loaded.append(it))
    await line.get_by_role("button", name="Try again").click()
    await expect(line).to_have_count(0)
    dialog = page.get_by_role("dialog", name="Share")

    async def has_come() -> bool:
        return bool(loaded) or await dialog.is_visible()

    # A browser may keep to its failure: the page is loaded anew then, and what is asked for is there.
    await eventually(has_come, True)
    if loaded:
        await more.click()
        await page.get_by_role("menuitem", name="Share").click()
    await expect(dialog).to_be_visible()
