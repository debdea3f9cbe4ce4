"""`.env.example`: every setting there is, from the models themselves. `python -m u2c.example_environment`
prints it."""

from pydantic_settings import BaseSettings

from shared.postgres.setup import PROCESSES
from shared.runtime.settings import ServiceSettings
from u2c.deployment.service_flags import settings_of
from u2c.settings import PREFIX, CommandSettings

HEAD = """\
# Every setting, with its default. Each is a flag too: U2C_BASE_PORT is --base-port (u2c up), U2C_CONSUMER_BATCH_MAX is
# --consumer-batch-max (u2c service NAME, u2c up). Made by `python -m u2c.example_environment`; a test compares.
"""


def text() -> str:
    """The whole file."""
    parts = [
        HEAD,
        _part("The command line", CommandSettings, set()),
        _part("Every service", ServiceSettings, set()),
    ]
    common = set(ServiceSettings.model_fields)
    for service in PROCESSES:
        model = settings_of(service)
        if set(model.model_fields) - common:
            parts.append(_part(service, model, common))
    return "\n".join(parts)


def _part(title: str, model: type[BaseSettings], without: set[str]) -> str:
    lines = [f"## {title}"]
    for name, field in model.model_fields.items():
        if name not in without:
            value = (
                ""
                if field.default is None
                else str(field.default).lower()
                if isinstance(field.default, bool)
                else str(field.default)
            )
            lines += [f"# {field.description}", f"#{PREFIX}{name.upper()}={value}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(text(), end="")
