"""Shared pages: for whoever has the address, for as long as somebody means it, and no more than was shared."""

from support import asking

from .conftest import Installation
from .test_pages import talked


def test_a_shared_page_is_read_by_anybody(installation: Installation) -> None:
    """Without a key, a cookie or a script; and search engines are told to look away."""
    browser = installation.signed_in()
    thread_id = talked(browser, "a question")
    made = browser.post(f"/v1/threads/{thread_id}/share")
    assert made.status_code == 201
    assert made.json()["url"].startswith(installation.url + "/s/")
    page = asking.get(made.json()["url"])
    assert page.status_code == 200
    assert "a question" in page.text
    assert page.text.count('<article class="message') == 2
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers


def test_what_is_said_later_is_not_shared(installation: Installation) -> None:
    """A page ends with the message that it was made at."""
    browser = installation.signed_in()
    thread_id = talked(browser, "shared words")
    url = browser.post(f"/v1/threads/{thread_id}/share").json()["url"]
    browser.post(f"/v1/threads/{thread_id}/messages", json={"content": "private words", "stream": False})
    page = asking.get(url).text
    assert "shared words" in page
    assert "private words" not in page
    messages = browser.get(f"/v1/threads/{thread_id}/messages?order=asc").json()["data"]
    earlier = asking.get(f"{url}?before={messages[1]['id']}")
    assert (earlier.status_code, earlier.text.count('<article class="message')) == (200, 1)
    for said_later in messages[2:]:
        refused = asking.get(f"{url}?before={said_later['id']}")
        assert refused.status_code == 404
        assert "private words" not in refused.text


def test_a_revoked_page_is_gone(installation: Installation) -> None:
    """At once, and like one that never was; the list still knows of it, without its address."""
    browser = installation.signed_in()
    thread_id = talked(browser)
    made = browser.post(f"/v1/threads/{thread_id}/share").json()
    assert browser.delete(f"/v1/threads/{thread_id}/shares/{made['id']}").status_code == 204
    gone, never = asking.get(made["url"]), asking.get(installation.url + "/s/never")
    assert gone.status_code == never.status_code == 404
    assert gone.text == never.text
    (listed,) = browser.get(f"/v1/threads/{thread_id}/shares").json()["data"]
    assert (listed["id"], listed["url"]) == (made["id"], None)
    assert listed["revoked_at"] is not None


def test_a_page_expires(installation: Installation) -> None:
    """When its time has come it is as if it had never been."""
    browser = installation.signed_in()
    thread_id = talked(browser)
    made = browser.post(f"/v1/threads/{thread_id}/share", json={"expires_in": 60}).json()
    assert asking.get(made["url"]).status_code == 200
    installation.execute("UPDATE shares SET expires_at = created_at WHERE id = ?", made["id"])
    assert asking.get(made["url"]).status_code == 404


def test_a_page_goes_with_its_thread(installation: Installation) -> None:
    """What is deleted is not read any more by any address."""
    browser = installation.signed_in()
    thread_id = talked(browser)
    url = browser.post(f"/v1/threads/{thread_id}/share").json()["url"]
    assert browser.delete(f"/v1/threads/{thread_id}").status_code == 204
    assert asking.get(url).status_code == 404


def test_nothing_is_shared_before_there_is_something(installation: Installation) -> None:
    """Nor a message of another thread, nor for longer than is sensible."""
    browser = installation.signed_in()
    empty = browser.post("/v1/threads", json={}).json()["id"]
    assert browser.post(f"/v1/threads/{empty}/share").status_code == 422
    other = talked(browser)
    message = browser.get(f"/v1/threads/{other}/messages").json()["data"][0]["id"]
    assert browser.post(f"/v1/threads/{empty}/share", json={"message_id": message}).status_code == 404
    assert browser.post(f"/v1/threads/{other}/share", json={"expires_in": 10**9}).status_code == 422
