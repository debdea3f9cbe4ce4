"""Brings a fresh clone to the point where the `u2c` command runs, then becomes that command. Standard library
only.

`./u2c` calls this with any Python from 3.11 on. When the locked environment is in place it costs some 30 ms.
"""

import fcntl
import os
import sys
from pathlib import Path

import environment
from fault import Fault

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> None:
    """Make the environment what the lock says, and exec the command in it; the caller's working folder
    stays."""
    state = Path(os.environ.get("U2C_STATE") or ROOT / ".u2c").absolute()
    development = arguments[:1] == ["test"]
    try:
        if not environment.current(ROOT, development):
            with _turn(state):
                if not environment.current(ROOT, development):
                    environment.synchronise(ROOT, state, development)
    except Fault as fault:
        print(f"u2c: {fault}", file=sys.stderr)
        sys.exit(3)
    python = environment.python_of(ROOT)
    os.execve(python, [str(python), "-m", "u2c", *arguments], _compiled_once(state))


def _compiled_once(state: Path) -> dict[str, str]:
    """The caller's environment. Where it forbids compiled files beside their sources, as images do, they are
    kept in the state folder: every start of a service would compile a thousand files anew, which is half of
    the time it takes."""
    variables = dict(os.environ)
    if variables.pop("PYTHONDONTWRITEBYTECODE", ""):
        variables.setdefault("PYTHONPYCACHEPREFIX", str(state / "compiled"))
    return variables


def _turn(state: Path):  # type: ignore[no-untyped-def]
    """Two commands that start in a fresh clone at once take turns."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = open(state / "bootstrap.lock", "w")  # noqa: SIM115 (the caller's `with` closes it)
    except OSError as error:
        raise Fault(
            f"cannot write to {state}: {error.strerror}.\n"
            "Give yourself write access, or name another folder: U2C_STATE=/path ./u2c …"
        ) from error
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


main(sys.argv[1:])
