"""Rules for tests, enforced by the plugin."""
