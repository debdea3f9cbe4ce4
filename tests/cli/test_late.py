"""What `u2c late`, `u2c trace` and `u2c contract apply` say of final periods."""

from pathlib import Path

import pytest
import typer

from u2c.verbs.contract import _show_reached
from u2c.verbs.late import seen_of, watermark_of

REACHED = {
    "title": "This version changes what final periods come to; nothing was recorded.",
    "detail": "acme-1 reaches into 2 final periods",
    "code": "reaches_final_periods",
    "errors": [
        {
            "period": {"start": "2024-01-01", "end": "2024-01-31"},
            "detail": "a note would follow",
            "lines": [
                {"key": "calls", "before": "6.00", "after": "7.50"},
                {"key": "seats", "before": "10.00", "after": "9.00"},
            ],
            "documents": [{"kind": "debit_note", "total": "0.50"}],
        },
        {
            "period": {"start": "2024-02-01", "end": "2024-02-29"},
            "detail": "no line would change",
            "lines": [],
            "documents": [],
        },
    ],
}


def test_a_version_that_reaches_into_final_periods_is_told_as_a_table_with_what_to_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    _show_reached(REACHED, Path("acme.yaml"))
    shown = capsys.readouterr()
    assert shown.out == "", "stdout is for the answer"
    cells = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in shown.err.splitlines() if "│" in line
    ]
    assert cells == [
        ["2024-01-01 to 2024-01-31", "calls", "6.00", "7.50", "debit note", "0.50"],
        ["", "seats", "10.00", "9.00", "", ""],
        ["2024-02-01 to 2024-02-29", "", "", "", "no line would change", ""],
    ]
    assert "./u2c contract apply acme.yaml --corrects-final" in shown.err


def test_what_was_seen_is_one_word() -> None:
    watermark = {"0": 17, "3": 9}
    assert seen_of(watermark) == "0:17,3:9" and watermark_of("0:17,3:9") == watermark
    for wrong in ("", "17", "0:", "0:17,", "0:x"):
        with pytest.raises(typer.BadParameter):
            watermark_of(wrong)
