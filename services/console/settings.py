"""Settings of the console."""

from pydantic import Field

from services.console.domain.roles import Role, setting
from shared.runtime.settings import ProcessSettings


class ConsoleSettings(ProcessSettings):
    """The console's own settings, beside those of every process."""

    role_key_finance: str = Field(
        "", description="API key of the role finance, as `u2c migrate --keys` gives it"
    )
    role_key_customer_success: str = Field("", description="API key of the role customer-success")
    role_key_engineer: str = Field("", description="API key of the role engineer")
    role_key_leader: str = Field("", description="API key of the role leader")
    role_key_admin: str = Field("", description="API key of the role admin")
    demo: bool = Field(
        False,
        description="Let whoever sits at this machine choose a role without a password: for demos and tests only",
    )

    def role_key(self, role: Role) -> str:
        """The API key of a role; "" where none was given."""
        found: str = getattr(self, setting(role))
        return found
