"""Flags of the services' settings, made from their models: `--consumer-batch-max 1000` is
U2C_CONSUMER_BATCH_MAX=1000."""

import importlib
from collections.abc import Sequence

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from shared.postgres.setup import PROCESSES
from shared.runtime.settings import ProcessSettings
from u2c.settings import PREFIX


def settings_of(service: str) -> type[ProcessSettings]:
    """The settings model that `services/<service>/settings.py` defines."""
    module = importlib.import_module(f"services.{service}.settings")
    models = [
        item for item in vars(module).values() if isinstance(item, type) and issubclass(item, ProcessSettings)
    ]
    own = [model for model in models if model.__module__ == module.__name__]
    assert len(own) == 1, f"{module.__name__} defines {len(own)} settings models"
    return own[0]


def variables(arguments: Sequence[str], services: Sequence[str] = PROCESSES) -> dict[str, str]:
    """Flags → environment variables, checked against the models of `services`; typer.BadParameter names a
    wrong one."""
    models = [settings_of(service) for service in services]
    known = {name: field for model in models for name, field in model.model_fields.items()}
    found = dict(_pairs(list(arguments), known))
    for model in models:
        try:
            model.model_validate({name: value for name, value in found.items() if name in model.model_fields})
        except ValidationError as error:
            raise typer.BadParameter(
                "; ".join(f"--{_dashed(str(fault['loc'][0]))}: {fault['msg']}" for fault in error.errors())
            ) from error
    return {f"{PREFIX}{name.upper()}": value for name, value in found.items()}


def listing(service: str) -> list[tuple[str, str, str, str]]:
    """Flag, variable, default and description of each setting of a service."""
    return [
        (f"--{_dashed(name)}", f"{PREFIX}{name.upper()}", str(field.default), field.description or "")
        for name, field in settings_of(service).model_fields.items()
    ]


def _pairs(rest: list[str], known: dict[str, FieldInfo]) -> list[tuple[str, str]]:
    pairs = []
    while rest:
        argument = rest.pop(0)
        dashed, equals, value = argument.partition("=")
        name = dashed.removeprefix("--").replace("-", "_")
        switched = name.removeprefix("no_")
        if (
            argument.startswith("--")
            and switched in known
            and known[switched].annotation is bool
            and not equals
        ):
            spoken = name == switched and rest and rest[0] in ("true", "false")
            pairs.append((switched, rest.pop(0) if spoken else str(name == switched).lower()))
        elif argument.startswith("--") and name in known and (equals or rest):
            pairs.append((name, value if equals else rest.pop(0)))
        elif argument.startswith("--") and name in known:
            raise typer.BadParameter(f"{argument} needs a value")
        else:
            raise typer.BadParameter(f"no such option: {argument}")
    return pairs


def _dashed(name: str) -> str:
    return name.replace("_", "-")
