"""More activation functions as modules: those with numbers to set, shrinkages, and softmax."""

from __future__ import annotations

from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn.module import Module
from lucid.ops import create
from lucid.tensor import Parameter, Tensor


class CELU(Module):
    """x for x > 0, else alpha (e^(x / alpha) − 1); see :func:`lucid.nn.functional.celu`.

    Args:
        alpha: minus the limit at −∞.
        inplace: write the result over the input.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """x for x > 0, else alpha (eˣ − 1); see :func:`lucid.nn.functional.elu`.

    Args:
        alpha: minus the limit at −∞.
        inplace: write the result over the input.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GLU(Module):
    """a · σ(b), a and b the halves of the input; see :func:`lucid.nn.functional.glu`.

    Args:
        dim: the dimension that is cut in two.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Half the size along dim."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim}"


class Hardshrink(Module):
    """x where |x| > lambd, else 0; see :func:`lucid.nn.functional.hardshrink`.

    Args:
        lambd: the size up to which numbers become 0.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.lambd}"


class Hardsigmoid(Module):
    """min(6, max(0, x + 3)) / 6; see :func:`lucid.nn.functional.hardsigmoid`.

    Args:
        inplace: write the result over the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """x · min(6, max(0, x + 3)) / 6; see :func:`lucid.nn.functional.hardswish`.

    Args:
        inplace: write the result over the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.hardswish(input, self.inplace)


class Hardtanh(Module):
    """x, but at least min_val and at most max_val; see :func:`lucid.nn.functional.hardtanh`.

    Args:
        min_val: the least result.
        max_val: the largest result.
        inplace: write the result over the input.

    Raises:
        ValueError: when max_val is not above min_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if not max_val > min_val:
            raise ValueError(f"Hardtanh: max_val must be above min_val, got {max_val} and {min_val}")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class LeakyReLU(Module):
    """x for x > 0, else negative_slope · x; see :func:`lucid.nn.functional.leaky_relu`.

    Args:
        negative_slope: the slope below 0.
        inplace: write the result over the input.
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class LogSigmoid(Module):
    """log(1 / (1 + e⁻ˣ)), without overflow; see :func:`lucid.nn.functional.logsigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.logsigmoid(input)


class LogSoftmax(Module):
    """log-softmax along a dimension; see :func:`lucid.nn.functional.log_softmax`.

    Args:
        dim: the dimension; None is deprecated, see :func:`lucid.nn.functional.softmax`.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim}"


class Mish(Module):
    """x · tanh(log(1 + eˣ)); see :func:`lucid.nn.functional.mish`.

    Args:
        inplace: write the result over the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return "inplace=True" if self.inplace else ""


class ReLU6(Module):
    """min(6, max(0, x)); see :func:`lucid.nn.functional.relu6`.

    Args:
        inplace: write the result over the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return "inplace=True" if self.inplace else ""


class SELU(Module):
    """1.0507 times ELU with alpha 1.6733; see :func:`lucid.nn.functional.selu`.

    Args:
        inplace: write the result over the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return "inplace=True" if self.inplace else ""


class Softmax(Module):
    """exp(xᵢ) / Σⱼ exp(xⱼ) along a dimension; see :func:`lucid.nn.functional.softmax`.

    Args:
        dim: the dimension; None is deprecated, see :func:`lucid.nn.functional.softmax`.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim}"


class Softmin(Module):
    """softmax of −x along a dimension; see :func:`lucid.nn.functional.softmin`.

    Args:
        dim: the dimension; None is deprecated, see :func:`lucid.nn.functional.softmax`.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim}"


class Softplus(Module):
    """log(1 + e^(beta x)) / beta, without overflow; see :func:`lucid.nn.functional.softplus`.

    Args:
        beta: how sharp the bend at 0 is.
        threshold: x itself where beta · x is larger.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The options."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(Module):
    """x moved by lambd towards 0, and 0 where |x| ≤ lambd; see :func:`lucid.nn.functional.softshrink`.

    Args:
        lambd: how far; not negative.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.lambd}"


class Softsign(Module):
    """x / (1 + |x|); see :func:`lucid.nn.functional.softsign`."""

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x − tanh(x); see :func:`lucid.nn.functional.tanhshrink`."""

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.tanhshrink(input)


class Threshold(Module):
    """x for x > threshold, else value; see :func:`lucid.nn.functional.threshold`.

    Args:
        threshold: what x must exceed.
        value: the result otherwise.
        inplace: write the result over the input.
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """The options."""
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class Softmax2d(Module):
    """Softmax over the channels of [batch, channels, height, width] or [channels, height, width]."""

    def forward(self, input: Tensor) -> Tensor:
        """The result, of the input's shape."""
        if len(input.shape) not in (3, 4):
            raise ValueError(f"Softmax2d: expected 3D or 4D input, got shape {input.shape}")
        return F.softmax(input, -3)


class PReLU(Module):
    """x for x > 0, else weight · x, with slopes that are learned; see :func:`lucid.nn.functional.prelu`.

    Args:
        num_parameters: 1, or the number of channels.
        init: the slopes at the start.
        device: ``"cpu"``.
        dtype: of the parameter; float32.

    Attributes:
        weight: [num_parameters].

    Example:
        >>> import lucid
        >>> lucid.nn.PReLU()(lucid.tensor([-4.0, 4.0])).tolist()
        [-1.0, 4.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(create.full(num_parameters, init, dtype=dtype or "float32", device=device))

    def reset_parameters(self) -> None:
        """All slopes ``init``."""
        self.weight.data.fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        """[any shape], or [batch, channels, ...] with a slope for each channel → the same shape."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"
