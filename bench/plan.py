"""What one run of the suite is to do, where it keeps its files, and how it tells how far it is."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.progress import Progress, TaskID

from bench.child import Child

LOG_END: Final = 1500
Started = TypeVar("Started", bound=Child)


class Plan:
    """Handed to every piece. Children that are started through it end with the piece, whatever happens."""

    def __init__(
        self, *, quick: bool, out: Path, server: str, tick_us: int, progress: Progress, store: str = "sqlite"
    ) -> None:
        self.quick = quick
        self.out = out
        self.server = server
        self.tick_us = tick_us
        self.store = store
        """`sqlite` or `postgres`, for the pieces that can be measured on both."""
        self.raw: dict[str, Any] = {}
        """Per piece, whatever its figures were made from; goes into the JSON file."""
        self.log_ends = ""
        """What the last piece's children said last."""
        self._progress = progress
        self._task: TaskID | None = None
        self._stack = ExitStack()
        self._scratch = Path()
        self._folders = 0

    @contextmanager
    def piece(self, name: str) -> Iterator[None]:
        """Hold the children, the folders and the progress bar of one piece."""
        self._task = self._progress.add_task(name, total=None)
        with tempfile.TemporaryDirectory(prefix="threadline-bench-") as scratch, ExitStack() as stack:
            self._stack, self._scratch = stack, Path(scratch)
            try:
                yield
            finally:
                self._progress.update(self._task, description=f"{name}: failed")
                # The files go away with the folder, and somebody may want to know what went wrong.
                self.log_ends = self._logs()
        self._progress.update(self._task, total=1, completed=1, description=f"{name}: done")

    def _logs(self) -> str:
        """Return the end of every child's output, for somebody who wonders what went wrong."""
        ends = {log.stem: log.read_text(errors="replace")[-LOG_END:] for log in sorted(self._scratch.glob("*.log"))}
        return "\n".join(f"--- output of {name}:\n{end}" for name, end in ends.items() if end)

    def steps(self, count: int) -> None:
        """Say how many steps this piece has."""
        assert self._task is not None
        self._progress.update(self._task, total=count)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show what is being done, and one step more when it is over."""
        assert self._task is not None
        self._progress.update(self._task, description=what)
        yield
        self._progress.advance(self._task)

    def start(self, child: Started) -> Started:
        """Take over a child: it is stopped when the piece ends."""
        self._stack.enter_context(child)
        return child

    def at_end(self, close: Callable[[], object]) -> None:
        """Call this when the piece ends, before what was started earlier is stopped."""
        self._stack.callback(close)

    def new_folder(self, name: str) -> Path:
        """Return a new folder that goes away with the piece."""
        self._folders += 1
        folder = self._scratch / f"{name}-{self._folders}"
        folder.mkdir()
        return folder

    def log(self, name: str) -> Path:
        """Return the file for a child's output."""
        return self._scratch / f"{name}.log"

    def keep(self, piece: str, content: object) -> None:
        """Keep what figures were made from."""
        self.raw[piece] = content

    def of(self, whole: int, quick: int) -> int:
        """Return a size: the one that the bars are meant for, or a smaller one for a quick run."""
        return quick if self.quick else whole
