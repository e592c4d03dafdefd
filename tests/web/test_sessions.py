"""Signing in: a link works once, a cookie is worth what its session is, and no other site's page may use it."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support import asking
from support.server import Server, run_command
from support.waiting import PATIENCE_SECONDS
from threadline.api.web.signin import own_path

from .conftest import LINK, Installation


def cookie_line(response: httpx.Response) -> str:
    """Return the one Set-Cookie of an answer."""
    lines = response.headers.get_list("set-cookie")
    assert len(lines) == 1, lines
    return lines[0]


def test_the_printed_link_signs_in_once(tmp_path: Path) -> None:
    """The link of `serve` gives a browser the operator's session; to anybody who finds it later it gives none."""
    server = Server(tmp_path / "data").start()
    try:
        found = None
        while found is None:
            found = LINK.search(server.log())
        link = found.group(1)
        with asking.client(base_url=server.url) as browser:
            assert browser.get("/v1/session").status_code == 401
            came = browser.get(link)
            assert (came.status_code, came.headers["location"]) == (303, "/")
            session = browser.get("/v1/session").json()
            assert (session["end_user_id"], session["role"], session["may_be"]) == ("operator", "end_user", "operator")
            # The same browser is sent on, another one is not let in.
            assert browser.get(link).status_code == 303
        again = asking.get(link)
        assert again.status_code == 401
        assert "has been used" in again.text
        assert "set-cookie" not in again.headers
    finally:
        server.stop()


def test_no_link_is_printed_where_strangers_may_read_it(tmp_path: Path) -> None:
    """A server that others can reach, started without a terminal, puts no key to itself into its log."""
    server = Server(tmp_path / "data", {"THREADLINE_HOST": "0.0.0.0"}).start()
    try:
        asking.get(server.url + "/healthz").raise_for_status()
        server.sigterm()
        server.wait_for_exit()
        assert "sign-in" not in server.log()
    finally:
        server.stop()


def test_a_link_from_the_terminal(installation: Installation) -> None:
    """`threadline link` prints one beside the running server, for whom and where it is told."""
    options = ("--data", str(installation.data), "--url", "https://chat.example.com/", "--person", "dora")
    done = run_command("link", *options, home=installation.server.home)
    printed = re.fullmatch(r"https://chat\.example\.com(/sign-in\?code=\S+)\n", done.stdout)
    assert printed, done.stderr
    browser = installation.browser()
    assert browser.get(printed.group(1)).status_code == 303
    assert browser.get("/v1/session").json()["end_user_id"] == "dora"


def test_two_with_one_link(installation: Installation) -> None:
    """Of many browsers that come at once with the same link, one is signed in."""
    link = installation.link()
    with ThreadPoolExecutor(8) as crowd:
        statuses = sorted(crowd.map(lambda _: asking.get(link).status_code, range(8)))
    assert statuses == [303] + [401] * 7


def test_looking_ahead_uses_nothing_up(installation: Installation) -> None:
    """A browser that prefetches a link, or a messenger that asks for its head, leaves it as good as it was."""
    link = installation.link()
    assert "set-cookie" not in asking.get(link, headers={"sec-purpose": "prefetch;prerender"}).headers
    asking.request("HEAD", link)
    assert asking.get(link).status_code == 303


def test_the_cookie_has_its_flags(installation: Installation) -> None:
    """HttpOnly and SameSite always; behind https also Secure, under a name that no neighbour can set."""
    plain = cookie_line(asking.get(installation.link()))
    port = installation.server.port
    assert plain.startswith(f"threadline_{port}=tls_")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(plain.split("; "))
    assert "Secure" not in plain
    assert "Domain" not in plain
    # As a proxy on this machine says it.
    secure = cookie_line(asking.get(installation.link(), headers={"x-forwarded-proto": "https"}))
    assert secure.startswith(f"__Host-threadline_{port}=tls_")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(secure.split("; "))


def test_a_key_signs_a_person_in(installation: Installation) -> None:
    """The form takes a key and a name; the session is that person, and may be what the key is and no more."""
    browser = installation.by_key(installation.admin, "ann")
    session = browser.get("/v1/session").json()
    assert (session["end_user_id"], session["may_be"]) == ("ann", "admin")
    made = browser.post("/v1/threads", json={"title": "Mine"}).json()
    assert made["end_user_id"] == "ann"
    assert [thread["id"] for thread in browser.get("/v1/threads").json()["data"]] == [made["id"]]
    other = installation.by_key(installation.admin, "bob")
    assert other.get(f"/v1/threads/{made['id']}").status_code == 404
    assert browser.get("/v1/keys").status_code == 403
    assert browser.get("/v1/keys", headers={"x-threadline-role": "admin"}).status_code == 200
    assert browser.get("/v1/keys", headers={"x-threadline-role": "operator"}).status_code == 403
    assert browser.get("/v1/keys", headers={"x-threadline-role": "god"}).status_code == 403


def test_a_persons_link_gives_no_power(installation: Installation) -> None:
    """A link for an end user signs in that person alone."""
    browser = installation.signed_in("cid", "end_user")
    session = browser.get("/v1/session").json()
    assert (session["end_user_id"], session["may_be"]) == ("cid", "end_user")
    for role in ("server", "admin", "operator"):
        assert browser.get("/v1/keys", headers={"x-threadline-role": role}).status_code == 403


@pytest.mark.parametrize("key", ["", "tl_00000000000000000000000000_forged", "eyJhbGciOiJub25lIn0.e30.", "ä\x00"])
def test_what_is_no_key_signs_nobody_in(installation: Installation, key: str) -> None:
    """The form comes back with a sentence."""
    refused = installation.browser().post("/sign-in", data={"key": key})
    assert refused.status_code == 401
    assert 'role="alert"' in refused.text
    assert "set-cookie" not in refused.headers


def test_a_form_has_an_end(installation: Installation) -> None:
    """Anybody may send one, and to take megabytes of fields apart would keep everybody else waiting."""
    body = "&".join(["key=x"] * 4000)
    headers = {"origin": installation.url, "content-type": "application/x-www-form-urlencoded"}
    refused = installation.browser().post("/sign-in", content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_a_token_signs_nobody_in(installation: Installation) -> None:
    """An end user's token is for an app that has one; a session of it would outlive it."""
    token = installation.api("POST", "/v1/tokens", json={"end_user_id": "ann"}).json()["token"]
    assert installation.browser().post("/sign-in", data={"key": token}).status_code == 401


def test_signing_out_ends_the_session_and_not_only_the_cookie(installation: Installation) -> None:
    """Who has kept the cookie has nothing."""
    browser = installation.signed_in()
    kept = httpx.Cookies(browser.cookies)
    assert browser.delete("/v1/session").status_code == 204
    assert dict(browser.cookies) == {}
    thief = installation.browser(cookies=kept)
    assert thief.get("/v1/session").status_code == 401
    assert installation.api("DELETE", "/v1/session").status_code == 403


def test_a_session_ends_with_its_key(installation: Installation) -> None:
    """Revoking a key signs out whoever has signed in with it."""
    made = installation.api("POST", "/v1/keys", installation.admin, json={"name": "spare", "role": "server"}).json()
    browser = installation.by_key(made["secret"])
    assert browser.get("/v1/session").status_code == 200
    assert installation.api("DELETE", f"/v1/keys/{made['id']}", installation.admin).status_code == 204
    assert browser.get("/v1/session").status_code == 401


def test_sessions_and_links_expire(installation: Installation) -> None:
    """A month for a session, an hour for a link; then they are as if they had never been."""
    browser, link = installation.signed_in("eve"), installation.link("eva")
    installation.execute("UPDATE sessions SET expires_at = created_at WHERE end_user_id = ?", "eve")
    installation.execute("UPDATE sessions SET expires_at = created_at WHERE end_user_id = ?", "eva")
    assert browser.get("/v1/session").status_code == 401
    assert asking.get(link).status_code == 401


def test_sessions_outlive_the_server(tmp_path: Path) -> None:
    """They are rows: a restart signs nobody out, and a link that was printed before is still good."""
    installation = Installation(tmp_path)
    try:
        browser, link = installation.signed_in(), installation.link()
        installation.server.kill9()
        installation.server.start()
        assert browser.get("/v1/session").status_code == 200
        assert asking.get(link).status_code == 303
    finally:
        installation.stop()


FOREIGN_PAGES = [
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-site"},
    {"origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN_PAGES, ids=str)
def test_no_other_page_writes_with_the_cookie(installation: Installation, headers: dict[str, str]) -> None:
    """Every route that changes something is 403 for a page of another origin, whatever it is allowed otherwise."""
    signed_in = installation.signed_in()
    browser = installation.browser(headers, signed_in.cookies)
    document = asking.get(installation.url + "/openapi.json").json()
    writes = [
        (method.upper(), re.sub(r"{\w+}", "x", path))
        for path, methods in document["paths"].items()
        for method in methods
        if method not in ("get", "head")
    ]
    assert len(writes) > 10
    for method, path in writes:
        refused = browser.request(method, path, json={}, headers={"x-threadline-role": "operator"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), (method, path)
    assert browser.get("/v1/session").status_code == 200
    # And nobody is signed in by another site as whom it likes.
    assert browser.post("/sign-in", data={"key": installation.key}).status_code == 403


def test_no_other_page_opens_a_socket_with_the_cookie(installation: Installation) -> None:
    """Browsers open sockets to anybody and show the answer to the page; so the page's origin is looked at."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    browser = installation.signed_in()
    thread_id = browser.post("/v1/threads", json={}).json()["id"]
    address = f"ws{installation.url.removeprefix('http')}/v1/threads/{thread_id}/socket"
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    async def status(origin: str) -> int:
        try:
            headers = {"cookie": cookie, "origin": origin}
            async with connect(address, additional_headers=headers, open_timeout=PATIENCE_SECONDS):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    assert asyncio.run(status(installation.url)) == 101
    assert asyncio.run(status("https://evil.example")) == 403


def test_a_key_beats_the_cookie(installation: Installation) -> None:
    """A request with a credential of its own is that one's, wherever it comes from."""
    browser = installation.signed_in()
    asked = browser.get("/v1/session", headers={"authorization": f"Bearer {installation.foreign}"}).json()
    assert (asked["tenant"], asked["role"]) == ("other", "server")
    assert browser.get("/v1/session", headers={"authorization": "Bearer nonsense"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example", ""]
)
def test_signing_in_leads_to_pages_of_ours_only(path: str) -> None:
    """Where to go next comes from the address, so from anybody."""
    assert own_path(path) == "/"
    assert own_path("/t/thr_1") == "/t/thr_1"


def test_signing_out_cuts_what_is_open(installation: Installation) -> None:
    """The session's stream ends with it, and another session's goes on."""
    thread_id = installation.api("POST", "/v1/threads", json={"end_user_id": "una"}).json()["id"]
    leaving, staying = installation.by_key(installation.key, "una"), installation.by_key(installation.key, "una")
    path = f"/v1/threads/{thread_id}/events"
    with leaving.stream("GET", path) as gone, staying.stream("GET", path) as kept:
        lines, others = gone.iter_lines(), kept.iter_lines()
        for each in (lines, others):
            assert any("caught_up" in line for line in each)
        assert installation.browser(cookies=leaving.cookies).delete("/v1/session").status_code == 204
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
        installation.api("PATCH", f"/v1/threads/{thread_id}", json={"title": "still here"})
        assert any("still here" in line for line in others)
