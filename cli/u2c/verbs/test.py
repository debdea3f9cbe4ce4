"""`u2c test [PATH…]`: the tests, in the locked environment; pytest's exit code is returned."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.environment_fault import EnvironmentFault
from u2c.deployment.state import ROOT

#: The whole suite mostly waits for processes of its own: two at a time, a file at a time, each with a server
#: of its own. `-- -n0` for one.
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def command(
    context: typer.Context,
    long: Annotated[bool, typer.Option("--all", help="The long tests too")] = False,
) -> None:
    """Run the tests. PATHs are relative to the caller's folder; what follows -- goes to pytest."""
    paths, further = _split(context.args)
    unknown = [path for path in paths if path.startswith("-")]
    if unknown:
        raise typer.BadParameter(f"no such option: {unknown[0]} (pytest's own options follow --)")
    missing = [path for path in paths if not Path(path.partition("::")[0]).exists()]
    if missing:
        raise typer.BadParameter(f"no such file or folder: {missing[0]}")
    if not (ROOT / "tests").is_dir():
        raise EnvironmentFault(
            "This is an installed package without its tests.", "Run ./u2c test in a clone."
        )
    command_line = [
        sys.executable,
        "-m",
        "pytest",
        f"--rootdir={ROOT}",
        "-c",
        str(ROOT / "pyproject.toml"),
        *(["--all"] if long else []),
        *([_absolute(path) for path in paths] or [str(ROOT / "tests"), *SIDE_BY_SIDE]),
        *further,
    ]
    raise typer.Exit(subprocess.run(command_line, cwd=ROOT, check=False).returncode)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The parser has dropped the `--`, so it is looked for in the command line itself."""
    if "--" not in sys.argv:
        return arguments, []
    further = sys.argv[sys.argv.index("--") + 1 :]
    return arguments[: len(arguments) - len(further)], further


def _absolute(path: str) -> str:
    file, colons, name = path.partition("::")
    return os.path.abspath(file) + colons + name
