"""The recorded graph and the way back through it."""

import gc
import threading
import weakref

import numpy as np
import pytest

import lucid
from lucid.autograd import grad, gradcheck, gradgradcheck


def leaf(*values):
    return lucid.tensor(list(values), requires_grad=True)


def test_gradients_accumulate_until_cleared():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_one_tensor_used_often():
    x = leaf(2.0)
    y = x * x + x * x * x + x
    y.backward()
    assert x.grad.tolist() == [4.0 + 12.0 + 1.0]
    a = leaf(1.0, 1.0)
    b = a * 2
    (b + b + b + b * b).sum().backward()
    assert a.grad.tolist() == [2 * (3 + 2 * 2.0)] * 2


def test_leaves_do_not_share_a_gradient():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    start = lucid.ones(2)
    z = x + y
    z.retain_grad()
    z.backward(start)
    for g in (x.grad, y.grad, z.grad):
        assert g.tolist() == [1.0, 1.0]
    x.grad.mul_(5)
    assert y.grad.tolist() == [1.0, 1.0] and start.tolist() == [1.0, 1.0] and z.grad.tolist() == [1.0, 1.0]
    w = leaf(1.0, 2.0, 3.0)
    w.sum().backward()  # the gradient is an expanded view: it must become memory of its own
    w.grad[0] = 7
    assert w.grad.tolist() == [7.0, 1.0, 1.0]


def test_sum_does_not_disturb_a_gradient_still_needed():
    # y's gradient is the very tensor that still has to go back to x when a second one arrives at y
    y = leaf(1.0)
    x = leaf(5.0)
    h = x * 2
    (h + y + y + y).sum().backward()
    assert y.grad.tolist() == [3.0] and x.grad.tolist() == [2.0]


def test_gradient_argument():
    x = leaf(1.0, 2.0)
    (x * x).backward(lucid.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(RuntimeError, match=r"scalar.*\(2,\)"):
        (x * x).backward()
    with pytest.raises(RuntimeError, match=r"\(3,\)"):
        (x * x).backward(lucid.ones(3))
    with pytest.raises(RuntimeError, match="float64"):
        (x * x).backward(lucid.ones(2, dtype=lucid.float64))
    with pytest.raises(RuntimeError, match="does not require grad"):
        lucid.ones(1).backward()


def test_freed_graph():
    x = leaf(3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [12.0]
    with pytest.raises(RuntimeError, match="freed.*retain_graph"):
        y.backward()


def test_grad():
    x, w = leaf(2.0), leaf(3.0)
    y = x * x * w
    gx, gw = grad(y, (x, w))
    assert gx.tolist() == [12.0] and gw.tolist() == [4.0] and x.grad is None
    h = x * 2
    assert grad((h * h).sum(), h)[0].tolist() == [8.0]
    with pytest.raises(RuntimeError, match="not used"):
        grad((x * 2).sum(), w)
    assert grad((x * 2).sum(), w, allow_unused=True) == (None,)
    assert grad((x * 2).sum(), w, materialize_grads=True)[0].tolist() == [0.0]
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad((x * 2).sum(), lucid.ones(1))
    assert grad([x * 2, x * 5], x, [lucid.ones(1), lucid.ones(1)])[0].tolist() == [7.0]


def test_grad_leaves_other_parts_alone():
    x = leaf(2.0)
    seen = []
    h = x * 2
    other = h * 3
    other.register_hook(lambda g: seen.append("other"))
    h2 = h * h
    grad((h2 + 0 * other.detach()).sum(), h)
    assert seen == []


def test_backward_inputs():
    x, w = leaf(2.0), leaf(3.0)
    (x * w).sum().backward(inputs=[x])
    assert x.grad.tolist() == [3.0] and w.grad is None


def test_higher_derivatives():
    x = lucid.tensor(1.3, dtype=lucid.float64, requires_grad=True)
    y = x**4
    derivatives = []
    for _ in range(4):
        (y,) = grad(y, x, create_graph=True)
        derivatives.append(y.item())
    np.testing.assert_allclose(derivatives, [4 * 1.3**3, 12 * 1.3**2, 24 * 1.3, 24])
    z = lucid.tensor([0.4, -0.2], dtype=lucid.float64, requires_grad=True)
    for f in (lucid.tanh, lucid.sigmoid, lucid.exp, lambda v: v.softmax(0)):
        (first,) = grad(f(z).sum() * z.sum(), z, create_graph=True)
        assert first.requires_grad
        assert gradcheck(lambda v, f=f: grad((f(v) * v).sum(), v, create_graph=True)[0], (z,))


def test_create_graph_backward_keeps_grad_differentiable():
    x = leaf(3.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad and x.grad.tolist() == [27.0]
    first = x.grad
    x.grad = None
    first.sum().backward()
    assert x.grad.tolist() == [18.0]


def test_hooks():
    x = leaf(1.0, 2.0)
    h = x * 2
    seen = []
    handle = h.register_hook(lambda g: seen.append(g.tolist()))
    h.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    h.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [21.0, 21.0]
    handle.remove()
    handle.remove()
    h2 = x * 2
    with h2.register_hook(lambda g: seen.append("never")):
        pass
    h2.sum().backward()
    assert len(seen) == 1
    x.grad = None
    y = x * 1
    y.register_hook(lambda g: lucid.ones(3))
    with pytest.raises(RuntimeError, match=r"hook.*\(3,\)"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        lucid.ones(1).register_hook(print)


def test_leaf_hook_sees_the_sum_once():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [5.0]


def test_retain_grad():
    x = leaf(1.0)
    h = x * 3
    h.retain_grad()
    (h * h).sum().backward()
    assert h.grad.tolist() == [6.0] and h.retains_grad
    assert (x * 2).grad is None


def test_grad_modes():
    x = leaf(1.0)
    with lucid.no_grad():
        y = x * 2
        assert not y.requires_grad and not lucid.is_grad_enabled()
        with lucid.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert lucid.is_grad_enabled()

    @lucid.no_grad()
    def f():
        return x * 2

    @lucid.no_grad
    def g():
        return x * 2

    @lucid.no_grad()
    def numbers():
        for _ in range(2):
            yield lucid.is_grad_enabled()

    assert not f().requires_grad and not g().requires_grad
    for recording in numbers():
        assert not recording and lucid.is_grad_enabled()
    with pytest.raises(ZeroDivisionError), lucid.no_grad():
        1 / 0  # noqa: B018
    assert lucid.is_grad_enabled()
    lucid.set_grad_enabled(False)
    assert not lucid.is_grad_enabled()
    lucid.set_grad_enabled(True)
    with lucid.set_grad_enabled(False):
        assert not lucid.is_grad_enabled()
    assert lucid.is_grad_enabled()


def test_grad_mode_is_per_thread():
    seen = []
    with lucid.no_grad():
        thread = threading.Thread(target=lambda: seen.append(lucid.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_backward_in_threads():
    def work(k):
        for _ in range(200):
            x = lucid.full((100,), float(k), requires_grad=True)
            (x * x).sum().backward()
            assert x.grad[0].item() == 2.0 * k
        done.append(k)

    done = []
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(done) == [0, 1, 2, 3]


def test_detach():
    x = leaf(1.0, 2.0)
    d = (x * 2).detach()
    assert not d.requires_grad and d.is_leaf
    y = x.detach()
    y[0] = 9.0
    assert x.tolist() == [9.0, 2.0]
    assert type(lucid.nn.Parameter(lucid.ones(2)).detach()) is lucid.Tensor


def test_long_chain_has_no_recursion_and_frees_its_memory():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    middle = weakref.ref(y.node)
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del y
    assert middle() is None if middle else True
    z = x
    for _ in range(100_000):
        z = z + x  # never run backward: freed as deep as it was built
    ref = weakref.ref(z)
    del z
    assert ref() is None


def test_graph_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = leaf(0.5, 0.2)
        for f in (lucid.exp, lucid.tanh, lucid.relu, lambda v: v.softmax(0), lambda v: v.max(), lucid.sqrt):
            y = f(x)
            array, ref = weakref.ref(y.array), weakref.ref(y)
            y.sum().backward()
            del y
            assert ref() is None and array() is None, f
            y = f(x)
            array = weakref.ref(y.array)
            del y
            assert array() is None, f
    finally:
        gc.enable()


def test_saved_tensors_are_freed_by_backward():
    x = leaf(0.5, 0.2)
    h = x * 2
    y = lucid.exp(h)
    array = weakref.ref(h.array)
    out = y.sum()
    del h
    out.backward()
    del y
    assert array() is None


def test_inplace_change_of_a_saved_tensor_is_noticed():
    x = leaf(1.0, 2.0)
    h = x * 1
    y = h * h
    h.add_(1)
    with pytest.raises(RuntimeError, match="mul.*changed in place"):
        y.sum().backward()
    h = x * 1
    y = lucid.exp(h)
    h.add_(1)  # exp saved its result, not h
    y.sum().backward()
    y = lucid.exp(x)
    with lucid.no_grad():
        y.zero_()
    with pytest.raises(RuntimeError, match="exp.*changed in place"):
        y.sum().backward()
    h = x * 1
    y = h * h
    h.detach()[0] = 5.0  # through an alias
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()
    h = (x * 1).reshape(2, 1)
    y = h * h
    with lucid.no_grad():
        h.reshape(2).mul_(2)  # through a view
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_inplace_operations_are_recorded():
    x = lucid.tensor([1.0, 2.0], dtype=lucid.float64, requires_grad=True)
    w = lucid.tensor([3.0, 4.0], dtype=lucid.float64, requires_grad=True)

    def f(x, w):
        h = x * 1
        h += w
        h *= w
        h.exp_()
        h /= w
        h -= x
        return h

    assert gradcheck(f, (x, w))
    assert gradgradcheck(f, (x, w))
    b = lucid.zeros(2)
    b.copy_(x)
    assert b.dtype is lucid.float32 and b.requires_grad
    b.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_inplace_on_leaves_and_views():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf"):
        x += 1
    with lucid.no_grad():
        x += 1
        x[0] = 7.0
    assert x.tolist() == [7.0, 3.0] and x.requires_grad
    h = x * 2
    h[0:1].mul_(2)
    assert h.tolist() == [28.0, 6.0]
    e = lucid.ones(1).expand(3)
    with pytest.raises(RuntimeError, match="expanded"):
        e.add_(1)
    with pytest.raises(RuntimeError, match="expanded"):
        e[:2] = 1.0
    e[0] = 4.0  # one number, which stands for all
    assert e.tolist() == [4.0] * 3
    with pytest.raises(TypeError, match="int64"):
        lucid.ones(2, dtype=lucid.int64).mul_(1.5)
    with pytest.raises(ValueError, match="shape"):
        lucid.ones(2).add_(lucid.ones(3, 2))


def test_grad_assignment_is_checked():
    x = leaf(1.0, 2.0)
    x.grad = lucid.ones(2)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        x.grad = lucid.ones(3)
    with pytest.raises(ValueError, match="float64"):
        x.grad = lucid.ones(2, dtype=lucid.float64)
    with pytest.raises(TypeError, match="float"):
        x.grad = 1.0
    assert x.grad.tolist() == [1.0, 1.0]


def test_requires_grad_rules():
    with pytest.raises(TypeError, match="int64"):
        lucid.ones(2, dtype=lucid.int64, requires_grad=True)
    with pytest.raises(RuntimeError, match="int64"):
        lucid.ones(2, dtype=lucid.int64).requires_grad_()
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="leaf"):
        (x * 2).requires_grad_(False)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    assert (x > 0).requires_grad is False
    assert x.argmax().requires_grad is False


def test_gradient_in_read_only_memory_is_refused():
    x = leaf(1.0, 2.0)
    read_only = np.zeros(2, np.float32)
    read_only.flags.writeable = False
    x.grad = lucid.from_numpy(read_only)
    with pytest.raises(RuntimeError, match="backward.*read-only"):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
