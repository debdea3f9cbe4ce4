"""The deployment's files, parsed as Docker and Prometheus read them."""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

import yaml

from u2c.deployment.state import ROOT


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile. `flags` are its `--name=value`."""

    name: str
    flags: dict[str, str]
    words: tuple[str, ...]


def dockerfile() -> list[Instruction]:
    """The instructions of deploy/Dockerfile, continued lines joined."""
    lines = [
        line for line in (ROOT / "deploy/Dockerfile").read_text().splitlines() if not line.startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [_instruction(line) for line in joined.splitlines() if line.strip()]


def compose() -> dict[str, Any]:
    """docker-compose.yml, anchors and merges unfolded."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def prometheus() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    return found


def alerts() -> list[dict[str, Any]]:
    """Every alert rule of every file that prometheus.yml names."""
    files = [
        yaml.safe_load((ROOT / "deploy/prometheus" / name).read_text()) for name in prometheus()["rule_files"]
    ]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def _instruction(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    flags = {}
    while found := re.match(r"\s*--([a-z-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    rest = rest.strip()
    words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    return Instruction(name, flags, tuple(words))
