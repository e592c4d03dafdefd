"""HTTP answers become the error tree."""

import pickle
from datetime import UTC, datetime

import msgspec
import pytest

from threadline.client import APIError, NotFound, RateLimited, RunFailed, ThreadlineError, Unavailable, errors
from threadline.client.decode import read
from threadline.client.errors import ERRORS_BY_CODE, ConnectionLost, InvalidRequest, Problem, ThreadBusy
from threadline.client.models import Run
from threadline.client.problems import error_of, retry_after_seconds

from . import wire_samples as wire

NOW = datetime(2026, 1, 1, tzinfo=UTC)

CONTRACT = {
    "unauthorized": 401, "forbidden": 403, "not_found": 404, "thread_busy": 409, "idempotency_mismatch": 422,
    "invalid_request": 422, "bad_cursor": 400, "too_large": 413, "rate_limited": 429, "spend_limit": 402,
    "model_unknown": 404, "unavailable": 503, "shutting_down": 503,
}  # fmt: skip


def problem_error(status: int, headers: dict[str, str] | None = None, **members: object) -> APIError:
    return error_of(status, headers or {}, msgspec.json.encode(members), NOW)


@pytest.mark.parametrize(("code", "status"), CONTRACT.items())
def test_every_code_of_the_contract_has_its_class(code: str, status: int) -> None:
    """Each code is raised as its own class, named after it, with everything that the answer says."""
    error = problem_error(status, title="T", detail="D", code=code, retryable=True, mood="x")
    assert type(error).__name__.lower() == code.replace("_", "")
    assert (error.status, error.code, error.title, error.detail) == (status, code, "T", "D")
    assert error.retryable
    assert error.extra == {"mood": "x"}
    assert str(error) == f"D ({code}, HTTP {status})"


def test_the_tree_knows_the_contract_and_no_more() -> None:
    """The table of codes is the contract's."""
    assert set(ERRORS_BY_CODE) == set(CONTRACT)


def test_single_codes_carry_their_members() -> None:
    """`thread_busy` leads to the run, `invalid_request` to the field, `rate_limited` to the time."""
    busy = problem_error(409, code="thread_busy", run_id="run_1", events_url="/v1/x")
    assert isinstance(busy, ThreadBusy)
    assert (busy.run_id, busy.events_url) == ("run_1", "/v1/x")
    invalid = problem_error(422, code="invalid_request", pointer="/content")
    assert isinstance(invalid, InvalidRequest)
    assert invalid.pointer == "/content"
    limited = problem_error(429, {"retry-after": "7"}, code="rate_limited")
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (429, RateLimited), (502, APIError), (503, Unavailable), (599, APIError)]
)
def test_a_proxys_page_is_an_error_of_its_status(status: int, kind: type[APIError]) -> None:
    """An answer without a problem document still has a class, a code and a title."""
    error = error_of(status, {}, b"<html>oops</html>", NOW)
    assert type(error) is kind
    assert error.code == f"http_{status}"
    assert error.title
    assert error.retryable == (status in (429, 502, 503))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("nan", None), ("inf", None), ("soon", None),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """Both forms of the header are understood, and nonsense is no wish at all."""
    assert retry_after_seconds(value, NOW) == seconds


def test_every_error_is_a_sentence() -> None:
    """Each class of the tree says in its docstring what has happened."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ThreadlineError)]
    assert len(kinds) == 19
    for kind in kinds:
        first_line = (kind.__doc__ or "").split("\n")[0]
        assert first_line.endswith("."), kind


def test_errors_survive_pickling() -> None:
    """A worker process can hand an error to its parent."""
    error = pickle.loads(pickle.dumps(problem_error(404, code="not_found", title="Gone", retryable=False)))
    assert isinstance(error, NotFound)
    assert error.problem == Problem(status=404, code="not_found", title="Gone")
    assert str(pickle.loads(pickle.dumps(ConnectionLost("x")))) == "x"


def test_run_failed_says_why() -> None:
    """The exception of a failed run carries the run, its code and whether to try again."""
    cause = {"code": "provider_overloaded", "message": "Busy.", "retryable": True}
    error = RunFailed(read(Run, wire.run("failed", error=cause)))
    assert (error.code, error.retryable) == ("provider_overloaded", True)
    assert str(error) == "run run_1 failed: Busy. (provider_overloaded)"
    cancelled = RunFailed(read(Run, wire.run("cancelled")))
    assert (cancelled.code, cancelled.retryable) == ("cancelled", False)
