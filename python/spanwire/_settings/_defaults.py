"""Defaults of settings as values, for the code that applies them."""

from spanwire._settings._native import NATIVE
from spanwire._settings._setting import Setting
from spanwire._settings._setup import SETUP
from spanwire._settings._traces import TRACES

__all__ = ["find", "number", "seconds", "text"]


def find(topic: str, name: str) -> Setting:
    """The setting of a topic with this keyword or variable; KeyError if the table has none."""
    for setting in (*TRACES, *SETUP, *NATIVE):
        if setting.topic == topic and name in (setting.keyword, *setting.variables):
            return setting
    raise KeyError(f"no setting {name!r} of {topic!r}")


def text(topic: str, name: str) -> str:
    """The default as it stands in the table."""
    return find(topic, name).default


def number(topic: str, name: str) -> int:
    """The default of a setting that is a whole number."""
    return int(text(topic, name))


def seconds(topic: str, name: str) -> float:
    """The default of a setting that is a time."""
    setting = find(topic, name)
    if setting.unit != "seconds":
        raise ValueError(f"{name} is given in {setting.unit or 'no unit'}, not in seconds")
    return float(setting.default)
