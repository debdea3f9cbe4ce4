"""`u2c price FILE`: what terms and usage come to, without a deployment and without storing anything."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from services.rating.paper.answers import PaperAnswer
from services.rating.paper.usecases import answer_question
from shared.errors import AppError
from shared.http.faults import BodyTooLarge, status_of
from shared.http.limits import BODY_MAX_BYTES
from shared.http.problem_document import problem_document
from u2c.api import WRONG
from u2c.printing import print_json


def command(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="One question as JSON, or one a line; - reads them from stdin"),
    ],
    _: Annotated[bool, typer.Option("--json", help="As without: the answers are JSON")] = False,
) -> None:
    """Price terms and usage on paper, as POST /v1/price does: one JSON object a question, in order. One that is refused
    answers {"problem": …} in its place, and makes the exit code 1."""
    refused = False
    for question in questions_in(_read(file)):
        answer = answer_to(question)
        refused |= "problem" in answer
        print_json(answer)
    if refused:
        raise typer.Exit(WRONG)


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as fault:
        raise typer.BadParameter(f"{file}: {fault.strerror}", param_hint="FILE") from fault


def questions_in(text: bytes) -> Iterator[bytes]:
    """Yield the questions of a file: one a line where its first line is JSON by itself, else the whole of it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _is_json(lines[0]):
        yield from lines
    else:
        yield text


def answer_to(question: bytes) -> dict[str, Any]:
    """Return the answer of the API, or the problem."""
    try:
        if len(question) > BODY_MAX_BYTES:
            raise BodyTooLarge(f"a question has at most {BODY_MAX_BYTES} bytes; ask for less at once")
        answer: dict[str, Any] = PaperAnswer.of(*answer_question(question)).as_json()
        return answer
    except AppError as fault:
        told = problem_document(fault, status_of(type(fault)))
        return {"problem": {name: value for name, value in told.items() if value != ""}}


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
