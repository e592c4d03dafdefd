"""The error tree of the SDK: everything that a call or a stream of this package raises.

    ThreadlineError
    ├── APIError              the server answered with an error; one subclass for each `code` of the contract
    ├── ConnectionLost        the server could not be reached, or was lost and not found again
    ├── Timeout               the server was reached and did not answer in time
    ├── UnexpectedAnswer      the server answered something that the contract does not know
    └── RunFailed             raised by `raise_for_run()` only: inside a stream a failed run is an event

Foreign errors (httpx, msgspec) are wrapped once, where they enter, and stay readable as `__cause__`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from threadline.client.models import Run


class Problem(Struct, frozen=True, kw_only=True):
    """An `application/problem+json` answer. `extra` has the members that the contract gives to single codes only."""

    status: int
    code: str
    title: str
    detail: str | None = None
    retryable: bool = False
    retry_after_seconds: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class ThreadlineError(Exception):
    """Something between this program and a Threadline server went wrong."""


class APIError(ThreadlineError):
    """The server answered, and its answer is an error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        problem = self.problem
        return f"{problem.detail or problem.title} ({problem.code}, HTTP {problem.status})"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def code(self) -> str:
        """The stable code, such as `not_found`; `http_502` and the like when somebody else than Threadline answered."""
        return self.problem.code

    @property
    def title(self) -> str:
        """The code in words, the same for every case of it."""
        return self.problem.title

    @property
    def detail(self) -> str | None:
        """What is special about this case."""
        return self.problem.detail

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.problem.retryable

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the server asks to be left alone, if it said."""
        return self.problem.retry_after_seconds

    @property
    def extra(self) -> Mapping[str, Any]:
        """Further members of the problem document."""
        return self.problem.extra


class Unauthorized(APIError):
    """The key or token is missing, wrong, revoked or expired."""


class Forbidden(APIError):
    """The key or token is good, but its role does not allow this."""


class NotFound(APIError):
    """There is no such thing, or it belongs to somebody else: the server does not say which."""


class ThreadBusy(APIError):
    """A run is active in this thread, and the send asked to be refused rather than queued."""

    @property
    def run_id(self) -> str | None:
        """The run that is active; `runs.events` attaches to it, `runs.cancel` stops it."""
        return self.problem.extra.get("run_id")

    @property
    def events_url(self) -> str | None:
        """The address of the active run's events."""
        return self.problem.extra.get("events_url")


class IdempotencyMismatch(APIError):
    """This idempotency key was already used in this thread with another body."""


class InvalidRequest(APIError):
    """A field of the request is not what the contract says."""

    @property
    def pointer(self) -> str | None:
        """JSON pointer to the field, such as `/content/0/text`."""
        return self.problem.extra.get("pointer")


class BadCursor(APIError):
    """The cursor is malformed or lies beyond the end of the log."""


class TooLarge(APIError):
    """The request is larger than the server takes."""


class RateLimited(APIError):
    """Too many requests; `retry_after_seconds` says when there is room again."""


class SpendLimit(APIError):
    """The budget of this tenant or end user is used up."""


class ModelUnknown(APIError):
    """No configured provider has a model of this name."""


class Unavailable(APIError):
    """The server cannot write at the moment; nothing was stored."""


class ShuttingDown(APIError):
    """The server is draining and takes no new runs; its successor will."""


class ConnectionLost(ThreadlineError):
    """The server could not be reached, or was lost and not found again.

    `never_sent` says that the request cannot have reached the server. A stream fills in what is needed to go on later:
    `client.runs.events(run_id, after=last_seq)`, or the same send with the same `idempotency_key`.
    """

    def __init__(self, detail: str, *, never_sent: bool = False, retryable: bool = True) -> None:
        super().__init__(detail)
        self.never_sent = never_sent
        self.retryable = retryable
        self.run_id: str | None = None
        self.last_seq: int | None = None
        self.idempotency_key: str | None = None


class Timeout(ThreadlineError):
    """The server was reached and did not answer in time; what was asked may have been done."""


class UnexpectedAnswer(ThreadlineError):
    """The server's answer is not what the contract says: a foreign server, or a broken one."""


class RunFailed(ThreadlineError):
    """The run ended without a whole answer: it failed, was cancelled or expired."""

    def __init__(self, run: "Run") -> None:
        super().__init__(run)
        self.run = run

    def __str__(self) -> str:
        said = f": {self.run.error.message}" if self.run.error else ""
        return f"run {self.run.id} {self.run.status}{said} ({self.code})"

    @property
    def code(self) -> str:
        """The error's stable code, such as `provider_overloaded`; the run's status where there is no error."""
        return self.run.error.code if self.run.error else self.run.status

    @property
    def retryable(self) -> bool:
        """Whether sending again may succeed."""
        return self.run.error.retryable if self.run.error else False


ERRORS_BY_CODE: Mapping[str, type[APIError]] = {
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "thread_busy": ThreadBusy,
    "idempotency_mismatch": IdempotencyMismatch,
    "invalid_request": InvalidRequest,
    "bad_cursor": BadCursor,
    "too_large": TooLarge,
    "rate_limited": RateLimited,
    "spend_limit": SpendLimit,
    "model_unknown": ModelUnknown,
    "unavailable": Unavailable,
    "shutting_down": ShuttingDown,
}

# For answers without a code that we know: a proxy's own page, or a newer server's code. `except RateLimited` must
# hold for a proxy's 429 too.
ERRORS_BY_STATUS: Mapping[int, type[APIError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    429: RateLimited,
    503: Unavailable,
}
