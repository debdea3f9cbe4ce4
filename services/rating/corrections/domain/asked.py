"""What a correction asks for: the period as it is priced now, less what documents ask for and what was waived; and the
document whose line each part corrects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from services.rating.metering.domain.stretches import NOTHING_TAKEN_OUT, TakenOut
from shared.pricing.results import LineAsked
from shared.topics.rating import AskedLine, CorrectedOccasion, LineDraw, StatementLine, StatementMessage
from shared.values.made_from import made_from

_NONE = LineAsked(0, Decimal(0))


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was settled of a period before: the statements that were told, the first one the period's own, and the
    corrections whose difference was waived; oldest first. `out`: what the last of all left out, as held or waived."""

    told: tuple[StatementMessage, ...]
    waived: tuple[StatementMessage, ...] = ()
    out: TakenOut = NOTHING_TAKEN_OUT

    @property
    def watermark(self) -> Mapping[str, int]:
        """Up to where the last of all covers."""
        return max((*self.told, *self.waived), key=lambda statement: statement.revision).watermark

    def asked(self) -> Mapping[str, LineAsked]:
        """Line id → what documents ask for and what was waived."""
        found: dict[str, LineAsked] = {}
        for line in self._lines():
            amount, quantity = found.get(line.line_id, _NONE)
            found[line.line_id] = LineAsked(amount + line.amount_minor, quantity + line.quantity)
        return found

    def drawn(self) -> Mapping[str, Mapping[str, LineDraw]]:
        """Line id → block id → what documents, and what was waived, say is paid by it."""
        return drawn_of(list(self._lines()))

    def draw_costs(self) -> dict[tuple[str, str], int]:
        """(line, block) → what was paid for what of the line documents say is paid by it, of blocks with a cost basis."""
        found: dict[tuple[str, str], int] = {}
        for line in self._lines():
            for draw in line.draws:
                if draw.cost_minor is not None:
                    place = line.line_id, draw.block
                    found[place] = found.get(place, 0) + draw.cost_minor
        return found

    def known_lines(self) -> Mapping[str, StatementLine]:
        """Line id → the line as it was said last."""
        return {line.line_id: line for line in self._lines()}

    def _lines(self) -> Iterator[StatementLine]:
        return (line for statement in (*self.told, *self.waived) for line in statement.document_lines)


def drawn_of(lines: Sequence[StatementLine]) -> dict[str, dict[str, LineDraw]]:
    """Line id → block id → what of the lines is paid by it, in all."""
    found: dict[str, dict[str, LineDraw]] = {}
    for line in lines:
        for draw in line.draws:
            of_line = found.setdefault(line.line_id, {})
            before = of_line.get(draw.block)
            minor = draw.amount_minor + (before.amount_minor if before else 0)
            of_line[draw.block] = LineDraw(draw.block, draw.kind, minor)
    return found


def with_cost_left(
    lines: Sequence[StatementLine], cost_left: Mapping[tuple[str, str], int], earlier: Earlier
) -> tuple[StatementLine, ...]:
    """Return the lines with draws of nothing that cost something. All that was drawn of a block for a line came back, and that
    cost more or less than the draw did, since both are rounded by what was left of it by then: `cost_left`, (line, block) →
    that of all its draws. A line that is gone comes last, as one of nothing."""
    drawn, known = earlier.drawn(), earlier.known_lines()
    said = {(line.line_id, draw.block) for line in lines for draw in line.draws}
    left: dict[str, list[LineDraw]] = {}
    for (line, block), cost in cost_left.items():
        if cost and (line, block) not in said:
            left.setdefault(line, []).append(LineDraw(block, drawn[line][block].kind, 0, cost))
    if not left:
        return tuple(lines)
    there = {line.line_id for line in lines}
    gone = [_of_nothing(known[line]) for line in left if line not in there]
    return tuple(
        [
            msgspec.structs.replace(line, draws=(*line.draws, *left.get(line.line_id, ())))
            for line in (*lines, *gone)
        ]
    )


def _of_nothing(line: StatementLine) -> StatementLine:
    return made_from(
        StatementLine,
        line,
        meter=line.meter,
        description=line.description,
        amount_minor=0,
        quantity=Decimal(0),
        segments=(),
        draws=(),
    )


def asked_lines(
    now: Sequence[StatementLine], difference: Mapping[str, LineAsked], earlier: Earlier
) -> tuple[AskedLine, ...]:
    """Return the lines of the document that asks for this difference, in the order of the statement; those that are
    gone come last. What blocks pay more or less of a line stands at the first of its parts."""
    lines = {line.line_id: line for line in now}
    gone = {name: line for name, line in earlier.known_lines().items() if name not in lines}
    left, draws = _left(earlier.told), _draws(drawn_of(now), earlier.drawn())
    return tuple(
        _asked(line, part, () if number else draws.get(name, ()), corrects)
        for name, line in {**lines, **gone}.items()
        if name in difference or name in draws
        for number, (corrects, part) in enumerate(_parts(difference.get(name, _NONE), name, left))
    )


def falls_apart(asked: Sequence[AskedLine]) -> list[tuple[AskedLine, ...]]:
    """Return the lines of a difference in two: those that come to less than was billed, and the others. One where all or
    none do."""
    change: dict[str, int] = {}
    for line in asked:
        change[line.line_id] = change.get(line.line_id, 0) + line.amount_minor
    parts = [
        tuple([line for line in asked if (change[line.line_id] < 0) is falls]) for falls in (True, False)
    ]
    rises = any(line.amount_minor > 0 for line in parts[1])
    return [part for part in parts if part] if rises else [tuple(asked)]


def _asked(
    line: StatementLine, part: LineAsked, draws: tuple[LineDraw, ...], corrects: CorrectedOccasion | None
) -> AskedLine:
    return made_from(
        AskedLine,
        line,
        meter=line.meter,
        description=line.description,
        amount_minor=part.amount_minor,
        quantity=part.quantity,
        segments=(),
        draws=draws,
        corrects=corrects,
    )


def _draws(
    now: Mapping[str, Mapping[str, LineDraw]], before: Mapping[str, Mapping[str, LineDraw]]
) -> dict[str, tuple[LineDraw, ...]]:
    """Line id → the draws that were added since, and, below zero, those that were returned."""
    found: dict[str, tuple[LineDraw, ...]] = {}
    for name in [*now, *(before.keys() - now.keys())]:
        new, old = now.get(name, {}), before.get(name, {})
        changed = [
            LineDraw(block, (new.get(block) or old[block]).kind, _minor(new, block) - _minor(old, block))
            for block in [*new, *(old.keys() - new.keys())]
        ]
        if kept := tuple([draw for draw in changed if draw.amount_minor]):
            found[name] = kept
    return found


def _minor(draws: Mapping[str, LineDraw], block: str) -> int:
    return draws[block].amount_minor if block in draws else 0


def _left(told: Sequence[StatementMessage]) -> dict[tuple[str, str], int]:
    """(occasion, line id) → what the document still asks for of the line after what corrected it; oldest first."""
    left: dict[tuple[str, str], int] = {}
    for statement in told:
        for line in statement.document_lines:
            corrects = line.corrects if isinstance(line, AskedLine) else None
            if corrects is not None and line.amount_minor < 0:
                left[corrects.occasion, corrects.line_id] += line.amount_minor
            else:
                place = (statement.occasion, line.line_id)
                left[place] = left.get(place, 0) + line.amount_minor
    return left


def _parts(
    change: LineAsked, line_id: str, left: Mapping[tuple[str, str], int]
) -> Iterator[tuple[CorrectedOccasion | None, LineAsked]]:
    """Yield the change in parts, each with the document that it corrects: a rise corrects the newest that has the line,
    a fall is taken from the newest, as much as is left there, then from the one before. Units, and money of which no
    document has any more, go with the newest."""
    documents = [occasion for occasion, line in left if line == line_id][::-1]
    if not documents:
        yield None, change
        return
    parts, rest = dict.fromkeys(documents, 0), change.amount_minor
    for occasion in documents if rest < 0 else ():
        parts[occasion] = max(rest, -max(left[occasion, line_id], 0))
        rest -= parts[occasion]
    newest = documents[0]
    parts[newest] += rest
    if not parts[newest]:
        newest = next((occasion for occasion in documents if parts[occasion]), newest)
    for occasion in documents:
        quantity = change.quantity if occasion == newest else Decimal(0)
        if parts[occasion] or occasion == newest:
            yield CorrectedOccasion(occasion, line_id), LineAsked(parts[occasion], quantity)
