"""A real Postgres server for machines that have none, and the databases, roles and migrations on any server.

`embedded` runs a server, `setup` makes databases and roles, `migrations` brings them to head, `alembic_env`
is what each service's `migrations/env.py` calls. Imports no service.
"""
