"""What is said: frozen models, scalars, canonical bytes, errors, reason codes and schemas."""
