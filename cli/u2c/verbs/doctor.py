"""`u2c doctor`: what this machine has, what is missing, and how to get it."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import typer

from shared.environment_fault import EnvironmentFault
from shared.http.limits import CONNECTIONS_MAX, DESCRIPTORS_SPARE, descriptors_allowed
from shared.postgres.account import abandoned, account, reachable
from shared.postgres.binaries import find
from shared.postgres.embedded import EmbeddedPostgres
from shared.runtime.disk import FREE_LOW_BYTES, GB
from u2c.deployment.cluster import ClusterOptions
from u2c.deployment.ports import taken
from u2c.deployment.running import running
from u2c.deployment.services import PORTS
from u2c.deployment.state import State
from u2c.printing import AsJson, console, folding, print_json

DISK_FREE_MIN_GB = FREE_LOW_BYTES // GB
ENVIRONMENT = 3
PYTHON_MIN = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One check: what was found and, when it is not good, what to do. An optional one that fails leaves the
    exit code 0."""

    check: str
    good: bool
    found: str
    remedy: str = ""
    optional: bool = False
    command: str = ""  # to be copied; printed whole below the table


def command(as_json: AsJson = False) -> None:
    """Check this machine. Exits with 3 when something that is needed is missing."""
    findings = [check() for check in CHECKS]
    good = all(finding.good or finding.optional for finding in findings)
    if as_json:
        print_json({"good": good, "checks": [finding.__dict__ for finding in findings]})
    else:
        table = folding("check", "", "found", "what to do")
        for finding in findings:
            sign = (
                "[green]ok[/green]"
                if finding.good
                else ("[yellow]optional[/yellow]" if finding.optional else "[red]missing[/red]")
            )
            table.add_row(finding.check, sign, finding.found, "" if finding.good else finding.remedy)
        console().print(table)
        for finding in findings:
            if finding.command and not finding.good:
                console().print(
                    f"{finding.check}: {finding.command}", markup=False, highlight=False, soft_wrap=True
                )
    raise typer.Exit(0 if good else ENVIRONMENT)


def _python() -> Finding:
    return Finding(
        "Python",
        sys.version_info >= PYTHON_MIN,
        f"{platform.python_version()} at {sys.executable}",
        "Install Python 3.11 or newer.",
    )


def _uv() -> Finding:
    program = shutil.which("uv") or str(State.default().folder / "bootstrap" / "bin" / "uv")
    return Finding(
        "uv", os.access(program, os.X_OK), program, "Run ./u2c: it fetches uv by itself.", optional=True
    )


def _state() -> Finding:
    folder = State.default().folder
    try:
        State.default().logs()
    except EnvironmentFault as fault:
        return Finding("state folder", False, fault.fault, fault.remedy)
    return Finding("state folder", True, str(folder))


def _disk() -> Finding:
    free_gb = shutil.disk_usage(_existing(State.default().folder)).free // GB
    return Finding(
        "disk",
        free_gb >= DISK_FREE_MIN_GB,
        f"{free_gb} GB free",
        f"Free {DISK_FREE_MIN_GB} GB on the disk of {State.default().folder}.",
    )


def _postgres() -> Finding:
    """Runs the server program as the user it would run as, from where it would run."""
    try:
        who = account()
        binaries = reachable(find(), who)
        done = subprocess.run(
            [binaries.program("postgres"), "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            **who.subprocess(),
        )
    except EnvironmentFault as fault:
        return Finding("embedded Postgres", False, fault.fault, fault.remedy)
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        return Finding(
            "embedded Postgres",
            False,
            said,
            "Install Postgres 15 or newer (Debian: apt-get install postgresql), or name a server: U2C_ADMIN_URL=postgresql://…",
        )
    return Finding("embedded Postgres", True, f"{done.stdout.strip()}, as {who.name}")


def _abandoned() -> Finding:
    """Data that root's servers kept outside of clones which are no longer there."""
    folders = abandoned()
    found = f"{len(folders)} folders of clones that are not where they were" if folders else "none"
    remedy = "Where the clones were deleted, not moved: run the command below."
    return Finding(
        "abandoned data",
        not folders,
        found,
        remedy,
        optional=True,
        command=f"rm -r {shlex.join(map(str, folders))}" if folders else "",
    )


def _server() -> Finding:
    try:
        running = EmbeddedPostgres(ClusterOptions().state.folder).running()
    except EnvironmentFault as fault:
        return Finding("running server", False, fault.fault, fault.remedy)
    found = f"port {running.port}, process {running.pid}" if running else "none"
    return Finding("running server", running is not None, found, "./u2c up starts it.", optional=True)


def _ports() -> Finding:
    busy = taken("127.0.0.1", list(PORTS.values()))
    if not busy:
        return Finding("ports", True, f"{min(PORTS.values())}–{max(PORTS.values())} are free")
    own = [
        f"{one.database} of this clone, process {one.pid}"
        for one in running(State.default())
        if set(busy) & set(one.ports)
    ]
    others = (
        set()
        if own
        else {
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port in busy
            and connection.pid
        }
    )
    whose = (
        "; ".join(own or [f"process {pid} ({psutil.Process(pid).name()})" for pid in sorted(others)])
        or "a process of another user"
    )
    return Finding(
        "ports",
        bool(own),
        f"{', '.join(map(str, busy))} in use by {whose}",
        "Stop what uses them, or take others: --base-port 9101",
        optional=True,
    )


def _descriptors() -> Finding:
    """What a service will find when it starts: it raises its own limit as far as this one allows."""
    allowed, wanted = descriptors_allowed(), CONNECTIONS_MAX + DESCRIPTORS_SPARE
    return Finding(
        "descriptors",
        allowed >= wanted,
        f"{allowed} a process; a service takes {wanted}",
        f"Allow more (ulimit -Hn {wanted}; LimitNOFILE= of a unit), or take fewer: U2C_CONNECTIONS_MAX, U2C_REQUESTS_MAX",
        optional=True,
    )


def _java() -> Finding:
    return _program("java", "Java 17 (for u2c kafka)", "Debian: apt-get install openjdk-17-jre-headless")


def _maven() -> Finding:
    return _program("mvn", "Maven (for u2c kafka)", "Debian: apt-get install maven")


def _program(name: str, check: str, remedy: str) -> Finding:
    path = shutil.which(name)
    return Finding(check, path is not None, path or "not on the PATH", remedy, optional=True)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _uv,
    _state,
    _disk,
    _postgres,
    _server,
    _abandoned,
    _ports,
    _descriptors,
    _java,
    _maven,
)
