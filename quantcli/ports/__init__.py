"""What is needed: the protocols through which a step reaches the world."""
