"""Structured logs: one JSON object a line, with the trace id that follows an event through the bus."""

import logging
import sys

import structlog
import structlog.tracebacks


def configure_logs(service: str, level: str) -> None:
    """Send everything, the libraries' lines too, to stderr as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            lambda _logger, _method, event: {"service": service, **event},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without locals: they hold passwords, keys and other people's usage.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level.upper(), handlers=[_Forward()], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    # below that it tells every header of an answer, and one may repeat a secret path
    logging.getLogger("httpcore2").setLevel(logging.INFO)
    # it tells every address that is asked for, and somebody may have pasted a key into one
    logging.getLogger("httpx2").setLevel(logging.WARNING)


class _Forward(logging.Handler):
    """Hands a library's log record to structlog, so that every line has one shape."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage())
