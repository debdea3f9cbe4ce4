"""Limits from the first byte: uvicorn's HTTP protocol with bounds on what a caller may send before anybody
knows who it is.

httptools puts together a header as long as it comes, uvicorn gives a caller all the time in the world, and
both take as many requests ahead as one read holds. Here a connection holds at most HELD_MAX_BYTES, has a
clock in each of its states, and is told why it is refused.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import httptools
import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.errors import AppError
from shared.http.connections import ENDED, Connections
from shared.http.faults import HeadTooLarge, HeadTooSlow, HttpUnreadable, UrlTooLong, status_of
from shared.http.limits import (
    ANSWER_TIMEOUT_S,
    HEAD_MAX_BYTES,
    HEAD_TIMEOUT_S,
    HEADERS_MAX,
    HELD_MAX_BYTES,
    LINGER_S,
    PIPELINED_MAX,
    READ_MIN_BYTES,
    URL_MAX_BYTES,
)
from shared.http.middleware import REQUESTS
from shared.http.problem_document import problem_document
from shared.http.problems import PROBLEM_MEDIA

#: Of a header beside name and value: colon, space, CR, LF.
FIELD_BYTES = 4
Transport = asyncio.Transport
# one for all: what was read is parsed before anything else is read
_read = memoryview(bytearray(HELD_MAX_BYTES))


class TooFarAhead(Exception):
    """More requests were sent ahead than are kept; the caller sends the rest again, on another connection
    (RFC 9112, 9.3.2)."""


class Inlet(asyncio.BufferedProtocol):
    """A connection as the event loop sees it. It reads no more at once than the connection may still hold."""

    def __init__(self, connections: Connections, **uvicorn: Any) -> None:
        self._http = BoundedHttp(connections, **uvicorn)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._http.connection_lost(exc)

    def eof_received(self) -> None:
        self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def get_buffer(self, sizehint: int) -> memoryview:
        return _read[: self._http.room_bytes()]

    def buffer_updated(self, nbytes: int) -> None:
        self._http.data_received(_read[:nbytes])  # type: ignore[arg-type]


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 within bounds."""

    def __init__(self, connections: Connections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._connections = connections
        # Runs in every state but while a request is worked on.
        self._clock: asyncio.TimerHandle | None = None
        # runs while the caller does not take its answer
        self._answer_clock: asyncio.TimerHandle | None = None
        # nothing more is read; the connection ends as soon as what it asked for is answered
        self._deaf = False
        self._in_head = True  # before or within a head
        # Fed since the last request's end, or since the last byte of a body.
        self._silent_bytes = 0
        self._fields = 0  # headers of this head, or trailers
        # Bytes of each head that waits for its answer.
        self._unanswered: deque[int] = deque()
        # is begun once the answer before it is taken
        self._held_back: tuple[RequestResponseCycle, ASGI3Application] | None = None

    # What the event loop tells

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connections.add(self)
        self._set_clock(HEAD_TIMEOUT_S, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        self._stop_clock()
        self._stop_answer_clock()
        self._unset_keepalive_if_required()
        self._held_back = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._connections.stalls(self)
        self._watch_answer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_answer_clock()
        self._connections.works(self)
        held_back, self._held_back = self._held_back, None
        if held_back is not None:
            self._start_asgi_task(*held_back)
        elif self.cycle.response_complete:
            self._connections.waits(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """A caller who does not take one answer does not get another in work: it would be counted among those
        that are worked on."""
        if self.flow.write_paused:
            self._held_back = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def room_bytes(self) -> int:
        """How much may be read now."""
        newest = self._newest()
        waiting = len(newest.body) if newest is not None else 0
        return max(READ_MIN_BYTES, HELD_MAX_BYTES - sum(self._unanswered) - self._silent_bytes - waiting)

    def data_received(self, data: bytes) -> None:
        """Feed the parser no more than may come without the end of a head or a byte of a body."""
        self._unset_keepalive_if_required()
        at = 0
        while at < len(data) and not self._deaf:
            room = HEAD_MAX_BYTES - self._silent_bytes
            if room <= 0:
                self._refuse(
                    HeadTooLarge(
                        f"more than {HEAD_MAX_BYTES} bytes came without the end of the headers or a byte of a body; send less"
                    )
                )
                return
            piece = data[at : at + room]
            self._silent_bytes += len(piece)
            at += len(piece)
            self._feed(piece)
        if not self._deaf:
            self._mind_the_time()

    def end(self, reason: str) -> None:
        """Close the connection now, whatever it holds."""
        if not self.transport.is_closing():
            ENDED.labels(reason).inc()
        self._deaf = True
        self.transport.abort()

    # What the parser tells

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL_MAX_BYTES:
            raise UrlTooLong(f"a URL has at most {URL_MAX_BYTES} bytes; what is longer belongs into a body")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fields = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > HEADERS_MAX:
            raise HeadTooLarge(f"a request has at most {HEADERS_MAX} headers; send fewer")
        # A trailer comes too late to say anything.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + FIELD_BYTES for name, value in self.headers)
        if size > HEAD_MAX_BYTES:
            raise HeadTooLarge(
                f"the headers have together {size} bytes; at most {HEAD_MAX_BYTES} are taken: send less"
            )
        if self.pipeline and (
            len(self.pipeline) >= PIPELINED_MAX or size + sum(self._unanswered) > HELD_MAX_BYTES
        ):
            raise TooFarAhead
        super().on_headers_complete()
        self._in_head, self._silent_bytes, self._fields = False, 0, 0
        self._unanswered.append(size)
        self._stop_clock()
        if not self.flow.write_paused:
            self._connections.works(self)

    def on_body(self, body: bytes) -> None:
        self._silent_bytes = 0
        super().on_body(body)
        if (
            not self.cycle.response_complete
            and len(self.cycle.body) + sum(self._unanswered) >= HELD_MAX_BYTES
        ):
            # Until the application has read what came.
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._in_head, self._silent_bytes = True, 0
        self._stop_clock()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unanswered.popleft()
        if self.transport.is_closing():
            self._watch_answer()
        elif self.cycle.response_complete:  # none was sent ahead
            self.cycle.body = bytearray()
            if not self.flow.write_paused:
                self._connections.waits(self)
            if not self._in_head:
                self._unset_keepalive_if_required()
                self._set_clock(HEAD_TIMEOUT_S, partial(self._leave, "body_not_sent"))

    # What follows

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded to: it is answered as if it had not been asked for (RFC 9110, 7.8).
            return
        except httptools.HttpParserError as error:
            fault = error.__context__
            if isinstance(fault, TooFarAhead):
                self._hear_no_more()
            else:
                self._refuse(
                    fault if isinstance(fault, AppError) else HttpUnreadable(f"{error}; send HTTP/1.1")
                )

    def _mind_the_time(self) -> None:
        """A head that has begun ends within its time; between requests a caller may be silent for long, but
        not for ever."""
        if not self._in_head or self._clock is not None:
            return
        if self._silent_bytes:
            self._set_clock(HEAD_TIMEOUT_S, self._head_late)
        elif self.cycle.response_complete:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        self._leave("no_request")

    def _head_late(self) -> None:
        if self._silent_bytes:
            self._refuse(
                HeadTooSlow(f"the headers did not arrive within {HEAD_TIMEOUT_S:g} s; send them at once")
            )
        else:
            self._leave("no_head")

    def _leave(self, reason: str) -> None:
        """Close in order: what is still to be written goes first, if it is taken."""
        ENDED.labels(reason).inc()
        self._deaf = True
        self.transport.close()
        self._set_clock(LINGER_S, self.transport.abort)

    def _refuse(self, fault: AppError) -> None:
        """Say why, and let the caller hang up: a connection closed over unread bytes takes the answer with
        it."""
        status = status_of(type(fault))
        REQUESTS.labels("OTHER", "unread", status).inc()
        self._give_up_on_body()
        if self._hear_no_more():
            # An answer now would be taken for that of the request before.
            return
        ENDED.labels("refused").inc()
        body = msgspec.json.encode(problem_document(fault, status))
        head = f"content-type: {PROBLEM_MEDIA}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.write_eof()
        self.flow.resume_reading()
        self._set_clock(LINGER_S, self.transport.abort)

    def _give_up_on_body(self) -> None:
        """Where the request that is broken is the one in work, and no answer to it has begun, the application
        need not wait for the rest."""
        if not self._in_head and not self.pipeline and not self.cycle.response_started:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _hear_no_more(self) -> bool:
        """Read nothing more; whether something is still to be answered, after which the connection ends by
        itself."""
        self._deaf = True
        self._stop_clock()
        last = self._newest()
        if last is None or last.response_complete or last.disconnected:
            return False
        last.keep_alive = False
        return True

    def _newest(self) -> RequestResponseCycle | None:
        """The request whose head came last: in work, sent ahead, or answered."""
        newest: RequestResponseCycle | None = self.cycle
        return newest

    def _watch_answer(self) -> None:
        """A caller may be slow to take its answer, but not stand still."""
        self._stop_answer_clock()
        before = self.transport.get_write_buffer_size()
        self._answer_clock = self.loop.call_later(ANSWER_TIMEOUT_S, self._answer_late, before)

    def _answer_late(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_answer()
        else:
            self.end("answer_not_taken")

    def _set_clock(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(seconds, then)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_answer_clock(self) -> None:
        if self._answer_clock is not None:
            self._answer_clock.cancel()
            self._answer_clock = None
