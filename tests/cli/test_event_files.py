"""Files of events: each event's own text is sent on, and a fault names its line."""

import json
from pathlib import Path

import pytest

from u2c.event_files import UnreadableFile, read_events


def _events(path: Path) -> list[bytes]:
    return [event for event, _read in read_events(path)]


def test_csv_columns_become_attributes_and_data(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(
        "source,id,type,subject,time,data.units,data.place.city\ncrm,1,call,acme,2013-01-01T00:00:00Z,0.10,Kathmandu\ncrm,2,call,acme,,,\n"
    )
    first, second = map(json.loads, _events(file))
    assert first == {
        "specversion": "1.0",
        "source": "crm",
        "id": "1",
        "type": "call",
        "subject": "acme",
        "time": "2013-01-01T00:00:00Z",
        "data": {"units": "0.10", "place": {"city": "Kathmandu"}},
    }
    assert second == {
        "specversion": "1.0",
        "source": "crm",
        "id": "2",
        "type": "call",
        "subject": "acme",
        "data": {},
    }


@pytest.mark.parametrize("name", ["events.json", "events.ndjson"])
def test_a_number_of_json_is_never_rounded_on_the_way(tmp_path: Path, name: str) -> None:
    event = '{"id": "1", "data": {"units": 12345678901234567890.123456789012, "small": 1e-7}}'
    file = tmp_path / name
    file.write_text(f"[{event},\n {event} ]" if name.endswith(".json") else f"{event}\n\n{event}\n")
    assert _events(file) == [event.encode()] * 2


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "source,id,type,time\n", "subject"),
        ("a.csv", "source,id,type,subject,time,units\n", "data.units"),
        ("a.csv", "source,id,type,subject,time\ncrm,1,call,acme\n", "line 2"),
        ("a.json", '[{"id": "1"}, {"id": ]', "Expecting value"),
        ("a.json", '[{"id": "1"} {"id": "2"}]', "comma"),
        ("a.ndjson", '{"id": "1"}\n{"id": \n', "line 2"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, name: str, content: str, told: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(UnreadableFile, match=told):
        _events(file)


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"id": "1"}\n' * 1000)
    assert [read for _event, read in read_events(file)][-1] == file.stat().st_size
