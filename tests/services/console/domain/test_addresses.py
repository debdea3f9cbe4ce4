"""Nothing on a page leads out of the console."""

from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.addresses import address, local
from tests.services.console.hostile import HOSTILE

HERE = "http://127.0.0.1:8105/invoices"


@pytest.mark.parametrize(
    "text",
    [
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "https://elsewhere.example/",
        "/\t/elsewhere.example/",
        "/a\\b",
        "/a b",
        "/a\n",
        "/ä",
        "invoices",
        "",
        *HOSTILE.values(),
    ],
)
def test_what_might_lead_elsewhere_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is no address of the console"):
        local(text)


@pytest.mark.parametrize("text", HOSTILE.values())
def test_a_part_of_an_address_stays_one_part(text: str) -> None:
    made = local(address("customers", text.replace("\ud800", "?"), asked=text))
    assert made.count("/") == 2
    split = urlsplit(urljoin(HERE, made))
    assert split.netloc == "127.0.0.1:8105"
    assert parse_qs(split.query, keep_blank_values=True)["asked"] == [text.replace("\ud800", "?")]


@given(st.text(), st.text())
def test_every_address_that_is_made_is_one_of_ours(part: str, asked: str) -> None:
    storable = part.encode(errors="replace").decode() or "x"
    assert urlsplit(urljoin(HERE, local(address("customers", storable, q=asked)))).netloc == "127.0.0.1:8105"


def test_what_is_empty_is_not_asked() -> None:
    assert address("invoices", status="", customer="a b") == "/invoices?customer=a+b"
    assert address() == "/"
