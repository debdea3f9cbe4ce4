"""Database URLs: one server, one database, one role, each taken from the administrator's URL."""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlsplit, urlunsplit

PASSWORD_CHARS = 32
DEFAULT_PORT = 5432  # where a URL names none


def role_url(admin_url: str, role: str, secret: str) -> str:
    """The URL of the same database for `role` (a service's name or the role's own name), with its derived
    password."""
    name = role if role.startswith("u2c_") else f"u2c_{role}"
    return _with_login(admin_url, name, role_password(secret, name))


def role_password(secret: str, role: str) -> str:
    """A role's password is derived from the deployment's secret, so nothing but that secret has to be
    kept."""
    digest = hmac.new(secret.encode(), role.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()[:PASSWORD_CHARS]


def webhook_key(secret: str) -> str:
    """What signals seals the URLs and secrets of webhooks with (U2C_WEBHOOK_KEY): derived as a role's
    password is, and never in the database."""
    return role_password(secret, "webhooks")


def kafka_password(secret: str, user: str) -> str:
    """A user's password on a broker that asks: derived too, and not that of the database's role of the same
    name."""
    return role_password(secret, f"kafka {user}")


def database_url(admin_url: str, database: str) -> str:
    """The same server and login, another database."""
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{quote(database)}"))


def sqlalchemy_url(url: str) -> str:
    """The URL as SQLAlchemy wants it: the asyncpg driver named."""
    return "postgresql+asyncpg" + url[url.index("://") :]


def without_password(url: str) -> str:
    """The URL as it may be printed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def same_server(one: str, other: str) -> bool:
    """Whether both URLs name one host and port, whatever their database and login."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.hostname, first.port or DEFAULT_PORT) == (second.hostname, second.port or DEFAULT_PORT)


def _with_login(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password, safe='')}@{host}"))
