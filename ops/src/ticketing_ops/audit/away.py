"""That an audit could not look."""


class Away(Exception):
    """A store does not answer, or not as it should: nothing can be said of what it holds."""

    def __init__(self, store: str, why: object) -> None:
        super().__init__(f"{store} does not answer: {str(why) or type(why).__name__}")
        self.store = store
