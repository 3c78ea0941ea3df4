"""Messages in Python's sources, by their syntax trees."""

import ast
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.messages._source import Found
from tests.messages._template import is_sentence, normal

__all__ = ["scan_python"]

# Methods of loggers, and our own; what is given first that is a text is the message.
_LOGS = {"warn", "warning", "error", "exception", "critical", "info"}
# Functions of ours that print what they are given, or raise it.
# What our code calls texts that it hands on later.
_TELLING = {"error", "failure", "hint", "message", "problem", "why"}
_PASSES_ON = {"fail", "failing", "warn_once", "BadParameter", "SystemExit", "drop"}


def scan_python(path: Path, shown: str) -> Iterator[Found]:
    """Texts that are raised, logged, warned of or printed to stderr."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    scan = _Scan(shown, _constants(tree))
    scan.visit(tree)
    return iter(scan.found)


class _Scan(ast.NodeVisitor):
    def __init__(self, shown: str, constants: dict[str, ast.expr]) -> None:
        self.found: list[Found] = []
        self._shown = shown
        self._scopes = [constants]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._scopes.append(_constants(node))
        self.generic_visit(node)
        self._scopes.pop()

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call):
            self._add("raise", node.exc, node.exc.args)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _LOGS and isinstance(node.func, ast.Attribute):
            self._add("log", node, node.args[: 2 if name == "warn" else 1], percent=True)
        elif name in _PASSES_ON or name.endswith(("Error", "Failed", "BadDocument", "Unavailable")):
            self._add("raise", node, node.args)
        elif (
            name == "append"
            and isinstance(node.func, ast.Attribute)
            and getattr(node.func.value, "id", "") == "failures"
        ) or (name == "print" and any(_is_stderr(keyword) for keyword in node.keywords)):
            self._add("print", node, node.args)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        if names & _TELLING or any(name.endswith("HINT") or name.lstrip("_").startswith("NO_") for name in names):
            self._add("set", node, list(_strings(node.value)))
        self.generic_visit(node)

    def _add(
        self, how: str, node: ast.Call | ast.Assign, arguments: Sequence[ast.expr], *, percent: bool = False
    ) -> None:
        for argument in arguments:
            for text in self._texts(argument):
                said = normal(text, percent=percent)
                entry = Found(said, self._shown, node.lineno, how)
                if is_sentence(said) and entry not in self.found:
                    self.found.append(entry)

    def _texts(self, node: ast.expr, depth: int = 0) -> list[str]:
        """The templates that an expression can be: strings, f-strings, sums and choices of them, names of constants."""
        match node:
            case _ if depth > 6:
                return ["{}"]
            case ast.Constant(value=str(text)):
                return [text.replace("{", "{{").replace("}", "}}")]
            case ast.JoinedStr(values=values):
                parts = [
                    self._texts(value, depth + 1) if isinstance(value, ast.Constant) else ["{}"] for value in values
                ]
                return ["".join(chosen) for chosen in itertools.product(*parts)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = itertools.product(self._texts(left, depth + 1), self._texts(right, depth + 1))
                return ["".join(chosen) for chosen in both]
            case ast.IfExp(body=body, orelse=orelse):
                return self._texts(body, depth + 1) + self._texts(orelse, depth + 1)
            case ast.BoolOp(values=values):
                return [text for value in values for text in self._texts(value, depth + 1)]
            case ast.Name(id=name):
                for scope in reversed(self._scopes):
                    if name in scope:
                        return self._texts(scope[name], depth + 1)
        return ["{}"]


def _constants(node: ast.Module | ast.FunctionDef) -> dict[str, ast.expr]:
    """What plain names are set to once, in a module or a function."""
    inside = ast.walk(node) if isinstance(node, ast.FunctionDef) else iter(node.body)
    found: dict[str, ast.expr] = {}
    for statement in inside:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                found[target.id] = statement.value
    return found


def _is_stderr(keyword: ast.keyword) -> bool:
    return keyword.arg == "file" and isinstance(keyword.value, ast.Attribute) and keyword.value.attr == "stderr"


def _strings(node: ast.AST) -> Iterator[ast.expr]:
    """Strings and f-strings anywhere in an expression; not the pieces of the latter."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        yield node
        return
    for part in ast.iter_child_nodes(node):
        yield from _strings(part)
