"""What routes take and give is camelCase outside and snake_case inside."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A body, of a request or a response."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)

    @classmethod
    def of(cls, source: object) -> Self:
        """What there is to show of a document."""
        return cls.model_validate(source)

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Self:
        """What there is to show of a document as MongoDB holds it."""
        return cls.model_validate(row | {"id": row["_id"]})
