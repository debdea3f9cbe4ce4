"""The glossary says of the books what the books say of themselves, and names each word once."""

import re

from services.billing.conservation.domain.breaks import SAYS
from shared.bus.batch_rows import OUTCOMES
from u2c.deployment.state import ROOT

GLOSSARY = (ROOT / "GLOSSARY.md").read_text()
ROWS = dict(re.findall(r"^\| (\*\*.+?\*\*) \| (.+) \|$", GLOSSARY, re.MULTILINE))


def test_the_statements_of_the_books_are_said_in_their_own_words() -> None:
    assert {name: ROWS[f"**{name}**"] for name in SAYS} == dict(SAYS)


def test_a_batch_row_has_the_outcomes_that_the_glossary_lists() -> None:
    assert ROWS["**batch row**"].endswith(": " + ", ".join(OUTCOMES))


def test_each_word_is_explained_once() -> None:
    words = [
        word
        for name in re.findall(r"^\| (\*\*.+?\*\*) \|", GLOSSARY, re.MULTILINE)
        for word in re.findall(r"\*\*(.+?)\*\*", name)
    ]
    assert len(words) == len(set(words)) > 40
