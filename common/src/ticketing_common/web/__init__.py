"""Everything around the routes of a service."""
