"""Who runs the server and where its files lie: Postgres refuses root, so root lends it to an existing
unprivileged user."""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.environment_fault import EnvironmentFault
from shared.postgres.binaries import Binaries

UNPRIVILEGED = ("nobody", "postgres")
REACHABLE = (Path("/var/tmp"), Path("/tmp"))
NAME_CHARS = 12
#: A file that names what a folder outside the clone belongs to.
HOME = "home"
#: A file of the state folder: the clone it belongs to, and where its data lie.
PLACE = "place"
#: A unix socket's path may have 107 bytes, name included.
SOCKET_PATH_MAX = 90


@dataclass(frozen=True)
class Account:
    """An unprivileged user that root starts the server as; `None` ids mean: whoever runs this process."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def subprocess(self) -> dict[str, Any]:
        """Arguments of `subprocess.Popen` that start a program as this user and nobody else."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        if self.uid is not None:
            assert self.gid is not None
            os.chown(path, self.uid, self.gid)


def account() -> Account:
    """The user the server runs as. Root takes U2C_PG_USER, else `nobody`, else `postgres`; no user is ever
    created."""
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name if _known(os.geteuid()) else str(os.geteuid()))
    for name in filter(None, (os.environ.get("U2C_PG_USER"), *UNPRIVILEGED)):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise EnvironmentFault(
        "Postgres does not run as root, and this machine has neither a user `nobody` nor `postgres`.",
        "Name an unprivileged user: U2C_PG_USER=name",
    )


def _known(uid: int) -> bool:
    return any(entry.pw_uid == uid for entry in pwd.getpwall())


def place(state: Path, who: Account) -> Path:
    """The folder for data and socket: inside `state`, or for root one that the unprivileged user can reach.
    Call it under the state's lock.

    For root its path is remembered in `state/place`, so that a clone that is moved keeps its data and a
    copied one does not share it. EnvironmentFault where what is remembered cannot be used: data that exist
    somewhere are never replaced by an empty folder.
    """
    folder = known_place(state, who)
    if who.uid is None:
        return folder or _made(state, 0o700)
    if folder is None:
        # Never a name that can be guessed or was used before: a clone that was deleted and made again starts
        # anew.
        folder = Path(tempfile.mkdtemp(prefix=f"u2c-{_hash(str(state))}-", dir=_reachable()))
        folder.chmod(0o755)
    _write(_owned(folder) / HOME, f"{state}\n")
    _write(state / PLACE, f"{state}\n{folder}\n")
    return folder


def known_place(state: Path, who: Account) -> Path | None:
    """The folder `place` gave this state before, or None when it never gave one. Reads only, so it needs no
    lock; EnvironmentFault as `place`."""
    if who.uid is None:
        return state if state.is_dir() else None
    memory = state / PLACE
    if not memory.is_file():
        return None
    home, _, name = memory.read_text().strip().partition("\n")
    if not name:
        raise EnvironmentFault(f"{memory} does not name the folder of the data.", _restore(state, memory))
    if Path(home) != state and Path(home).exists():
        # A copy of a clone: the data belong to the one it was copied from.
        return None
    if not Path(name).is_dir():
        raise EnvironmentFault(
            f"{memory} names {name} as the folder of the data, and that folder is gone.",
            _restore(state, memory),
        )
    return Path(name)


def _restore(state: Path, memory: Path) -> str:
    found = [home.parent for home in _homes() if home.read_text().strip() == str(state)]
    candidates = f" (folders of this clone: {', '.join(map(str, sorted(found)))})" if found else ""
    return f"Put the folder back, or write its name into the second line of {memory}, the first being {state}{candidates}. To start anew: rm {memory}"


def _write(path: Path, text: str) -> None:
    """Make `path` say `text` in one step, and leave it alone if it does: whoever reads it meanwhile sees the
    old text or the new one."""
    if path.is_file() and path.read_text() == text:
        return
    aside = path.with_name(f"{path.name}.new")
    with open(aside, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(aside, path)


def socket_folder(folder: Path) -> Path:
    """Where the unix socket lies: `folder`, or a short path when that one is too long for a socket."""
    if len(os.fsencode(folder)) <= SOCKET_PATH_MAX:
        return folder
    return _owned(_reachable() / f"u2c-{os.geteuid()}-{_hash(str(folder))}", 0o700)


def reachable(binaries: Binaries, who: Account) -> Binaries:
    """The same programs where `who` can run them: as they are, or copied once to a folder outside the
    clone."""
    if who.uid is None or not binaries.folders:
        return binaries
    name = _hash(f"{binaries.bin} {(binaries.bin / 'postgres').stat().st_mtime_ns}")
    target = _reachable() / f"u2c-postgres-{name}"
    if not target.exists():
        _copy(binaries, target)
    _owned(target)
    return Binaries(target, target / binaries.bin.relative_to(binaries.base), binaries.folders)


def _copy(binaries: Binaries, target: Path) -> None:
    """Copy aside, then rename: another command that starts at the same moment sees the whole copy or none."""
    aside = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    for folder in binaries.folders:
        shutil.copytree(binaries.base / folder, aside / folder, symlinks=True)
    (aside / HOME).write_text(f"{binaries.bin}\n")
    for path in (aside, *aside.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    try:
        aside.rename(target)
    except OSError:
        shutil.rmtree(aside)
        if not target.is_dir():
            raise


def abandoned() -> list[Path]:
    """Folders outside of clones whose clone is gone from where it was. Somebody has to say whether it was
    deleted or moved."""
    return sorted(home.parent for home in _homes() if not Path(home.read_text().strip()).exists())


def _homes() -> list[Path]:
    """The files of this user that name what a folder outside of clones belongs to; what else is called like
    that is somebody else's."""
    found = [home for folder in REACHABLE for home in folder.glob(f"u2c-*/{HOME}")]
    return [home for home in found if home.is_file() and home.stat().st_uid == os.geteuid()]


def _reachable() -> Path:
    for folder in REACHABLE:
        if folder.is_dir() and os.access(folder, os.W_OK):
            return folder
    raise EnvironmentFault(
        f"None of {', '.join(map(str, REACHABLE))} can be written.", f"Make one: mkdir -m 1777 {REACHABLE[0]}"
    )


def _made(folder: Path, mode: int) -> Path:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        remedy = f"Give yourself write access to {folder.parent}, or name another folder: U2C_STATE=/path"
        raise EnvironmentFault(f"Cannot make the folder {folder}: {error.strerror}.", remedy) from error
    return folder


def _owned(folder: Path, mode: int = 0o755) -> Path:
    """Make `folder` or take it over, but never one that somebody else prepared under a name that can be
    guessed."""
    _made(folder, mode)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise EnvironmentFault(
            f"{folder} belongs to somebody else or can be written by others.", f"Remove it: rm -r {folder}"
        )
    return folder


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_CHARS]
