"""What a check asks of an exchange that not every exchange can give."""

CLOCK = "needs a clock that moves"
SHARES = "needs shares: it would have to trade"
CONTROLS = "needs the controls below /_sim"
ALONE = "needs an account with nothing but cash in it"
OPEN_MARKET = "sends a market order: only while the market is closed for some time"


class NotApplicable(Exception):
    """An exchange cannot show what a check is about; the message says why."""


def needs(reason):
    """Mark a function as one that only an exchange of our own can follow."""

    def mark(function):
        function.needs = reason
        return function

    return mark
