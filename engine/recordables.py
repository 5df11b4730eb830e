"""What build.py writes for recorded programs: for each function that tensors go through, how to keep and repeat a call.

The letters of runtime/program.h are found by a parameter's type and name, so a kernel added to the header can be
recorded without further work. A function is recordable when it is one of the header's `generic` or `recordable` parts
and returns nothing, or an int64_t that is -1 when all is well.
"""

from __future__ import annotations

import re

LISTS = re.compile(r"shape|size|\w*strides")  # const int64_t *: as long as ndim or count says
LIVING = re.compile(r"philox_state|gradient_options|param_group_f\d+|\w+_group_f\d+|lbfgs_\w+")  # kept by address


def parameter(declared: str) -> tuple[str, str, str]:
    """(letter, type, name) of a parameter as the header declares it."""
    match = re.fullmatch(r"(.*?[\s*])(\w+)", declared.strip())
    if not match:
        raise ValueError(f"lucid_engine.h: cannot read the parameter {declared!r}")
    kind, name = match[1].strip(), match[2]
    base = kind.replace("const ", "").replace("*", "").replace(" const", "").strip()
    stars = kind.count("*")
    if stars == 0:
        letter = "d" if base == "double" else "k" if base.endswith(("_f32", "_f64")) else "n"
    elif stars == 2:
        letter = "R" if kind.startswith("const") else "W"
    elif base in ("float", "double", "int64_t", "uint8_t", "void"):
        if base == "int64_t" and LISTS.fullmatch(name):
            letter = "l"
        else:
            letter = "r" if kind.startswith("const") else "w"
    else:
        letter = "o" if LIVING.fullmatch(base) else "c"
    return letter, kind, name


def wrapper(result: str, name: str, parameters: str, target: str, number: int) -> tuple[list[str], str]:
    """The function with the plain name, which calls `target` and reports the call to a program that is being recorded.

    Returns:
        The lines of C, and the function's entry in the table of recordables.
    """
    found = [parameter(one) for one in parameters.split(",")]
    letters = "".join(letter for letter, _, _ in found)
    names = ", ".join(one for _, _, one in found)
    words, given, sizes = [], [], []
    for place, (letter, kind, own) in enumerate(found):
        if letter == "d":
            words.append(f"{{.real = {own}}}")
            given.append(f"w[{place}].real")
        elif letter == "n":
            words.append(f"{{.number = {own}}}")
            given.append(f"({kind})w[{place}].number")
        else:
            words.append(f"{{.number = (intptr_t){own}}}")
            given.append(f"({kind})(intptr_t)w[{place}].number")
        sizes.append(f"sizeof({kind.replace('const ', '').replace('*', '').strip()})" if letter == "c" else "0")
    lengths = [place for place, (_, _, own) in enumerate(found) if own in ("ndim", "count")]
    length = lengths[0] if lengths else -1
    if length < 0 and set(letters) & set("lRW"):
        raise ValueError(f"lucid_engine.h: {name} takes a list, but has no parameter ndim or count for its length")
    if result not in ("void", "int64_t"):
        raise ValueError(f"lucid_engine.h: {name} returns {result}; a recordable function returns nothing or int64_t")
    call = f"{target}({', '.join(given)})"
    replay = f"{call}; return -1;" if result == "void" else f"return {call};"
    direct = f"{target}({names})"
    keep = "" if result == "void" else f"{result} answer = "
    back = "" if result == "void" else "return answer; "
    lines = [
        f"static int64_t replay_{name}(const program_word *w) {{ {replay} }}",
        f"static const int32_t bytes_{name}[] = {{{', '.join(sizes)}}};",
        f"{result} {name}({parameters}) {{",
        "    if (__builtin_expect(recording != NULL, 0)) {",
        f"        program *recorder = record_begin({number}, (program_word[]){{{', '.join(words)}}});",
        f"        {keep}{direct};",
        f"        record_end(recorder); {back}" + ("return;" if result == "void" else ""),
        "    }",
        f"    {'' if result == 'void' else 'return '}{direct};",
        "}",
        "",
    ]
    entry = f'{{"{name}", "{letters}", {length}, bytes_{name}, replay_{name}}},'
    return lines, entry
