"""What kinds of documents there are, and all in which they differ: titles, numbers and postings ask the kind.

Conservation says for itself which kinds its K5 counts and on which account it looks for the total
(a test holds the two against each other), and the database's check says which names there are.
"""

from dataclasses import dataclass
from datetime import date

from services.billing.documents.domain.draws import CREDITS_LIABILITY
from shared.topics.rating import StatementMessage

#: The account of what customers owe.
RECEIVABLE = "receivable"
#: What the series of notes have between entity and year.
NOTES = DEBIT, CREDIT = "DN", "CN"


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind, stored and told by its name.

    `title` stands over the page. Documents are numbered without a gap within a series, which has `{entity}`
    and `{year}` of issue for its own. The total is posted to the account `receivable`, and each line against
    `owed`, or, where that is None, against `<revenue>.<kind of the line>`. `counts_towards_k5`: its lines are a part of
    what rating settled for the period; a break in the books of the period is then one of the document.
    `waits_for_people`: somebody may hold it, and a policy may ask for an approval; for what is bought beforehand the customer
    waits.
    """

    name: str
    title: str
    series: str = "{entity}-{year}"
    receivable: str = RECEIVABLE
    revenue: str = "revenue"
    owed: str | None = None
    counts_towards_k5: bool = True
    waits_for_people: bool = True

    def account_of(self, line_kind: str) -> str:
        """Return the account that a line of this kind is a credit of."""
        return f"{self.revenue}.{line_kind}" if self.owed is None else self.owed

    def series_of(self, legal_entity: str, issued_on: date) -> str:
        """Return the series of a document, such as "DEFAULT-2013". An entity that is called as the notes of another are
        numbered is written with a character that no name has."""
        first, dash, last = legal_entity.upper().rpartition("-")
        entity = f"{first}~{last}" if dash and last in NOTES else f"{first}{dash}{last}"
        return self.series.format(entity=entity, year=issued_on.year)


INVOICE = DocumentKind("invoice", "Invoice")
KINDS: dict[str, DocumentKind] = {
    kind.name: kind
    for kind in (
        INVOICE,
        DocumentKind("commitment", "Commitment invoice", owed=CREDITS_LIABILITY, counts_towards_k5=False),
        DocumentKind(
            "prepayment",
            "Prepayment invoice",
            owed=CREDITS_LIABILITY,
            counts_towards_k5=False,
            waits_for_people=False,
        ),
        DocumentKind("debit_note", "Debit note", series=f"{{entity}}-{DEBIT}-{{year}}"),
        DocumentKind("credit_note", "Credit note", series=f"{{entity}}-{CREDIT}-{{year}}"),
    )
}


def kind_of(statement: StatementMessage) -> DocumentKind:
    """Return the kind of a statement's document. What is asked for beforehand says its own in its occasion; of what a
    period comes to, a total below zero gives back, and what comes after the invoice asks for more."""
    beforehand = KINDS.get(statement.occasion.partition(":")[0])
    if beforehand is not None:
        return beforehand
    if statement.document_minor - statement.drawn_minor < 0:
        return KINDS["credit_note"]
    return KINDS["debit_note"] if statement.is_correction else INVOICE
