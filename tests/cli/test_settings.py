"""Every setting has a variable and a flag, and `.env.example` lists them all."""

import re

import pytest
import typer

from shared.postgres.setup import PROCESSES
from u2c.deployment.service_flags import listing, variables
from u2c.deployment.state import ROOT
from u2c.example_environment import text
from u2c.main import application
from u2c.settings import ENVIRONMENT_ONLY, CommandSettings

NOT_FOR_PEOPLE = {"U2C_FAILPOINT"}  # where tests kill a process


def test_the_example_file_is_what_the_models_say() -> None:
    assert (ROOT / ".env.example").read_text() == text(), (
        "write it anew: python -m u2c.example_environment > .env.example"
    )


def test_every_variable_the_code_and_the_containers_name_is_in_the_example_file() -> None:
    listed = set(re.findall(r"^#(U2C_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    named = set(re.findall(r"^ +(U2C_[A-Z_]+):", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE))
    for folder in ("cli", "services", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(
                re.findall(r"environ(?:\.get\(|\[)\"(U2C_[A-Z_]+)\"", path.read_text(encoding="utf-8"))
            )
    assert "U2C_SECRETS" in named and named - NOT_FOR_PEOPLE <= listed


def test_every_setting_of_the_command_line_has_a_flag_that_hears_its_variable() -> None:
    up = typer.main.get_command(application([])).commands["up"]  # type: ignore[attr-defined]
    heard = {option.envvar for option in up.params} | {
        f"U2C_{name.upper()}" for name in ENVIRONMENT_ONLY | {"key"}
    }
    assert {f"U2C_{name.upper()}" for name in CommandSettings.model_fields} <= heard


@pytest.mark.parametrize("service", PROCESSES)
def test_every_setting_of_a_service_is_a_flag(service: str) -> None:
    for flag, variable, default, description in listing(service):
        assert description, f"{flag} of {service} is not described"
        arguments = [flag] if default in ("True", "False") else [flag, default]
        assert variables(arguments, (service,)).keys() == {variable}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-flag", "1"],
        ["--consumer-batch-max"],
        ["--consumer-batch-max", "0"],
        ["loose"],
        ["--docs", "yes"],
        ["--no-docs", "true"],
    ],
)
def test_a_wrong_flag_is_refused(arguments: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        variables(arguments)


def test_both_spellings_and_switches() -> None:
    assert variables(["--consumer-batch-max=7", "--no-docs"]) == {
        "U2C_CONSUMER_BATCH_MAX": "7",
        "U2C_DOCS": "false",
    }


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--webhook-allow-local"], "true"),
        (["--webhook-allow-local", "true"], "true"),
        (["--webhook-allow-local", "false"], "false"),
        (["--webhook-allow-local", "--docs"], "true"),
        (["--no-webhook-allow-local"], "false"),
        (["--webhook-allow-local=true"], "true"),
    ],
)
def test_a_switch_may_be_followed_by_its_value(arguments: list[str], allowed: str) -> None:
    assert variables(arguments)["U2C_WEBHOOK_ALLOW_LOCAL"] == allowed
