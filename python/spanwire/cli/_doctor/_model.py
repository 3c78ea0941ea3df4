"""What a step finds, and the report of all steps. The JSON of it has a version: docs/doctor.md says what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["SCHEMA", "Finding", "Level", "Report", "Step"]

SCHEMA = 1

Level = Literal["ok", "warning", "failed", "skipped"]

_WORST_FIRST: tuple[Level, ...] = ("failed", "warning", "ok")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    code: str
    """For programs; never changes its meaning: ``tcp.refused``."""
    level: Level
    text: str
    cure: str = ""
    """What to do; empty: nothing."""


@dataclass(slots=True)
class Step:
    """What one step has found."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    """For programs: what can be written as JSON."""
    seconds: float = 0.0

    def ok(self, code: str, text: str) -> None:
        """What is as it should be."""
        self.findings.append(Finding(f"{self.name}.{code}", "ok", text))

    def warn(self, code: str, text: str, cure: str = "") -> None:
        """What may be meant, or may be a mistake."""
        self.findings.append(Finding(f"{self.name}.{code}", "warning", text, cure))

    def fail(self, code: str, text: str, cure: str = "") -> None:
        """What keeps spans from arriving."""
        self.findings.append(Finding(f"{self.name}.{code}", "failed", text, cure))

    def skip(self, text: str) -> None:
        """Nothing was looked at, and why."""
        self.findings.append(Finding(f"{self.name}.skipped", "skipped", text))

    @property
    def outcome(self) -> Level:
        """The worst that was found."""
        found = {finding.level for finding in self.findings}
        return next((level for level in _WORST_FIRST if level in found), "skipped")

    @property
    def worst(self) -> Finding | None:
        """The first finding that the outcome is from."""
        return next((finding for finding in self.findings if finding.level == self.outcome), None)


@dataclass(frozen=True, slots=True)
class Report:
    """All steps, in their order."""

    spanwire: str
    destination: str
    """Where spans go, without secrets; empty: it cannot be said."""
    steps: Sequence[Step]
    other: str = ""
    """Where the program sends in the place of that, if it does."""

    @property
    def verdict(self) -> Level:
        """``ok``, ``warning`` or ``failed``."""
        outcomes = {step.outcome for step in self.steps}
        return next((level for level in _WORST_FIRST if level in outcomes), "ok")

    @property
    def summary(self) -> str:
        """The verdict as a sentence."""
        failed = [step for step in self.steps if step.outcome == "failed"]
        if failed:
            worst = failed[0].worst
            return f"spans do not arrive: {failed[0].name}: {worst.text if worst else ''}"
        warnings = sum(finding.level == "warning" for step in self.steps for finding in step.findings)
        was_sent = any(step.name == "span" and step.outcome in {"ok", "warning"} for step in self.steps)
        arrives = "spans arrive" if was_sent else "nothing is in the way (no test span was sent)"
        if self.other:
            arrives = "the test span arrives" if was_sent else "nothing is in the way of a test span (none was sent)"
            arrives += f"; the program sends elsewhere ({self.other})"
        return f"{arrives}, with {warnings} warning{'s' * (warnings > 1)}" if warnings else arrives

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "command": "spanwire doctor",
            "schema": SCHEMA,
            "spanwire": self.spanwire,
            "verdict": self.verdict,
            "summary": self.summary,
            "destination": self.destination,
            "seconds": round(sum(step.seconds for step in self.steps), 4),
            "steps": [
                {
                    "name": step.name,
                    "outcome": step.outcome,
                    "seconds": round(step.seconds, 4),
                    "findings": [
                        {"code": one.code, "level": one.level, "text": one.text, "cure": one.cure}
                        for one in step.findings
                    ],
                    "details": step.details,
                }
                for step in self.steps
            ],
        }
