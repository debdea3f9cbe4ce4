"""`u2c price`: one answer a question, in order, and a refusal in its place."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.services.rating.paper.questions import ask, question, used

GOOD, OTHER, BAD = question(usage=[used("3")]), question(usage=[used("4")]), question(until="soon")


def run(text: str, path: Path | None = None, *options: str) -> tuple[int, list[Any]]:
    """Run the verb on stdin, or on a file; return its exit code and what it printed."""
    if path is not None:
        path.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "u2c", "price", "-" if path is None else str(path), *options],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ended.stderr, ended.stderr
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_refused_question_answers_its_problem_in_its_place(tmp_path: Path) -> None:
    asked = "\n".join(json.dumps(one) for one in (GOOD, BAD, OTHER)) + "\n\n{\n"
    code, answers = run(asked, tmp_path / "questions.jsonl")
    assert code == 1
    assert [answers[0], answers[2]] == [ask(GOOD), ask(OTHER)]
    assert (
        answers[1]["problem"]["code"] == "question_invalid"
        and answers[1]["problem"]["errors"][0]["path"] == "until"
    )
    assert answers[3]["problem"] == {**answers[3]["problem"], "code": "document_unreadable", "status": 400}


def test_one_question_may_be_written_over_many_lines() -> None:
    assert run(json.dumps(GOOD, indent=2)) == (0, [ask(GOOD)])


def test_json_is_what_it_answers_anyway(tmp_path: Path) -> None:
    assert run(json.dumps(GOOD), tmp_path / "question.json", "--json") == (0, [ask(GOOD)])


def test_what_is_nested_without_end_is_refused() -> None:
    code, (answer,) = run("[" * 100_000 + "]" * 100_000 + "\n\n{}\n")
    assert code == 1 and answer["problem"]["code"] == "document_unreadable"


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "u2c", "price", str(tmp_path / "none.json")], capture_output=True, check=False
    )
    assert ended.returncode == 2 and not ended.stdout
