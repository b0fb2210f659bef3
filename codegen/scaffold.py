"""Scaffold: writes the handlers that are missing, once, and an application that runs them. It overwrites nothing.

What has to be written by hand it reads from the generated source itself, so it asks for exactly what the types do.
"""

import argparse
import ast
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codegen.faults import DocumentError
from codegen.format import GeneratorError, format_sources
from codegen.generate import generate, load
from codegen.output import NotOwnedError, write
from codegen.render import environment

DONE, BAD = 0, 2
"""Exit codes: done; the document or the command is wrong."""

_MAX_TITLE = 30  # it stands in a line of fixed text

Classes: TypeAlias = Mapping[str, tuple[Path, frozenset[str]]]
"""Classes of a folder by name: the file of each, and the methods that it defines."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method to be written: its name, and its source without an indent."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel with operations: names in Python, and what is to be written for it."""

    title: str
    argument: str
    protocol: str
    handlers: str
    module: str
    imports: tuple[tuple[str, tuple[str, ...]], ...]  # module and names
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scaffold does: files to write, by their path, and text to tell."""

    files: Mapping[Path, str]
    told: tuple[str, ...]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegen scaffold",
        description="Write the handlers that a document's server lacks, once, and an app.py that runs them. "
        "Nothing that is there is changed: for a class that lacks a method, the method is printed.",
    )
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="the AsyncAPI document, YAML or JSON")
    parser.add_argument(
        "--handlers", type=Path, metavar="DIR", required=True, help="the handlers' folder; app.py stands beside it"
    )
    parser.add_argument(
        "--server",
        type=Path,
        metavar="DIR",
        help="the generated server's folder, beside the handlers' (default: generated); it is made where it is missing",
    )
    parser.add_argument(
        "--perspective",
        choices=("server", "client"),
        default="server",
        help="whose application the document describes (default: server)",
    )
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code: 0 done, 2 bad document or command."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else BAD
    handlers: Path = options.handlers
    server: Path = options.server or handlers.parent / "generated"
    fault = _wrong_folder(handlers, server)
    if fault:
        return _say(BAD, fault)
    try:
        document = load(options.document, perspective=options.perspective)
        sources = generate(document, perspective=options.perspective)
        info = document.root.get("info")
        title = info.text("title") if info is not None else ""
        plan = scaffold(sources, title=title, handlers=handlers, package=server.resolve().name)
        if not server.exists():
            write(server, sources)
            plan = Plan(plan.files, (f"{server}: generated", *plan.told))
    except (DocumentError, GeneratorError, NotOwnedError) as error:
        return _say(BAD, str(error))
    for path, text in plan.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        print(f"{path}: written")  # noqa: T201 - a command's answer
    print("\n\n".join(plan.told) or "Nothing is missing.")  # noqa: T201 - the same
    return DONE


def _wrong_folder(handlers: Path, server: Path) -> str:
    for folder in (handlers, server):
        if not folder.resolve().name.isidentifier():
            return f"{folder}: the last part of the folder is the package's name. Give it one that Python takes."
        if folder.exists() and not folder.is_dir():
            return f"{folder} is a file. Give a folder."
    if handlers.resolve() == server.resolve():
        return f"{handlers} is the generated server's folder, which is no place for handwritten code. Give another."
    if handlers.resolve().parent != server.resolve().parent:
        return f"{handlers} and {server} must stand in the same folder, from which both are imported."
    return ""


def scaffold(sources: Mapping[str, str], *, title: str, handlers: Path, package: str) -> Plan:
    """Return what is missing in the folder `handlers`, for the generated `sources` of the package of that name."""
    channels = _channels(sources)
    there = _classes(handlers)
    app = handlers.parent / "app.py"
    router = ast.parse(sources["router.py"])
    context = {"package": package, "handlers": handlers.resolve().name, **_needs(sources, router)}
    texts: dict[Path, str] = {}
    told: list[str] = []
    for channel in channels:
        found = _handlers_of(channel, there)
        path = handlers / f"{channel.module}.py"
        if found is not None:
            lacking = [method for method in channel.methods if method.name not in there[found][1]]
            if lacking:
                told.append(_paste(found, there[found][0], channel, lacking, package))
        elif path.exists():
            told.append(f"{path} has no class {channel.handlers}. Write it there, with these methods:")
            told[-1] += "".join(f"\n\n{_indented(method.source)}" for method in channel.methods)
        else:
            texts[path] = _render("handler.py.jinja", {**context, "channel": channel})
    fixed = {
        "__init__.py": '"""Handlers: what each operation does."""\n',
        "session.py": _render("session.py.jinja", context),
    }
    wanted = {handlers / name: text for name, text in fixed.items()} if texts or not app.exists() else {}
    texts |= {path: text for path, text in wanted.items() if not path.exists()}
    if app.exists():
        told += _unwired(app, channels)
    else:
        texts[app] = _render("app.py.jinja", {**context, "channels": channels, "title": json.dumps(title)})
    return Plan(_formatted(texts, (package, handlers.resolve().name)), tuple(told))


def _formatted(texts: Mapping[Path, str], ours: Sequence[str]) -> dict[Path, str]:
    names = {f"{index}_{path.name}": path for index, path in enumerate(sorted(texts))}
    formatted = format_sources({name: texts[path] for name, path in names.items()}, ours=ours)
    return {path: formatted[name] for name, path in names.items()}


def _render(template: str, context: Mapping[str, object]) -> str:
    return environment().get_template(f"scaffold/{template}").render(context)


def _needs(sources: Mapping[str, str], router: ast.Module) -> dict[str, object]:
    """Return what the router wants to be handed besides handlers."""
    arguments = {argument.arg for argument in _arguments(_function(router, "create_router"))}
    fields = {
        item.target.id
        for node in router.body
        if isinstance(node, ast.ClassDef) and node.name == "Connection"
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    credential = ("token", "str")
    if "security.py" in sources:
        protocol = next(item for item in _protocols(ast.parse(sources["security.py"])) if item.name == "Authenticator")
        argument = _arguments(next(item for item in protocol.body if isinstance(item, ast.AsyncFunctionDef)))[1]
        credential = (argument.arg, ast.unparse(argument.annotation) if argument.annotation else "str")
    return {
        "secured": "authenticator" in arguments,
        "refuses": "refuse" in arguments,
        "negotiates": "subprotocol" in fields,
        "binaries": "BinaryFrame" in sources["messages.py"],
        "credential_name": credential[0],
        "credential": credential[1],
    }


def _function(module: ast.Module, name: str) -> ast.FunctionDef:
    return next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _protocols(module: ast.Module) -> list[ast.ClassDef]:
    return [
        node
        for node in module.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases)
    ]


def _channels(sources: Mapping[str, str]) -> tuple[Channel, ...]:
    """Return the channels with operations: what `operations.py` says and the router takes."""
    operations = ast.parse(sources["operations.py"])
    homes = {
        alias.name: node.module
        for node in operations.body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
        for alias in node.names
    }
    taken = {
        ast.unparse(argument.annotation).partition("[")[0]: argument.arg
        for argument in _arguments(_function(ast.parse(sources["router.py"]), "create_router"))
        if argument.annotation is not None
    }
    found = []
    for node in _protocols(operations):
        methods = [item for item in node.body if isinstance(item, ast.AsyncFunctionDef)]
        names = sorted({name.id for method in methods for name in _annotations(method)})
        modules = sorted({homes[name] for name in names if name in homes})
        argument = taken[node.name]
        found.append(
            Channel(
                title=_title(node),
                argument=argument,
                protocol=node.name,
                handlers=f"{node.name.removesuffix('Operations')}Handlers",
                module=argument if argument != "session" else "session_",
                imports=tuple(
                    (module, tuple(name for name in names if homes.get(name) == module)) for module in modules
                ),
                methods=tuple(Method(item.name, _stub(item)) for item in methods),
            )
        )
    return tuple(found)


def _title(node: ast.ClassDef) -> str:
    text = (ast.get_docstring(node) or node.name).partition("\n")[0].partition(": what comes in")[0]
    shown = text.replace("\\", "\\\\").replace('"', "'")
    return shown if len(shown) <= _MAX_TITLE else node.name.removesuffix("Operations")


def _annotations(method: ast.AsyncFunctionDef) -> list[ast.Name]:
    stated = [argument.annotation for argument in _arguments(method)] + [method.returns]
    return [node for item in stated if item is not None for node in ast.walk(item) if isinstance(node, ast.Name)]


def _stub(method: ast.AsyncFunctionDef) -> str:
    """Return a method of a Protocol as one that is still to be written."""
    text = ast.get_docstring(method) or ""
    for name in _annotations(method):
        if name.id == "SessionT_contra":
            name.id = "Session"
    method.body = [ast.Expr(ast.Constant(text or f"Handle {method.name}."))]
    return f'{ast.unparse(ast.fix_missing_locations(method))}\n    raise NotImplementedError("{method.name}")'


def _classes(folder: Path) -> Classes:
    """Return the classes of a folder's modules; one that is no Python has none."""
    found: dict[str, tuple[Path, frozenset[str]]] = {}
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else []:
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        for node in module.body:
            if isinstance(node, ast.ClassDef):
                methods = {item.name for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
                found.setdefault(node.name, (path, frozenset(methods)))
    return found


def _handlers_of(channel: Channel, there: Classes) -> str | None:
    """Return the class that handles a channel: the one of its name, else one that has all of its methods."""
    if channel.handlers in there:
        return channel.handlers
    wanted = {method.name for method in channel.methods}
    return next((name for name, (_, methods) in there.items() if wanted <= methods), None)


def _paste(name: str, path: Path, channel: Channel, lacking: Sequence[Method], package: str) -> str:
    imports = [f"from {package}.{module} import {', '.join(names)}" for module, names in channel.imports]
    lines = [f"{path}: {name} lacks what follows. Paste it there.", *imports]
    return "\n".join(lines) + "".join(f"\n\n{_indented(method.source)}" for method in lacking)


def _indented(source: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in source.splitlines())


def _unwired(app: Path, channels: Sequence[Channel]) -> list[str]:
    """Return what `create_router` isn't handed yet, where the application calls it."""
    try:
        calls = [node for node in ast.walk(ast.parse(app.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return []
    routers = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] == "create_router"]
    given = {keyword.arg for call in routers for keyword in call.keywords}
    lacking = [channel for channel in channels if channel.argument not in given]
    return [
        f"{app}: hand create_router({channel.argument}={channel.handlers}(sessions)), from {channel.module}.py."
        for channel in lacking
        if routers
    ]


def _say(code: int, text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a command's answer
    return code
