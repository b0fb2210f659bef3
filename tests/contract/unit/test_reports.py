"""A run, told on the console, as JUnit, as JSON and as a page."""

import base64
import io
import itertools
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.progress import Progress

from contract.model import PHASES, RULES, Event, Finding, PhaseName, PhaseResult, Result
from contract.report import Display, json_report, junit, render_finding, write_reports
from contract.report import html as html_report
from contract.report.view import again, arguments, views
from contract.spec import Spec
from tests.contract.unit.made import (
    HOSTILE,
    TOKEN,
    finding,
    hostile,
    linked,
    long_frames,
    refused,
    result,
    tea_room,
    two_sockets,
)


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the tea room's document."""
    return tea_room(tmp_path)


def several() -> tuple[Finding, ...]:
    """Return a finding of each kind that a report might stumble over."""
    return (finding(), linked(), two_sockets(), refused(), hostile(), long_frames(), finding("x", transcript=()))


def test_each_report_is_written_to_its_file(spec: Spec, tmp_path: Path) -> None:
    """The kinds asked for are written, into folders that are made, and the run's token stands in none of them."""
    targets = {kind: tmp_path / "new" / f"report.{kind}" for kind in ("junit", "json", "html")}
    write_reports(result(spec, *several()), spec, targets, secrets=[TOKEN])
    for path in targets.values():
        text = path.read_text(encoding="utf-8")
        assert "$TOKEN" in text
        assert TOKEN not in text
    write_reports(result(spec), spec, {})


def test_a_report_that_can_not_be_written_takes_no_other_with_it(spec: Spec, tmp_path: Path) -> None:
    """A folder in a file's place is told as the system tells it, and the other reports are written."""
    with pytest.RaisesGroup(IsADirectoryError):
        write_reports(result(spec), spec, {"json": tmp_path, "junit": tmp_path / "r.xml"})
    assert (tmp_path / "r.xml").read_text().startswith("<?xml")


def test_who_logs_in_by_the_url_is_in_no_report(spec: Spec, tmp_path: Path) -> None:
    """Nor is what stands in its query."""
    run = replace(result(spec, finding()), url="ws://bob:hunter2@tea.example/x?key=mine-alone")
    targets = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "json", "html")}
    write_reports(run, spec, targets, secrets=[TOKEN])
    for text in (*(path.read_text(encoding="utf-8") for path in targets.values()), printed(spec, run)):
        assert "tea.example/x" in text
        assert "hunter2" not in text
    assert "?key=..." in json.loads(targets["json"].read_text())["url"]
    assert "mine-alone" not in json.loads(targets["json"].read_text())["url"]


def test_a_run_that_failed_says_so_in_each_report(spec: Spec) -> None:
    """What stood against it is told, and nothing found is no praise then."""
    run = replace(result(spec), failed="The tester itself failed at x.py:1.")
    assert "The tester itself failed at x.py:1." in printed(spec, run)
    assert "what was not tried is not said to be right" in printed(spec, run)
    assert json_report.report(run, spec)["failed"] == run.failed
    assert run.failed in Page(html_report.render(run, spec)).text
    root = ElementTree.fromstring(junit.render(run, spec))
    error = root.find("testsuite[@name='contract.run']/testcase/error")
    assert error is not None
    assert (error.attrib["message"], root.attrib["errors"]) == (run.failed, "1")


# The command that finds it again


def test_the_command_has_every_option(spec: Spec) -> None:
    """What was asked for is asked for again, quoted for a shell."""
    run = result(spec)
    run.arguments = arguments(
        perspective="client", lenient=True, timeout=5, rate=0, max_time=90.5, config="my settings.toml"
    )
    run.credentials = {"--token": "TOKEN"}
    run.url = "ws://bob:hunter2@127.0.0.1:8000"
    assert again(run, finding()) == (
        'python -m contract tea.yaml --url ws://"${URL_LOGIN}"@127.0.0.1:8000 --phase boundaries --seed 7 '
        "--perspective client --lenient --timeout 5 --rate 0 --max-time 90.5 --config 'my settings.toml' "
        '--token "${TOKEN}"'
    )
    assert arguments() == ()


@pytest.mark.parametrize("phase", ["valid", "invalid", "stateful"])
def test_the_command_runs_what_a_phase_builds_on(spec: Spec, phase: PhaseName) -> None:
    """It has the phases of the run, since these are made from what those before them saw."""
    run = result(spec)
    assert "--phase" not in again(run, finding(phase=phase))
    run.asked = ("examples", phase)
    assert f" --phase examples --phase {phase} --seed 7" in again(run, finding(phase=phase))


# JSON


def test_json_has_all_of_a_finding(spec: Spec) -> None:
    """The JSON report holds whole frames, steps, place, seed and both reproductions of each finding."""
    told = json.loads(json_report.render(result(spec, finding(), two_sockets(), long_frames()), spec))
    assert told["version"] == 1
    assert (told["document"], told["title"], told["seed"]) == ("tea.yaml", "A tea room", 7)
    assert told["started"] == "2025-11-22T08:26:40+00:00"
    first, second, third = told["findings"]
    assert first["rule"] == "frame-invalid"
    assert first["where"] == {"file": "tea.yaml", "line": 53, "column": 11, "text": "          ticket: {type: string}"}
    assert first["steps"][1]["step"] == "send"
    assert first["transcript"][2] == {
        "at": 0.011,
        "socket": 0,
        "kind": "received",
        "data": {"text": '{"type": "served", "id": 1, "ticket": 7}'},
        "code": None,
        "text": "",
        "message": "served",
        "note": "breaks its schema",
    }
    assert base64.b64decode(second["transcript"][5]["data"]["base64"]) == b"\x00\x01\n\xff"
    assert len(third["transcript"][1]["data"]["text"]) > 100_000
    assert "websocat" in first["reproduction"]["websocat"]
    assert "asyncio" in first["reproduction"]["python"]
    assert "--seed 7" in first["reproduction"]["command"]


def test_json_has_the_coverage_with_reasons(spec: Spec) -> None:
    """Each kind of coverage has its members, and what was not met has its reason."""
    coverage = json_report.report(result(spec), spec)["coverage"]
    assert list(coverage) == ["operations", "sent", "received", "keywords", "errors", "closes"]
    assert (coverage["received"]["met"], coverage["received"]["total"]) == (2, 3)
    assert {"name": "room/served", "count": 3, "reason": None} in coverage["received"]["members"]
    assert {
        "name": "room/call",
        "count": 0,
        "reason": "pushed by the server alone: none came",
    } in coverage["received"]["members"]


def test_the_shape_of_the_json_is_the_documented_one(spec: Spec) -> None:
    """Each member of the JSON report stands on the page that describes it."""
    page = (Path(__file__).parents[3] / "docs" / "contract.md").read_text(encoding="utf-8")
    told = json.loads(json_report.render(result(spec, linked()), spec))

    def names(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield name
                yield from names(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from names(inner)

    assert not [name for name in dict.fromkeys(names(told)) if f"`{name}`" not in page]


# JUnit

_CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    "failure": set(),
    "error": set(),
    "skipped": set(),
}
_ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "disabled", "errors"},
    "testsuite": {
        *(
            "name",
            "tests",
            "failures",
            "errors",
            "time",
            "disabled",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
        ),
    },
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "assertions", "time", "classname", "status"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
}
_NEEDED = {
    "testsuite": {"name", "tests"},
    "testcase": {"name", "classname"},
    "property": {"name", "value"},
}


def test_junit_is_what_ci_servers_read(spec: Spec) -> None:
    """The XML has the elements and attributes of the common schema, well-formed whatever a server sent."""
    root = ElementTree.fromstring(junit.render(result(spec, *several()), spec))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= _CHILDREN[element.tag]
        assert set(element.attrib) <= _ATTRIBUTES[element.tag]
        assert _NEEDED.get(element.tag, set()) <= set(element.attrib)
        assert element.tag != "testsuite" or re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib["timestamp"]
        )
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == len([case for case in cases if case.find("failure") is not None])
        assert int(suite.attrib["skipped"]) == len([case for case in cases if case.find("skipped") is not None])
        assert len({(case.attrib["classname"], case.attrib["name"]) for case in cases}) == len(cases)
    assert int(root.attrib["tests"]) == len(root.findall("testsuite/testcase"))
    assert int(root.attrib["failures"]) == 7


def test_junit_has_a_suite_for_each_phase(spec: Spec) -> None:
    """A finding fails in its phase's suite, an operation without one passes, and what wasn't met is skipped."""
    root = ElementTree.fromstring(junit.render(result(spec, finding(), two_sockets()), spec))
    suites = {suite.attrib["name"]: suite for suite in root}
    assert list(suites) == [
        *("contract.examples", "contract.boundaries", "contract.valid", "contract.invalid", "contract.handshake"),
        *("contract.stateful", "contract.coverage"),
    ]
    failure = suites["contract.boundaries"].find("testcase/failure")
    assert failure is not None
    assert failure.attrib["type"] == "frame-invalid"
    assert failure.attrib["message"] == finding().violation.text
    assert "tea.yaml:53:11" in str(failure.text)
    assert "websocat" in str(failure.text)
    assert [case.attrib["name"] for case in suites["contract.valid"].findall("testcase")] == ["orderTea"]
    assert [case.attrib["name"] for case in suites["contract.handshake"].findall("testcase")] == ["handshake"]
    skipped = [case.attrib["name"] for case in suites["contract.coverage"] if case.find("skipped") is not None]
    assert skipped == ["room/call", "sold_out", "4001"]


@pytest.mark.parametrize("name", ["valid", "handshake"])
def test_what_a_phase_did_not_try_is_skipped(spec: Spec, name: PhaseName) -> None:
    """Nothing passes by not being tried, and why it wasn't is said."""

    def cases(phase: PhaseResult) -> list[str | None]:
        root = ElementTree.fromstring(junit.render(replace(result(spec), phases=[phase]), spec))
        found = root.findall(f"testsuite[@name='contract.{name}']/testcase")
        skipped = [case.find("skipped") for case in found]
        return [None if item is None else item.attrib["message"] for item in skipped]

    assert cases(PhaseResult(name, complete=False)) == ["the phase was cut short: its time was over"]
    assert cases(PhaseResult(name, complete=False, note="no stream")) == ["the phase was cut short: no stream"]
    assert cases(PhaseResult(name)) == ["this phase had nothing to try"]
    assert cases(PhaseResult(name, cases=3, complete=False, tried={"room/orderTea"})) == [None]
    untried = cases(PhaseResult(name, cases=3, tried=set()))
    assert untried == (["this phase had nothing of it to send"] if name == "valid" else [None])


# HTML


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the text in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_the_page_loads_nothing_and_runs_one_script(spec: Spec) -> None:
    """The page names no other resource, and a policy lets nothing run but its own script."""
    page = Page(html_report.render(result(spec, *several()), spec))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"img", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        assert (attributes.get("href") or "#").startswith("#"), tag
    policy = next(a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'", policy)


def test_a_hostile_frame_is_text(spec: Spec) -> None:
    """What a server sent can't become an element, wherever it stands."""
    run = replace(result(spec, hostile()), title=HOSTILE, document=HOSTILE, url=HOSTILE, remarks=[HOSTILE])
    run.phases.append(PhaseResult("limits", note=HOSTILE))
    run.coverage.received.counts[HOSTILE] = 0
    run.coverage.received.reasons[HOSTILE] = HOSTILE
    source = html_report.render(run, spec)
    assert "<img" not in source
    assert source.count("</script>") == 1
    plain = Page(html_report.render(result(spec, finding()), spec))
    page = Page(source)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"nav"}
    assert page.text.count("onerror=") > 10


def test_the_page_tells_everything(spec: Spec) -> None:
    """The verdict, each finding with its reproductions, what was never met and the phases stand on the page."""
    text = Page(html_report.render(result(spec, *several()), spec, [TOKEN])).text
    assert "7 findings" in text
    for view in views(result(spec, *several()), spec, [TOKEN]):
        assert " ".join(view.python.split()) in text
        assert " ".join(view.websocat.split()) in text
        assert view.text in text
    assert "room/call" in text
    assert "pushed by the server alone: none came" in text
    assert "cut short" in text
    assert all(name in text for name in PHASES if name not in ("stateful", "limits"))
    assert "Nothing found" in Page(html_report.render(result(spec), spec)).text


def test_the_page_is_accessible(spec: Spec) -> None:
    """Headings go down by one step at most, ids are unique, and each button says what it does."""
    page = Page(html_report.render(result(spec, *several()), spec))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert all(attributes.get("aria-label") for tag, attributes in page.tags if tag == "button")
    targets = [attributes["data-copy"] for tag, attributes in page.tags if tag == "button"]
    assert len(targets) == 3 * 7
    assert set(targets) <= set(ids)
    assert ("html", {"lang": "en"}) in page.tags


def test_colours_have_contrast() -> None:
    """Each text colour of the page stands out from each ground that it is on by 4.5 : 1, in light and in dark."""
    source = (Path(html_report.__file__).parents[1] / "templates" / "report.html.jinja").read_text(encoding="utf-8")
    themes = re.findall(r":root \{(.*?)\}", source, re.DOTALL)
    assert len(themes) == 2

    def luminance(colour: str) -> float:
        digits = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
        parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    grounds = ("page", "card", "wash")
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]+);", theme))
        pairs = [(ink, ground) for ink in ("ink", "soft", "client") for ground in grounds]
        pairs += [(ink, f"{ink}-wash") for ink in ("bad", "good", "warn", "client", "server")]
        pairs += [("ink", f"{tone}-wash") for tone in ("bad", "good", "client", "server")]
        pairs += [("soft", f"{tone}-wash") for tone in ("bad", "client", "server")] + [("bad", "card"), ("bad", "wash")]
        for ink, ground in pairs:
            bright, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_a_long_transcript_is_told_from_both_ends(spec: Spec) -> None:
    """Of hundreds of events the first and the last are shown, and how many are between."""
    events = tuple(Event(index / 100, 0, "received", f"frame {index}") for index in range(500))
    (view,) = views(result(spec, finding(transcript=events)), spec)
    assert view.lines[0].text == "frame 0"
    assert view.lines[-1].text == "frame 499"
    assert len(view.lines) < 80
    assert any("435 more" in line.text for line in view.lines)


# Text


def test_a_finding_is_told_as_text(spec: Spec) -> None:
    """A test's message has all of a finding, without the run's token, and nothing that moves a cursor."""
    for found in several():
        text = render_finding(found, result(spec, found), spec, secrets=[TOKEN])
        assert TOKEN not in text
        assert all(character.isprintable() or character == "\n" for character in text)
    text = render_finding(finding(), result(spec, finding()))
    assert text.startswith("frame-invalid: The server sent a message that doesn't fit its schema.\n`served` has")
    assert "\n              ticket: {type: string}\n              ^\n" in text
    assert "    0.005 s  -> {" in text
    assert "| websocat -t" in text


# Console


def printed(spec: Spec, run: Result, *, terminal: bool = False) -> str:
    """Return what a display prints of a run."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, soft_wrap=True, highlight=False)
    with Display(spec, run.url, console=console, secrets=[TOKEN]) as display:
        for phase in run.phases:
            display.phase(phase.name, phase.cases)
            for _ in range(3):
                display.advance(1, 2)
        for found in run.findings:
            display.found(found)
        display.done(run)
    return out.getvalue()


def test_the_console_tells_a_finding(spec: Spec) -> None:
    """A finding has its rule, sentence, line with caret, transcript, seed and both reproductions, unbroken."""
    text = printed(spec, result(spec, finding()))
    assert "frame-invalid" in text
    assert "\n              ticket: {type: string}\n              ^\n" in text
    assert '0.005 s  -> {"type": "order", "id": 1, "cups": 12}   (order; cups at its maximum)' in text
    assert '0.011 s  <- {"type": "served", "id": 1, "ticket": 7}' in text
    (view,) = views(result(spec, finding()), spec, [TOKEN])
    assert view.websocat in text
    assert view.python in text
    assert "--seed 7" in text
    assert "1 finding." in text
    assert "cut short: valid (the time was over)" in text
    assert "room/call  pushed by the server alone: none came" in text


def test_the_console_is_plain_in_a_log(spec: Spec) -> None:
    """Without a terminal nothing moves a cursor, and nothing that a server sent does; the token is nowhere."""
    text = printed(spec, result(spec, *several()))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert TOKEN not in text
    assert "[bold]" in text
    assert re.search(r"^boundaries +3 cases +6 frames ", text, re.MULTILINE)
    assert "Nothing found." in printed(spec, result(spec))


def test_the_console_moves_on_a_terminal(spec: Spec) -> None:
    """On a terminal a line tells how it goes, and what a server sent still moves nothing."""
    text = printed(spec, result(spec, hostile()), terminal=True)
    assert "\x1b[" in text
    assert "frames/s" in text
    assert "\x1b[31m[bold]" not in text
    assert "\u202e" not in text


def test_a_display_costs_next_to_nothing(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run tells of ten thousand frames, and the line is drawn anew ten times a second at most."""
    drawn = []
    monkeypatch.setattr(Progress, "update", lambda *_, **fields: drawn.append(fields["cases"]))
    began = time.monotonic()
    with Display(spec, "ws://a", console=Console(file=io.StringIO(), force_terminal=True)) as display:
        display.phase("valid")
        for _ in range(10_000):
            display.advance(1, 2)
    assert 1 <= len(drawn) <= (time.monotonic() - began) * 10 + 1


def test_every_rule_and_phase_is_on_the_page() -> None:
    """docs/contract.md names every rule and every phase, and no rule that isn't one."""
    page = (Path(__file__).parents[3] / "docs" / "contract.md").read_text(encoding="utf-8")
    rules = page[page.index("## Rules") : page.index("## Phases")]
    assert re.findall(r"^\| `([a-z-]+)` \|", rules, re.MULTILINE) == list(RULES)
    phases = page[page.index("## Phases") : page.index("## Reports")]
    assert re.findall(r"^\| `([a-z-]+)` \|", phases, re.MULTILINE) == list(PHASES)
