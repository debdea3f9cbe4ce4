"""`u2c env`: the variables of README's calls for a shell: eval "$(./u2c env)"."""

import shlex

from u2c.api import OfDatabase
from u2c.deployment.address import address, deployment, named
from u2c.deployment.services import URL_VARIABLES
from u2c.printing import AsJson, print_json
from u2c.settings import PREFIX

SHORT = {
    service: variable.removeprefix(PREFIX).removesuffix("_URL") for service, variable in URL_VARIABLES.items()
}


def command(database: OfDatabase = None, as_json: AsJson = False) -> None:
    """Print KEY, INGEST, RATING, BILLING and SIGNALS of the running deployment: eval "$(./u2c env)". The key
    is an administrator's."""
    variables = shell_variables(database)
    if as_json:
        print_json(variables)
    else:
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}")


def shell_variables(database: str | None) -> dict[str, str]:
    """Name to value, the key first. EnvironmentFault where nothing runs and nothing is named: an address that
    was guessed may be another's."""
    if not named():
        deployment(database)
    found = {service: address(service, database) for service in URL_VARIABLES}
    return {
        "KEY": found["rating"].keys[0],
        **{SHORT[service]: found[service].url for service in URL_VARIABLES},
    }
