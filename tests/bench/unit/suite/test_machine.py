"""Results are kept by the kind of machine."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench._measure import environment
from spanwire_bench.suite._machine import file_name


@pytest.mark.parametrize(
    ("cpu", "cores", "python", "name"),
    [
        ("AMD EPYC", 2, "3.11.7", "amd-epyc-2-cores-python-3.11.json"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", 1, "3.12.0", "intel-xeon-1-core-python-3.12.json"),
        ("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", 8, "3.13.0rc1", "intel-core-i7-8550u-8-cores-python-3.13.json"),
        ("AMD Ryzen 9 7950X 16-Core Processor", 32, "3.10.1", "amd-ryzen-9-7950x-32-cores-python-3.10.json"),
    ],
)
def test_a_result_is_named_by_processor_cores_and_python(cpu: str, cores: int, python: str, name: str) -> None:
    assert file_name({"cpu": cpu, "cores": cores, "python": python, "implementation": "CPython"}) == name


def test_without_a_processors_name_the_architecture_is_taken() -> None:
    said: dict[str, Any] = {"cpu": "", "machine": "aarch64", "cores": 4, "python": "3.12.1", "implementation": "PyPy"}
    assert file_name(said) == "aarch64-4-cores-pypy-3.12.json"
    assert file_name({}) == "unknown-0-cores-python-unknown.json"


@given(st.text(), st.text())
def test_a_name_is_always_one_of_a_plain_file(cpu: str, python: str) -> None:
    name = file_name({"cpu": cpu, "cores": 2, "python": python})
    assert name.isascii() and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.+-") and len(name) < 120
    assert name.endswith(".json") and not name.startswith((".", "-"))


def test_this_machine_has_a_name() -> None:
    assert file_name(environment()).endswith(".json")
