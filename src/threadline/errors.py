"""The error tree: what can go wrong, in one sentence each, with a stable code, an HTTP status and whether to retry.

The docstring of a class is its title on the wire. A foreign error is wrapped once, where it enters, `from` its cause.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ThreadlineError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.extra: Mapping[str, Any] = extra

    @classmethod
    def title(cls) -> str:
        """Return the sentence for this kind of error, the same for every instance."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


# --- what a request may run into ---


class Unauthorized(ThreadlineError):
    """The request carries no valid key or token."""

    code = "unauthorized"
    status = 401


class Forbidden(ThreadlineError):
    """This key or token may not do that."""

    code = "forbidden"
    status = 403


class NotFound(ThreadlineError):
    """There is nothing with this id here."""

    code = "not_found"
    status = 404


class MethodNotAllowed(ThreadlineError):
    """This address does not take that method."""

    code = "method_not_allowed"
    status = 405


class ThreadBusy(ThreadlineError):
    """The thread is already answering and the send asked not to wait."""

    code = "thread_busy"
    status = 409


class NameTaken(ThreadlineError):
    """There is something of this name already."""

    code = "name_taken"
    status = 409


class NotWaitedFor(ThreadlineError):
    """Nobody waits for this any more, or it was decided otherwise."""

    code = "not_waiting"
    status = 409


class RunBegun(ThreadlineError):
    """The run does not wait any more, so nothing of it can be changed."""

    code = "run_started"
    status = 409


class QueueFull(ThreadlineError):
    """Too many sends are waiting in this thread."""

    code = "rate_limited"
    status = 429
    retryable = True


class IdempotencyMismatch(ThreadlineError):
    """This Idempotency-Key was used before with another body."""

    code = "idempotency_mismatch"
    status = 422


class InvalidRequest(ThreadlineError):
    """The request is not of the form that this address takes."""

    code = "invalid_request"
    status = 422


class BadCursor(ThreadlineError):
    """The cursor was not handed out by this thread or list."""

    code = "bad_cursor"
    status = 400


class TooLarge(ThreadlineError):
    """The request is larger than what is accepted."""

    code = "too_large"
    status = 413


class FileInUse(ThreadlineError):
    """A thread has this file in a message. It goes with the thread."""

    code = "file_in_use"
    status = 409


class FileTypeRefused(ThreadlineError):
    """Files of this type are not accepted."""

    code = "file_type_refused"
    status = 415


class RateLimited(ThreadlineError):
    """Too many requests."""

    code = "rate_limited"
    status = 429
    retryable = True


class SpendLimit(ThreadlineError):
    """The spending limit is reached."""

    code = "spend_limit"
    status = 402


class ModelUnknown(ThreadlineError):
    """No configured provider has a model of this name."""

    code = "model_unknown"
    status = 404


class ToolsUnreachable(ThreadlineError):
    """The server of these tools cannot be reached, or does not speak as it should."""

    code = "tools_unreachable"
    status = 502
    retryable = True


class Unavailable(ThreadlineError):
    """The store cannot write at the moment; nothing was stored."""

    code = "unavailable"
    status = 503
    retryable = True


class ShuttingDown(ThreadlineError):
    """This server is shutting down and takes no new work."""

    code = "shutting_down"
    status = 503
    retryable = True


# --- what ends a run ---


class RunFailure(ThreadlineError):
    """The run failed."""

    code = "internal_error"
    retryable = True


class RunInterrupted(RunFailure):
    """The server stopped in mid-answer more often than the run may be attempted."""

    code = "run_interrupted"


class NoReaders(RunFailure):
    """Nobody was reading the answer any more, and it was not to go on without a reader."""

    code = "no_readers"


class RunExpired(RunFailure):
    """The run took longer than a run may take."""

    code = "run_expired"


class ProviderFailure(RunFailure):
    """The model provider failed."""

    code = "provider_error"


class ProviderAuth(ProviderFailure):
    """The model provider refused this server's credentials."""

    code = "provider_auth"
    retryable = False


class ProviderRateLimited(ProviderFailure):
    """The model provider is limiting the rate of this server."""

    code = "provider_rate_limited"


class ProviderOverloaded(ProviderFailure):
    """The model provider is overloaded."""

    code = "provider_overloaded"


class ProviderRefused(ProviderFailure):
    """The model provider refused the request."""

    code = "provider_refused"
    retryable = False


class UploadLost(ProviderRefused):
    """The model provider no longer has a file that was uploaded to it."""


class ContextTooLong(ProviderFailure):
    """The conversation is longer than the model's context window."""

    code = "context_too_long"
    retryable = False


class ProviderTimeout(ProviderFailure):
    """The model provider stopped answering."""

    code = "provider_timeout"


# --- inside ---


class LeaseLost(ThreadlineError):
    """Another attempt owns this run now; this one may write nothing more."""

    code = "lease_lost"


class BlobLost(ThreadlineError):
    """The bytes of a file are not where they should be."""

    code = "file_lost"


class StoreRefused(ThreadlineError):
    """The store cannot be opened."""

    code = "store_refused"


class FilesRefused(StoreRefused):
    """The place for files is not usable."""

    code = "files_refused"


class SettingsRefused(ThreadlineError):
    """The settings are not usable."""

    code = "settings_refused"
