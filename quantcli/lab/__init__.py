"""Research: replay and sweeps over the same steps; never reaches a real broker."""
