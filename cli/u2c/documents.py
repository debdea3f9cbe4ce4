"""Documents people write (YAML or JSON) as the data an API takes: a date stays the string that was
written."""

from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """SafeLoader that leaves dates and floats as text: a date is sent as ISO, and money was never a float."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_document(path: Path) -> Any:
    """Return the file's document; raises yaml.YAMLError with the line of the fault."""
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)
