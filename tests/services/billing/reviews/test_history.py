"""What became of a document, by whom, in the order in which it happened."""

from tests.services.billing.conftest import Hear
from tests.services.billing.reviews.conftest import Finalize, Reviews
from tests.services.billing.statements import statement_of


async def test_a_document_tells_what_became_of_it(
    reviews: Reviews, finalize: Finalize, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await reviews.policy(above={"USD": "1"})
    await hear(statement_of())
    draft = await reviews.draft()
    path = f"invoices/{draft['id']}"
    opened = await reviews.done("GET", f"{path}/history")
    assert [one["what"] for one in opened["happened"]] == ["revised", "drafted"], "a test's revisions are old"
    seen = {"revisions": draft["revisions"], "total": draft["total"]}
    await reviews.done("POST", f"{path}/seen", "usr_bo", json=seen)
    await reviews.done("POST", f"{path}/hold", json={"reason": "price in dispute"})
    await reviews.done("POST", f"{path}/seen", "usr_cy", json=seen)
    await hear(statement_of(revision=2, final=True))
    await reviews.done("POST", f"{path}/release")
    await finalize()
    final = (await reviews.draft())["revisions"]
    await reviews.done("POST", f"{path}/approve", "usr_bo", json={"revisions": final})
    await finalize()
    told = await reviews.done("GET", f"{path}/history")
    assert (told["number"], told["state"]) == ("DEFAULT-2013-000001", "finalized")
    assert [(one["what"], one["by"], one["said"]) for one in told["happened"]] == [
        ("closed", None, None),
        ("drafted", None, None),
        ("seen", "usr_bo", "636550.00"),
        ("held", "usr_ana", "price in dispute"),
        ("seen", "usr_cy", "636550.00"),
        ("released", "usr_ana", "price in dispute"),
        ("approved", "usr_bo", None),
        ("numbered", None, None),
        ("posted", None, "invoice DEFAULT-2013-000001"),
    ]
    closed, *_, numbered, posted = told["happened"]
    assert closed["revision"] == 2 and numbered["of"] == told["number"]
    [entry] = (await reviews.done("GET", "journal"))["data"]
    assert posted["of"] == entry["id"]
    assert (await reviews.refused(404, "GET", "invoices/inv_none/history")).startswith("document_not_found")
