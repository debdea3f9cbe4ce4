"""`python -m u2c` is the `u2c` command."""

from u2c.main import run

run()
