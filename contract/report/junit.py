"""JUnit: a run as the XML that CI servers read: GitHub's actions, GitLab, Jenkins. It knows no schema but theirs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from contract.addresses import shown
from contract.covering import KINDS, tallies
from contract.model import PHASES, PhaseResult, Result, Secret
from contract.report.view import View, views
from contract.reproduce import conceal_text
from contract.spec import Spec
from contract.wording import visible


def render(result: Result, spec: Spec, secrets: Sequence[Secret | str] = ()) -> str:
    """Return a run as XML: a suite for each phase, and one that says what was covered.

    In a phase's suite each finding is a failed case, and each operation (each channel, of handshakes) without one a
    passed case. What a phase didn't try, and what of the document wasn't met, is skipped, with its reason. Where the
    tester itself failed, a case `contract.run` says so.
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
    if result.failed:
        suite = _suite(root, result, "run", result.seconds)
        case = _case(suite, "contract.run", "the tester runs to its end")
        ElementTree.SubElement(case, "error", message=visible(conceal_text(result.failed, secrets)))
        _count(suite)
    for suite in root:
        suite.find("properties").extend(  # type: ignore[union-attr]
            ElementTree.Element("property", name=name, value=visible(value))
            for name, value in (
                ("document", result.document),
                ("url", conceal_text(shown(result.url), secrets)),
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
    suite.set("errors", str(len(suite.findall("testcase/error"))))
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
                _skip(_case(suite, classname, "handshake"), _untried(phase))
            continue
        for operation in channel.operations:
            if (channel.id, operation.id) in failed:
                continue
            case = _case(suite, classname, operation.id)
            name = f"{channel.id}/{operation.id}"
            if not result.coverage.operations.counts.get(name, 1):
                _skip(case, result.coverage.operations.reasons.get(name, "it was not sent"))
            elif phase.tried is not None and name not in phase.tried:
                _skip(case, _untried(phase) or _short(phase) or "this phase had nothing of it to send")
            else:
                _skip(case, _untried(phase))
    _count(suite)


def _skip(case: ElementTree.Element, reason: str) -> None:
    """Say why a case was skipped, if there is a reason."""
    if reason:
        ElementTree.SubElement(case, "skipped", message=visible(reason))


def _untried(phase: PhaseResult) -> str:
    """Return why a phase tried nothing; nothing, if it did try."""
    if phase.cases:
        return ""
    return _short(phase) or phase.note or "this phase had nothing to try"


def _short(phase: PhaseResult) -> str:
    return "" if phase.complete else f"the phase was cut short: {phase.note or 'its time was over'}"


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
