"""A reader at a shell."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from u2c.deployment.cluster import Cluster

HTTP_REFUSED = 22  # curl's exit code of --fail-with-body


def typed(block: str, cluster: Cluster) -> list[Any]:
    """Run one block as a reader's shell would; every call must succeed. Returns the answers in order."""
    done = _run(block, cluster, cluster.admin_key)
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return list(_documents(done.stdout))


def refused(block: str, cluster: Cluster) -> list[Any]:
    """Run one block with a key nobody knows; it must fail. Returns what a reader sees of it."""
    done = _run(block, cluster, "u2c_live_nobody")
    assert done.returncode == HTTP_REFUSED, f"{block}\n{done.stdout}\n{done.stderr}"
    return list(_documents(done.stdout))


def _run(block: str, cluster: Cluster, key: str) -> subprocess.CompletedProcess[str]:
    names = {"INGEST": "usage_ingest", "RATING": "rating", "BILLING": "billing", "SIGNALS": "signals"}
    places = {name: cluster.urls[service] for name, service in names.items()}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "KEY": key, **places}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block], env=environment, capture_output=True, text=True, timeout=60
    )


def _documents(text: str) -> Iterator[Any]:
    """The JSON documents that stand one after another in `text`."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        found, place = decoder.raw_decode(text, place)
        yield found
        place += len(text[place:]) - len(text[place:].lstrip())
