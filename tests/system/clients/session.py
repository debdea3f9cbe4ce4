"""What a program does with the clients generated from our documents. Runs where only they and their needs are
installed: not with our packages."""

import json
import sys
from datetime import UTC, datetime

import billing.api.invoices.list_invoices as list_invoices
import signals.api.webhooks.create_webhook_endpoint as create_webhook_endpoint
import usage_ingest.api.usage.send_events as send_events
from billing import AuthenticatedClient as Billing
from billing.models import DocumentAnswer, DocumentAnswerList
from signals import AuthenticatedClient as Signals
from signals.models import CreatedEndpointAnswer, EndpointBody
from usage_ingest import AuthenticatedClient as UsageIngest
from usage_ingest.models import AcceptanceAnswer, CloudEvent, CloudEventData


def main(urls: dict[str, str], key: str) -> None:
    found = list_invoices.sync(client=Billing(base_url=urls["billing"], token=key))
    assert isinstance(found, DocumentAnswerList), found
    invoice = found.data[0]
    assert isinstance(invoice, DocumentAnswer)
    event = CloudEvent(
        id="generated-1",
        source="generated",
        type_="call",
        subject="acme",
        time=datetime(2024, 1, 15, tzinfo=UTC),
        data=CloudEventData(),
    )
    sent = send_events.sync(client=UsageIngest(base_url=urls["usage_ingest"], token=key), body=event)
    assert isinstance(sent, AcceptanceAnswer), sent
    registered = create_webhook_endpoint.sync(
        client=Signals(base_url=urls["signals"], token=key),
        body=EndpointBody(url="https://example.com/hooks", events=["renewal.at_risk"]),
    )
    assert isinstance(registered, CreatedEndpointAnswer), registered
    print(
        json.dumps(
            {
                "accepted": sent.accepted,
                "total": invoice.total,
                "period": invoice.period.start.isoformat(),
                "created_at": invoice.created_at.isoformat(),
                "secret": registered.secret[:6],
                "events": registered.events,
            }
        )
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
