"""Einstein summation: any sum of products, written by letters. Done pair by pair, as batches of matrix products."""

from __future__ import annotations

import itertools
import math
from typing import Any

from lucid.autograd.graph import Value
from lucid.errors import ArgumentError, KindError
from lucid.ops.arithmetic import mul
from lucid.ops.broadcast import sum
from lucid.ops.matmul import bmm
from lucid.ops.shape import diagonal
from lucid.ops.view import permute, reshape
from lucid.types import Tensor

Label = str | int  # a letter, or for the dimensions of an ellipsis their number counted from the end: -1, -2, ...
Labels = tuple[Label, ...]


def einsum(*args: Any) -> Tensor:
    """Sums of products by letters: ``einsum("ij,jk->ik", a, b)`` is the product of two matrices.

    Every dimension of every operand has a letter. Numbers under equal letters are multiplied; letters that are not
    in the result are summed over. Any number of operands is contracted two at a time, those first that leave the
    smallest result.

    Args:
        args: the equation and the operands (one by one, or as a list); or operands, each followed by the list of
            numbers (0 to 51) that stand for its letters, and at the end, if wanted, the list of the result.
            In the equation, blanks do not count; a letter twice in one operand takes the diagonal; ``...`` stands
            for the dimensions without letters, which broadcast. Without ``->`` the result has ``...`` and then the
            letters that appear once, in alphabetical order. A dimension of size 1 broadcasts.

    Raises:
        ValueError: for an equation that does not fit the operands.

    Example:
        >>> import lucid
        >>> x = lucid.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> lucid.einsum("ii->i", x).tolist(), lucid.einsum("ij,kj->ik", x, x).tolist()
        ([1.0, 4.0], [[5.0, 11.0], [11.0, 25.0]])
    """
    equation, operands = _equation(args)
    inputs, output = _parse(equation, operands)
    terms = [_without_repeats(x, labels) for x, labels in zip(operands, inputs, strict=True)]
    _check_sizes(equation, terms)
    while len(terms) > 1:
        i, j = _next_pair(terms, output)
        second, first = terms.pop(j), terms.pop(i)
        kept = {*output, *itertools.chain(*(labels for _, labels in terms))}
        terms.insert(i, _contract(first, second, kept))
    x, labels = terms[0]
    if set(labels) != set(output):  # only a single operand is not summed yet
        x = sum(x, tuple(i for i, label in enumerate(labels) if label not in output))
        labels = tuple(label for label in labels if label in output)
    return permute(x, *(labels.index(label) for label in output)) if labels != output else x


# ---------------------------------------------------------------------------------------------------------------------
# The equation


def _equation(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    """The equation as text, and the operands, from either way of writing it."""
    if args and isinstance(args[0], str):
        operands = args[1] if len(args) == 2 and isinstance(args[1], list | tuple) else args[1:]
        equation = args[0].replace(" ", "")
    else:
        operands = args[: len(args) // 2 * 2 : 2]
        equation = ",".join(map(_letters, args[1::2])) + ("->" + _letters(args[-1]) if len(args) % 2 else "")
    if not operands:
        raise ArgumentError("einsum: expects at least one operand")
    for x in operands:
        if not isinstance(x, Value):
            raise KindError(f"einsum: expected a tensor, got {type(x).__name__}")
        if x.dtype is not operands[0].dtype:
            raise KindError(f"einsum: operands are {operands[0].dtype} and {x.dtype}; convert one with .to()")
    return equation, list(operands)


def _letters(numbers: Any) -> str:
    """A list of numbers (and ``...``) as letters: 0 to 25 are capitals, 26 to 51 small."""
    text = ""
    for n in numbers:
        if n is not ... and not 0 <= n < 52:
            raise ArgumentError(f"einsum: subscripts must be 0 to 51 or ..., got {n}")
        text += "..." if n is ... else chr(ord("A") + n) if n < 26 else chr(ord("a") + n - 26)
    return text


def _parse(equation: str, operands: list[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of every operand, and those of the result."""
    left, arrow, right = equation.partition("->")
    subscripts = left.split(",")
    if len(subscripts) != len(operands):
        raise ArgumentError(f"einsum: {equation!r} speaks of {len(subscripts)} operands, got {len(operands)}")
    inputs = [_labels(equation, text, len(x.shape)) for text, x in zip(subscripts, operands, strict=True)]
    used = list(itertools.chain(*inputs))
    widest = max((-label for label in used if isinstance(label, int)), default=0)
    if arrow:
        output = _labels(equation, right, len(right.replace("...", "")) + widest if "..." in right else len(right))
    else:
        once = sorted(label for label in {*used} if isinstance(label, str) and used.count(label) == 1)
        output = (*range(-widest, 0), *once)
    for label in output:
        if output.count(label) > 1:
            raise ArgumentError(f"einsum: {label!r} appears twice in the result of {equation!r}")
        if label not in used:
            raise ArgumentError(f"einsum: {label!r} is in the result of {equation!r} but in no operand")
    return inputs, output


def _labels(equation: str, text: str, ndim: int) -> Labels:
    """One operand's subscripts, with an ellipsis written out."""
    before, dots, after = text.partition("...")
    if not all(c.isascii() and c.isalpha() for c in before + after):
        raise ArgumentError(f"einsum: {text!r} in {equation!r} is not made of letters and one '...'")
    spread = ndim - len(before) - len(after)
    if spread < 0 or (spread and not dots):
        raise ArgumentError(f"einsum: {text!r} in {equation!r} does not fit an operand of {ndim} dimensions")
    return (*before, *range(-spread, 0), *after)


# ---------------------------------------------------------------------------------------------------------------------
# The contraction. A term is a tensor and the labels of its dimensions.

Term = tuple[Tensor, Labels]


def _without_repeats(x: Tensor, labels: Labels) -> Term:
    """The diagonals of dimensions with the same label."""
    for label in labels:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ArgumentError(f"einsum: {label!r} stands for sizes {x.shape[first]} and {x.shape[second]}")
            x = diagonal(x, 0, first, second)
            labels = (*(s for i, s in enumerate(labels) if i not in (first, second)), label)
    return x, labels


def _check_sizes(equation: str, terms: list[Term]) -> None:
    sizes: dict[Label, int] = {}
    for x, labels in terms:
        for label, size in zip(labels, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known != size and 1 not in (known, size):
                name = "..." if isinstance(label, int) else label
                raise ArgumentError(f"einsum: {name!r} in {equation!r} stands for sizes {known} and {size}")
            sizes[label] = size if known == 1 else known


def _next_pair(terms: list[Term], output: Labels) -> tuple[int, int]:
    """The pair whose product is smallest, compared with what it replaces; the first of equals."""
    if len(terms) == 2:
        return 0, 1

    def growth(pair: tuple[int, int]) -> int:
        others = (labels for i, (_, labels) in enumerate(terms) if i not in pair)
        kept = {*output, *itertools.chain(*others)}
        sizes: dict[Label, int] = {}
        for i in pair:
            for label, size in zip(terms[i][1], terms[i][0].shape, strict=True):
                sizes[label] = size if sizes.get(label, 1) == 1 else sizes[label]
        replaced = terms[pair[0]][0].array.size + terms[pair[1]][0].array.size
        return math.prod(size for label, size in sizes.items() if label in kept) - replaced

    return min(itertools.combinations(range(len(terms)), 2), key=growth)


def _summed(term: Term, kept: set[Label]) -> Term:
    """The term summed over the labels that nobody needs any more."""
    x, labels = term
    dims = tuple(i for i, label in enumerate(labels) if label not in kept)
    return (sum(x, dims, dtype=x.dtype), tuple(s for s in labels if s in kept)) if dims else term


def _contract(first: Term, second: Term, kept: set[Label]) -> Term:
    """The product of two terms, summed over the labels that are not kept."""
    (a, of_a), (b, of_b) = _unstretched(first, second), _unstretched(second, first)
    a, of_a = _summed((a, of_a), kept | {*of_b})
    b, of_b = _summed((b, of_b), kept | {*of_a})
    batch = tuple(s for s in of_a if s in of_b and s in kept)
    inner = tuple(s for s in of_a if s in of_b and s not in kept)
    left, right = (tuple(s for s in own if s not in other) for own, other in ((of_a, of_b), (of_b, of_a)))
    size = dict(zip(of_a, a.shape, strict=True)) | dict(zip(of_b, b.shape, strict=True))
    count, m, k, n = (math.prod(size[s] for s in group) for group in (batch, left, inner, right))
    rows = reshape(_ordered(a, of_a, batch + left + inner), count, m, k)
    columns = reshape(_ordered(b, of_b, batch + inner + right), count, k, n)
    if inner:
        product = bmm(rows, columns)
    else:
        product = mul(rows, columns)  # [batch, m, 1] by [batch, 1, n]
    labels = batch + left + right
    return reshape(product, [size[s] for s in labels]), labels


def _ordered(x: Tensor, labels: Labels, order: Labels) -> Tensor:
    return x if labels == order else permute(x, *(labels.index(s) for s in order))


def _unstretched(term: Term, other: Term) -> Term:
    """The term without dimensions of size 1 that meet a larger one: the product broadcasts them."""
    x, labels = term
    large = {s for s, size in zip(other[1], other[0].shape, strict=True) if size != 1}
    kept = [i for i, (s, size) in enumerate(zip(labels, x.shape, strict=True)) if size != 1 or s not in large]
    if len(kept) == len(labels):
        return term
    return reshape(x, [x.shape[i] for i in kept]), tuple(labels[i] for i in kept)
