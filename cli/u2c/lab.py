"""The way from the command line to the lab (`cli/lab`), which is in a checkout and in no installed package. It is
found by name: nothing here imports it."""

import importlib
from collections.abc import Callable
from types import ModuleType

from shared.environment_fault import EnvironmentFault
from u2c.deployment.state import ROOT


def is_here() -> bool:
    """Whether this is a checkout, with the lab in it."""
    return (ROOT / "cli" / "lab").is_dir()


def of_the_lab(module: str, verb: str) -> ModuleType:
    """The lab's module of this name; without a checkout an EnvironmentFault that says `verb` needs one."""
    if not is_here():
        raise EnvironmentFault(
            f"`u2c {verb}` needs a checkout of the repository, and this is an installed package.",
            f"Run ./u2c {verb} in a clone.",
        )
    return importlib.import_module(f"lab.{module}")


def verb_away(verb: str) -> Callable[[], None]:
    """The command that stands for a verb of the lab where there is none: it says what it needs."""

    def command() -> None:
        """Needs a checkout of the repository."""
        of_the_lab("verbs", verb)

    return command
