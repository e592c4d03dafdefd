"""The pages that the server writes: readable without a script, confined, and for nobody but whom they are for."""

import html
import json
import re

import httpx
import pytest

from support import asking

from .conftest import Installation
from .corpus import TEXTS, faults_of


def strict(response: httpx.Response) -> None:
    """Check that a page is confined."""
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "*" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\bsrc=)", response.text), "an inline script"
    assert not re.search(r"<[^>]*\sstyle=", response.text), "an inline style"


def talked(client: httpx.Client, text: str = "hello") -> str:
    """Start a thread with a question and its answer; returns its id."""
    thread_id = client.post("/v1/threads", json={"title": "Greetings"}).json()["id"]
    sent = client.post(f"/v1/threads/{thread_id}/messages", json={"content": text, "stream": False})
    assert sent.status_code in (200, 201), sent.text
    return str(thread_id)


def test_every_page_is_confined(installation: Installation) -> None:
    """The app, a thread, the sign-in, a shared page, what is not there, and the style."""
    browser = installation.signed_in()
    thread_id = talked(browser)
    shared = browser.post(f"/v1/threads/{thread_id}/share").json()["url"]
    for path in ("/", f"/t/{thread_id}", "/operator", "/sign-in", shared, "/t/thr_0", "/s/nothing"):
        response = browser.get(path)
        strict(response)
        assert response.headers["cache-control"] == "no-store", path
    assert installation.browser().get("/pages.css").headers["x-content-type-options"] == "nosniff"


def test_who_is_not_signed_in_is_asked_to(installation: Installation) -> None:
    """And comes back to where he wanted to go."""
    browser = installation.browser()
    for path in ("/", "/t/thr_1", "/operator/usage"):
        sent = browser.get(path)
        assert sent.status_code == 303
        assert sent.headers["location"] == "/sign-in?next=" + path.replace("/", "%2F")
    form = browser.get("/sign-in?next=/t/thr_1").text
    assert 'name="next" value="/t/thr_1"' in form


def test_a_threads_page_has_its_words(installation: Installation) -> None:
    """Question and answer stand in the HTML, and nothing has to be asked for to read them."""
    browser = installation.signed_in()
    page = browser.get(f"/t/{talked(browser, 'how are you?')}").text
    assert "<h1>Greetings</h1>" in page
    assert "how are you?" in page
    assert page.count('<article class="message') == 2
    assert '<span title="demo/count-3@max">Count 3</span>' in page


def test_an_answer_of_an_agent_says_whose_and_by_which_model(installation: Installation) -> None:
    """As the app says it, so that nothing changes when it takes over."""
    browser = installation.signed_in()
    named = {"handle": "poet", "name": "The <Poet>", "model": "demo/count-3@max"}
    agent = browser.post("/v1/agents", json=named).json()["id"]
    thread_id = browser.post("/v1/threads", json={}).json()["id"]
    asked = {"content": "Go on", "agent": agent, "stream": False}
    assert browser.post(f"/v1/threads/{thread_id}/messages", json=asked).status_code == 200
    head = (
        '<header><span>The &lt;Poet&gt;</span> <span class="aside" title="demo/count-3@max">· Count 3</span></header>'
    )
    assert head in browser.get(f"/t/{thread_id}").text


def test_an_address_that_leads_nowhere_has_a_way_back(installation: Installation) -> None:
    """For people; programs are told in JSON, and the API is for programs."""
    people, programs = {"accept": "text/html,*/*;q=0.8"}, {"accept": "application/json"}
    browser = installation.browser()
    found = browser.get("/nonsense", headers=people)
    strict(found)
    assert found.status_code == 404
    assert '<a href="/">' in found.text
    for path, headers in (("/nonsense", programs), ("/v1/nonsense", people)):
        told = browser.get(path, headers=headers)
        assert (told.status_code, told.json()["code"]) == (404, "not_found")


def test_a_thread_is_for_its_person(installation: Installation) -> None:
    """Somebody else's thread and no thread are the same page."""
    mine = talked(installation.signed_in())
    other = installation.by_key(installation.key, "bob")
    foreign, unknown = other.get(f"/t/{mine}"), other.get("/t/thr_00000000000000000000000000")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text == unknown.text


def test_harm_stays_words_on_pages(installation: Installation) -> None:
    """Titles and questions that are meant to break out of the page, and out of the state within it."""
    browser = installation.signed_in()
    for text in TEXTS[:3] + TEXTS[-10:]:
        thread_id = browser.post("/v1/threads", json={"title": text}).json()["id"]
        sent = browser.post(f"/v1/threads/{thread_id}/messages", json={"content": text, "background": True})
        assert sent.status_code == 202, sent.text
        url = browser.post(f"/v1/threads/{thread_id}/share").json()["url"]
        for page in (browser.get(f"/t/{thread_id}"), browser.get(url)):
            assert page.status_code == 200
            assert faults_of(page.text, own_scripts=True) == []


def test_the_state_in_the_page_is_the_state(installation: Installation) -> None:
    """Where there is a build, the app finds in its page what `state` would have told it."""
    browser = installation.signed_in()
    thread_id = talked(browser)
    page = browser.get(f"/t/{thread_id}").text
    found = re.search(r'<template id="first-state">(.*?)</template>', page, re.DOTALL)
    if found is None:
        assert "make web" in page
        return
    carried = json.loads(html.unescape(found.group(1)))
    assert carried["state"] == browser.get(f"/v1/threads/{thread_id}/state").json()
    assert carried["session"] == browser.get("/v1/session").json()


@pytest.mark.parametrize(
    "path", ["/assets/..%2fweb", "/assets/nothing.js", "/app/.env", "/assets/%2e%2e/x", "/app/%00"]
)
def test_nothing_else_is_served(installation: Installation, path: str) -> None:
    """No way out of the build's folder, and nothing that is not in it."""
    assert asking.get(installation.url + path).status_code == 404
