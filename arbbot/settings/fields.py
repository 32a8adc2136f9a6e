"""What settings are made of: their types with bounds, and the section that holds them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

PLACES = 8
"""Of decimals that a setting may have."""


def _none_if_empty(value: Any) -> Any:
    """TOML has no null: an empty text stands for "not set"."""
    return None if isinstance(value, str) and not value.strip() else value


Percent = Annotated[Decimal, Field(ge=0, lt=100, decimal_places=PLACES)]
SharePercent = Annotated[Decimal, Field(gt=0, le=100, decimal_places=PLACES)]
Size = Annotated[Decimal, Field(gt=0, le=1_000_000_000, decimal_places=PLACES)]
Seconds = Annotated[Decimal, Field(gt=0, le=86_400, decimal_places=PLACES)]
Symbol = Annotated[str, Field(pattern=r"^[a-z0-9]{4,20}$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,48}$")]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$")]
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]


class Section(BaseModel):
    """A table of the settings file: frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
