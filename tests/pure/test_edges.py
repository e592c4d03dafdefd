"""What comes in from outside: headers, cursors, bodies, settings, keys, tokens, ids."""

import asyncio
import random
from pathlib import Path

import jwt
import pytest
from starlette.requests import Request

from threadline.access.keys import hashed, matches, parse
from threadline.access.secret import SECRET_BYTES, SECRET_FILE, read_secret
from threadline.access.tokens import Token, TokenSigner
from threadline.api.bodies import check_text
from threadline.api.files import _chunks
from threadline.api.requests import _explained, cursor_of, from_page_cursor, idempotency_key, to_page_cursor
from threadline.clock import ManualClock, from_rfc3339, rfc3339
from threadline.errors import BadCursor, InvalidRequest, SettingsRefused, StoreRefused, Unauthorized
from threadline.ids import IdMaker, KeyId, TenantId, is_well_formed
from threadline.limits import JSON_VALUES_MAX
from threadline.observe import Metrics
from threadline.records import ErrorInfo, Usage
from threadline.settings import Settings, load_settings
from threadline.store.contract import KeyRow


def request(**headers: str) -> Request:
    """Make a request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw, "query_string": b""})


@pytest.mark.parametrize(
    ("given", "key"),
    [("abc", "abc"), ('"abc"', "abc"), ('"a\\"b\\\\c"', 'a"b\\c'), (" spaced ", "spaced"), ('"', '"')],
)
def test_an_idempotency_key_comes_quoted_or_bare(given: str, key: str) -> None:
    """RFC 8941's string and the bare word that most clients send are the same key."""
    assert idempotency_key(request(idempotency_key=given)) == key


@pytest.mark.parametrize("given", ["", '""', "x" * 257, "caf\u00e9", "a\x07b"])
def test_a_key_that_is_none_is_refused(given: str) -> None:
    """Empty, endless and unprintable keys are told, not ignored: ignoring one would make a second run."""
    with pytest.raises(InvalidRequest):
        idempotency_key(request(idempotency_key=given))


def test_cursors_of_streams() -> None:
    """`Last-Event-ID` wins over `after`; neither is the start; "now" is no number."""
    assert cursor_of(request(), None) == 0
    assert cursor_of(request(), "7") == 7
    assert cursor_of(request(last_event_id="9"), "7") == 9
    assert cursor_of(request(), "now") is None
    for bad in ("-1", "1.5", "x", "1e3", "9" * 17, "\u0661", " 1"):
        with pytest.raises(BadCursor):
            cursor_of(request(), bad)


@pytest.mark.parametrize(
    "bad", ["", "!", "AAAA", "bnVsbA", "x" * 2000, to_page_cursor("desc"), to_page_cursor(1, "desc")]
)
def test_a_page_cursor_that_was_never_handed_out_is_refused(bad: str) -> None:
    """Garbage, other forms and the cursors of other lists."""
    with pytest.raises(BadCursor):
        from_page_cursor(bad, tuple[str, int])
    assert from_page_cursor(to_page_cursor("desc", 5), tuple[str, int]) == ("desc", 5)
    for beyond in (-1, 2**53, 10**30):
        with pytest.raises(BadCursor):
            from_page_cursor(to_page_cursor("desc", beyond), tuple[str, int])


def test_a_body_has_only_so_many_values() -> None:
    """Each is looked at, so a few megabytes of zeros, or of names, may not be looked at to their end."""
    check_text({"a": [0] * (JSON_VALUES_MAX - 3)})
    for many in ({"a": [0] * JSON_VALUES_MAX}, {str(number): 0 for number in range(JSON_VALUES_MAX // 2 + 1)}):
        with pytest.raises(InvalidRequest, match="values"):
            check_text(many)


def test_a_refusal_points_at_the_field() -> None:
    """Msgspec's path becomes a JSON pointer."""
    assert _explained("Expected `int`, got `str` - at `$.limit`") == ("Expected `int`, got `str`.", "/limit")
    assert _explained("Expected `str` - at `$.content[0].text`")[1] == "/content/0/text"
    assert _explained("Object contains unknown field `colour`")[1] == "/colour"
    for value, pointer in (({"a": ["b\x00"]}, "/a/0"), ({"a/b": {"c~": "\x00"}}, "/a~1b/c~0")):
        with pytest.raises(InvalidRequest) as refused:
            check_text(value)
        assert refused.value.extra["pointer"] == pointer


def test_ids_sort_by_creation_whatever_the_clock_does() -> None:
    """Within a millisecond and over a clock that steps back, the next id is the larger one."""
    clock = ManualClock()
    ids = IdMaker(clock, random.Random(1))
    made = [ids.message() for _ in range(100)]
    clock.advance(1)
    made += [ids.message() for _ in range(3)]
    clock._now_ms -= 10_000
    made += [ids.message() for _ in range(3)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(map(is_well_formed, made))


def test_time_is_written_and_read_alike() -> None:
    """RFC 3339 with milliseconds, both ways, sorting as text."""
    assert rfc3339(1_767_225_600_007) == "2026-01-01T00:00:00.007Z"
    assert from_rfc3339("2026-01-01T00:00:00.007Z") == 1_767_225_600_007


def test_keys_are_compared_by_their_hash() -> None:
    """A secret fits its row; another one, or a torn one, does not."""
    secret = "tl_01ARZ3NDEKTSV4RRFFQ69G5FAV_a_b-c"
    assert parse(secret) == ("key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "a_b-c")
    for bad in ("", "tl_", "tl_short_x", "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV_x", "tl_01ARZ3NDEKTSV4RRFFQ69G5FAV_"):
        assert parse(bad) is None
    row = KeyRow(KeyId("k"), TenantId("t"), "t", "", "server", hashed("a_b-c"), "now")
    assert matches(row, "a_b-c")
    assert not matches(row, "a_b-d")


def test_tokens_are_read_as_they_were_issued_and_not_otherwise() -> None:
    """Expired, forged, unsigned, and other people's tokens are all refused."""
    clock = ManualClock()
    signer = TokenSigner(clock, b"s" * 32)
    token = Token(KeyId("k"), TenantId("t"), "ann", None, frozenset({"read"}), clock.now_ms() + 60_000)
    issued = signer.issue(token)
    assert signer.read(issued.token) == token
    claims = {"aud": "threadline", "exp": 4_000_000_000, "kid": "k", "tnt": "t", "sub": "ann", "rgt": ["read"]}
    forged = [
        TokenSigner(clock, b"x" * 32).issue(token).token,
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode({**claims, "aud": "other"}, b"s" * 32, algorithm="HS256"),
        jwt.encode({name: value for name, value in claims.items() if name != "kid"}, b"s" * 32, algorithm="HS256"),
        issued.token[:-2],
        "rubbish",
    ]
    for text in forged:
        with pytest.raises(Unauthorized):
            signer.read(text)
    clock.advance(61)
    with pytest.raises(Unauthorized):
        signer.read(issued.token)


def test_settings_come_in_layers(tmp_path: Path) -> None:
    """An option beats a variable beats the file beats the default."""
    config = tmp_path / "t.toml"
    config.write_text('port = 1\nhost = "file"\nlog_level = "debug"\nallowed_origins = ["https://a"]\n')
    settings = load_settings({"port": 3}, {"THREADLINE_PORT": "2", "THREADLINE_HOST": "env"}, config)
    assert (settings.port, settings.host, settings.log_level) == (3, "env", "debug")
    assert settings.drain_seconds == Settings().drain_seconds
    listed = load_settings({}, {"THREADLINE_ALLOWED_ORIGINS": "https://a, https://b"}, config)
    assert listed.allowed_origins == ("https://a", "https://b")


@pytest.mark.parametrize("text", ["port = 70000", "prot = 1", "port = ", 'durability = "sometimes"', "\xff"])
def test_settings_that_are_none_are_refused_in_words(tmp_path: Path, text: str) -> None:
    """A value out of bounds, a misspelt name, and a file that is no TOML."""
    config = tmp_path / "t.toml"
    config.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsRefused):
        load_settings({}, {}, config)
    with pytest.raises(SettingsRefused, match="no config file"):
        load_settings({}, {}, tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "The settings in {path} are not usable: there is no `prot`; is `port` meant."),
        ("xyzzy = 1", "The settings in {path} are not usable: there is no `xyzzy`."),
        ('log_level = "loud"', "`log_level` in {path} is not usable: 'loud' is none of debug, info, warning, error."),
        ('[providers.x]\ntype = "opnai"', "'opnai' is none of openai, anthropic, scripted"),
        (
            '[providers.x]\ntype = "openai"\nmodles = []',
            "[providers.x] is not usable: there is no `modles`; is `models`",
        ),
        ('[mcp.x]\ncomand = "python"', "[mcp.x] is not usable: there is no `comand`; is `command` meant."),
    ],
)
def test_what_is_misspelt_is_answered_with_what_may_be_meant(tmp_path: Path, text: str, words: str) -> None:
    """A wrong name or word is answered with the right ones, not only with "unknown"."""
    config = tmp_path / "t.toml"
    config.write_text(text)
    with pytest.raises(SettingsRefused) as refused:
        _load_all(config)
    assert words.format(path=config) in str(refused.value)


def _load_all(config: Path) -> None:
    settings = load_settings({}, {}, config)
    settings.provider_configs()
    settings.mcp_configs()


def test_another_database_is_refused_in_words() -> None:
    """The setting says what it takes."""
    assert Settings(database="sqlite:////tmp/x.db").database_path == Path("/tmp/x.db")
    with pytest.raises(SettingsRefused, match=r"mysql.*sqlite:///.*postgresql://"):
        _ = Settings(database="mysql://x").database_path


@pytest.mark.parametrize(
    ("database", "bus", "workers", "address"),
    [
        ("", "", 1, "memory"),
        ("sqlite:///a.db", "memory", 1, "memory"),
        ("postgresql://db/x", "", 4, "postgresql://db/x"),
        ("postgres://db/x", "postgres", 1, "postgres://db/x"),
        ("postgresql://pooler/x", "postgresql://db/x", 1, "postgresql://db/x"),
        ("postgresql://db/x", "redis://cache:6379/1", 4, "redis://cache:6379/1"),
        ("postgresql://db/x", "memory", 1, "memory"),
    ],
)
def test_the_bus_follows_the_database_unless_told(database: str, bus: str, workers: int, address: str) -> None:
    """Two settings make a cluster, and the second one has a default."""
    assert Settings(database=database, bus=bus, workers=workers).bus_address == address


@pytest.mark.parametrize(
    ("database", "bus", "workers", "words"),
    [
        ("", "postgres", 1, "PostgreSQL"),
        ("", "", 2, "--database postgresql://"),
        ("postgresql://db/x", "memory", 2, "--database postgresql://"),
        ("postgresql://db/x", "kafka://x", 1, "kafka"),
        ("postgresql://db/x", "redis", 1, "redis://"),
    ],
)
def test_a_bus_that_does_not_fit_is_refused_in_words(database: str, bus: str, workers: int, words: str) -> None:
    """Which one is meant, and what there is instead."""
    with pytest.raises(SettingsRefused, match=words):
        _ = Settings(database=database, bus=bus, workers=workers).bus_address


def test_metrics_are_valid_and_complete() -> None:
    """The names that the docs promise are in the text that Prometheus reads."""
    metrics = Metrics()
    metrics.commit(0.01, 5, 1)
    metrics.run_ended("tnt_1", "demo/x", "failed", 2.0, Usage(output_tokens=100), ErrorInfo("provider_error", "", True))
    metrics.requests[("/v1/threads", 201)] += 1
    text = metrics.render().decode()
    for name in (
        "threadline_streams_started_total",
        'threadline_streams_ended_total{status="failed"} 1.0',
        'threadline_run_failures_total{code="provider_error"} 1.0',
        "threadline_time_to_first_token_seconds_bucket",
        "threadline_inter_token_seconds_bucket",
        "threadline_run_duration_seconds_sum 2.0",
        "threadline_tokens_per_second_bucket",
        'threadline_tokens_total{direction="output"} 100.0',
        'threadline_commit_seconds_bucket{le="0.01"} 1.0',
        "threadline_commit_batch_size_sum 6.0",
        "threadline_readers ",
        "threadline_reader_lag_events_bucket",
    ):
        assert name in text, name


def test_a_torn_secret_is_said(tmp_path: Path) -> None:
    """A power cut may leave a file without its bytes: tokens are signed with nothing less than all of them."""
    whole = read_secret(tmp_path)
    assert read_secret(tmp_path) == whole
    assert len(whole) == SECRET_BYTES
    for torn in (b"", whole[:-1]):
        (tmp_path / SECRET_FILE).write_bytes(torn)
        with pytest.raises(StoreRefused, match="damaged"):
            read_secret(tmp_path)


async def test_a_slow_disk_is_no_silence_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever uploads has so long for each piece; how long we take to put it away is not his time."""
    monkeypatch.setattr("threadline.api.files.UPLOAD_SILENCE_SECONDS", 0.05)
    pieces = iter([(b"a", True), (b"b", True), (b"c", False)])

    async def receive() -> dict[str, object]:
        body, has_more = next(pieces)
        return {"type": "http.request", "body": body, "more_body": has_more}

    taken = b""
    async for piece in _chunks(Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)):
        taken += piece
        await asyncio.sleep(0.2)
    assert taken == b"abc"
