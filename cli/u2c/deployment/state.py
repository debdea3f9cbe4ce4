"""What a deployment on this machine remembers, in `.u2c/` of the clone: its secret, its keys, its logs, its
embedded server."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from shared.environment_fault import EnvironmentFault

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class State:
    """The state folder. Everything secret in it is readable by its owner only."""

    folder: Path

    @classmethod
    def default(cls) -> "State":
        """U2C_STATE, else `.u2c/` of the clone, else (an installed package) of the current folder."""
        named = os.environ.get("U2C_STATE")
        home = ROOT if (ROOT / "pyproject.toml").is_file() else Path.cwd()
        return cls(Path(named) if named else home / ".u2c")

    def logs(self) -> Path:
        return self._folder("logs")

    def secret(self) -> str:
        """The deployment's secret, which the database passwords are derived from: U2C_SECRET, else made
        once."""
        return os.environ.get("U2C_SECRET") or self._kept("secret", secrets.token_urlsafe(32))

    def adopt_secret(self, secret: str) -> None:
        """Keep this secret: the server's roles have their passwords from it already."""
        self._folder("")
        self._write(self.folder / "secret", secret)

    def keys(self, database: str) -> dict[str, str]:
        """API keys created here for `database`: name → secret."""
        path = self._folder("keys") / f"{database}.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def keep_keys(self, database: str, keys: dict[str, str]) -> None:
        self._write(self._folder("keys") / f"{database}.json", json.dumps(keys))

    def keep_running(self, database: str, text: str) -> None:
        """What `u2c.deployment.running` says of the deployment on `database`."""
        self._write(self._folder("running") / f"{database}.json", text)

    def _kept(self, name: str, new: str) -> str:
        path = self._folder("") / name
        if not path.exists():
            self._write(path, new)
        return path.read_text().strip()

    def _folder(self, name: str) -> Path:
        path = self.folder / name
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            remedy = (
                f"Give yourself write access to {self.folder.parent}, or name another folder: U2C_STATE=/path"
            )
            raise EnvironmentFault(f"Cannot make {path}: {error.strerror}.", remedy) from error
        return path

    def _write(self, path: Path, text: str) -> None:
        """Replace the file whole, never readable by others, not even for a moment."""
        aside = path.with_suffix(f".{os.getpid()}")
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(text)
        aside.replace(path)
