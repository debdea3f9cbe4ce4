"""URLs and secrets of webhooks are sealed, and what was told, logged or raised of a URL keeps its host only."""

from alembic import context, op
from sqlalchemy import text

from services.signals.domain.urls import masked
from shared.postgres.urls import webhook_key
from shared.sealing import Seal

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = """
alter table signals.endpoints rename column secret to sealed_secret;
alter table signals.endpoints rename column previous_secret to sealed_previous_secret;
alter table signals.endpoints add sealed_url text not null default ''
"""
#: What was said of URLs, of endpoints deleted since too: in the log of what was sent (its text of webhook.disabled, its own URL, an answer that
#: repeats the path), in facts, in exceptions. `masked` in SQL: scheme and host.
MASK = r"""
update signals.attempts a
    set request = replace(a.request::text, f.data ->> 'url', regexp_replace(f.data ->> 'url', '^([a-z]+://[^/?#]*).*$', '\1/…'))::jsonb
    from signals.deliveries d join signals.facts f using (signal_id)
    where d.delivery_id = a.delivery_id and f.type = 'webhook.disabled';
update signals.attempts set
    request = jsonb_set(request, '{url}', to_jsonb(regexp_replace(request ->> 'url', '^([a-z]+://[^/?#]*).*$', '\1/…'))),
    response = replace(response, coalesce(substring(request ->> 'url' from '^[a-z]+://[^/?#]*(/[^?#]+)'), request ->> 'url'), '…');
update signals.facts set data = jsonb_set(data, '{url}', to_jsonb(regexp_replace(data ->> 'url', '^([a-z]+://[^/?#]*).*$', '\1/…')))
    where type = 'webhook.disabled';
update signals.exceptions set detail = regexp_replace(detail, '^([a-z]+://[^/?# ]*)[^ ]* ', '\1/…: ') where kind = 'webhook_endpoint_disabled'
"""
SEALED = """update signals.endpoints set url = :masked, sealed_url = :sealed_url, sealed_secret = :secret, sealed_previous_secret = :previous
    where endpoint_id = :endpoint"""
#: With an expression the table is written anew: the plain texts must not stay behind in its file.
REWRITTEN = """
alter table signals.endpoints alter column sealed_url drop default;
alter table signals.endpoints alter column url type text using url || ''
"""


def upgrade() -> None:
    op.execute(MASK)
    op.execute(COLUMNS)
    seal, connection = Seal(webhook_key(context.config.attributes["secret"])), op.get_bind()
    rows = connection.execute(
        text(
            "select endpoint_id, url, sealed_secret, sealed_previous_secret from signals.endpoints for update"
        )
    ).all()
    for endpoint, url, secret, previous in rows:
        connection.execute(
            text(SEALED),
            {
                "endpoint": endpoint,
                "masked": masked(url),
                "sealed_url": seal.seal(url),
                "secret": seal.seal(secret),
                "previous": None if previous is None else seal.seal(previous),
            },
        )
    op.execute(REWRITTEN)
