"""The bytes of files in backups and copies: a restored installation has every one of them, or somebody was told."""

import asyncio
from pathlib import Path

import pytest

from support.client import Client
from support.fixtures import Installation
from support.server import Server, copy_installation

from .conftest import Run
from .test_db_copy import address


@pytest.fixture
def with_files(installation: Installation, tmp_path: Path) -> Server:
    """An installation with two files, one of them in a thread. Its server is stopped."""
    server = Server(copy_installation(installation.folder, tmp_path / "data")).start()
    asyncio.run(_fill(server, installation))
    server.stop()
    return server


async def _fill(server: Server, installation: Installation) -> None:
    async with Client(server.url, installation.key) as client:
        for word in (b"one", b"two"):
            headers = {"content-type": "text/plain"}
            (await client.request("POST", "/v1/files", data=word * 1000, headers=headers)).ok(201)
        thread_id = await client.thread()
        (file, _) = (await client.get("/v1/files")).ok(200)["data"]
        block = {"type": "file", "source": {"type": "file", "file_id": file["id"]}}
        (await client.send(thread_id, [block], respond=False)).ok(201)


async def contents(server: Server, installation: Installation) -> set[bytes]:
    """Return what a server gives out of its files."""
    async with Client(server.url, installation.key) as client:
        files = (await client.get("/v1/files")).ok(200)["data"]
        answers = [await client.get(f"/v1/files/{file['id']}/content") for file in files]
        assert [answer.status for answer in answers] == [200] * len(files)
        return {answer.body for answer in answers}


WHOLE = {b"one" * 1000, b"two" * 1000}


def test_a_restored_backup_has_its_files(
    run: Run, with_files: Server, installation: Installation, tmp_path: Path
) -> None:
    """They stand beside the copy, and go into the place of the folder; a second backup brings what is new."""
    done = run("db", "backup", "copy.db", "--data", with_files.data)
    assert (done.status, done.err) == (0, ""), done.err
    assert done.out.endswith("2 files (6.0 kB) copied to copy.db.files.\n"), done.out
    again = run("db", "backup", "copy.db", "--force", "--data", with_files.data)
    assert again.out.endswith("0 files (0 bytes) copied to copy.db.files; 2 files had been there before.\n"), again.out
    restored = tmp_path / "restored"
    restored.mkdir()
    (tmp_path / "copy.db").rename(restored / "threadline.db")
    (tmp_path / "copy.db.files").rename(restored / "files")
    server = Server(restored).start()
    assert asyncio.run(contents(server, installation)) == WHOLE
    server.stop()


def test_a_backup_without_files_says_where_they_are(
    run: Run, with_files: Server, installation: Installation, tmp_path: Path
) -> None:
    """With how many and how much; where there are none, nothing is said of them."""
    done = run("db", "backup", "copy.db", "--without-files", "--data", with_files.data)
    assert f"The bytes of 2 files (6.0 kB) are not in it: they are at {with_files.data}/files." in done.out
    assert not (tmp_path / "copy.db.files").exists()
    none = run("db", "backup", "other.db", "--data", copy_installation(installation.folder, tmp_path / "without"))
    assert none.status == 0
    assert len(none.out.splitlines()) == 1
    assert not (tmp_path / "other.db.files").exists()


def test_a_copy_takes_the_files_along(
    run: Run, with_files: Server, installation: Installation, database: str, tmp_path: Path
) -> None:
    """To the place that the new servers have; without one it is said where they are."""
    done = run("db", "copy", "--from", address(with_files.data), "--to", database, "--to-files", tmp_path / "new")
    assert done.status == 0, done.err
    assert f"2 files (6.0 kB) copied to {tmp_path}/new." in done.out
    assert "Copying files: " in done.err
    (with_files.data / "files").rename(tmp_path / "gone")
    server = Server(tmp_path / "node", {"THREADLINE_DATABASE": database, "THREADLINE_FILES": str(tmp_path / "new")})
    assert asyncio.run(contents(server.start(), installation)) == WHOLE
    server.stop()


def test_a_copy_without_files_says_where_they_are(run: Run, with_files: Server, database: str) -> None:
    """And what to do about it."""
    done = run("db", "copy", "--from", address(with_files.data), "--to", database)
    assert done.status == 0, done.err
    assert f"The bytes of 2 files (6.0 kB) are not in it: they are at {with_files.data}/files. Start" in done.out


def test_a_copy_that_knows_no_files_is_refused(run: Run, database: str) -> None:
    """From PostgreSQL nobody can tell where they are."""
    done = run("db", "copy", "--from", database, "--to", database, "--to-files", "x")
    assert done.status == 1
    assert "--from-files says where the files are" in done.err
