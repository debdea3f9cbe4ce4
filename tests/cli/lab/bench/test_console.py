"""A book that is multiplied: each row is another customer's, and the pages of it are measured for real, small."""

import pytest

from lab.bench.console_book import BookWanted
from lab.bench.console_pages import ConsoleWanted, measure_console
from lab.bench.multiplied import Table, template
from shared.environment_fault import EnvironmentFault

ROW = (
    b"inv_0353HwWXEjxXOHKJzOoT5e\tcustomer-00000\tcustomer-00000-bench\tDEFAULT-2024-000003\t7\t100 %\t"
    b'{"name": "Customer 0", "line": "8a524ac7-f984-5fe2-bac9-982530b3401c"}\t\\N'
)
COLUMNS = ("document_id", "customer", "contract", "number", "seq", "note", "said", "held")


def test_a_row_is_that_of_another_customer_wherever_it_names_one() -> None:
    made = template(ROW, COLUMNS)
    assert made is not None
    twelfth, other = Table("billing.documents", COLUMNS, [made]).of([12, 99_999]).splitlines()
    assert twelfth == (
        b"inv_0353HwWXEjxXOHKJ000012\tcustomer-00012\tcustomer-00012-bench\tDEFAULT-2024-00001203\t12007\t100 %\t"
        b'{"name": "Customer 12", "line": "8a524ac7-f984-5fe2-bac9-00000000000c"}\t\\N'
    )
    assert other.startswith(b"inv_0353HwWXEjxXOHKJ099999\tcustomer-99999\t")


def test_what_names_nobody_is_nobodys() -> None:
    assert (
        template(b"calls\tcall\t2024-01-01 00:00:00+00\tCustomer 01", ("meter", "type", "at", "name")) is None
    )


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_each_page_of_a_multiplied_book_is_measured(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    wanted = ConsoleWanted(BookWanted(invoices=60, customers=30, events=300), requests=2)
    found = await measure_console(wanted, lambda _line: None)
    assert (found.invoices, found.customers) == (60, 30) and found.events == 300 + 200
    assert {"Waiting", "Invoices", "Line", "Customer", "Event", "Find a number"} <= {
        page.page for page in found.pages
    }
    assert all(0 < page.p50_ms <= page.p99_ms for page in found.pages)
    assert found.csv.rows == 60 + 30 and found.csv.rows_per_s > 0


def test_a_book_of_more_than_a_year_is_refused() -> None:
    with pytest.raises(EnvironmentFault, match="12 months of each"):
        BookWanted(invoices=120, customers=10, events=10)
