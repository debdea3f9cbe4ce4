"""A line as others hear of it."""

from services.billing.documents.domain.document import Line
from shared.topics.billing import CorrectedLine, DocumentLine
from shared.values.made_from import made_from


def told_line(line: Line) -> DocumentLine:
    """Return the line as it travels with its document."""
    return made_from(
        DocumentLine,
        line,
        clause=line.clause_id,
        clause_hash=line.clause_hash,
        description=line.description,
        meter=line.meter,
        contract=line.contract,
        period_start_date=line.start_date.isoformat(),
        period_end_date=line.end_date.isoformat(),
        statement_id=line.statement_id,
        tax_class=line.tax_class,
        draws=line.draws,
        corrects=None
        if line.corrects is None
        else CorrectedLine(line.corrects.document_id, line.corrects.line_id),
    )
