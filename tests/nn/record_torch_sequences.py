"""Records what PyTorch computes in the cases of sequence_layers.py: ``python tests/nn/record_torch_sequences.py``.

Needs PyTorch; the tests do not: they read ``torch_sequences.npz``. For each case: the names of the parameters, the
results, and the gradient of every parameter.
"""

from pathlib import Path

import numpy as np
import torch
from sequence_layers import CASES, call_arguments, flat, loss_of, numbers


def main() -> None:
    """Writes the file."""
    recorded = {}
    for case, (name, options, arguments) in CASES.items():
        layer = getattr(torch.nn, name)(*options).double()
        for key, parameter in layer.named_parameters():
            parameter.data = torch.tensor(numbers(key, tuple(parameter.shape)))
        results = layer(**call_arguments(arguments, torch.tensor))
        loss_of(results, torch.tensor).backward()
        recorded[f"{case}/names"] = np.array(list(layer.state_dict()))
        recorded[f"{case}/repr"] = np.array(layer.extra_repr())
        for i, x in enumerate(flat(results)):
            recorded[f"{case}/result{i}"] = x.detach().numpy()
        for key, parameter in layer.named_parameters():
            recorded[f"{case}/grad/{key}"] = parameter.grad.numpy()
    np.savez_compressed(Path(__file__).parent / "torch_sequences.npz", **recorded)


if __name__ == "__main__":
    main()
