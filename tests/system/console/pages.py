"""What a test reads in a page."""

import html
import re

import httpx2


def links(page: httpx2.Response, to: str) -> list[str]:
    """Addresses that begin so, in their order."""
    return [html.unescape(found) for found in re.findall(rf'href="({to}[^"]*)"', page.text)]


def hidden(page: httpx2.Response, form: str) -> dict[str, str]:
    """What a form sends that nobody types."""
    [body] = re.findall(rf'<form id="{form}".*?</form>', page.text, re.DOTALL)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
    return {name: html.unescape(value) for name, value in found}
