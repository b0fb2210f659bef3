"""JUnit: a run as the XML that CI servers read: GitHub's actions, GitLab, Jenkins. It knows no schema but theirs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from contract.covering import KINDS, tallies
from contract.model import PHASES, PhaseResult, Result
from contract.report.view import View, views
from contract.reproduce import conceal_text
from contract.spec import Spec
from contract.wording import visible


def render(result: Result, spec: Spec, secrets: Sequence[str] = ()) -> str:
    """Return a run as XML: a suite for each phase, and one that says what was covered.

    In a phase's suite each finding is a failed case, and each operation (each channel, of handshakes) without one a
    passed case. What of the document wasn't met is skipped, with its reason.
    """
    told = views(result, spec, secrets)
    root = ElementTree.Element("testsuites", name="contract", time=f"{result.seconds:.3f}")
    for phase in result.phases:
        _phase(root, result, phase, [view for view in told if view.finding.phase == phase.name], spec)
    ran = {phase.name for phase in result.phases}
    for phase_name in PHASES:  # a finding is told, whatever the list of phases says
        left = [view for view in told if view.finding.phase == phase_name and phase_name not in ran]
        if left:
            _phase(root, result, PhaseResult(phase_name), left, spec)
    _coverage(root, result)
    for suite in root:
        suite.find("properties").extend(  # type: ignore[union-attr]
            ElementTree.Element("property", name=name, value=visible(value))
            for name, value in (
                ("document", result.document),
                ("url", conceal_text(result.url, secrets)),
                ("seed", str(result.seed)),
            )
        )
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, result: Result, name: str, seconds: float) -> ElementTree.Element:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=f"contract.{name}",
        time=f"{seconds:.3f}",
        timestamp=datetime.fromtimestamp(result.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    ElementTree.SubElement(suite, "properties")
    return suite


def _count(suite: ElementTree.Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=visible(classname), name=visible(name), time="0")


def _phase(root: ElementTree.Element, result: Result, phase: PhaseResult, found: list[View], spec: Spec) -> None:
    suite = _suite(root, result, phase.name, phase.seconds)
    for view in found:
        violation = view.finding.violation
        subject = " ".join(filter(None, (violation.operation, violation.rule, violation.subject)))
        case = _case(suite, f"contract.{phase.name}.{violation.channel}", subject)
        failure = ElementTree.SubElement(case, "failure", type=violation.rule, message=view.text)
        failure.text = view.told()
    failed = {(view.finding.violation.channel, view.finding.violation.operation) for view in found}
    channels = {channel for channel, _ in failed}
    for channel in spec.channels:
        classname = f"contract.{phase.name}.{channel.id}"
        if phase.name in ("handshake", "limits") or not channel.operations:
            if channel.id not in channels:
                _case(suite, classname, "handshake")
            continue
        for operation in channel.operations:
            if (channel.id, operation.id) in failed:
                continue
            case = _case(suite, classname, operation.id)
            if not result.coverage.operations.counts.get(f"{channel.id}/{operation.id}", 1):
                reason = result.coverage.operations.reasons.get(f"{channel.id}/{operation.id}", "it was not sent")
                ElementTree.SubElement(case, "skipped", message=visible(reason))
    _count(suite)


def _coverage(root: ElementTree.Element, result: Result) -> None:
    suite = _suite(root, result, "coverage", 0)
    for kind, _, tally in tallies(result.coverage):
        if kind == "keywords":  # hundreds of them, that nobody reads one by one
            continue
        for name, count in tally.counts.items():
            case = _case(suite, f"contract.coverage.{kind}", name)
            if not count:
                reason = tally.reasons.get(name) or f"not among the {KINDS[kind]}"
                ElementTree.SubElement(case, "skipped", message=visible(reason))
    _count(suite)
