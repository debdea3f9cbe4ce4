"""Why a document cannot be read."""

from shared.errors import AppError, Kind


class BodyUnreadable(AppError):
    """The body is not what its content type says: JSON in UTF-8."""

    kind = Kind.MALFORMED


class DocumentUnreadable(AppError):
    """The terms document cannot be read."""

    kind = Kind.MALFORMED


class DocumentTypeUnsupported(AppError):
    """Terms come as application/json or application/yaml."""

    kind = Kind.UNSUPPORTED


class YamlTooLarge(AppError):
    """Terms of this size come as application/json."""

    kind = Kind.TOO_LARGE


class YamlTagRefused(AppError):
    """Terms are text, lists and mappings: no other YAML tag is taken."""


UNREADABLE = (DocumentUnreadable, DocumentTypeUnsupported, YamlTagRefused, YamlTooLarge)
