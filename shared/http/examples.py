"""Examples of requests and answers in the OpenAPI documents: answers of a running system, kept beside the service as JSON."""

from pathlib import Path
from typing import Any

import msgspec


def example(folder: Path, name: str) -> Any:
    """Return the example `name` of a service's folder `examples`."""
    return msgspec.json.decode((folder / "examples" / f"{name}.json").read_bytes())


def answers_with(folder: Path, name: str, **also: Any) -> dict[int | str, dict[str, Any]]:
    """Return `responses` of a route that answers 200 as the example does; `also`: further content types."""
    return {200: {"content": {"application/json": {"example": example(folder, name)}, **also}}}
