"""In-place changes through views: the graph against the same program written out of place, and what is refused."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid import engine
from lucid.autograd import gradcheck, gradgradcheck

rng = np.random.default_rng(5)


def double(*shape):
    return lucid.tensor(rng.standard_normal(shape), requires_grad=True)


# Each changes h [3, 4] in place with w [3, 4]; the views made before are used after.
def row_and_column(h, w):
    h[0].mul_(w[0])
    h[:, 1] += w[:, 2]


def transposed(h, w):
    h.T.mul_(w.T)
    h.T[2].sigmoid_()


def diagonal(h, w):
    h.diagonal().mul_(w.diagonal())
    h.diagonal(1).add_(2)


def chain(h, w):
    h.reshape(2, 6)[1].view(3, 2).T[0].mul_(w[0, :3])
    h.unsqueeze(0).movedim(0, 2)[:, 1:3].sigmoid_()


def base_then_view(h, w):
    h.mul_(w)
    h[1:].add_(w[1:])
    h.tanh_()


def read_from_itself(h, w):
    h[0].mul_(h[1].clone())
    h[1].copy_(h[0])
    h[:, 0] = h[:, 3].clone() * w[:, 0]


def masks_and_numbers(h, w):
    h[h.detach() > 0] *= 3.0
    h[lucid.tensor([0, 2])] = w[1]
    h[1:].masked_fill_(lucid.tensor([True, False, False, True]), w[0, 0])
    h.T.index_add_(0, lucid.tensor([1, 1]), w.T[:2])
    h[2].scatter_(0, lucid.tensor([3]), w[0])
    h[:2].index_fill_(1, lucid.tensor([0]), 2.5)


def cleared(h, w):
    h[0].zero_()
    h.T[3].fill_(w[0, 0])
    h[2, 1] = 5.0


def windows(h, w):
    h.unfold(1, 2, 2)[:, 0].mul_(w[:, :2])
    h.unflatten(1, (2, 2))[:, 1].mul_(w[:, :2])


PROGRAMS = [
    row_and_column,
    transposed,
    diagonal,
    chain,
    base_then_view,
    read_from_itself,
    masks_and_numbers,
    cleared,
    windows,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_changes_through_views_are_differentiated(program):
    def f(x, w):
        h = x * 1
        row, column, turned, overlapping = h[1], h[:, 2], h.T, h.unfold(1, 3, 1)
        spread = h.expand(2, 3, 4)
        program(h, w)
        return h * h, row * column.sum(), turned.exp(), overlapping * 2, spread * spread

    x, w = double(3, 4), double(3, 4)
    x.detach().add_(lucid.where(x.detach() > 0, 0.1, -0.1))  # no number changes its side of 0 by a small step
    assert gradcheck(f, (x, w))
    assert gradgradcheck(f, (x, w))


def test_a_base_without_gradient_gets_one_and_its_views_too():
    x, w = lucid.zeros(2, 3), lucid.ones(3, requires_grad=True)
    first, second, whole = x[0], x[1], x.reshape(6)
    first.add_(w)
    assert x.requires_grad and whole.requires_grad and second.requires_grad
    whole.sum().backward()
    assert w.grad.tolist() == [1, 1, 1]
    x = lucid.zeros(4)
    for i in range(4):  # a result written piece by piece
        x[i] = w[0] * i
    w.grad = None
    x.sum().backward()
    assert w.grad.tolist() == [6, 0, 0]


def test_bases_that_are_not_contiguous():
    x, w = double(4), double(3, 4)
    base = lucid.from_numpy(np.zeros((4, 5)).T[:4])
    view, other = base.T[1:], base[::2]
    assert base.strides is not None
    view.copy_(w)
    view.mul_(x)
    other.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), np.tile(x.numpy(force=True) * [1, 0, 1, 0], (3, 1)))
    np.testing.assert_allclose(x.grad.numpy(), w.numpy(force=True).sum(0) * [1, 0, 1, 0])


# What a chain of views and changes does, against the same chain on positions in a flat vector


def view_steps(draw, shape):
    """A view that exists for this shape, as a function of a tensor or of an array."""
    kinds = ["slice", "int", "T", "None"] if shape else ["None"]
    kind = draw(st.sampled_from(kinds))
    if kind == "slice":
        keys = tuple(
            slice(*sorted((draw(st.integers(0, n)), draw(st.integers(0, n)))), draw(st.integers(1, 2))) for n in shape
        )
        return lambda x: x[keys]
    if kind == "int" and shape[0]:
        i = draw(st.integers(-shape[0], shape[0] - 1))
        return lambda x: x[i, ...]
    if kind == "T":
        return lambda x: x.T
    return lambda x: x[None]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_chain_of_views_and_changes(data):
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    start = rng.standard_normal(shape)
    x, w = (lucid.tensor(start, requires_grad=True) for _ in range(2))
    size = start.size
    positions = np.arange(size).reshape(shape)
    h = x * 1
    views = [(h, positions)]  # each with the places in the flat tensor that it shows
    scale, shift = np.ones(size), np.zeros(size)  # the tensor is scale * x + shift * w: what the reference keeps
    for _ in range(draw(st.integers(1, 6))):
        tensor, places = views[draw(st.integers(0, len(views) - 1))]
        what = draw(st.sampled_from(["view", "view", "mul", "add", "set", "zero"]))
        if what == "view":
            step = view_steps(draw, tensor.shape)
            views.append((step(tensor), step(places)))
            assert views[-1][0].shape == views[-1][1].shape
            continue
        at = places.reshape(-1)
        if what == "mul":
            tensor.mul_(2.0)
            scale[at] *= 2
            shift[at] *= 2
        elif what == "add":
            tensor.add_(lucid.from_numpy(np.ones(places.shape)) * w.reshape(-1)[0])
            shift[at] += 1
        elif what == "set":
            tensor[...] = w.reshape(-1)[0]
            scale[at], shift[at] = 0, 1
        else:
            tensor.zero_()
            scale[at], shift[at] = 0, 0
    first = start.reshape(-1)[0]
    flat = scale * start.reshape(-1) + shift * first
    for tensor, places in views:
        weights = rng.standard_normal(places.shape)
        np.testing.assert_allclose(tensor.numpy(force=True), flat[places])
        x.grad = w.grad = None
        (tensor * lucid.from_numpy(weights)).sum().backward(retain_graph=True)
        by_place = np.zeros(size)
        np.add.at(by_place, places.reshape(-1), weights.reshape(-1))
        np.testing.assert_allclose(x.grad.numpy().reshape(-1), by_place * scale, atol=1e-12)
        if w.grad is not None:
            np.testing.assert_allclose(w.grad.numpy().reshape(-1)[0], (by_place * shift).sum(), atol=1e-12)
        else:
            assert not shift.any() or not (by_place * shift).any()


def test_refusals_change_nothing():
    leaf = lucid.ones(2, 3, requires_grad=True)
    h = leaf * 2
    w = lucid.ones(3, requires_grad=True)
    with lucid.no_grad():
        unrecorded = h[0]
        behind = unrecorded[1:]
    expanded = (w * 1).expand(2, 3)
    for change, message in [
        (lambda: leaf.mul_(2), "mul_: a leaf"),
        (lambda: leaf[0].mul_(2), "mul_: a view of a leaf"),
        (lambda: leaf.T.zero_(), "zero_: a view of a leaf"),
        (lambda: leaf.__setitem__(0, 1.0), "index assignment: a view of a leaf"),
        (lambda: leaf.__setitem__(lucid.tensor([0]), 1.0), "index assignment: a view of a leaf"),
        (lambda: leaf.index_fill_(0, lucid.tensor([0]), 1.0), "index_fill_: a leaf"),
        (lambda: leaf.masked_fill_(leaf > 0, 1.0), "masked_fill_: a leaf"),
        (lambda: unrecorded.mul_(w), "mul_: this view was made under no_grad"),
        (lambda: behind.mul_(w[1:]), "mul_: this view was made under no_grad"),
        (lambda: h.unbind()[0].mul_(2), "mul_:.*several that unbind"),
        (lambda: h.split(1)[0].mul_(2), "mul_:.*several that split"),
        (lambda: h.chunk(2)[0][0].add_(1), "add_:.*several that split"),
        (lambda: h.tensor_split(2)[1].zero_(), "zero_:.*several that tensor_split"),
        (lambda: expanded.mul_(2), "mul_:.*expanded"),
        (lambda: h.unfold(1, 2, 1).mul_(2), "mul_:.*stands for several"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            change()
    assert h.tolist() == [[2] * 3] * 2 and leaf.tolist() == [[1] * 3] * 2 and h._version == leaf._version == 0
    with lucid.no_grad():
        leaf[0].mul_(2)
        h.unbind()[0].add_(1)
    assert leaf.tolist() == [[2] * 3, [1] * 3] and h.tolist() == [[3] * 3, [2] * 3]
    with pytest.raises(RuntimeError, match="detach_: a view"):
        h[0].detach_()


def test_aliases_share_memory_and_not_history():
    x = lucid.ones(2, 3, requires_grad=True)
    w = lucid.full((3,), 2.0, requires_grad=True)
    h = x * 1
    alias = h[0].detach()
    alias.mul_(w)
    assert h.tolist() == [[2] * 3, [1] * 3] and alias.requires_grad
    h.sum().backward()
    assert w.grad is None and x.grad.tolist() == [[1] * 3] * 2
    alias.sum().backward()
    assert w.grad.tolist() == [1, 1, 1]
    y = h * h
    h.detach()[0] = 7.0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_several_views_and_their_gradients():
    x = double(3, 4)
    for f in (
        lambda x: x.unbind(1)[2],
        lambda x: x.unbind()[0] * x.unbind()[1],
        lambda x: x.split([1, 0, 3], 1)[2],
        lambda x: lucid.cat(x.tensor_split((2, 1), 1), 1),
        lambda x: sum(row * row for row in x),
        lambda x: x.T.chunk(2)[1].exp(),
    ):
        assert gradcheck(f, (x,)) and gradgradcheck(f, (x,))
    h = x * 1
    pieces = h.split(2)
    h.mul_(3)  # the base may be changed: the pieces follow
    pieces[1].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0] * 4] * 2 + [[3] * 4])


def test_retained_gradients_follow_the_change():
    x = lucid.ones(3, requires_grad=True)
    h = x * 1
    view = h[:2]
    h.retain_grad()
    view.retain_grad()
    view.mul_(3)
    (h * h).sum().backward()
    assert h.grad.tolist() == [6, 6, 2] and x.grad.tolist() == [18, 18, 2]


def test_dead_views_are_forgotten():
    x = lucid.zeros(100)
    kept = [x[i] for i in range(30)]
    for _ in range(1000):
        x[3:7]
    gc.collect()
    assert len(x.version) < 300
    x.add_(lucid.ones(100, requires_grad=True))
    assert all(view.requires_grad for view in kept)


@pytest.mark.parametrize(
    "shape, strides, offset", [((2,), (1,), 9), ((3, 4), (4, 1), -1), ((3,), (5,), 0), ((2, 2), (-1, 1), 4)]
)
def test_strides_that_lead_out_are_refused(shape, strides, offset):
    with pytest.raises(ValueError, match="strides"):
        engine.strided(lucid.zeros(10), shape, strides, offset)
