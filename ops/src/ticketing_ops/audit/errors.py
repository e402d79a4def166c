"""Errors of an audit."""


class StoreUnavailable(Exception):
    """A store is unavailable or refuses access, so the audit cannot read it."""

    def __init__(self, store: str, reason: object) -> None:
        super().__init__(f"{store} is unavailable: {str(reason) or type(reason).__name__}")
        self.store = store
