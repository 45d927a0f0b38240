"""Serve the hand-written market: `python -m tests.exchange.serving BOOK [REQUESTS_PER_MINUTE]`."""

import sys
from pathlib import Path

from quantcli.exchange.http_server import serve
from quantcli.exchange.venue import Exchange
from tests.exchange.conftest import MARKET, SPLITS
from tests.exchange.market import HandMadeBars, settings


def main():
    limit = {}
    if len(sys.argv) > 2:
        limit = dict.fromkeys(("requests_per_minute", "data_requests_per_minute"), int(sys.argv[2]))
    exchange = Exchange(Path(sys.argv[1]), HandMadeBars(MARKET, splits=SPLITS), settings(**limit))
    serve(exchange, 0, lambda url: print(url, flush=True))
    exchange.close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
