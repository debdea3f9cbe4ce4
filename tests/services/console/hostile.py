"""Texts that somebody may put into a name, an event id or an answer, each of which must stay a text."""

from typing import Final

#: What it would be, were it no text → the text.
HOSTILE: Final = {
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" x="',
    "single quoted": "' autofocus onfocus='alert(1)",
    "end of an attribute": "'>\"><img src=x onerror=alert(1)>",
    "end of a text": "</textarea></title></style></svg><h1>owned</h1>",
    "template": "{{ 7 * 7 }}{% include 'layout.html' %}{{ frame.csrf }}",
    "htmx": '" hx-get="https://elsewhere.example/" hx-trigger="load" hx-on:click="alert(1)',
    "htmx element": '<div hx-get="/out" hx-trigger="load" data-hx-vals="js:{a:alert(1)}"></div>',
    "address": "javascript:alert(1)",
    "address in disguise": "java\tscript:alert(1)",
    "data address": "data:text/html,<script>alert(1)</script>",
    "entity": "&lt;script&gt;&#106;avascript&colon;",
    "comment": "<!--><script>alert(1)</script>-->]]>",
    "direction": "invoice\u202e000.1 DSU\u202c\u2066x\u2069",
    "control": "a\x00b\x07c\x1b[31md\x7f\x85e",
    "lines": "a\r\nb\u2028c\td",
    "nothing to see": "a\u200bb\u00adc\ufeffd\u3164e\u00a0f",
    "half a pair": "a\ud800b",
    "marks": "a" + "\u0301" * 300,
    "long": "ä" * 10_000,
    "wide": "W" * 10_000,
    "formula": '=HYPERLINK("https://elsewhere.example/","x")',
}
