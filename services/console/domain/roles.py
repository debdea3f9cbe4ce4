"""What people do here, and what each role may do in the services: its API key has these scopes and seats, so the
services refuse the rest whatever the console asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Role = Literal["finance", "customer-success", "engineer", "leader", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
READ: Final = ("usage:read", "contracts:read", "invoices:read", "signals:read", "audit:read")


@dataclass(frozen=True, slots=True)
class Authority:
    """The scopes and seats of a role's API key. A seat belongs to one role."""

    scopes: tuple[str, ...]
    seats: tuple[str, ...] = ()


#: Each may speak for its people (`actor`). Who makes people decides no money: an administrator holds no seat.
AUTHORITY: Final[Mapping[Role, Authority]] = {
    "finance": Authority(
        (*READ, "contracts:write", "invoices:write", "actor"), ("billing-operations", "deal-desk")
    ),
    "customer-success": Authority(
        (*READ, "signals:write", "actor"), ("customer-success-manager", "account-executive")
    ),
    "engineer": Authority((*READ, "usage:write", "contracts:write", "actor"), ("integration-engineer",)),
    "leader": Authority((*READ, "invoices:write", "actor"), ("head-of-revenue", "cfo", "pricing-owner")),
    "admin": Authority((*READ, "keys:write", "actor")),
}


def key_name(role: Role) -> str:
    """What the role's API key is called among the first keys of a deployment."""
    return f"console-{role}"


def setting(role: Role) -> str:
    """The console's setting that holds the role's API key."""
    return f"role_key_{role.replace('-', '_')}"


def variable(role: Role) -> str:
    """The same as an environment variable."""
    return f"U2C_{setting(role).upper()}"
