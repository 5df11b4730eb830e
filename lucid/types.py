"""The names of tensors for annotations in the layers below ``tensor.py``.

They make and take tensors without importing the class, whose body is made of their functions. At run time the names say
nothing; the stub beside this file tells type checkers and editors that ``Tensor`` is :class:`lucid.Tensor`.
"""

from typing import Any

Tensor = Any
Operand = Any  # a tensor, or a number
