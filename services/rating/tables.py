"""One MetaData for the whole schema `rating`: each sub-folder adds its own tables."""

from sqlalchemy import MetaData

from services.rating.blocks.tables import add_block_tables
from services.rating.catalogue.tables import add_catalogue_tables
from services.rating.contracts.tables import add_contract_tables
from services.rating.corrections.tables import add_correction_tables
from services.rating.customers.tables import add_customer_tables
from services.rating.metering.tables import add_metering_tables
from services.rating.statements.tables import add_statement_tables
from shared.db.tables import add_retold_table, add_standard_tables

metadata = MetaData(schema="rating")
add_standard_tables(metadata)
add_retold_table(metadata)
add_catalogue_tables(metadata)
add_customer_tables(metadata)
add_metering_tables(metadata)
add_contract_tables(metadata)
add_block_tables(metadata)
add_statement_tables(metadata)
add_correction_tables(metadata)
