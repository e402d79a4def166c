"""How long a test waits for what should come in a moment."""

PATIENCE_SECONDS = 60.0
"""Only a test that fails waits so long; on a busy machine a moment can be long."""
