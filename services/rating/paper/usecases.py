"""Answer a question. Pure: whoever asks has the thread for it, and nothing is stored."""

from datetime import datetime

from services.rating.paper.domain.answered import Answered, priced_on_paper
from services.rating.paper.requests.parse import parse_question
from shared.documents.reading import read_exactly
from shared.values.money import Currency


def answer_question(
    body: bytes, content_type: str = "application/json"
) -> tuple[Answered, datetime, Currency]:
    """Return the priced periods, until when they are priced, and their currency; a second or two for the largest question.

    Raises what reading a document, a question and pricing raise.
    """
    question = parse_question(read_exactly(body, content_type))
    return priced_on_paper(question), question.until, question.chain[-1].terms.money
