"""A real Postgres server of our own: started, found running, stopped, and never left behind."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.environment_fault import EnvironmentFault
from shared.postgres import account, binaries
from shared.postgres.server_settings import HBA, ServerSettings

SUPERUSER = "postgres"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 8.0
PORT_ATTEMPTS_MAX = 5
POLL_S = 0.02
KEPT_BY_A_BACKEND_BYTES = 32 * 1024 * 1024
#: postmaster.pid: pid, data, start, port, socket, address, shared memory, status.
PID_LINES = 8


@dataclass(frozen=True)
class ServerInfo:
    """A running server. `admin_url` names its superuser and the database `postgres`; `owned`: this object
    started it and will stop it."""

    admin_url: str
    port: int
    pid: int
    owned: bool


class EmbeddedPostgres:
    """One server per state folder: files in `state/postgres`, or for root in a folder the unprivileged user
    can reach."""

    def __init__(self, state: Path, settings: ServerSettings | None = None) -> None:
        self.state = state.resolve() / "postgres"
        self.settings = settings or ServerSettings()
        self._known: Path | None = None  # the place, once it was found
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> ServerInfo:
        """Start the server, or find it running. Survives stale pid files. EnvironmentFault says what is in
        the way."""
        with self._lock():
            self._who = account.account()
            self._known = self._same_place()
            self._binaries = account.reachable(binaries.find(), self._who)
            running = self._running()
            if running is None:
                # One that lives and cannot be found would hold the data.
                self.stop()
                if not (self._data / "PG_VERSION").exists():
                    self._initialise()
                running = self._launch()
            return running

    def stop(self) -> None:
        """Stop the server if this object started it (open transactions are rolled back); otherwise leave it
        to its owner."""
        if self._process is not None and self._process.poll() is None:
            self._end(self._process, signal.SIGINT)  # "fast" shutdown
        self._release()

    def kill(self) -> None:
        """End the postmaster as `kill -9` would, whoever started it (for tests of recovery)."""
        running = self._running()
        assert running is not None, "the server does not run"
        os.kill(running.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def running(self) -> ServerInfo | None:
        """The server of this state folder, if it runs."""
        known = account.known_place(self.state, account.account())
        if known is None:
            return None
        self._known = self._known or known
        return self._running() if known == self._known else None

    def remove(self) -> None:
        """Stop the server and delete its data for good."""
        self.stop()
        known = account.known_place(self.state, account.account())
        for folder in (*((known / "data", known) if known else ()), self.state):
            shutil.rmtree(folder, ignore_errors=True)
        self._known = None

    @property
    def log(self) -> Path:
        return self.state / "server.log"

    @property
    def data_folder(self) -> Path:
        """Where the data lie."""
        return self._data

    @property
    def _data(self) -> Path:
        return self._place / "data"

    @property
    def _place(self) -> Path:
        assert self._known is not None, "start() or running() finds the place first"
        return self._known

    def _same_place(self) -> Path:
        """The place of the data, made on the first start; EnvironmentFault when the state folder forgot or
        changed it under a known server."""
        if self._known is not None and account.known_place(self.state, account.account()) != self._known:
            raise EnvironmentFault(
                f"The data of this server lie in {self._known}, and {self.state} no longer says so.",
                f"Stop this command; then put {self.state} back as it was, or start anew there.",
            )
        return account.place(self.state, self._who)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Two commands that start at once agree on one server."""
        account._made(self.state, 0o700)
        try:
            handle = open(self.state / "lock", "w")  # noqa: SIM115 (closed below)
        except PermissionError as error:
            raise EnvironmentFault(
                f"{self.state} belongs to another user.",
                f"Run as that user, or remove it: sudo rm -r {self.state}",
            ) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _password(self) -> str:
        """The superuser's password, made once and readable by the owner of the state folder only."""
        path = self.state / "password"
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
                handle.write(secrets.token_urlsafe(24))
        return path.read_text().strip()

    def _initialise(self) -> None:
        """Make the data folder aside and rename it, so that an interrupted initdb is simply done again."""
        aside = self._place / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        self._who.give(aside)
        read = self._password_pipe()
        options = f"--auth=scram-sha-256 --pwfile=/dev/fd/{read} --encoding=UTF8 --locale=C --data-checksums"
        unsynced = [] if self.settings.durable else ["--no-sync"]
        done = subprocess.run(
            [self._binaries.program("initdb"), "-D", aside, "-U", SUPERUSER, *options.split(), *unsynced],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self._place,
            env=self._environment(),
            pass_fds=(read,),
            **self._who.subprocess(),
        )
        os.close(read)
        if done.returncode != 0:
            raise EnvironmentFault(
                f"initdb failed: {done.stderr.strip() or done.stdout.strip()}", "Run `./u2c doctor`."
            )
        aside.rename(self._data)

    def _password_pipe(self) -> int:
        """The end to read the superuser's password from: a pipe leaves no file of it for the other user."""
        read, write = os.pipe()
        if self._who.uid is not None:
            os.fchown(read, self._who.uid, -1)
        os.write(write, self._password().encode() + b"\n")
        os.close(write)
        return read

    def _launch(self) -> ServerInfo:
        for _ in range(PORT_ATTEMPTS_MAX):
            port = self._free_port()
            self._configure(port)
            started = self._attempt()
            if started is not None:
                (self.state / "port").write_text(str(port))
                return started
        raise EnvironmentFault(
            f"Postgres did not start: {self._last_words()}", f"Read {self.log}; run `./u2c doctor`."
        )

    def _attempt(self) -> ServerInfo | None:
        """Start the postmaster and wait until it takes connections; None when it gave up."""
        self._drop_foreign_pid_file()
        deadline = time.monotonic() + START_TIMEOUT_S
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [self._binaries.program("postgres"), "-D", str(self._data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._place,
                env=self._environment(),
                start_new_session=True,
                **self._who.subprocess(),
            )
        self._keep(self._process.pid)
        while time.monotonic() < deadline:
            running = self._running()
            if running is not None and running.pid == self._process.pid:
                return running
            if self._process.poll() is not None:
                self._release()
                # After a kill -9 old backends may hold the shared memory for a moment.
                time.sleep(0.3)
                return None
            time.sleep(POLL_S)
        raise EnvironmentFault(
            f"Postgres was not ready after {START_TIMEOUT_S:.0f} s: {self._last_words()}", f"Read {self.log}."
        )

    def _keep(self, pid: int) -> None:
        """A shell that waits for the end of a pipe only we hold: however this process dies, the server is
        told to stop."""
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", "read _; kill -INT $0", str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=self._environment(),
            start_new_session=True,
            **self._who.subprocess(),
        )

    def _release(self) -> None:
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait()
            assert self._keeper.stdin is not None
            self._keeper.stdin.close()
        self._keeper = self._process = None

    def _end(self, process: subprocess.Popen[bytes], first: signal.Signals) -> None:
        # fast, immediate (recovery on the next start), gone
        for sign in (
            first,
            signal.SIGQUIT,
            signal.SIGKILL,
        ):
            process.send_signal(sign)
            try:
                process.wait(STOP_TIMEOUT_S)
                return
            except subprocess.TimeoutExpired:
                continue

    def _configure(self, port: int) -> None:
        folder = account.socket_folder(self._place)
        if folder == self._place:
            folder = self._place / "socket"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._who.give(folder)
        for name, text in (("postgresql.conf", self.settings.conf(port, folder)), ("pg_hba.conf", HBA)):
            (self._data / name).write_text(text)

    def _running(self) -> ServerInfo | None:
        """The server as postmaster.pid tells it, checked against the process table."""
        lines = self._pid_lines()
        if len(lines) < PID_LINES or lines[7].strip() != "ready" or not self._is_ours(int(lines[0])):
            return None
        port, pid = int(lines[3]), int(lines[0])
        owned = self._process is not None and self._process.pid == pid
        return ServerInfo(
            f"postgresql://{SUPERUSER}:{self._password()}@127.0.0.1:{port}/postgres", port, pid, owned
        )

    def _pid_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _is_ours(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self._data)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def _drop_foreign_pid_file(self) -> None:
        """A pid file whose number now belongs to another program would stop the start; Postgres itself clears
        those of dead ones."""
        lines = self._pid_lines()
        if lines and psutil.pid_exists(int(lines[0])) and not self._is_ours(int(lines[0])):
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _free_port(self) -> int:
        """The port of the last time if it is free, else any."""
        memory = self.state / "port"
        for port in ([int(memory.read_text())] if memory.exists() else []) + [0]:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        raise EnvironmentFault(
            "No free port on 127.0.0.1.", "Check that the loopback interface is up: ip addr show lo"
        )

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " | ".join(lines[-5:]) or "it said nothing"

    @staticmethod
    def _environment() -> dict[str, str]:
        # A backend keeps what a batch needed for the next one, rather than give it back and have it zeroed
        # anew page by page (glibc's mallopt).
        kept = str(KEPT_BY_A_BACKEND_BYTES)
        return {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C",
            "TZ": "UTC",
            "MALLOC_TRIM_THRESHOLD_": kept,
            "MALLOC_MMAP_THRESHOLD_": kept,
        }
