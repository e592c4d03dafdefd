"""Axe looks at a page: what keeps people out who see, hear or move otherwise."""

from pathlib import Path

from playwright.async_api import Page

SOURCE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
# But for what moves as long as it is there.
SETTLED = """Promise.allSettled(
  document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity).map((one) => one.finished)
)"""
SERIOUS = ("serious", "critical")


async def faults_of(page: Page) -> list[str]:
    """Return the serious faults of a page as it is now: rule, what is wrong with it, and where."""
    # What is fading in has not the contrast yet that it will have.
    await page.evaluate(SETTLED)
    await page.evaluate(SOURCE.read_text())
    found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
