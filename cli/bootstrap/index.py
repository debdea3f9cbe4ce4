"""The machine's own package index and certificates: as pip and uv are set up here, so that both see the
same."""

import configparser
import os
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

PUBLIC = "https://pypi.org/simple"


def mirror() -> str | None:
    """The index this machine is told to use instead of the public one; None when there is none."""
    named = named_index()
    return named if named and named.rstrip("/") != PUBLIC else None


def named_index() -> str | None:
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    return _pip_setting("index-url")


def with_certificates(environ: dict[str, str]) -> dict[str, str]:
    """uv brings its own list of authorities; tell it of the machine's, which may have one more."""
    if "SSL_CERT_FILE" in environ:
        return environ
    certificate = _certificate_file()
    if certificate:
        return {**environ, "SSL_CERT_FILE": certificate}
    paths = ssl.get_default_verify_paths()
    return {**environ, "UV_SYSTEM_CERTS": "1"} if paths.cafile else environ


def ssl_context() -> ssl.SSLContext:
    """For our own downloads: the machine's authorities and the one pip is told of."""
    context = ssl.create_default_context()
    certificate = _certificate_file()
    if certificate:
        context.load_verify_locations(certificate)
    return context


def without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _certificate_file() -> str | None:
    named = os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE") or _pip_setting("cert")
    return named if named and Path(named).is_file() else None


def _pip_setting(name: str) -> str | None:
    """A setting of pip.conf; the last file that has it wins, as in pip."""
    found = None
    for path in _pip_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path)
        except configparser.Error:
            # Pip itself would refuse it; the public index is the better guess.
            continue
        for section in ("global", "install"):
            found = parser.get(section, name, fallback=found)
    return found


def _pip_files() -> list[str]:
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = os.environ.get("HOME", "/nonexistent")
    config = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    files = [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        f"{home}/.pip/pip.conf",
        f"{config}/pip/pip.conf",
        f"{sys.prefix}/pip.conf",
    ]
    return [*files, *([named] if named else [])]
