"""Cases of in-place changes through views, indexing with arrays, scattering, sorting, and shapes made of shapes."""

from collections.abc import Callable
from typing import Any

Case = Callable[[Any, Any], Any]
CASES: dict[str, list[Case]] = {}


def _written(*changes: Callable[[Any, Any, Any], Any]) -> list[Case]:
    """Cases that change a tensor [3, 4], and give it and what its views show."""

    def case(change: Callable[[Any, Any, Any], Any]) -> Case:
        def run(T: Any, x: Any) -> Any:
            h = x(3, 4) * 1
            row, column, turned, square = h[1], h[:, 2], h.T, h.reshape(2, 6)
            change(T, x, h)
            return h, row * h.sum(), column, turned * turned, square

        return run

    return [case(change) for change in changes]


def _assign(key: Any, *shape: int) -> Callable[[Any, Any, Any], Any]:
    def change(T: Any, x: Any, h: Any) -> None:
        h[key(x) if callable(key) else key] = x(*shape)

    return change


def _add(key: Any) -> Callable[[Any, Any, Any], Any]:
    def change(T: Any, x: Any, h: Any) -> None:
        h[key(x) if callable(key) else key] += 1.5

    return change


S = slice(None)
CASES["Tensor.__setitem__"] = _written(
    _assign(0, 4), _assign((S, 1), 3), _assign((S, 1)), _assign((slice(0, 2), slice(1, None, 2)), 2, 2),
    _assign((slice(0, 2), slice(1, None, 2)), 1, 2), _assign((2, 3)), _assign(..., 3, 4), _assign((None, S), 1, 3, 4),
    _assign(lambda x: x.tensor([0, 2]), 2, 4), _assign(lambda x: x.tensor([0, -1]), 4),
    _assign(lambda x: (S, x.tensor([3, 0, 1])), 3, 3), _assign(lambda x: (S, x.tensor([3, 0, 1])), 3, 1),
    _assign(lambda x: (x.tensor([0, 2]), x.tensor([1, 1])), 2), _assign(lambda x: (x.tensor([[0], [2]]), [1, 3]), 2, 2),
    _assign(lambda x: (x.tensor([True, False, True]),), 2, 4), _assign(lambda x: (1, x.tensor([0, 1])), 2),
    _assign(lambda x: (S, None, x.tensor([0, 1])), 3, 1, 2), _assign(0, 5), _assign(3, 4), _assign((0, 0, 0)),
    _assign(lambda x: x.tensor([0, 5]), 4), _assign(lambda x: x.tensor([True, False]), 4),
    _assign(lambda x: x.tensor([0, 1], "int32"), 2, 4), _assign((0, S), 1, 4), _assign([0, 2], 4),
    lambda T, x, h: h.__setitem__(h > 0, 2.5), lambda T, x, h: h.__setitem__(h > 0, x()),
    lambda T, x, h: h.__setitem__(0, h[1]), lambda T, x, h: h.__setitem__((S, slice(1, 3)), h[:, 2:4].clone()),
    lambda T, x, h: h[1].__setitem__(2, x()), lambda T, x, h: h.T[1:].__setitem__((S, 0), x(3)),
    lambda T, x, h: h.reshape(2, 2, 3)[1].__setitem__((0, S), x(3)),
    lambda T, x, h: h.split(2)[0].__setitem__(0, 1.0), lambda T, x, h: h.unbind(1)[0].__setitem__(0, 1.0),
    lambda T, x, h: h.expand(2, 3, 4).__setitem__(0, 1.0),
    _add(0), _add((S, 1)),
    _add(lambda x: x.tensor([0, 2])), _add(lambda x: (S, x.tensor([1, 1]))), _add((S, slice(1, 3))),
) + [
    lambda T, x: x(3).__setitem__(0, 1.0),
    lambda T, x: x(3)[:2].__setitem__(0, 1.0),
    lambda T, x: x.int(3).__setitem__(0, x()),
]  # fmt: skip


CASES["Tensor.mul_"] = _written(
    lambda T, x, h: h.mul_(2), lambda T, x, h: h.T.mul_(x(4, 3)), lambda T, x, h: h[0].mul_(x(4)),
    lambda T, x, h: h[:, 1:3].mul_(x(3, 1)), lambda T, x, h: h.diagonal().mul_(x(3)),
    lambda T, x, h: h.diagonal(1).mul_(2), lambda T, x, h: h.reshape(6, 2)[::2].T.mul_(x(2, 3)),
    lambda T, x, h: h.view(-1)[3:7].mul_(x()), lambda T, x, h: h.unsqueeze(0).mul_(h[0].clone()),
    lambda T, x, h: h.movedim(0, 1).mul_(h.T.clone()), lambda T, x, h: (h[0].mul_(h[1]), h[1].mul_(h[0])),
    lambda T, x, h: h.unfold(1, 2, 2).mul_(x(3, 2, 2)), lambda T, x, h: h.unflatten(1, (2, 2))[:, 1].mul_(x(3, 2)),
    lambda T, x, h: h.narrow(1, 1, 2).select(0, 1).mul_(x(2)), lambda T, x, h: h.detach().mul_(2),
    lambda T, x, h: h.chunk(2)[0].mul_(2), lambda T, x, h: h.unbind()[0].mul_(2), lambda T, x, h: next(iter(h)).mul_(2),
) + [
    lambda T, x: x(3)[:1].mul_(2),
    lambda T, x: T.no_grad()(lambda h: h[0])(x(2, 3) * 1).mul_(x(3)),
]  # fmt: skip
CASES["Tensor.add_"] = _written(
    lambda T, x, h: h.zero_(), lambda T, x, h: h[0].zero_(), lambda T, x, h: h.T[1].fill_(3),
    lambda T, x, h: h[1].fill_(x()),
    lambda T, x, h: h.copy_(x(3, 4)), lambda T, x, h: h[0].copy_(x(4)), lambda T, x, h: h.T.copy_(x(3)),
    lambda T, x, h: h[1].copy_(h[0]), lambda T, x, h: h.copy_(x(4)), lambda T, x, h: h.copy_(x(5)),
    lambda T, x, h: h[0].exp_().add_(1), lambda T, x, h: h.T[2].sigmoid_().add_(x()),
    lambda T, x, h: h[1:].add_(x(4)).mul_(h[:2]),
    lambda T, x, h: h[1:].masked_fill_(x.tensor([True, False, True, False]), x()),
    lambda T, x, h: h.T.masked_fill_(x.bool(4, 3), 2.0), lambda T, x, h: h.masked_scatter_(x.bool(3, 4), x(12)),
    lambda T, x, h: h[:2].masked_scatter_(x.bool(2, 4), x(12)),
    lambda T, x, h: h.T.scatter_(0, x.tensor([[1, 3, 0]]), x(1, 3)),
    lambda T, x, h: h[0].scatter_add_(0, x.tensor([1, 1, 3]), x(3)),
    lambda T, x, h: h.scatter_(1, x.tensor([[1], [0]]), 5.0),
    lambda T, x, h: h[:, 1:].index_add_(1, x.tensor([0, 0]), x(3, 2)),
    lambda T, x, h: h.T.index_copy_(0, x.tensor([3]), x(1, 3)),
    lambda T, x, h: h[1:].index_fill_(1, x.tensor([0]), 2.5), lambda T, x, h: h.index_fill_(0, x.tensor([-1]), x()),
    lambda T, x, h: h.index_put_((x.tensor([0, 0]), x.tensor([1, 1])), x(2), accumulate=True),
    lambda T, x, h: h.T.index_put_((x.tensor([3, 0]),), x(3)),
)  # fmt: skip

CASES["Tensor.__getitem__"] = [
    lambda T, x: x(3, 4, 2)[x.tensor([0, 2])],
    lambda T, x: x(3, 4, 2)[:, x.tensor([0, 3, 3])],
    lambda T, x: x(3, 4, 2)[..., x.tensor([1, 0, 1])],
    lambda T, x: x(3, 4, 2)[x.tensor([0, 1]), :, x.tensor([0, 1])],
    lambda T, x: x(3, 4, 2)[x.tensor([0, 1]), x.tensor([2, -1])],
    lambda T, x: x(3, 4, 2)[:, x.tensor([[0], [1]]), x.tensor([0, 1, 1])],
    lambda T, x: x(3, 4, 2)[0, :, x.tensor([1, 1, 0])],
    lambda T, x: x(3, 4, 2)[x.tensor([0, 1]), :, 1],
    lambda T, x: x(3, 4, 2)[x.tensor([0, 1]), None, x.tensor([1, 2])],
    lambda T, x: x(3, 4, 2)[x.tensor([True, False, True])],
    lambda T, x: x(3, 4, 2)[:, x.tensor([True, False, True, False])],
    lambda T, x: x(3, 4, 2)[x.tensor([[True, False, False, True]] * 3)],
    lambda T, x: x(3, 4, 2)[:, x.tensor([[True, False]] * 4)],
    lambda T, x: x(3, 4, 2)[x.tensor([True, False, True]), x.tensor([1, 2])],
    lambda T, x: x(3, 4, 2)[[0, 1], [1, 1]],
    lambda T, x: x(3, 4, 2)[True],
    lambda T, x: x(3, 4, 2)[False],
    lambda T, x: x(3, 4, 2)[..., None, 0],
    lambda T, x: x(3, 4, 2)[x.tensor([[0, 2], [1, 1]], "int32")],
    lambda T, x: x(3, 4, 2)[x.tensor([], "int64")],
    lambda T, x: x(3, 0)[x.tensor([1, 2])],
    lambda T, x: x(3, 4, 2)[x.tensor([3])],
    lambda T, x: x(3, 4, 2)[x.tensor([-4])],
    lambda T, x: x(3, 4, 2)[x.tensor([True, False])],
    lambda T, x: x(3, 4, 2)[x.tensor([0, 1]), x.tensor([0, 1, 2])],
    lambda T, x: x(3, 4, 2)[x.tensor([0.5])],
    lambda T, x: x(3, 4, 2)[::-1],
    lambda T, x: x(3, 4, 2)[1, 2, 0, 0],
    lambda T, x: x()[0],
    lambda T, x: x()[None],
    lambda T, x: x()[...],
    lambda T, x: x()[x.tensor(True)],
    lambda T, x: x(3)[x.tensor([0, 1, 1], "uint8")],
    lambda T, x: x.int(3, 4)[x.tensor([2, 0]), 1:],
    lambda T, x: x.bool(3, 4)[:, x.tensor([2, 0])],
]
CASES["gather"] = [
    lambda T, x: T.gather(x(3, 4), 1, x.int(3, 2, low=0, high=4)),
    lambda T, x: T.gather(x(3, 4), 0, x.int(2, 4, low=0, high=3)),
    lambda T, x: T.gather(x(3, 4), -1, x.int(2, 6, low=0, high=4)),
    lambda T, x: T.gather(x(3, 4), 1, x.int(3, 2, low=0, high=4, dtype="int32")),
    lambda T, x: T.gather(x(), 0, x.tensor(0)),
    lambda T, x: T.gather(x(3), 0, x.tensor([], "int64")),
    lambda T, x: T.gather(x(3, 4), 1, x.tensor([[4]])),
    lambda T, x: T.gather(x(3, 4), 1, x.tensor([[-1]])),
    lambda T, x: T.gather(x(3, 4), 1, x.int(4, 2, low=0, high=4)),
    lambda T, x: T.gather(x(3, 4), 2, x.int(3, 2, low=0, high=4)),
    lambda T, x: T.gather(x.int(3, 4), 1, x.int(3, 2, low=0, high=4)),
]
CASES["scatter"] = [
    lambda T, x: T.scatter(x(3, 4), 1, x.tensor([[0, 2], [1, 3], [3, 0]]), x(3, 2)),
    lambda T, x: T.scatter(x(3, 4), 0, x.tensor([[0, 2], [1, 0]]), x(3, 4)),
    lambda T, x: T.scatter(x(3, 4), 1, x.tensor([[0], [1], [3]]), 2.5),
    lambda T, x: T.scatter(x(3, 4), 1, x.tensor([[0], [1], [3]]), value=2.5),
    lambda T, x: T.scatter(x(3, 4), dim=1, index=x.tensor([[0], [1], [3]]), src=x(3, 1)),
    lambda T, x: T.scatter(x.tensor([[1.0, 2.0]]), 1, x.tensor([[0, 0]]), x.tensor([[3.0, 4.0]]), reduce="add"),
    lambda T, x: T.scatter(x.tensor([[1.0, 2.0]]), 1, x.tensor([[1, 1]]), x.tensor([[3.0, 4.0]]), reduce="multiply"),
    lambda T, x: T.scatter(x.int(3, 4), 1, x.tensor([[0], [1], [3]]), x.int(3, 1)),
    lambda T, x: T.scatter(x(3, 4), 1, x.tensor([[4]]), 1.0),
    lambda T, x: T.scatter(x(3, 4), 1, x.tensor([[0, 1]]), x(1, 1)),
    lambda T, x: T.scatter(x(3, 4), 1, x.tensor([[0]]), x.int(1, 1)),
    lambda T, x: T.scatter(x(3), 0, x.tensor([], "int64"), x(0)),
    lambda T, x: T.scatter(x(), 0, x.tensor(0), x()),
]
CASES["scatter_add"] = [
    lambda T, x: T.scatter_add(x(3, 4), 1, x.int(3, 6, low=0, high=4), x(3, 6)),
    lambda T, x: T.scatter_add(x(3, 4), 0, x.int(2, 3, low=0, high=3), x(5, 4)),
    lambda T, x: T.scatter_add(x(3), 0, x.tensor([0, 0, 0]), x(3)),
    lambda T, x: T.scatter_add(x.int(3), 0, x.tensor([0, 0, 1]), x.int(3)),
    lambda T, x: T.scatter_add(x(3), 0, x.tensor([0, 3]), x(2)),
    lambda T, x: T.scatter_add(x(3), 0, x.tensor([0, 1]), x(1)),
]
CASES["index_add"] = [
    lambda T, x: T.index_add(x(3, 4), 0, x.tensor([0, 2, 0]), x(3, 4)),
    lambda T, x: T.index_add(x(3, 4), 1, x.tensor([3, 3]), x(3, 2), alpha=2),
    lambda T, x: T.index_add(x(3, 4, 2), -2, x.tensor([1, 0], "int32"), x(3, 2, 2), alpha=-0.5),
    lambda T, x: T.index_add(x(3), 0, x.tensor([], "int64"), x(0)),
    lambda T, x: T.index_add(x.int(3), 0, x.tensor([1, 1]), x.int(2)),
    lambda T, x: T.index_add(x(3), 0, x.tensor([3]), x(1)),
    lambda T, x: T.index_add(x(3), 0, x.tensor([-1]), x(1)),
    lambda T, x: T.index_add(x(3, 2), 0, x.tensor([1]), x(2, 2)),
]
CASES["index_fill"] = [
    lambda T, x: T.index_fill(x(3, 4), 1, x.tensor([0, 2]), 1.5),
    lambda T, x: T.index_fill(x(3, 4), 0, x.tensor([-1]), x()),
    lambda T, x: T.index_fill(x.int(3, 4), 0, x.tensor([1]), 7),
    lambda T, x: T.index_fill(x(3), 0, x.tensor([3]), 1.0),
]
CASES["index_put"] = [
    lambda T, x: T.index_put(x(3, 4), (x.tensor([0, 2]), x.tensor([1, 1])), x(2)),
    lambda T, x: T.index_put(x(3, 4), (x.tensor([0, 0]), x.tensor([1, 1])), x(2), accumulate=True),
    lambda T, x: T.index_put(x(3, 4), (x.tensor([0, 2]),), x(4)),
    lambda T, x: T.index_put(x(3, 4), (x.tensor([True, False, True]),), x(), accumulate=True),
    lambda T, x: T.index_put(x(3, 4), (x.tensor([0]),), x(3)),
    lambda T, x: T.index_put(x(3, 4), (x.tensor([3]),), x(4)),
]
CASES["index_select"] = [
    lambda T, x: T.index_select(x(3, 4), 0, x.tensor([2, 0, 2])),
    lambda T, x: T.index_select(x(3, 4, 2), 1, x.tensor([3, 3], "int32")),
    lambda T, x: T.index_select(x(3, 4), -1, x.tensor([], "int64")),
    lambda T, x: T.index_select(x(3, 4), 1, x.tensor(2)),
    lambda T, x: T.index_select(x(3), 0, x.tensor([3])),
    lambda T, x: T.index_select(x(3), 0, x.tensor([-1])),
    lambda T, x: T.index_select(x(3), 0, x.tensor([[1]])),
    lambda T, x: T.index_select(x.int(3, 2), 0, x.tensor([1, 1])),
]
CASES["masked_fill"] = [
    lambda T, x: T.masked_fill(x(3, 4), x.bool(3, 4), 2.0),
    lambda T, x: T.masked_fill(x(3, 4), x.bool(4), float("-inf")),
    lambda T, x: T.masked_fill(x(3, 4), x.bool(3, 1), x()),
    lambda T, x: T.masked_fill(x.int(3), x.bool(3), 2),
    lambda T, x: T.masked_fill(x.int(3), x.tensor([True, True, True]), 2.5),
    lambda T, x: T.masked_fill(x(3), x.int(3), 2.0),
    lambda T, x: T.masked_fill(x(3), x.bool(2), 2.0),
]
CASES["masked_select"] = [
    lambda T, x: T.masked_select(x(3, 4), x.bool(3, 4)),
    lambda T, x: T.masked_select(x(3, 4), x.bool(4)),
    lambda T, x: T.masked_select(x(4), x.bool(3, 1)),
    lambda T, x: T.masked_select(x(), x.tensor(True)),
    lambda T, x: T.masked_select(x(3), x.int(3)),
]
CASES["nonzero"] = [
    lambda T, x: T.nonzero(x.int(3, 4, low=0, high=2)),
    lambda T, x: T.nonzero(x.bool(5), as_tuple=True),
    lambda T, x: T.nonzero(x.tensor(3)),
    lambda T, x: T.nonzero(x.tensor(3), as_tuple=True),
    lambda T, x: T.nonzero(x.tensor([[0.0, float("nan")]])),
    lambda T, x: T.where(x.bool(3, 4)),
]
CASES["take_along_dim"] = [
    lambda T, x: T.take_along_dim(x(3, 4), x.int(3, 2, low=0, high=4), 1),
    lambda T, x: T.take_along_dim(x(3, 4), x.int(1, 4, low=0, high=3), dim=0),
    lambda T, x: T.take_along_dim(x(3, 4), x.int(5, low=0, high=12)),
    lambda T, x: T.take_along_dim(x(3, 4), x.int(2, 2, low=0, high=4), 1),
    lambda T, x: T.take_along_dim(x(3, 4), x.int(4, low=0, high=3), 1),
]
CASES["topk"] = [
    lambda T, x: T.topk(x(3, 7), 3),
    lambda T, x: T.topk(x(3, 7), 3, largest=False),
    lambda T, x: T.topk(x(5, 2), 2, 0),
    lambda T, x: T.topk(x(3, 7), 7, dim=-1),
    lambda T, x: T.topk(x(3, 7), 0),
    lambda T, x: T.topk(x(), 1),
    lambda T, x: T.topk(x.values([1.0, float("nan"), 3.0, float("inf"), float("-inf")]), 5),
    lambda T, x: T.topk(x.values([1.0, float("nan"), 3.0, float("inf"), float("-inf")]), 5, largest=False),
    lambda T, x: T.topk(x.tensor([5, 1, 4]), 2),
    lambda T, x: T.topk(x(3), 4),
    lambda T, x: T.topk(x(3), 1, 1),
]
CASES["sort"] = [
    lambda T, x: T.sort(x(3, 5)),
    lambda T, x: T.sort(x(3, 5), 0, True),
    lambda T, x: T.sort(x(3, 5), descending=True, stable=True),
    lambda T, x: T.sort(x.tensor([2, 1, 2, 1, 2]), stable=True),
    lambda T, x: T.sort(x.tensor([2, 1, 2, 1, 2]), stable=True, descending=True),
    lambda T, x: T.sort(x.values([1.0, float("nan"), 3.0, float("inf")])),
    lambda T, x: T.sort(x.values([1.0, float("nan"), 3.0, float("inf")]), descending=True),
    lambda T, x: T.sort(x()),
    lambda T, x: T.sort(x(0)),
    lambda T, x: T.sort(x(3), 1),
]
CASES["argsort"] = [
    lambda T, x: T.argsort(x(3, 5)),
    lambda T, x: T.argsort(x(3, 5), dim=0, descending=True),
    lambda T, x: T.argsort(x.tensor([2, 1, 2]), stable=True),
]
CASES["msort"] = [lambda T, x: T.msort(x(4, 3)), lambda T, x: T.msort(x.int(4))]
CASES["unique"] = [
    lambda T, x: T.unique(x.tensor([3, 1, 3, 2])),
    lambda T, x: T.unique(x.tensor([[3, 1], [3, 2]]), return_inverse=True, return_counts=True),
    lambda T, x: T.unique(x.tensor([[1, 2], [1, 2], [0, 5]]), dim=0, return_counts=True),
    lambda T, x: T.unique(x.tensor([[1, 1], [1, 1]]), dim=1, return_inverse=True),
    lambda T, x: T.unique(x.tensor([1.0, float("nan"), float("nan")])),
    lambda T, x: T.unique(x.tensor([], "int64"), return_counts=True),
    lambda T, x: T.unique(x.tensor(3)),
    lambda T, x: T.unique(x.bool(6)),
]
CASES["unique_consecutive"] = [
    lambda T, x: T.unique_consecutive(x.tensor([1, 1, 2, 2, 1])),
    lambda T, x: T.unique_consecutive(x.tensor([1, 1, 2, 2, 1]), return_inverse=True, return_counts=True),
    lambda T, x: T.unique_consecutive(x.tensor([[1, 2], [1, 2], [0, 5]]), dim=0, return_counts=True),
    lambda T, x: T.unique_consecutive(x.tensor([[1, 1], [2, 2]]), return_inverse=True),
    lambda T, x: T.unique_consecutive(x.tensor([], "int64"), return_counts=True),
]
CASES["searchsorted"] = [
    lambda T, x: T.searchsorted(x.tensor([1.0, 3.0, 5.0]), x.tensor([[0.0, 3.0], [6.0, 4.0]])),
    lambda T, x: T.searchsorted(x.tensor([1.0, 3.0, 5.0]), x.tensor([3.0]), right=True),
    lambda T, x: T.searchsorted(x.tensor([1.0, 3.0, 5.0]), 3.0, side="right"),
    lambda T, x: T.searchsorted(x.tensor([[1.0, 3.0], [2.0, 4.0]]), x.tensor([[3.0], [3.0]]), out_int32=True),
    lambda T, x: T.searchsorted(x.tensor([5, 1, 3]), x.tensor([2, 4]), sorter=x.tensor([1, 2, 0])),
    lambda T, x: T.searchsorted(x.tensor([[1.0, 3.0]]), x.tensor([[3.0], [3.0]])),
    lambda T, x: T.searchsorted(x.tensor([1.0, 3.0]), x.tensor([3.0]), side="middle"),
]
CASES["bucketize"] = [
    lambda T, x: T.bucketize(x.tensor([[3.0, 6.0], [1.0, 0.0]]), x.tensor([1.0, 3.0, 5.0])),
    lambda T, x: T.bucketize(x.tensor([3.0, 6.0]), x.tensor([1.0, 3.0, 5.0]), right=True, out_int32=True),
    lambda T, x: T.bucketize(2, x.tensor([1, 3, 5])),
]
CASES["histc"] = [
    lambda T, x: T.histc(x.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3),
    lambda T, x: T.histc(x.tensor([1.0, 2.0, 1.0, 5.0])),
    lambda T, x: T.histc(x.tensor([1.0, 1.0]), bins=3),
    lambda T, x: T.histc(x.tensor([1.0, 2.0]), bins=0),
    lambda T, x: T.histc(x.tensor([1.0, 2.0]), bins=2, min=3, max=1),
]

CASES["diag"] = [
    lambda T, x: T.diag(x(3)), lambda T, x: T.diag(x(3), 1), lambda T, x: T.diag(x(3, 4), -1),
    lambda T, x: T.diag(x(3, 4)),
    lambda T, x: T.diag(x(2, 2, 2)), lambda T, x: T.diag(x()),
]  # fmt: skip
CASES["diag_embed"] = [
    lambda T, x: T.diag_embed(x(2, 3)), lambda T, x: T.diag_embed(x(2, 3), 1, 0, 2),
    lambda T, x: T.diag_embed(x(3), offset=-2), lambda T, x: T.diag_embed(x(3), dim1=0, dim2=0),
]  # fmt: skip
CASES["diagflat"] = [lambda T, x: T.diagflat(x(2, 2)), lambda T, x: T.diagflat(x(2), 1), lambda T, x: T.diagflat(x())]
CASES["diagonal"] = [
    lambda T, x: T.diagonal(x(3, 4)), lambda T, x: T.diagonal(x(3, 4), 1), lambda T, x: T.diagonal(x(3, 4), -5),
    lambda T, x: T.diagonal(x(2, 3, 4), 0, 1, 2), lambda T, x: T.diagonal(x(2, 3, 4), offset=-1, dim1=2, dim2=0),
    lambda T, x: T.diagonal(x(3)), lambda T, x: T.diagonal(x(3, 3), 0, 1, 1),
]  # fmt: skip
CASES["fliplr"] = [lambda T, x: T.fliplr(x(2, 3)), lambda T, x: T.fliplr(x(3))]
CASES["flipud"] = [lambda T, x: T.flipud(x(2, 3)), lambda T, x: T.flipud(x(3)), lambda T, x: T.flipud(x())]
CASES["hsplit"] = [
    lambda T, x: T.hsplit(x(4, 6), 3), lambda T, x: T.hsplit(x(6), [1, 4]), lambda T, x: T.hsplit(x(4, 6), 4),
    lambda T, x: T.hsplit(x(), 1),
]  # fmt: skip
CASES["vsplit"] = [
    lambda T, x: T.vsplit(x(4, 6), 2), lambda T, x: T.vsplit(x(4, 6), (1, 2)), lambda T, x: T.vsplit(x(4), 2),
]  # fmt: skip
CASES["tensor_split"] = [
    lambda T, x: T.tensor_split(x(7), 3), lambda T, x: T.tensor_split(x(7, 2), (1, 4)),
    lambda T, x: T.tensor_split(x(2, 7), 3, dim=1), lambda T, x: T.tensor_split(x(7), (4, 1)),
    lambda T, x: T.tensor_split(x(7), (-2, 9)), lambda T, x: T.tensor_split(x(2), 4),
    lambda T, x: T.tensor_split(x(2), 0),
    lambda T, x: T.tensor_split(x(7), x.tensor([2, 3])), lambda T, x: T.tensor_split(x(7), x.tensor(2)),
]  # fmt: skip
CASES["split_with_sizes"] = [
    lambda T, x: T.split_with_sizes(x(5, 2), [2, 3]), lambda T, x: T.split_with_sizes(x(2, 5), [0, 5], 1),
    lambda T, x: T.split_with_sizes(x(5), [2, 2]),
]  # fmt: skip
CASES["unbind"] = [
    lambda T, x: T.unbind(x(3, 2))[1:],
    lambda T, x: T.unbind(x(3, 2), 1),
    lambda T, x: T.unbind(x(0, 2)),
]
CASES["split"] = [lambda T, x: T.split(x(5, 2), 2)[1], lambda T, x: T.split(x(2, 5), [1, 4], -1)]
CASES["hstack"] = [
    lambda T, x: T.hstack([x(2, 1), x(2, 3)]), lambda T, x: T.hstack((x(2), x(3))), lambda T, x: T.hstack([x(), x()]),
    lambda T, x: T.hstack([x(2), x.int(2)]), lambda T, x: T.hstack([x(2, 2), x(3, 3)]),
]  # fmt: skip
CASES["vstack"] = [
    lambda T, x: T.vstack([x(2, 3), x(1, 3)]), lambda T, x: T.vstack((x(3), x(3))), lambda T, x: T.vstack([x(), x()]),
    lambda T, x: T.vstack([x(3), x(2)]),
]  # fmt: skip
CASES["cat"] = [
    lambda T, x: T.cat([x(2), x.int(2)]), lambda T, x: T.cat([x.int(2), x.int(2, dtype="int32")]),
    lambda T, x: T.cat([x.bool(2), x.int(2, dtype="uint8", low=0)]), lambda T, x: T.cat([x(0), x(2, 3)]),
    lambda T, x: T.cat([x.int(0), x.tensor([1.5])]),
]  # fmt: skip
CASES["meshgrid"] = [
    lambda T, x: T.meshgrid(x(2), x(3), indexing="ij"), lambda T, x: T.meshgrid(x(2), x(3), indexing="xy"),
    lambda T, x: T.meshgrid([x(2), x(), x(3)], indexing="xy"), lambda T, x: T.meshgrid(x(2), x(3), indexing="ab"),
    lambda T, x: T.meshgrid(x(2, 2), indexing="ij"), lambda T, x: T.meshgrid(x(2), x.int(3), indexing="ij"),
]  # fmt: skip
CASES["movedim"] = [
    lambda T, x: T.movedim(x(2, 3, 4), 0, -1), lambda T, x: T.movedim(x(2, 3, 4), (0, 2), (1, 0)),
    lambda T, x: T.movedim(x(2, 3), 0, 2), lambda T, x: T.movedim(x(2, 3), (0, 0), (0, 1)),
    lambda T, x: T.movedim(x(2, 3), (0, 1), (0,)), lambda T, x: T.movedim(x(), 0, 0),
]  # fmt: skip
CASES["ravel"] = [lambda T, x: T.ravel(x(2, 3)), lambda T, x: T.ravel(x(2, 3).T), lambda T, x: T.ravel(x())]
CASES["repeat_interleave"] = [
    lambda T, x: T.repeat_interleave(x(3), 2), lambda T, x: T.repeat_interleave(x(2, 3), 2),
    lambda T, x: T.repeat_interleave(x(2, 3), 2, dim=1), lambda T, x: T.repeat_interleave(x(2, 3), x.tensor([1, 2]), 0),
    lambda T, x: T.repeat_interleave(x(2, 3), x.tensor([1, 0, 2]), dim=1, output_size=3),
    lambda T, x: T.repeat_interleave(x.tensor([1, 0, 2])), lambda T, x: T.repeat_interleave(x(3), x.tensor([1, 2])),
    lambda T, x: T.repeat_interleave(x(3), -1), lambda T, x: T.repeat_interleave(x(3), x.tensor([2])),
]  # fmt: skip
CASES["roll"] = [
    lambda T, x: T.roll(x(5), 2), lambda T, x: T.roll(x(2, 3), 1), lambda T, x: T.roll(x(2, 3), -4, 1),
    lambda T, x: T.roll(x(2, 3), (1, 2), (0, 1)), lambda T, x: T.roll(x(2, 3), (1, 2), 0), lambda T, x: T.roll(x(0), 1),
    lambda T, x: T.roll(x.int(4), shifts=1, dims=0), lambda T, x: T.roll(x(2, 3), 0, 0),
]  # fmt: skip
CASES["tile"] = [
    lambda T, x: T.tile(x(2, 3), (2,)), lambda T, x: T.tile(x(2), (2, 3)), lambda T, x: T.tile(x(2, 1), (1, 0)),
    lambda T, x: T.tile(x(), (2,)), lambda T, x: x(2).tile(2, 2), lambda T, x: T.tile(x(2), (-1,)),
]  # fmt: skip
CASES["Tensor.repeat"] = [
    lambda T, x: x(2, 3).repeat(2, 1), lambda T, x: x(2).repeat((3, 2)), lambda T, x: x(2).repeat(0),
    lambda T, x: x(2, 3).repeat(2), lambda T, x: x().repeat(2, 2), lambda T, x: x(2).repeat(-1),
    lambda T, x: x(2, 3).T.repeat(1, 2), lambda T, x: x().repeat(),
]  # fmt: skip
CASES["Tensor.reshape_as"] = [lambda T, x: x(2, 3).reshape_as(x(6)), lambda T, x: x(2, 3).reshape_as(x(5))]
CASES["Tensor.view_as"] = [lambda T, x: x(2, 3).view_as(x(6)), lambda T, x: x(2, 3).T.view_as(x(6))]
CASES["Tensor.unfold"] = [
    lambda T, x: x(5).unfold(0, 3, 1), lambda T, x: x(2, 6).unfold(1, 2, 2), lambda T, x: x(6, 2).unfold(0, 3, 2),
    lambda T, x: x(2, 6).T.unfold(0, 4, 1), lambda T, x: x(3).unfold(0, 4, 1), lambda T, x: x(3).unfold(0, 2, 0),
    lambda T, x: x().unfold(0, 1, 1), lambda T, x: x(4).unfold(0, 0, 2), lambda T, x: x(2, 7).unfold(-1, 2, 3),
]  # fmt: skip
CASES["unflatten"] = [
    lambda T, x: T.unflatten(x(2, 6), 1, (2, 3)), lambda T, x: T.unflatten(x(6, 2), 0, (-1, 2)),
    lambda T, x: T.unflatten(x(2, 6), 1, (4, 2)), lambda T, x: T.unflatten(x(2, 6), -1, [6]),
    lambda T, x: T.unflatten(x(2, 6), 1, ()),
]  # fmt: skip
CASES["constant_pad_nd"] = [
    lambda T, x: T.constant_pad_nd(x(2, 3), (1, 2)), lambda T, x: T.constant_pad_nd(x(2, 3), (1, 2, 0, 1), 5.0),
    lambda T, x: T.constant_pad_nd(x(2, 3), (-1, 2)), lambda T, x: T.constant_pad_nd(x(2, 3), (-2, -1)),
    lambda T, x: T.constant_pad_nd(x(2, 3), (-2, -2)), lambda T, x: T.constant_pad_nd(x(2, 3), (1,)),
    lambda T, x: T.constant_pad_nd(x(3), (1, 1, 1, 1)), lambda T, x: T.constant_pad_nd(x.int(3), (1, 1), 7),
    lambda T, x: T.constant_pad_nd(x(2, 3), (-1, 2, 1, -1), 1.0), lambda T, x: T.constant_pad_nd(x(), ()),
]  # fmt: skip
CASES["tril"] = [lambda T, x: T.tril(x(3, 4)), lambda T, x: T.tril(x(2, 3, 3), 1), lambda T, x: T.tril(x.int(3, 3), -1)]
CASES["triu"] = [lambda T, x: T.triu(x(3, 4)), lambda T, x: T.triu(x(2, 3, 3), -1), lambda T, x: T.triu(x.bool(3, 3))]

INTENDED = {
    "Tensor.add_": {
        "modified by an inplace operation": "exp_ and sigmoid_ keep their result apart from the memory they change.",
        "refer to a single memory location": "Memory that overlaps in part is copied first.",
        "index out of range in self": "A negative number in index_fill has a gradient too.",
    },
    "index_fill": {"index out of range in self": "A negative number in index_fill has a gradient too."},
    "scatter": {"returned an invalid gradient": "A src larger than the index has a gradient."},
    "scatter_add": {"returned an invalid gradient": "A src larger than the index has a gradient."},
    "repeat_interleave": {
        "invalid combination of arguments": "The method is the function: counts alone are understood."
    },
}
for _name in ("index_fill", "scatter", "scatter_add"):
    INTENDED[f"Tensor.{_name}_"] = INTENDED[_name]
