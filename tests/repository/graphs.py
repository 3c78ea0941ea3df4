"""Which file of a tree imports which, and the circles of such a graph."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Graph = Mapping[str, set[str]]


def circles(graph: Graph) -> list[list[str]]:
    """Groups of two or more nodes that reach each other (Tarjan's strongly connected components), sorted."""
    found: list[list[str]] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            members = [stack.pop()]
            while members[-1] != node:
                members.append(stack.pop())
            if len(members) > 1:
                found.append(sorted(members))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found)


# --- Python ----------------------------------------------------------------------------------------------------------


def _module(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that runs, late ones included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not _is_for_types_only(child):
            yield from _imports(child)


def python_graph(root: Path, package: str) -> dict[str, set[str]]:
    """Modules of ``package`` below ``root``, each with the modules of it that it imports at any time."""
    files = {_module(path, root): path for path in (root / package).rglob("*.py")}
    compiled = {_module(path, root) for path in (root / package).rglob("*.pyi")} - set(files)
    graph: dict[str, set[str]] = {name: set() for name in files}
    for name, path in files.items():
        home = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            else:
                base = node.module or ""
                if node.level:
                    above = home.split(".")[: len(home.split(".")) - node.level + 1]
                    base = ".".join([*above, *([node.module] if node.module else [])])
                names = [f"{base}.{alias.name}" for alias in node.names]
                wanted = [name if name in files or name in compiled else base for name in names]
            graph[name] |= {module for module in wanted if module in files and module != name}
    return graph


# --- Rust ------------------------------------------------------------------------------------------------------------

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
_TESTS = re.compile(r"#\[cfg\((?:all\()?test\b[^\n]*\]\s*(?:pub(?:\([a-z]+\))? )?mod \w+\s*(;|\{)")
_USE = re.compile(r"(?P<public>pub(?:\([^)]*\))? )?use (?P<tree>(?:crate|super|self|\w+)[^;]*);")
_PATH = re.compile(r"\b(?:crate|super|self)(?:::\w+)+")


def _without_tests(text: str) -> str:
    """The text of a file without modules of tests that are written in it."""
    while match := _TESTS.search(text):
        end = match.end()
        if match[1] == "{":
            depth = 1
            while depth and end < len(text):
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
        text = text[: match.start()] + text[end:]
    return text


def _leaves(tree: str, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths of a `use` tree, each with the name that it gives."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if brace:
        prefix = (*prefix, *(part for part in head.strip().removesuffix("::").split("::") if part))
        depth, start, body = 0, 0, rest[: rest.rindex("}")]
        for position, character in enumerate(body + ","):
            depth += {"{": 1, "}": -1}.get(character, 0)
            if character == "," and not depth:
                if body[start:position].strip():
                    yield from _leaves(body[start:position], prefix)
                start = position + 1
        return
    path, _, renamed = tree.partition(" as ")
    parts = (*prefix, *(part.strip() for part in path.split("::")))
    if parts[-1] == "self":
        parts = parts[:-1]
    yield parts, renamed.strip() or parts[-1]


@dataclass
class _Crate:
    """Modules of a crate: where each is written, what it says, and which names it passes on."""

    files: dict[tuple[str, ...], Path] = field(default_factory=dict)
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    passed_on: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def absolute(self, module: tuple[str, ...], path: tuple[str, ...]) -> tuple[str, ...] | None:
        """A path as seen from a module, from the crate's root; None: of another crate."""
        if path[0] == "crate":
            return path[1:]
        if path[0] in {"self", "super"}:
            base = module
            for part in path:
                if part == "super":
                    base = base[:-1]
                elif part != "self":
                    break
            return base + tuple(part for part in path if part not in {"self", "super"})
        return module + path if (*module, path[0]) in self.files else None

    def home(self, path: tuple[str, ...], depth: int = 0) -> tuple[str, ...]:
        """The module in which what a path names is written, re-exports followed."""
        module: tuple[str, ...] = ()
        rest = path
        while rest and (*module, rest[0]) in self.files:
            module, rest = (*module, rest[0]), rest[1:]
        if rest and depth < 8 and (further := self.passed_on.get(module, {}).get(rest[0])):
            return self.home(further + rest[1:], depth + 1)
        return module


def _read(source: Path) -> _Crate:
    crate = _Crate()
    for path in sorted(source.rglob("*.rs")):
        parts = path.relative_to(source).with_suffix("").parts
        module = () if parts in {("lib",), ("main",)} else parts[:-1] if parts[-1] == "mod" else parts
        if "tests" in module:
            continue
        crate.files[module] = path
        crate.texts[module] = _without_tests(_TEXT.sub('""', _COMMENT.sub("", path.read_text(encoding="utf-8"))))
    for module, text in crate.texts.items():
        passed_on = crate.passed_on.setdefault(module, {})
        for match in _USE.finditer(text):
            if match["public"]:
                for parts, name in _leaves(match["tree"]):
                    if (target := crate.absolute(module, parts)) is not None:
                        passed_on[name] = target
    return crate


def _wanted(text: str) -> Iterable[tuple[str, ...]]:
    for match in _USE.finditer(text):
        if not match["public"]:  # what passes names on depends on nothing
            yield from (path for path, _ in _leaves(match["tree"]))
    for match in _PATH.finditer(_USE.sub("", text)):
        yield tuple(match[0].split("::"))


def rust_graph(source: Path) -> dict[str, set[str]]:
    """Files of a crate's ``src``, each with the files whose items it names (its tests left out)."""
    crate = _read(source)
    graph: dict[str, set[str]] = {str(path.relative_to(source)): set() for path in crate.files.values()}
    for module, text in crate.texts.items():
        here = str(crate.files[module].relative_to(source))
        for path in _wanted(text):
            if (target := crate.absolute(module, path)) is not None:
                there = str(crate.files[crate.home(target)].relative_to(source))
                if there != here:
                    graph[here].add(there)
    return graph
