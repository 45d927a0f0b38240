"""The other side: a local exchange that speaks Alpaca's wire format."""
