"""How settings are read, and how a wrong one is explained in a sentence."""

import functools
import re
from pathlib import Path
from typing import Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

SWITCH = {
    **dict.fromkeys(("on", "yes", "true", "1", "enabled", "y", "t"), "on"),
    **dict.fromkeys(("off", "no", "false", "0", "disabled", "n", "f"), "off"),
}
SECRET = re.compile("SECRET|TOKEN|PASSWORD")
# What may be shown: words and numbers, or an address of scheme, host and port. More may hold a password.
PLAIN_VALUE = re.compile(r"(?!.*://)[\w .,:;/+*()\[\]{}%<>~!-]*|[a-z]+://[\w.\[\]-]*(:\d{1,5})?/?")
AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class SettingsError(Exception):
    """Settings that cannot be used; each problem is a sentence for the user."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class ProductSettings(BaseSettings):
    """Accepts a choice in any case, and every usual word for on and off."""

    @field_validator("*", mode="before")
    @classmethod
    def _choice(cls, value: object, info: ValidationInfo) -> object:
        choices = _choices_of(cls, info.field_name or "")
        if not isinstance(value, str) or not choices:
            return value
        if set(choices) == {"on", "off"}:
            return SWITCH.get(value.lower(), value)
        return next((choice for choice in choices if str(choice).lower() == value.lower()), value)


@functools.cache
def _choices_of(kind: type[BaseModel], field: str) -> tuple[object, ...]:
    return _choices(kind.model_fields[field].annotation)


def _choices(annotation: object) -> tuple[object, ...]:
    """The values of a Literal, also of one that may be missing."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for option in get_args(annotation) if (found := _choices(option))), ())


def read_settings(kind: type[AnySettings]) -> AnySettings:
    """Read settings from the environment and `.env`; raises SettingsError."""
    try:
        return kind()
    except ValidationError as error:
        raise SettingsError(*explain(error, kind)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f".env cannot be read ({reason}); let this user read it, or fix the file") from None


def explain(error: ValidationError, kind: type[BaseModel], owner: str = "") -> list[str]:
    """Explain each wrong setting in a sentence. `owner` is the camera whose own setting it is.

    A field's description completes "it must be ...", for a field that is missing also "set it to ...".
    """
    return [_explain(wrong["loc"], wrong["input"], wrong["msg"], kind, owner) for wrong in error.errors()]


def _explain(location: tuple[int | str, ...], value: object, message: str, kind: type[BaseModel], owner: str) -> str:
    problem = message.removeprefix("Value error, ").replace("Input should", "must")
    if not location:
        return f"{problem}; change it in .env"
    field = str(location[0]).lower()
    name = f"{owner}.{field.upper()}" if owner else field.upper()
    description = kind.model_fields[field].description
    if message == "Field required":
        return (
            f"{name} is not set; set it in .env to {description}"
            if description
            else f"{name} is not set; set it in .env"
        )
    if description and not message.startswith("Value error, must be"):
        problem = f"must be {description}"
    annotation = kind.model_fields[field].annotation
    is_secret = SECRET.search(name) is not None or SecretStr in (annotation, *get_args(annotation))
    shown = name if is_secret or not PLAIN_VALUE.fullmatch(str(value)) else f"{name}={value}"
    return f"{shown} {problem}; change it in .env"


def read_secret_file(file: Path, name: str) -> str:
    """Read a secret from the file that the setting `name` gives; raises SettingsError."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"{name}={file} cannot be read ({reason}); fix it or remove it") from error
    if not secret:
        raise SettingsError(f"{name}={file} is empty; write the password into it")
    return secret
