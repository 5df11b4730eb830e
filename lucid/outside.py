"""Names of PyTorch that are not in lucid, and what to do instead: the text of the error when one is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_TYPES = "the number types are float32, float64, int64, int32, uint8 and bool"
_COMPLEX = "there are no complex tensors; keep real and imaginary part in two"
_REASONS = {
    "autograd.forward_ad": "there is no forward mode; use lucid.autograd.functional.jvp",
    "distributed": "a program is one process",
    "distributions": "write the log-probability with lucid's operations (docs/coming-from-pytorch.md has Categorical)",
    "fft": "there is no Fourier transform; use numpy.fft where no gradient is needed",
    "func": "use lucid.autograd.functional, and a loop in place of vmap",
    "vmap": "write the operation for the whole batch, or a loop and lucid.stack",
    "hub": "load weights with lucid.load and load_state_dict",
    "jit": "there is no compiler; use the module itself",
    "export": "there is no compiler; use the module itself",
    "fx": "there is no tracing; use the module itself",
    "onnx": "there is no tracing; use the module itself",
    "multiprocessing": "use Python's multiprocessing; DataLoader(num_workers=...) needs neither",
    "profiler": "use Python's cProfile",
    "quantization": "there are no quantized tensors",
    "special": "what there is stands in lucid itself: lucid.erf, lucid.xlogy, lucid.logit and so on",
    "sparse": "there are no sparse tensors",
    "sparse_coo_tensor": "there are no sparse tensors; use index_add or scatter_add on a dense one",
    "stft": "there is no Fourier transform; use numpy.fft where no gradient is needed",
    **dict.fromkeys(("int8", "int16", "short", "uint16", "uint32", "uint64"), _TYPES),
    **dict.fromkeys(("CharTensor", "ShortTensor", "HalfTensor", "BFloat16Tensor"), _TYPES),
    **dict.fromkeys(("complex", "complex32", "complex64", "complex128", "cfloat", "cdouble", "polar"), _COMPLEX),
    **dict.fromkeys(("view_as_complex", "view_as_real", "real", "imag", "angle", "conj"), _COMPLEX),
}


def missing(module: str, name: str, present: Iterable[str]) -> AttributeError:
    """The error for a name that ``module`` does not have.

    Example:
        >>> from lucid.outside import missing
        >>> print(missing("lucid", "jit", []))
        module 'lucid' has no attribute 'jit': there is no compiler; use the module itself
        >>> print(missing("lucid", "argmaks", ["argmax", "argmin"]))
        module 'lucid' has no attribute 'argmaks'; did you mean 'argmax'?
    """
    text = f"module {module!r} has no attribute {name!r}"
    if name in _REASONS:
        text += f": {_REASONS[name]}"
    elif near := difflib.get_close_matches(name, [one for one in present if not one.startswith("_")], 1, 0.7):
        text += f"; did you mean {near[0]!r}?"
    return AttributeError(text, name=name)
