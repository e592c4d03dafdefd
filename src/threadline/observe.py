"""Every log event and every metric, named once. Logs are one JSON object a line, with run and thread ids.

Counting a token may cost a fraction of a microsecond, so what is on the hot path is counted in plain lists here and
handed to the Prometheus library only when somebody scrapes.
"""

import io
import logging
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from threadline.figures import RATES, SECONDS, Tallies, count_in
from threadline.records import ErrorInfo, Usage

log: Any = structlog.get_logger("threadline")

_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def set_up_logging(level: str = "info", as_json: bool = True) -> None:
    """Send logs to stderr: JSON lines for machines, or coloured lines for a person's terminal."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=True,
    )
    # The web server's own lines would repeat ours, and its access log would write down tokens in addresses.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Stderr(io.TextIOBase):
    """The standard error stream, where a line that cannot be written is lost and nothing else is.

    A log often lies on the disk that the data lies on. When that is full, answers wait for room; they do not die of
    the line that says so.
    """

    def write(self, text: str) -> int:
        """Write, if possible."""
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if possible."""
        with suppress(OSError):
            sys.stderr.flush()


class Histogram:
    """Counts into fixed buckets; `observe` is one bisection and two additions."""

    __slots__ = ("bounds", "counts", "help", "name", "total")

    def __init__(self, name: str, text: str, bounds: Iterable[float]) -> None:
        self.name = name
        self.help = text
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> int:
        """Count one value. Returns the number of its bucket."""
        bucket = bisect_left(self.bounds, value)
        self.counts[bucket] += 1
        self.total += value
        return bucket

    def family(self) -> HistogramMetricFamily:
        """Return it in the form of the Prometheus library."""
        buckets, seen = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            seen += count
            buckets.append((bound, seen))
        return HistogramMetricFamily(self.name, self.help, buckets=buckets, sum_value=self.total)


class Metrics(Collector):
    """All metrics of one process. No label names a tenant, a thread or a person.

    `tallies` are the few that the operator's pages show, by tenant.
    """

    def __init__(self) -> None:
        self.started_at = time.time()
        self.tallies = Tallies()
        self.streams_started = 0
        self.streams_ended: Counter[str] = Counter()
        self.run_failures: Counter[str] = Counter()
        self.attempts_replaced = 0
        self.deltas = 0
        self.tokens: Counter[str] = Counter()
        self.readers = 0
        self.readers_cut = 0
        self.requests: Counter[tuple[str, int]] = Counter()
        self.running = 0
        self.tool_calls: Counter[tuple[str, str]] = Counter()
        self.tool_seconds = Histogram("threadline_tool_seconds", "One call of a tool.", SECONDS)
        self.first_token = Histogram("threadline_time_to_first_token_seconds", "Send to first token.", SECONDS)
        self.inter_token = Histogram(
            "threadline_inter_token_seconds", "Between two arrivals from the provider.", SECONDS
        )
        self.duration = Histogram("threadline_run_duration_seconds", "First attempt's start to the end.", SECONDS)
        self.rate = Histogram("threadline_tokens_per_second", "Output tokens per second of a run.", RATES)
        self.commit_seconds = Histogram("threadline_commit_seconds", "One commit of the writer.", SECONDS)
        self.commit_size = Histogram("threadline_commit_batch_size", "Deltas and scripts in a commit.", _SIZES)
        self.reader_lag = Histogram(
            "threadline_reader_lag_events", "Events that a reader was behind when it pulled.", (0, *_SIZES)
        )
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def commit(self, seconds: float, deltas: int, scripts: int) -> None:
        """Count one commit."""
        count_in(self.tallies.of_node().commits, self.commit_seconds.observe(seconds))
        self.commit_size.observe(deltas + scripts)
        self.deltas += deltas

    def first_token_came(self, tenant_id: str, seconds: float) -> None:
        """Count the first piece of an answer."""
        bucket = self.first_token.observe(seconds)
        for tally in self.tallies.of(tenant_id):
            count_in(tally.first_token, bucket)

    def run_started(self, tenant_id: str, is_replacement: bool) -> None:
        """Count an attempt that begins; `is_replacement` says that one before it was lost."""
        self.streams_started += 1
        self.attempts_replaced += is_replacement
        for tally in self.tallies.of(tenant_id):
            tally.started += 1
            tally.replaced += is_replacement

    def run_ended(
        self,
        tenant_id: str,
        model: str,
        status: str,
        seconds: float | None,
        usage: Usage | None,
        error: ErrorInfo | None,
    ) -> None:
        """Count the end of a run; `seconds` is how long its last attempt took, where that is known."""
        self.streams_ended[status] += 1
        if seconds is not None:
            self.duration.observe(seconds)
        if error is not None:
            self.run_failures[error.code] += 1
        for tally in self.tallies.of(tenant_id):
            tally.ended[status] = tally.ended.get(status, 0) + 1
            if error is not None and status != "cancelled":
                codes = tally.failures.setdefault(model.partition("/")[0], {})
                codes[error.code] = codes.get(error.code, 0) + 1
        self.attempt_ended(tenant_id, seconds or 0.0, usage)

    def attempt_ended(self, tenant_id: str, seconds: float, usage: Usage | None) -> None:
        """Count what an attempt has cost, whether its run ends with it or waits."""
        if usage is None:
            return
        self.count_tokens(tenant_id, usage)
        if usage.output_tokens and seconds > 0:
            bucket = self.rate.observe(usage.output_tokens / seconds)
            for tally in self.tallies.of(tenant_id):
                count_in(tally.rates, bucket)

    def tool_called(self, kind: str, seconds: float, is_error: bool) -> None:
        """Count a call that was made. `kind` is where the tool comes from; there are few of them."""
        self.tool_calls[kind, "error" if is_error else "ok"] += 1
        self.tool_seconds.observe(seconds)

    def count_tokens(self, tenant_id: str, usage: Usage) -> None:
        """Count what a provider says that it has read and said."""
        for direction, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            self.tokens[direction] += tokens or 0
            for tally in self.tallies.of(tenant_id):
                tally.tokens[direction] = tally.tokens.get(direction, 0) + (tokens or 0)

    def render(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)

    async def scrape(self) -> bytes:
        """Return the same, where somebody may have to be asked first."""
        return self.render()

    def collect(self) -> Iterator[Metric]:
        """Hand everything to the Prometheus library."""
        yield from self._counters()
        yield from self._gauges()
        for histogram in (
            self.first_token,
            self.inter_token,
            self.duration,
            self.rate,
            self.commit_seconds,
            self.commit_size,
            self.reader_lag,
            self.tool_seconds,
        ):
            yield histogram.family()

    def _counters(self) -> Iterator[Metric]:
        plain = {
            "threadline_streams_started": ("Runs that began.", self.streams_started),
            "threadline_attempts_replaced": ("Attempts that another one replaced.", self.attempts_replaced),
            "threadline_deltas": ("Deltas committed.", self.deltas),
            "threadline_readers_cut": ("Readers cut because they did not read.", self.readers_cut),
        }
        for name, (text, value) in plain.items():
            yield CounterMetricFamily(name, text, value=value)
        yield _labelled("threadline_streams_ended", "Runs that ended, by how.", "status", self.streams_ended)
        yield _labelled("threadline_run_failures", "Runs that failed, by code.", "code", self.run_failures)
        yield _labelled("threadline_tokens", "Tokens that providers counted.", "direction", self.tokens)
        requests = CounterMetricFamily("threadline_requests", "Requests answered.", labels=["route", "status"])
        for (route, status), count in self.requests.items():
            requests.add_metric([route, str(status)], count)
        yield requests
        calls = CounterMetricFamily("threadline_tool_calls", "Tool calls made.", labels=["kind", "outcome"])
        for (kind, outcome), count in self.tool_calls.items():
            calls.add_metric([kind, outcome], count)
        yield calls

    def _gauges(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("threadline_readers", "Connected readers.", value=self.readers)
        yield GaugeMetricFamily("threadline_runs_running", "Runs that are being answered.", value=self.running)
        yield GaugeMetricFamily("threadline_start_time_seconds", "When the process began.", value=self.started_at)


def _labelled(name: str, text: str, label: str, counts: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
