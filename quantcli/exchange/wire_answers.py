"""Answers as they leave: status, headers, bytes; the exchange's own, and its gateway's pages."""

from __future__ import annotations

import hashlib

from quantcli.exchange.calls import Answer, encoded
from quantcli.exchange.refusals import Refusal

Headers = list[tuple[str, str]]
#: Status, headers, body.
WireAnswer = tuple[int, Headers, bytes]
#: Status and body.
SentAnswer = tuple[int, bytes]

JSON_TYPE = "application/json; charset=UTF-8"


def sent(answer: Answer) -> SentAnswer:
    """Return an endpoint's answer with its body as bytes."""
    return answer.status, b"" if answer.body is None else encoded(answer.body)


def refused(refusal: Refusal) -> SentAnswer:
    """Return a refusal with its body as bytes."""
    return refusal.status, encoded(refusal.body)


def said(answer: SentAnswer) -> WireAnswer:
    """Return an answer with the header that its body needs."""
    status, body = answer
    return status, [("Content-Type", JSON_TYPE)] if body else [], body


def spoken(method: str, path: str, query: str, body: bytes, answer: SentAnswer) -> WireAnswer:
    """Return the answer to a request; its request id is a digest of the request."""
    request_id = hashlib.sha256(f"{method} {path}?{query}\n".encode() + body).hexdigest()[:32]
    status, headers, data = said(answer)
    return status, [("X-Request-ID", request_id), *headers], data


def gateway_page(status: int, reason: str) -> WireAnswer:
    """Return the page of a gateway that speaks for the exchange."""
    title = f"{status} {reason}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return status, [("Content-Type", "text/html")], page.encode()
