"""The connections of the server: how long a request may take to come, how many there may be, and which give way.

uvicorn has a limit for requests in progress and one for idle connections, but waits for ever for a head or a body that
has begun, and lets one client hold any number of connections.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 2\r\n\r\n"


@dataclass(frozen=True)
class Limits:
    """How long is waited for a client, and for how many of them."""

    head_s: float = 10.0
    """From the first byte of a request, or the connection, to the end of its head."""
    body_s: float = 60.0
    """From the end of the head to the end of the body."""
    stalled_s: float = 600.0
    """A client that takes nothing of an answer; long, since a player that is paused reads no further."""
    idle_s: int = 5
    """Between two requests."""
    closing_s: float = 5.0
    """A client that does not take the rest of an answer when its connection is closed."""
    most: int = 256
    """Connections of all clients."""
    most_of_client: int = 64
    """Connections of one client."""


def server(app: Any, limits: Limits | None = None, **more: Any) -> uvicorn.Server:
    """A server for `app` with limits on its connections; `more` are settings of uvicorn."""
    limits = limits or Limits()

    class Limited(LimitedProtocol):
        pass

    Limited.limits = limits
    settings: dict[str, Any] = {"log_level": "warning", "timeout_keep_alive": limits.idle_s, **more}
    # Without web sockets, which would leave this protocol, and its limits, behind.
    return uvicorn.Server(uvicorn.Config(app, http=Limited, ws="none", **settings))


class LimitedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 connection, with deadlines, and a place among the others that it may lose.

    Where there are too many, the one gives way that has waited the longest without a request in progress: a flood of
    connections that say nothing never keeps out one that asks something.
    """

    limits = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the head of a request."""
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        self._awaited: object = None
        """The request whose body is awaited, or the one behind which the head of another is."""
        self._stalled: asyncio.TimerHandle | None = None
        self._since = self.loop.time()
        self._is_closing = False
        if self._is_admitted():
            self._set_deadline()
        else:
            self._refuse(TOO_MANY)

    def data_received(self, data: bytes) -> None:
        """Takes nothing more where it closes."""
        if not self._is_closing:
            super().data_received(data)

    def handle_events(self) -> None:
        """Sets the deadline of what is awaited after the events: a head, a body, or nothing."""
        super().handle_events()
        self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """Says so, and closes."""
        super().send_400_response(msg)
        self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets its timers."""
        self._await(None)
        self._resumed()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes nothing: it may do so for a while."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client takes something again."""
        super().resume_writing()
        self._resumed()

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection."""
        self._close()

    def _set_deadline(self) -> None:
        if self._is_closing:
            return
        if self._is_waiting():
            if self.timeout_keep_alive_task is None:  # which has a deadline of its own, until something comes
                self._await((self.cycle,), self.limits.head_s)
        elif self.conn.their_state is h11.SEND_BODY:
            self._await(self.cycle, self.limits.body_s)
        else:
            self._await(None)

    def _await(self, what: object, seconds: float = 0.0) -> None:
        """Sets the deadline, unless the same is awaited already."""
        if what is not None and what == self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited, self._since = what, self.loop.time()
        self._deadline = self.loop.call_later(seconds, self._refuse, TIMED_OUT) if what is not None else None

    def _resumed(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _is_waiting(self) -> bool:
        """Whether no request is in progress: none came, or the last one is answered."""
        return self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)

    def _is_admitted(self) -> bool:
        """Whether there is place, if need be by closing another connection."""
        others = [one for one in self.connections if isinstance(one, LimitedProtocol) and one is not self]
        others = [one for one in others if not one._is_closing]
        of_client = [one for one in others if _host(one) == _host(self)]
        if len(of_client) >= self.limits.most_of_client:
            return _give_way(of_client)
        return len(others) < self.limits.most or _give_way(others)

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing() and (self.cycle is None or self._is_waiting() or not self._has_answered()):
            self.transport.write(answer)
        self._close()

    def _has_answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_started

    def _close(self) -> None:
        """Closes the connection, also to a client that does not take what was written."""
        self._is_closing = True
        self._await(None)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()  # who waits for the rest of its body need not wait any more
        self.transport.close()
        self.loop.call_later(self.limits.closing_s, self.transport.abort)


def _give_way(connections: Sequence[LimitedProtocol]) -> bool:
    """Closes the one of them that has waited the longest; False where each has a request in progress."""
    waiting = [one for one in connections if one._is_waiting()]
    if waiting:
        min(waiting, key=lambda one: one._since)._close()
    return bool(waiting)


def _host(connection: LimitedProtocol) -> str:
    return connection.client[0] if connection.client else ""
