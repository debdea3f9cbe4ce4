"""The Alembic history of the infrastructure schemas `bus` and `clock`, run by the admin role before any
service's own."""
