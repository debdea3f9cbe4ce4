"""How usage is read is the price's to say, and this service's to do."""

from services.rating.statements.usecases.read_usage import READERS
from shared.pricing.models import Price
from shared.pricing.models.model import Model
from shared.pricing.unions import members


def test_whatever_a_price_reads_has_its_reader_and_no_reader_is_there_for_nobody() -> None:
    assert {kind.reads for kind in members(Price, Model).values()} == READERS.keys()
