"""Whether a Dockerfile is one, as far as that is seen without an engine: instructions, their order and arguments."""

import json
import re

__all__ = ["check_dockerfile"]

INSTRUCTIONS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "ONBUILD", "RUN"),
    *("SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


def check_dockerfile(text: str) -> list[tuple[str, str]]:
    """Its instructions.

    :raises ValueError: if a line is none, or its arguments cannot be.
    """
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found = []
    for line in filter(str.strip, joined.splitlines()):
        name, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if name not in INSTRUCTIONS:
            raise ValueError(f"no instruction: {line!r}")
        if not rest:
            raise ValueError(f"without an argument: {line!r}")
        if rest.startswith("["):
            words = json.loads(rest)
            if not words or not all(isinstance(word, str) for word in words):
                raise ValueError(f"no list of words: {line!r}")
        elif name in {"COPY", "ADD"} and len([word for word in rest.split() if not word.startswith("--")]) < 2:
            raise ValueError(f"from where to where: {line!r}")
        elif name in {"ENV", "LABEL"} and "=" not in rest:
            raise ValueError(f"name=value: {line!r}")
        found.append((name, rest))
    if not found or found[0][0] not in {"FROM", "ARG"}:
        raise ValueError("the first instruction is FROM (or ARG)")
    return found
