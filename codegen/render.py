"""Render: the IR through the templates into source. It decides nothing but how text is quoted and wrapped."""

import functools
import hashlib
import json
import re
import textwrap
from contextlib import suppress
from importlib.resources import files
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from codegen import ir

_TEMPLATES = files("codegen") / "templates"
_WIDTH = 120
_BLANK = re.compile(r"\n[ \t]*\n\s*?(?=\S|[ \t])")
_MARKUP = re.compile(r"\s|[-*+#|>]|`{3}|\d+[.)]")


def render(package: ir.Package) -> dict[str, str]:
    """Return the unformatted content of every file of the package."""
    templates = environment()
    used = {
        "__init__.py": True,
        "addresses.py": package.reads,
        "channels.py": True,
        "constraints.py": package.models.uses_fits,
        "document.py": True,
        "errors.py": bool(package.error_codes or package.close_codes),
        "limits.py": bool(package.limits),
        "messages.py": True,
        "models.py": True,
        "operations.py": True,
        "refusals.py": package.server and package.refuses,
        "router.py": package.server,
        "security.py": package.server and package.secured,
        "streams.py": bool(package.streams),
        "wire.py": True,
    }
    context: dict[str, Any] = {"package": package, "models": package.models}
    rendered = {
        name: templates.get_template(f"{name}.jinja").render(context) for name, wanted in used.items() if wanted
    }
    return {**rendered, "asyncapi.json": package.json, "asyncapi.yaml": package.yaml, "py.typed": ""}


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Templates that were compiled before, in a folder of the user's own under the system's temporary one.

    Compiling them takes a fifth of a second of each run. Jinja compares a template's checksum and Python's version; the
    files' names have what else decides the result. A folder that can't be had or written costs that time, no more.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> _Compiled | None:
    # Jinja applies a filter to a constant when it compiles, so this module's text is part of what it compiles.
    ours = files("codegen").joinpath("render.py").read_bytes()
    made_by = hashlib.sha256(jinja2.__version__.encode() + ours).hexdigest()[:16]
    try:
        return _Compiled(pattern=f"codegen-{made_by}-%s.cache")
    except (OSError, RuntimeError):  # the latter where the folder is somebody else's
        return None


@functools.cache  # compiling the templates takes longer than all the rest of generating
def environment() -> jinja2.Environment:
    """Return what renders templates, with the filters that write Python source. It is not to be changed."""
    environment = jinja2.Environment(
        # By text: a template's path would make coverage take it for a Python module that never ran.
        loader=jinja2.FunctionLoader(lambda name: _TEMPLATES.joinpath(name).read_text(encoding="utf-8")),
        bytecode_cache=_compiled(),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python source, not HTML
    )
    environment.filters["doc"] = _doc
    environment.filters["toml"] = lambda text: json.dumps(text, ensure_ascii=False)
    environment.filters["union"] = _union
    environment.filters["py"] = _py
    environment.filters["suffix"] = lambda name, suffix: f"{name}{suffix}"
    environment.tests["a_class"] = lambda item: isinstance(item, ir.Model)
    return environment


def _doc(text: str, indent: int) -> str:
    """Return text as a docstring that fits the line, indented by `indent` columns from its second line on."""
    pad = " " * indent
    width = _WIDTH - indent - 6  # the quotes stand in a line of one
    clean = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    blocks = [_wrap(block.splitlines(), width) for block in _BLANK.split(clean.strip())]
    lines = "\n\n".join("\n".join(block) for block in blocks).split("\n")
    if len(lines) == 1:
        quote = " " if lines[0].endswith('"') else ""
        return f'"""{lines[0]}{quote}"""'
    body = "\n".join(f"{pad}{line}" if line else "" for line in lines[1:])
    return f'"""{lines[0]}\n{body}\n{pad}"""'


def _wrap(lines: list[str], width: int) -> list[str]:
    """Return a block of lines that fit: a paragraph wrapped anew; in a list, a table or code each line for itself."""
    if all(len(line) <= width for line in lines):
        return [line.rstrip() for line in lines]
    if any(_MARKUP.match(line) for line in lines):
        return [part for line in lines for part in textwrap.wrap(line, width, break_on_hyphens=False) or [""]]
    return textwrap.wrap(" ".join(lines), width, break_on_hyphens=False)


def _py(value: object) -> str:
    """Return a value as Python source; a text that fills a line is cut into several."""
    source = repr(value)
    if not isinstance(value, str) or len(source) <= _WIDTH // 2:
        return source
    lines = textwrap.wrap(
        value, _WIDTH - 24, drop_whitespace=False, replace_whitespace=False, expand_tabs=False, break_on_hyphens=False
    )
    return "(" + " ".join(repr(line) for line in lines) + ")"


def _union(names: tuple[str, ...]) -> str:
    """Return `A | B`, or `Never` for none."""
    return " | ".join(names) or "Never"
