"""Set the policy, and read its versions."""

from services.billing.reviews.domain.policy import ReviewPolicy
from services.billing.reviews.repository import PolicyRepository, ReviewRepository
from services.billing.reviews.rows import PolicyRow
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class PolicyReplaced(AppError):
    """Another version of the policy came first; look at it, and replace that one."""

    kind = Kind.CONFLICT


async def policy_in_force(uow: UnitOfWork) -> ReviewPolicy:
    """The newest version."""
    return await PolicyRepository(uow.connection).in_force()


async def list_policies(uow: UnitOfWork, before: int | None, rows_max: int) -> list[ReviewPolicy]:
    """The versions before this one, the newest first."""
    return await PolicyRepository(uow.connection).newest_first(before, rows_max)


async def set_policy(uow: UnitOfWork, wanted: PolicyRow, in_force: ReviewPolicy) -> ReviewPolicy:
    """Replace the version in force by the one after it; what waits for approval is looked at again. Raises
    PolicyReplaced."""
    if wanted.version != in_force.version + 1:
        raise PolicyReplaced(
            f"version {in_force.version} is in force, set by {in_force.set_by}, and version {wanted.version - 1} was to be "
            "replaced"
            if in_force.version
            else f"nobody has set a policy yet, and version {wanted.version - 1} was to be replaced; replace 0"
        )
    await PolicyRepository(uow.connection).add(wanted)
    await ReviewRepository(uow.connection).look_again()
    return await policy_in_force(uow)
