"""The port: free, or answered by a Threadline."""

import errno
import socket
from collections.abc import Mapping
from http import HTTPStatus

import httpx

from threadline.cli.examine.finding import Finding, error, ok

PROBE_SECONDS = 10.0
"""A server on this machine that is well answers in milliseconds, and in seconds where the machine is busy."""


def port(host: str, number: int) -> list[Finding]:
    """Check that a server can listen here, or that one does and is ready."""
    if number == 0:
        return [ok("The server will listen on a free port, which it says when it starts.")]
    where = f"{f'[{host}]' if ':' in host else host}:{number}"
    problem = _binding(host, number)
    if problem is None:
        return [ok(f"The address {where} is free for a server.")]
    if problem.errno == errno.EADDRINUSE:
        return [_answering(host, number)]
    if problem.errno == errno.EACCES:
        return [error(f"The port {number} is reserved for the administrator.", "Choose one above 1023 with --port.")]
    reason = problem.strerror or str(problem)
    return [error(f"Nobody can listen on {where}: {reason}.", "Choose an address of this machine with --host.")]


def client(env: Mapping[str, str]) -> list[Finding]:
    """Check the server that `THREADLINE_URL` names for clients such as `chat`, and the key that they would show."""
    url, key = env.get("THREADLINE_URL", "").strip().rstrip("/"), env.get("THREADLINE_API_KEY", "").strip()
    if not url:
        return []
    headers = {"authorization": f"Bearer {key}"} if key else {}
    shown = f"THREADLINE_URL, {_without_password(url)},"
    try:
        status = httpx.get(f"{url}/v1/models", headers=headers, timeout=PROBE_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
        said = type(problem).__name__
        return [error(f"Nobody answers at {shown} at all ({said}).", "Start that server, or mend the variable.")]
    if status == HTTPStatus.OK:
        return [ok(f"The server at {shown} answers and takes THREADLINE_API_KEY.")]
    if status == HTTPStatus.UNAUTHORIZED:
        state = (
            "does not take the key in THREADLINE_API_KEY" if key else "wants a key, and THREADLINE_API_KEY is not set"
        )
        return [error(f"The server at {shown} {state}.", "`threadline keys create` makes one.")]
    return [error(f"What answers at {shown} is no Threadline (HTTP {status}).", "Mend the variable.")]


def _binding(host: str, number: int) -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            # As a server does it: what a server that has just ended left behind does not count.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
    except OSError as problem:
        return problem
    return None


def _answering(host: str, number: int) -> Finding:
    url = f"http://{_reached(host)}:{number}"
    taken = f"The port {number} is taken by a program that is no Threadline."
    try:
        # No proxy stands between us and this machine.
        answer = httpx.get(f"{url}/readyz", timeout=PROBE_SECONDS, trust_env=False)
        said = answer.json()
    except httpx.TimeoutException:
        advice = "See what it is busy with, or restart it. Another server can have another --port."
        return error(f"The program that listens at {url} does not answer.", advice)
    except (httpx.HTTPError, ValueError):
        return error(taken, "Stop it, or choose another with --port.")
    if not isinstance(said, dict):
        return error(taken, "Stop it, or choose another with --port.")
    if answer.status_code == HTTPStatus.OK and "store" in said:
        return ok(f"A Threadline answers at {url}, and is ready.")
    if said.get("code") == "unavailable":
        return error(f"A Threadline answers at {url} and is not ready: {said.get('detail')}", "Its log says why.")
    return error(taken, "Stop it, or choose another with --port.")


def _reached(host: str) -> str:
    """Return the address at which a server that listens on `host` can be reached from this machine."""
    if host in ("0.0.0.0", ""):  # noqa: S104 - compared, not listened on
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _without_password(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"
