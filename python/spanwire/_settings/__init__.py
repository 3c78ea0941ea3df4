"""Every setting there is: the keywords of our constructors, and the variables that we, or the SDK for us, read.

``spanwire doctor`` prints from it, docs/configuration.md is made of it, and the code reads its defaults from it (``_defaults``).
"""

from spanwire._settings._native import NATIVE
from spanwire._settings._sdk import SDK
from spanwire._settings._setting import Setting
from spanwire._settings._setup import SETUP
from spanwire._settings._signals import SIGNALS
from spanwire._settings._sink import SINK
from spanwire._settings._traces import TRACES

__all__ = ["SETTINGS", "Setting"]

SETTINGS: tuple[Setting, ...] = (*SETUP, *TRACES, *SDK, *NATIVE, *SIGNALS, *SINK)
