"""Web: how soon a thread's page shows its words in Chromium, and what a frame costs while an answer is written into it.

The page is that of a thread with 200 messages of Markdown, by somebody who is signed in. Its first contentful paint is
taken with nothing kept by the browser, and again with the shell kept; the sign-in page of the same server is the floor
of this browser on this machine. Then 100 tokens a second are written into the same page, and each frame says for how
long the main thread was busy with it: scripts, style, layout and paint. What the browser's other threads and the server
do is not in it, and happens on the same two cores.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.figure import Figure
from bench.load import Spread, spread
from bench.peers.threadline import Server, start_threadline
from bench.plan import Plan

MESSAGES: Final = 200
LOADS: Final = 20
LOADS_QUICK: Final = 5
SECONDS: Final = 20
SECONDS_QUICK: Final = 8
TOKENS_PER_S: Final = 100
PAINT_BAR_MS: Final = 500.0
FRAME_BAR_MS: Final = 50.0
PERSON: Final = "ann"
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
VIEW: Final = {"width": 1280, "height": 800}
MARKDOWN: Final = """## What it does

A log is **append-only**: what was said *stays* said, and [every view](https://example.com) is read from it.

- one writer for each thread, and any number of readers
- a cursor is a number, and `after=seq` goes on from there

| part | what it keeps |
|---|---|
| store | rows and events, in one transaction |
| bus | nothing |

```python
async for event in thread.events(after=seq):
    state = fold(state, event)
```

"""

PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
# A frame begins with the callback and ends when the next task may run: everything between is the main thread's.
WATCH_FRAMES: Final = """() => {
  window.__frames = [];
  const channel = new MessageChannel();
  let begun = 0;
  channel.port1.onmessage = () => window.__frames.push(performance.now() - begun);
  const frame = () => { begun = performance.now(); channel.port2.postMessage(0); requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  // By the browser's own count, with the work that was done before the frame began, 50 ms or longer.
  window.__long = [];
  const round = (ms) => Math.round(ms * 10) / 10;
  const told = (one) => ({
    at_ms: round(one.startTime),
    ms: round(one.duration),
    blocking_ms: round(one.blockingDuration),
    scripts: one.scripts.map(({ duration, invoker }) => `${round(duration)} ms ${invoker}`),
  });
  const note = (list) => window.__long.push(...list.getEntries().map(told));
  new PerformanceObserver(note).observe({ type: "long-animation-frame" });
}"""


def measure(plan: Plan) -> list[Figure]:
    """Measure first paints, then frames."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise FileNotFoundError("There is no Chromium here: apt-get install chromium.")
    loads = plan.of(LOADS, LOADS_QUICK)
    plan.steps(5)
    with plan.step("starting Threadline"):
        server = start_threadline(plan, None)
    with plan.step(f"a thread of {MESSAGES} messages"):
        path = f"/t/{talked(server)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        with plan.step(f"{loads} first visits"):
            cold = spread(paint_ms(first_visit(browser, server), server, path) for _ in range(loads))
            floor = spread(paint_ms(browser.new_context(viewport=VIEW), server, "/sign-in") for _ in range(loads))
        with plan.step(f"{loads} later visits"):
            warm = spread(later_paints(browser, server, path, loads))
        with plan.step(f"{TOKENS_PER_S} tokens/s into the page"):
            frames = frames_ms(browser, server, path, plan.of(SECONDS, SECONDS_QUICK))
        browser.close()
    plan.keep("web", {"cold_ms": cold, "warm_ms": warm, "floor_ms": floor, **frames})
    return [*paints(cold, warm, floor), *costs(frames)]


def paints(cold: Spread, warm: Spread, floor: Spread) -> list[Figure]:
    """Say how soon there was something to read."""
    what = f"first contentful paint of a thread of {MESSAGES} messages"
    bare = f"the sign-in page of this server takes {floor.p50:.0f} ms"
    return [
        Figure(
            piece="web",
            name=f"{what}, {when}",
            value=found.p50,
            unit="ms p50",
            bar=PAINT_BAR_MS,
            note=f"p99 {found.p99:.0f} ms; {bare}",
        )
        for when, found in (("nothing kept", cold), ("a later visit", warm))
    ]


def costs(frames: dict[str, Any]) -> list[Figure]:
    """Say what the frames have cost."""
    found: Spread = frames["frame_ms"]
    note = f"p50 {found.p50:.1f}, p99 {found.p99:.1f} ms of {frames['frames']} frames; {frames['tokens']} tokens shown"
    if frames["long"]:
        note += f"; with the work before them {len(frames['long'])} took 50 ms or longer"
    return [
        Figure(
            piece="web",
            name=f"the longest frame on the main thread at {TOKENS_PER_S} tokens/s",
            value=found.max,
            unit="ms",
            bar=FRAME_BAR_MS,
            note=note,
        )
    ]


def talked(server: Server) -> str:
    """Leave a thread behind, of the person who will look at it; returns its id."""
    thread: str = server.call("POST", "/v1/threads", {"end_user_id": PERSON, "title": "A long one"})["id"]
    for number in range(MESSAGES // 2):
        ask = {"content": f"Question {number}?", "respond": False}
        server.call("POST", f"/v1/threads/{thread}/messages", ask)
        server.call("POST", f"/v1/threads/{thread}/messages", {**ask, "content": MARKDOWN, "role": "assistant"})
    return thread


def first_visit(browser: Browser, server: Server) -> BrowserContext:
    """Return a browser that keeps nothing but who is signed in."""
    context = browser.new_context(viewport=VIEW, service_workers="block")
    said = {"key": server.key, "person": PERSON}
    origin = f"http://127.0.0.1:{server.port}"
    context.request.post(f"{origin}/sign-in", form=said, headers={"origin": origin}, max_redirects=0)
    return context


def paint_ms(context: BrowserContext, server: Server, path: str) -> float:
    """Open a page in a browser that ends with it; returns its first contentful paint."""
    page = context.new_page()
    try:
        return painted_ms(page, server, path)
    finally:
        context.close()


def painted_ms(page: Page, server: Server, path: str) -> float:
    """Go to a page, and return its first contentful paint in milliseconds."""
    page.goto(f"http://127.0.0.1:{server.port}{path}")
    found = eventually(lambda: page.evaluate(PAINT))
    return float(found)


def later_paints(browser: Browser, server: Server, path: str, times: int) -> list[float]:
    """Open a page again and again in a browser that has been there."""
    context = first_visit(browser, server)
    page = context.new_page()
    painted_ms(page, server, path)
    try:
        return [painted_ms(page, server, path) for _ in range(times)]
    finally:
        context.close()


def frames_ms(browser: Browser, server: Server, path: str, seconds: int) -> dict[str, Any]:
    """Let an answer of Markdown be written into the page, and return what its frames have cost."""
    context = first_visit(browser, server)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}{path}")
    page.locator("#app article.message.assistant").first.wait_for()
    script = {"steps": [{"say": MARKDOWN * seconds, "pace": TOKENS_PER_S}]}
    body = {"content": msgspec.json.encode(script).decode(), "model": "demo/script", "background": True}
    page.evaluate(WATCH_FRAMES)
    run = server.call("POST", f"/v1/threads/{Path(path).name}/messages", body)["run"]["id"]
    time.sleep(seconds)
    found = page.evaluate("({ frames: window.__frames, long: window.__long })")
    server.call("POST", f"/v1/runs/{run}/cancel", {})
    shown = page.locator("#app article.message.assistant").last.inner_text()
    context.close()
    frames = spread(found["frames"])
    return {"frames": len(found["frames"]), "frame_ms": frames, "long": found["long"], "tokens": len(shown.split())}


def eventually(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer. Raises TimeoutError."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        found = ask()
        if found is not None:
            return found
        time.sleep(0.01)
    raise TimeoutError("The page never painted.")
