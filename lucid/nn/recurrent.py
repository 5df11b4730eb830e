"""Recurrent layers: RNN, LSTM and GRU over whole sequences, and their cells for one step."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lucid.nn import functional as F  # noqa: N812
from lucid.nn import init
from lucid.nn.module import Module
from lucid.nn.utils.rnn import PackedSequence
from lucid.ops import create
from lucid.ops.index import cat, index_select, stack
from lucid.ops.recurrent import KINDS, recurrent
from lucid.ops.view import reshape, transpose, unsqueeze
from lucid.tensor import Parameter, Tensor


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers, directions, parameters and the ways to give sequences.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input_size: numbers in each element of a sequence.
        hidden_size: numbers in the state.
        num_layers: layers, each fed with the states of the one below.
        bias: whether there are bias_ih and bias_hh.
        batch_first: input and output are [batch, steps, ...] instead of [steps, batch, ...].
        dropout: in training, dropout on the states between layers.
        bidirectional: each layer also runs from the end to the beginning; the states are joined.
        proj_size: an LSTM's state is projected to so many numbers; 0: it is not.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight_ih_l0: [gates · hidden_size, input_size] of layer 0; of the others the input is the state below.
        weight_hh_l0: [gates · hidden_size, size of the state].
        bias_ih_l0: [gates · hidden_size].
        bias_hh_l0: the same.
        weight_hr_l0: [proj_size, hidden_size], with ``proj_size``. Those of the way back end in ``_reverse``. All are
            uniform from ±1/√hidden_size.

    Raises:
        ValueError: for sizes or options that do not fit.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout must be a number from 0 to 1, got {dropout!r}")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{name}: dropout is between layers, so dropout={dropout} does nothing with num_layers=1",
                stacklevel=3,
            )
        for option, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name}: {option} must be an int, got {type(value).__name__}")
            if value < (0 if option == "input_size" else 1):
                raise ValueError(f"{name}: {option} must be greater than zero, got {value}")
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"{name}: proj_size must be from 0 to below hidden_size={hidden_size}, got {proj_size}")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        state_size, gates = proj_size or hidden_size, KINDS[mode][1] * hidden_size
        self._names: list[list[str]] = []  # of each layer and direction
        for layer in range(num_layers):
            for direction in range(directions):
                end = f"_l{layer}" + ("_reverse" if direction else "")
                below = input_size if layer == 0 else state_size * directions
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, below), "weight_hh": (gates, state_size)}
                if bias:
                    shapes.update(bias_ih=(gates,), bias_hh=(gates,))
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for start, shape in shapes.items():
                    setattr(self, start + end, Parameter(create.empty(shape, dtype=dtype, device=device)))
                self._names.append([start + end for start in shapes])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def flatten_parameters(self) -> None:
        """Does nothing: the engine takes the parameters where they are."""

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0.0),
            ("bidirectional", False),
        ):  # fmt: skip
            value = getattr(self, name)
            if value != usual:
                text += f", {name}={value}"
        return text

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The states of the last layer at every step, and the last state of every layer and direction.

        Args:
            input: [steps, batch, input_size] (see ``batch_first``), [steps, input_size], or a PackedSequence.
            hx: the state to begin with, [layers · directions, batch, hidden_size] (without batch for an input without);
                for an LSTM the pair of states and cells. Zeros when None.

        Raises:
            ValueError: for an input of other dimensions.
            RuntimeError: for sizes that do not fit.
        """
        if isinstance(input, PackedSequence):
            sizes = input.sizes(type(self).__name__).tolist()
            for name in ("sorted_indices", "unsorted_indices"):
                input.order(type(self).__name__, name)
            self._check_width(input.data)
            states = self._permuted(self._states(hx, sizes[0], True, input.data), input.sorted_indices)
            rows, last = self._layers(input.data, sizes, states)
            packed = PackedSequence(rows, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
            return packed, self._result(self._permuted(last, input.unsorted_indices), True)
        if len(input.shape) not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: expected input to be 2-D (without batch) or 3-D, got shape {input.shape}"
            )
        self._check_width(input)
        batched = len(input.shape) == 3
        x = input if batched else unsqueeze(input, 1)
        if batched and self.batch_first:
            x = transpose(x, 0, 1)
        steps, batch, _ = x.shape
        if not steps:
            raise RuntimeError(f"{type(self).__name__}: expected sequences of at least one step, got {input.shape}")
        states = self._states(hx, batch, batched, input)
        if batch:
            rows, last = self._layers(reshape(x, (steps * batch, x.shape[2])), [batch] * steps, states)
            out = reshape(rows, (steps, batch, rows.shape[1]))
        else:
            width = (self.proj_size or self.hidden_size) * (2 if self.bidirectional else 1)
            out, last = create.zeros((steps, 0, width), dtype=input.dtype), states
        if not batched:
            out = reshape(out, (steps, out.shape[2]))
        elif self.batch_first:
            out = transpose(out, 0, 1)
        return out, self._result(last, batched)

    def _check_width(self, input: Tensor) -> None:
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{type(self).__name__}: input.size(-1) must be equal to input_size={self.input_size}, "
                f"got input of shape {input.shape}"
            )

    def _states(self, hx: Any, batch: int, batched: bool, like: Tensor) -> list[Tensor]:
        """The states to begin with, [layers · directions, batch, size]: one tensor, for an LSTM two."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or self.hidden_size]
        if self.mode == "LSTM":
            sizes.append(self.hidden_size)
        if hx is None:
            return [create.zeros((count, batch, size), dtype=like.dtype) for size in sizes]
        given = list(hx) if self.mode == "LSTM" else [hx]
        if len(given) != len(sizes):
            raise RuntimeError(f"{type(self).__name__}: expected hx to be a pair (h_0, c_0), got {len(given)} tensors")
        for x, size in zip(given, sizes, strict=True):
            wanted = (count, batch, size) if batched else (count, size)
            if x.shape != wanted:
                kind = f"batched 3-D input, hx must be {wanted}" if batched else f"2-D input, hx must be {wanted}"
                raise RuntimeError(f"{type(self).__name__}: for {kind}, got shape {x.shape}")
        return given if batched else [unsqueeze(x, 1) for x in given]

    @staticmethod
    def _permuted(states: list[Tensor], order: Tensor | None) -> list[Tensor]:
        return states if order is None else [index_select(x, 1, order) for x in states]

    def _result(self, last: list[Tensor], batched: bool) -> Any:
        found = last if batched else [reshape(x, (x.shape[0], x.shape[2])) for x in last]
        return tuple(found) if self.mode == "LSTM" else found[0]

    def _layers(self, rows: Tensor, sizes: list[int], states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """All layers over rows that lie step after step: the rows of the last, and the last states of all."""
        directions = 2 if self.bidirectional else 1
        last: list[Any] = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                rows = F.dropout(rows, self.dropout)
            outs = []
            for direction in range(directions):
                number = layer * directions + direction
                weights = dict(zip((n.rsplit("_l", 1)[0] for n in self._names[number]), self.all_weights[number],
                                   strict=True))  # fmt: skip
                state = [x[number] for x in states]
                out, *ends = recurrent(
                    self.mode, rows, sizes, state[0], state[1] if len(state) > 1 else None, weights["weight_ih"],
                    weights["weight_hh"], weights.get("bias_ih"), weights.get("bias_hh"), weights.get("weight_hr"),
                    bool(direction),
                )  # fmt: skip
                outs.append(out)
                last.append(ends)
            rows = outs[0] if directions == 1 else cat(outs, 1)
        return rows, [stack(list(parts)) for parts in zip(*last, strict=True)]


class RNN(RNNBase):
    """The plain recurrent layer: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman 1990).

    Args:
        input_size: numbers in each element of a sequence.
        hidden_size: numbers in the state.
        num_layers: layers.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: [batch, steps, ...] instead of [steps, batch, ...].
        dropout: between layers, in training.
        bidirectional: also from the end to the beginning.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Raises:
        ValueError: for options that do not fit.

    Example:
        >>> import lucid
        >>> out, h = lucid.nn.RNN(10, 20, num_layers=2)(lucid.randn(5, 3, 10))
        >>> out.shape, h.shape
        ((5, 3, 20), (2, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, 0, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997); the gates lie in the order i, f, g, o.

    i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh), g = tanh(…); c' = f c + i g; h' = o tanh(c'), projected by W_hr when
    there is a ``proj_size``. Arguments and attributes are those of :class:`RNNBase`.

    Example:
        >>> import lucid
        >>> out, (h, c) = lucid.nn.LSTM(10, 20, batch_first=True, bidirectional=True)(lucid.randn(3, 5, 10))
        >>> out.shape, h.shape, c.shape
        ((3, 5, 40), (2, 3, 20), (2, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
            dtype,
        )  # fmt: skip


class GRU(RNNBase):
    """Gated recurrent unit (Cho et al. 2014); the gates lie in the order r, z, n.

    r, z = σ(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h' = (1 − z) n + z h.
    Arguments and attributes are those of :class:`RNNBase`, without ``proj_size``.

    Example:
        >>> import lucid
        >>> out, h = lucid.nn.GRU(10, 20)(lucid.randn(5, 3, 10))
        >>> out.shape, h.shape
        ((5, 3, 20), (1, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


class RNNCellBase(Module):
    """What the cells share: the parameters of one layer, and one step.

    Args:
        input_size: numbers in the input.
        hidden_size: numbers in the state.
        bias: whether there are biases.
        num_chunks: gates.
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Attributes:
        weight_ih: [gates · hidden_size, input_size].
        weight_hh: [gates · hidden_size, hidden_size].
        bias_ih: [gates · hidden_size], or None.
        bias_hh: the same. All are uniform from ±1/√hidden_size.
    """

    bias_ih: Any
    bias_hh: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        self.weight_ih = Parameter(create.empty((gates, input_size), dtype=dtype, device=device))
        self.weight_hh = Parameter(create.empty((gates, hidden_size), dtype=dtype, device=device))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(create.empty((gates,), dtype=dtype, device=device)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def _step(self, mode: str, input: Tensor, states: tuple[Any, ...]) -> list[Tensor]:
        """One step: the states after it. States that are None begin with zeros."""
        name = type(self).__name__
        if len(input.shape) not in (1, 2):
            raise ValueError(f"{name}: expected input to be 1-D or 2-D, got shape {input.shape}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"{name}: input has shape {input.shape} but input_size is {self.input_size}")
        wanted = (*input.shape[:-1], self.hidden_size)
        for x in states:
            if x is not None and x.shape != wanted:
                raise RuntimeError(f"{name}: input of shape {input.shape} needs states {wanted}, got {x.shape}")
        rows = input if len(input.shape) == 2 else unsqueeze(input, 0)
        before = [
            create.zeros((rows.shape[0], self.hidden_size), dtype=input.dtype)
            if x is None
            else reshape(x, (rows.shape[0], self.hidden_size))
            for x in states
        ]
        if not rows.shape[0]:
            return before
        _, *after = recurrent(
            mode, rows, [rows.shape[0]], before[0], before[1] if len(before) > 1 else None, self.weight_ih,
            self.weight_hh, self.bias_ih, self.bias_hh,
        )  # fmt: skip
        return [reshape(x, wanted) for x in after]


class RNNCell(RNNCellBase):
    """One step of :class:`RNN`.

    Args:
        input_size: numbers in the input.
        hidden_size: numbers in the state.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        device: ``"cpu"``.
        dtype: of the parameters; float32.

    Example:
        >>> import lucid
        >>> lucid.nn.RNNCell(10, 20)(lucid.randn(3, 10)).shape
        (3, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """[batch, input_size] and the state [batch, hidden_size] (zeros when None) → the next state."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {self.nonlinearity!r}")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`. Arguments as :class:`RNNCell`, without the nonlinearity.

    Example:
        >>> import lucid
        >>> h, c = lucid.nn.LSTMCell(10, 20)(lucid.randn(3, 10))
        >>> h.shape, c.shape
        ((3, 20), (3, 20))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """[batch, input_size] and (state, cells), zeros when None → the next state and cells."""
        h, c = self._step("LSTM", input, (None, None) if hx is None else tuple(hx))
        return h, c


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`. Arguments as :class:`RNNCell`, without the nonlinearity.

    Example:
        >>> import lucid
        >>> lucid.nn.GRUCell(10, 20)(lucid.randn(3, 10)).shape
        (3, 20)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """[batch, input_size] and the state [batch, hidden_size] (zeros when None) → the next state."""
        return self._step("GRU", input, (hx,))[0]
