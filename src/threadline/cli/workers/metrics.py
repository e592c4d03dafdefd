"""The metrics of all workers, from whichever of them is asked: each sample says of which worker it is.

A scrape reaches one worker, and one worker's counters alone would look like the whole machine's. So each tells its own
on a socket in a folder of the supervisor's, and the one that is asked asks the others. `threadline_workers_answering`
below `threadline_workers` says that somebody's samples are missing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from threadline.observe import Metrics

ANSWER_SECONDS = 2.0
"""For a sibling on the same machine. One that takes longer hangs, or starts."""

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


class Siblings:
    """One worker among its siblings."""

    def __init__(self, number: int, count: int, folder: str, metrics: Metrics) -> None:
        self._number = number
        self._count = count
        self._folder = Path(folder)
        self._metrics = metrics

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Tell siblings what they ask, around the caller's block."""
        path = self._path(self._number)
        # The last one to leave has removed it.
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)

        def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(self._metrics.render())
            writer.close()

        server = await asyncio.start_unix_server(tell, path)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)
            # A killed supervisor removes nothing.
            with suppress(OSError):
                self._folder.rmdir()

    async def scrape(self) -> bytes:
        """Return the metrics of all workers that answer, in the Prometheus text format."""
        numbers = range(1, self._count + 1)
        texts = await asyncio.gather(*map(self._ask, numbers))
        answers = {number: text for number, text in zip(numbers, texts, strict=True) if text}
        return merged(answers, self._count).encode()

    async def _ask(self, number: int) -> str:
        if number == self._number:
            return self._metrics.render().decode()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    return (await reader.read()).decode()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return ""

    def _path(self, number: int) -> Path:
        return self._folder / str(number)


def merged(texts: dict[int, str], count: int) -> str:
    """Return one text of those of several workers, by worker: a family's samples have to stand together."""
    families: dict[str, list[str]] = {}
    for number, text in texts.items():
        for head, samples in _families(text):
            families.setdefault(head, []).extend(_labelled(sample, number) for sample in samples)
    counts = {
        "threadline_workers": ("Workers that this machine should have.", count),
        "threadline_workers_answering": ("Workers whose metrics are in this text.", len(texts)),
    }
    for name, (text, value) in counts.items():
        families[f"# HELP {name} {text}\n# TYPE {name} gauge"] = [f"{name} {float(value)}"]
    return "".join(f"{head}\n" + "".join(f"{sample}\n" for sample in samples) for head, samples in families.items())


def _families(text: str) -> Iterable[tuple[str, list[str]]]:
    """Yield each family's HELP and TYPE, and its samples."""
    for part in re.split(r"^(?=# HELP )", text, flags=re.MULTILINE):
        lines = part.splitlines()
        if lines:
            yield "\n".join(lines[:2]), lines[2:]


def _labelled(sample: str, number: int) -> str:
    found = _SAMPLE.match(sample)
    assert found is not None, f"our own text has samples and heads only: {sample}"
    name, labels, value = found.groups()
    return f'{name}{{worker="{number}"{"," + labels if labels else ""}}} {value}'
