"""Panels as files: what is no panel is refused in one sentence that names file, line and remedy."""

import gzip
import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.signals.domain.panel.panel import Panel
from u2c.event_files import UnreadableFile
from u2c.panel_files import read_panel

TODAY = date(2026, 1, 1)
HEADER = "customer,day,events\n"


def written(folder: Path, content: str | bytes, name: str = "panel.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, name: str = "panel.csv") -> Panel:
    return read_panel(written(folder, content, name), TODAY)


def refused(folder: Path, content: str | bytes) -> str:
    with pytest.raises(UnreadableFile) as told:
        read(folder, content)
    assert str(folder / "panel.csv") in str(told.value)
    return str(told.value)


def test_rows_in_any_order_columns_in_any_order_and_gaps_that_are_no_use(tmp_path: Path) -> None:
    found = read(
        tmp_path, "\ufeffevents,customer,day\n3,acme,2024-01-09\n5,acme,2024-01-02\n\n0,beta,2024-01-31\n"
    )
    acme = found.customers["acme"]
    assert (found.first, found.end) == (date(2024, 1, 2), date(2024, 2, 1))
    assert list(acme.used_between(found.first, found.end)) == [(date(2024, 1, 2), 5), (date(2024, 1, 9), 3)]
    assert found.customers["beta"].first_day() is None, "none on a day is no use"


def test_gzip_is_read_by_what_it_is(tmp_path: Path) -> None:
    text = (HEADER + "acme,2024-01-02,5\n").encode()
    assert read(tmp_path, gzip.compress(text), "panel.csv.gz").customers.keys() == {"acme"}
    rows = "".join(f"c{number},2024-01-02,{number}\n" for number in range(1_000))
    assert "damaged or cut off" in refused(tmp_path, gzip.compress((HEADER + rows).encode())[:-40])


def test_outcomes_are_those_of_renewals(tmp_path: Path) -> None:
    header = "customer,day,events,outcome\n"
    found = read(
        tmp_path, header + "acme,2024-01-02,5,\nacme,2024-03-01,0,contracted\nbeta,2024-03-02,1,renewed\n"
    )
    assert {name: [one.lost for one in told] for name, told in found.outcomes.items()} == {
        "acme": [True],
        "beta": [False],
    }
    assert "line 2: 'left' is no outcome; one is renewed, expanded" in refused(
        tmp_path, header + "a,2024-01-02,5,left\n"
    )


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            "acme,2024-01-02,5\nacme,2024-01-03,-4\n",
            "line 3: -4 events are fewer than none; a count is 0 or more",
        ),
        ("acme,2024-01-02,many\n", "line 2: 'many' is no count of events; write a whole number"),
        ("acme,2024-01-02,5.0\n", "line 2: '5.0' is no count of events; write a whole number"),
        ("acme,2024-01-02,\n", "line 2: '' is no count of events"),
        (f"acme,2024-01-02,{'9' * 13}\n", "is no count of events; write a whole number of at most 12 digits"),
        ("acme,2024-02-30,5\n", "line 2: '2024-02-30' is no day; write it as 2024-03-31"),
        ("acme,20240102,5\n", "line 2: '20240102' is no day"),
        ("acme,01/02/2024,5\n", "line 2: '01/02/2024' is no day"),
        ("acme,2026-01-02,5\n", "line 2: 2026-01-02 is in the future (today is 2026-01-01)"),
        ("acme,1024-01-02,5\n", "line 2: 1024-01-02 is before 1970-01-01; correct the year"),
        (",2024-01-02,5\n", "line 2: a customer has a name of 1 to 255 characters"),
        ("acme,2024-01-02\n", "line 2: the row has 2 cells where the header has 3"),
        (
            "acme,2024-01-02,5\nbeta,2024-01-02,5\nacme,2024-01-02,5\n",
            "line 4: acme has a row for 2024-01-02 already, in line 2; add the two up, or leave one out",
        ),
        ('acme,2024-01-02,"5" 6\n', "line 2: "),
        (f"{'a' * 5_000},2024-01-02,5\n", "line 2 is longer than 4096 characters"),
        ("ac\0me,2024-01-02,5\n", "line 2 holds bytes that are no text"),
        ("", "has a header and no rows; a panel has the columns customer,day,events"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_remedy(tmp_path: Path, rows: str, told: str) -> None:
    assert told in refused(tmp_path, HEADER + rows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty; a panel has the columns customer,day,events"),
        (
            b"name,day,events\na,2024-01-02,5\n",
            "line 1: the header is 'name,day,events'; a panel has the columns",
        ),
        (b"customer,day,events,extra\n", "line 1: the header is 'customer,day,events,extra'"),
        (b"acme,2024-01-02,5\n", "line 1: the header is 'acme,2024-01-02,5'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text in UTF-8"),
        (b"\0" * 100_000, "line 1 is longer than 4096 characters"),
        (b"customer,day,events\n\xff\xfe,2024-01-02,5\n", "is no text in UTF-8"),
    ],
)
def test_what_is_no_panel_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    assert told in refused(tmp_path, content)


def test_a_panel_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = HEADER + "".join(f"c{number},2024-01-02,1\n" for number in range(4))
    monkeypatch.setattr("u2c.panel_files.CUSTOMERS_MAX", 3)
    assert "line 5: a panel has at most 3 customers; judge a sample of them" in refused(tmp_path, rows)
    monkeypatch.undo()
    monkeypatch.setattr("u2c.panel_files.ROWS_MAX", 2)
    assert "line 4: a panel has at most 2 rows; judge a sample of the customers" in refused(tmp_path, rows)


def backtest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "u2c", "backtest", *arguments], capture_output=True, text=True, check=False
    )


def test_a_file_that_is_no_panel_ends_with_2_and_one_sentence(tmp_path: Path) -> None:
    for path, told in (
        (written(tmp_path, HEADER + "acme,2024-01-02,-4\n"), "line 2: -4 events are fewer than none"),
        (tmp_path / "none.csv", "No such file or directory; name a file that can be read"),
        (tmp_path, "Is a directory; name a file that can be read"),
    ):
        ended = backtest("--panel", str(path), "--json")
        assert (ended.returncode, ended.stdout) == (2, "")
        assert (
            ended.stderr.startswith(f"u2c: {path}") and told in ended.stderr and ended.stderr.count("\n") == 1
        )


def test_a_panel_and_a_deployment_are_not_judged_at_once() -> None:
    assert backtest("--panel", "routes", "--live").returncode == 2


def test_one_customer_is_reported_with_nulls_and_words(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(366)]
    path = written(tmp_path, HEADER + "".join(f"acme,{day},7\n" for day in days))
    ended = backtest("--panel", str(path), "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["months"], told["customers"], told["losses"], told["base_rate"]) == (4, 1, 0, 0)
    assert told["base_rate_interval"] is None and told["scores"]["score_p"]["auc"] is None
    assert any(said.startswith("Nobody was lost in these 4 customer-months") for said in told["says"])
    words = backtest("--panel", str(path))
    assert words.returncode == 0 and "Nobody was lost" in words.stdout and "score_p" in words.stdout


def test_a_million_rows_are_read_in_little_memory(tmp_path: Path) -> None:
    """Measured in a process of its own; a dictionary of a million rows alone would take more."""
    path, first = tmp_path / "panel.csv", date(2022, 1, 1)
    with open(path, "w") as file:
        file.write(HEADER)
        for number in range(1_000):
            day = first + timedelta(days=number)
            file.writelines(f"c{customer},{day},{customer % 7}\n" for customer in range(1_000))
    program = (
        "import resource, sys, datetime, pathlib\n"
        "from u2c.panel_files import read_panel\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = read_panel(pathlib.Path(sys.argv[1]), datetime.date(2026, 1, 1))\n"
        "print(len(found.customers), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    customers, grown_kb = map(int, re.findall(r"\d+", ended.stdout))
    assert customers == 1_000 and grown_kb < 100_000
