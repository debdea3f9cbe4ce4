"""Renewal of a contract: what is told within the notice window, and that a term ended."""

from dataclasses import dataclass
from datetime import date

from services.signals.domain.agreed import Agreed
from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.odds import Odds, shown_odds
from services.signals.domain.outcomes import Term
from services.signals.domain.renewal import notice_step
from services.signals.domain.risk import Risk
from services.signals.domain.shown import shown, shown_object
from services.signals.domain.stake import shown_stake


@dataclass(frozen=True, slots=True)
class Notices:
    """Whether the renewal is at risk, how often it came to be, and what was told of the running term."""

    at_risk: bool
    episodes: int
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastTerm:
    """The end of the term that ran the day before, and whether it was said that the contract is over."""

    end: date | None
    over: bool


def notify(
    known: Known, agreed: Agreed, scored: Risk, odds: Odds, before: Notices
) -> tuple[list[Fact], Notices]:
    """Due once a term and notice step; at risk once a term and episode, within the notice window."""
    episodes = before.episodes + (scored.at_risk and not before.at_risk)
    step = notice_step(agreed.renewal, known.day, known.policy.notice_steps_days)
    if step is None:
        return [], Notices(scored.at_risk, episodes, before.told)
    end, name = agreed.renewal.term_end.isoformat(), agreed.name
    due, risky = f"{end}:{step}", f"{end}:risk:{episodes}"
    data = {
        **shown_object(agreed.renewal),
        "score": scored.score,
        "at_risk": scored.at_risk,
        "reasons": shown(scored.reasons),
        **shown_odds(odds),
        **shown_stake(agreed.worth_of(known)),
    }
    facts = []
    if due not in before.told:
        facts.append(
            Fact("renewal.due", (name, end, str(step)), known.day, {**data, "step_days": step}, name)
        )
    if scored.at_risk and risky not in before.told:
        facts.append(Fact("renewal.at_risk", (name, end, str(episodes)), known.day, data, name))
    told = (
        {key for key in before.told if key.startswith(end)} | {due} | ({risky} if scored.at_risk else set())
    )
    return facts, Notices(scored.at_risk, episodes, tuple(sorted(told)))


def end_term(known: Known, agreed: Agreed, before: LastTerm) -> tuple[list[Term], LastTerm]:
    """A term that ran into the next one goes on; one that ended without a next one is over. What became of it, the
    months after say."""
    end = agreed.renewal.term_end
    if before.end is not None and before.end < end:
        return [Term(agreed.name, before.end, True)], LastTerm(end, False)
    if before.end is not None and known.day >= end and not before.over:
        return [Term(agreed.name, end, False)], LastTerm(end, True)
    return [], LastTerm(end, before.over)
