"""What a screen reader says of an answer: that it begins, and how it ends, and not each of its words."""

from playwright.async_api import expect

from support.server import Server
from support.toys import Toys

from .asking import ask_with_tools
from .conftest import MakePerson
from .people import answers
from .scripts import script

# All that live regions come to say, each once in its order.
LISTEN = """() => {
  const live = "[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]";
  window.__said = [];
  const hear = () => {
    for (const region of document.querySelectorAll(live)) {
      const words = region.textContent.trim();
      if (words !== "" && words !== region.__before) window.__said.push(words);
      region.__before = words;
    }
  };
  new MutationObserver(hear).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""


async def test_an_answer_is_announced_and_not_read_out(person: MakePerson, toolserver: Server, toys: Toys) -> None:
    """Two sentences for an answer of a hundred words, which comes in two parts; and one where it is stopped."""
    ann = await person("ann-hears", toolserver)
    page = await ann.sign_in()
    thread_id = await ann.thread()
    await page.goto(f"{toolserver.url}/t/{thread_id}")
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()
    await page.evaluate(LISTEN)
    words = " ".join(f"word{number}" for number in range(50))
    # The tool keeps the answer open until its beginning has been seen.
    steps = (
        {"say": words, "pace": 200},
        {"call": "look", "input": {"at": "it"}},
        {"say": f"{words} over", "pace": 200},
    )
    await ask_with_tools(ann, thread_id, script(*steps), "look")
    await expect(page.get_by_role("status").filter(has_text="The answer begins.")).to_have_count(1)
    await expect(answers(page)).to_contain_text("word49")
    toys.go()
    await expect(page.get_by_role("status").filter(has_text="The answer is there.")).to_have_count(1)
    await expect(answers(page)).to_contain_text("over")
    assert await page.evaluate("window.__said") == ["The answer begins.", "The answer is there."]

    await ask_with_tools(ann, thread_id, script({"say": words}, {"stall": True}), "look")
    # The first answer has these words, too: that the second one has begun is said.
    await expect(page.get_by_role("status").filter(has_text="The answer begins.")).to_have_count(1)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("status").filter(has_text="The answer was stopped.")).to_have_count(1)
    said = await page.evaluate("window.__said")
    assert said[2:] == ["The answer begins.", "The answer was stopped."]
