"""What README.md tells a reader to type."""

import re

from u2c.deployment.state import ROOT

README = (ROOT / "README.md").read_text()


def calls() -> list[str]:
    """Every ```sh block that calls the API, in the order of the page."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "curl" in block]


def verbs() -> set[str]:
    """Every `./u2c VERB [SUBVERB]` that the table of commands names."""
    table = README.split("## The command line")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {found.strip() for row in rows for found in re.findall(r"\./u2c ([a-z-]+(?: [a-z]+)?)", row)}
