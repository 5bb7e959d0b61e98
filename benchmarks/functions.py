"""Instructions of each Python function of one request, counted by callgrind: `python -m benchmarks.functions POST`.

Callgrind sees one C function that runs all Python code. So each function of mockserver that takes part in the
request is called through a small C function of its own, compiled for the occasion, and callgrind tells what passes
through it. That costs about a hundred instructions a call, of which the caller is told too many; the figures show
where to look, and `benchmarks.instructions` what a change is worth. Wanted: valgrind and a C compiler.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import types
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.inside import pipeline, post
from benchmarks.instructions import LIMIT_SECONDS, REQUESTS, ROWS

SHORT, LONG = 100, 400
"""Requests of the two runs, whose difference is told."""
_LINE = re.compile(r"^\s*([\d,]+) .*?\S*:(passage_\d+)\b")
_TRAMPOLINE = """
static PyObject *passage_{n}(PyObject *function, PyObject *const *args, Py_ssize_t count, PyObject *names)
{{ PyObject *found = PyObject_Vectorcall(function, args, count, names); __asm__ volatile (""); return found; }}
static PyMethodDef method_{n} =
    {{"passage_{n}", (PyCFunction)(void *)passage_{n}, METH_FASTCALL | METH_KEYWORDS, NULL}};
"""
_MODULE = """
#include <Python.h>
{functions}
static PyMethodDef *methods[] = {{ {methods} }};
static PyObject *through(PyObject *self, PyObject *args)
{{
    PyObject *function; int number, is_method;
    if (!PyArg_ParseTuple(args, "Oip", &function, &number, &is_method)) return NULL;
    PyObject *made = PyCFunction_NewEx(methods[number], function, NULL);
    return is_method ? PyInstanceMethod_New(made) : made;
}}
static PyMethodDef table[] = {{ {{"through", through, METH_VARARGS, NULL}}, {{NULL}} }};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "passages", NULL, -1, table}};
PyMODINIT_FUNC PyInit_passages(void) {{ return PyModule_Create(&module); }}
"""


def calls_of(name: str) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """How often one request calls each function, by its place, and each function another one."""
    world, request = _world(), REQUESTS[name]
    called: Counter[str] = Counter()
    arcs: Counter[tuple[str, str]] = Counter()

    def see(frame: types.FrameType, event: str, arg: object) -> None:
        if event == "call" and _is_ours(frame.f_code):
            place, caller = _place(frame.f_code), frame.f_back
            called[place] += 1
            while caller is not None and not _is_wrapped(caller.f_code):
                caller = caller.f_back
            if caller is not None:
                arcs[_place(caller.f_code), place] += 1

    sys.setprofile(see)
    world.exchange(request)
    sys.setprofile(None)
    return called, arcs


def _world() -> Any:
    world = pipeline()
    for _ in range(ROWS):
        world.exchange(post())
    for request in REQUESTS.values():
        for _ in range(20):
            world.exchange(request)
    return world


def _is_ours(code: types.CodeType) -> bool:
    return "/mockserver/" in code.co_filename


def _is_wrapped(code: types.CodeType) -> bool:
    return _is_ours(code) and not code.co_name.startswith("<")


def _place(code: types.CodeType) -> str:
    file = code.co_filename.rpartition("/mockserver/")[2]
    return f"{file}:{code.co_firstlineno} {code.co_qualname}"


def compiled(count: int, folder: Path) -> Path:
    """A module with that many C functions to pass through."""
    functions = "".join(_TRAMPOLINE.format(n=n) for n in range(count))
    methods = ", ".join(f"&method_{n}" for n in range(count))
    source, target = folder / "passages.c", folder / "passages.so"
    source.write_text(_MODULE.format(functions=functions, methods=methods))
    include = sysconfig.get_paths()["include"]
    subprocess.run(["cc", "-g", "-O1", "-shared", "-fPIC", f"-I{include}", "-o", target, source], check=True)
    return target


def child(request: str, count: int, library: str, places: list[str]) -> None:
    """What runs under valgrind: the requests, each function of `places` behind its own C function."""
    gc.disable()
    pipeline()
    spec = importlib.util.spec_from_file_location("passages", library)
    assert spec is not None and spec.loader is not None
    passages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(passages)
    numbers = {place: number for number, place in enumerate(places)}
    for module in [module for path, module in sys.modules.items() if path.split(".")[0] == "mockserver"]:
        for key, value in list(vars(module).items()):
            if inspect.isfunction(value) and (number := numbers.get(_place(value.__code__))) is not None:
                setattr(module, key, passages.through(value, number, False))
            elif inspect.isclass(value) and value.__module__ == module.__name__:
                _wrap_class(value, numbers, passages)
            elif type(value) is dict:  # a table of functions
                for name, each in value.items():
                    if inspect.isfunction(each) and (number := numbers.get(_place(each.__code__))) is not None:
                        value[name] = passages.through(each, number, False)
    world, asked = pipeline(), REQUESTS[request]
    for _ in range(ROWS):
        world.exchange(post())
    for _ in range(count):
        world.exchange(asked)


def _wrap_class(owner: type, numbers: dict[str, int], passages: Any) -> None:
    for key, value in list(vars(owner).items()):
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not inspect.isfunction(function) or (number := numbers.get(_place(function.__code__))) is None:
            continue
        if isinstance(value, property):
            setattr(owner, key, property(passages.through(function, number, False)))
        elif isinstance(value, staticmethod | classmethod):
            setattr(owner, key, type(value)(passages.through(function, number, isinstance(value, classmethod))))
        else:
            setattr(owner, key, passages.through(function, number, True))


def passed(name: str, count: int, library: Path, places: list[str]) -> dict[str, int]:
    """Instructions in each function, with all that it calls, of a whole process with so many requests."""
    out = library.with_name(f"callgrind.{count}")
    script = f"from benchmarks.functions import child; child({name!r}, {count}, {str(library)!r}, {places!r})"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable, "-c", script]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run(command, check=True, capture_output=True, cwd=machine.ROOT, env=env, timeout=LIMIT_SECONDS)
    command = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", str(out)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS).stdout
    found = [match for line in text.splitlines() if (match := _LINE.match(re.sub(r"\([^)]*\)", "", line)))]
    return {places[int(match[2].removeprefix("passage_"))]: int(match[1].replace(",", "")) for match in found}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("request", choices=sorted(REQUESTS), help="which request")
    asked = parser.parse_args()
    called, arcs = calls_of(asked.request)
    places = [place for place in sorted(called) if "<" not in place.replace("<locals>", "")]
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(len(places), Path(folder))
        short, long = (passed(asked.request, count, library, places) for count in (SHORT, LONG))
    each = {place: (long[place] - short.get(place, 0)) / (LONG - SHORT) for place in long}
    print(f"{'inclusive':>10}{'own':>10}{'calls':>7}  function, of one {asked.request}")
    for place in sorted(each, key=each.__getitem__, reverse=True):
        inner = sum(each.get(to, 0) * times / called[to] for (by, to), times in arcs.items() if by == place != to)
        print(f"{each[place]:>10,.0f}{each[place] - inner:>10,.0f}{called[place]:>7}  {place}")


if __name__ == "__main__":
    main()
