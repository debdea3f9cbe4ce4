"""A receiver of usage-to-cash webhooks in one file: `pip install standardwebhooks`, then

    WEBHOOK_SECRET=whsec_… python receiver.py 8900

It answers 204 for what it can verify, and 400 for what it cannot. Standard Webhooks promises at least once:
`SEEN` drops what came before. A receiver in earnest keeps the seen ids where its effects are, in one
transaction, and puts a proxy with TLS in front.
"""

import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

BODY_MAX_BYTES = 64 * 1024
LENGTH = re.compile("[0-9]{1,9}")  # "²" is a digit too, and no number of bytes
SEEN: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds of silence

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        size = int(length) if LENGTH.fullmatch(length) else 0
        body = self.rfile.read(size) if size <= BODY_MAX_BYTES else b""
        try:
            event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(self.headers.items()))
        # the library raises ValueError for a header it cannot take apart
        except (
            WebhookVerificationError,
            ValueError,
        ):
            self.answer(400)
            return
        if self.headers["webhook-id"] not in SEEN:
            act(event)
            SEEN.add(self.headers["webhook-id"])
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Only what was verified is printed."""


def act(event: dict) -> None:
    """Your part: open a task, write to the CRM, call somebody. Attempts start in order of `sequence` and may
    arrive in another."""
    print(
        f"{event['customer']} #{event['sequence']} {event['type']}: {json.dumps(event['data'])}", flush=True
    )


if __name__ == "__main__":
    ThreadingHTTPServer(
        ("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8900), Receiver
    ).serve_forever()
