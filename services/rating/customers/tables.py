"""Tables of customers."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, MetaData, Table, Text, text

from services.rating.catalogue.tables import NAME
from shared.db.listing import folded
from shared.db.tables import INSTANT


def add_customer_tables(metadata: MetaData) -> None:
    Table(
        "customers",
        metadata,
        Column("customer_id", Text, primary_key=True),
        Column("external_id", Text, nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("legal_entity", Text, nullable=False),
        Column("timezone", Text, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("created_at", INSTANT, nullable=False),  # business clock
        Index("customers_by_name", "name", "external_id"),
        Index("customers_by_creation", "created_at", "external_id"),
        Index("customers_external_id_begins", text(folded("external_id"))),
        Index("customers_name_begins", text(folded("name"))),
    )
    # The external id and every alias: an event's subject → customer in one look-up.
    Table(
        "subjects",
        metadata,
        Column("subject", NAME, primary_key=True),
        Column("customer_id", Text, ForeignKey("rating.customers.customer_id"), nullable=False),
        Column("alias", Boolean, nullable=False),
        Index("subjects_customer", "customer_id"),
    )
    Table(
        # Subjects that meant a customer and no longer do. Closing holds this table still, so that no two
        # customers close with one subject.
        "departed_subjects",
        metadata,
        Column("subject", NAME, primary_key=True),
        # whose it was
        Column("customer_id", Text, ForeignKey("rating.customers.customer_id"), primary_key=True),
        Column("left_at", INSTANT, nullable=False),  # business clock, the last time
        Column("stamped_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )
