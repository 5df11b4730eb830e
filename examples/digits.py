"""Trains a model on handwritten digits, saves it, loads it back and shows what it sees.

    python examples/digits.py                  an MLP
    python examples/digits.py --model cnn      a small convolutional network

Writes checkpoint.safetensors and digits.png into the folder given by --output.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import lucid
import lucid.nn.functional as F
from lucid import Tensor, nn

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),  # 8 x 8
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # 4 x 4
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(32 * 4 * 4, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


MODELS = {"mlp": mlp, "cnn": cnn}
EPOCHS = {"mlp": 40, "cnn": 25}


def train(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    epochs: int,
    batch_size: int,
    lr: float,
) -> tuple[list[float], list[float]]:
    """Trains with AdamW, the learning rate falling to zero; returns each epoch's mean loss and held-out accuracy."""
    optimizer = lucid.optim.AdamW(model.parameters(), lr=lr)
    losses, accuracies = [], []
    bar = tqdm(total=epochs, unit="epoch") if tqdm and sys.stderr.isatty() else None
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - epoch / epochs)
        model.train()
        total = 0.0
        order = lucid.randperm(len(labels))
        for start in range(0, len(labels), batch_size):
            batch = order[start : start + batch_size]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images[batch]), labels[batch], label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(labels))
        accuracies.append(accuracy(predict(model, held_out[0]), held_out[1]))
        if bar is not None:
            bar.set_postfix(loss=f"{losses[-1]:.3f}", accuracy=f"{accuracies[-1]:.1%}", refresh=False)
            bar.update()
        else:
            print(f"epoch {epoch + 1:2d}/{epochs}  loss {losses[-1]:.3f}  accuracy {accuracies[-1]:.1%}", flush=True)
    if bar is not None:
        bar.close()
    return losses, accuracies


def predict(model: nn.Module, images: Tensor) -> Tensor:
    """The digit that the model sees in each image."""
    model.eval()
    with lucid.no_grad():
        return model(images).argmax(dim=1)


def accuracy(predicted: Tensor, labels: Tensor) -> float:
    return (predicted == labels).sum().item() / len(labels)


def draw(
    path: Path, losses: list[float], accuracies: list[float], images: Tensor, labels: Tensor, seen: Tensor
) -> None:
    """A picture: the loss curve, and held-out images with what the model sees in them, the wrong ones first, in red."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows, columns = 6, 10
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(4, 6))

    curve = left.subplots()
    epochs = range(1, len(losses) + 1)
    curve.plot(epochs, losses, color="tab:blue")
    curve.set_xlabel("epoch")
    curve.set_ylabel("training loss", color="tab:blue")
    curve.set_ylim(bottom=0)
    scale = curve.twinx()
    scale.plot(epochs, [100 * a for a in accuracies], color="tab:orange")
    scale.set_ylabel("held-out accuracy, %", color="tab:orange")

    pictures, truth, guess = images.numpy()[:, 0], labels.numpy(), seen.numpy()
    wrong = [i for i in range(len(truth)) if guess[i] != truth[i]]
    others = [i for i in range(len(truth)) if guess[i] == truth[i]]
    axes = right.subplots(rows, columns).flat
    for axis, i in zip(axes, wrong + others, strict=False):
        axis.imshow(pictures[i], cmap="gray_r", vmin=0, vmax=1)
        axis.set_xticks([])
        axis.set_yticks([])
        mistaken = guess[i] != truth[i]
        axis.set_title(f"{guess[i]}, is {truth[i]}" if mistaken else str(guess[i]), fontsize=8, pad=2)
        if mistaken:
            axis.title.set_color("tab:red")
            axis.spines[:].set(color="tab:red", linewidth=2)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> float:
    """Runs the whole example; returns the accuracy on the held-out fifth."""
    parser = argparse.ArgumentParser(description="Trains a model on handwritten digits.")
    parser.add_argument("--model", choices=MODELS, default="mlp", help="default: %(default)s")
    parser.add_argument("--epochs", type=int, help="times through the images (default: 40 for mlp, 25 for cnn)")
    parser.add_argument("--batch-size", type=int, default=32, help="images in a step (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=2e-3, help="learning rate at the start (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and dropout (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("runs/digits"), help="folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    epochs = EPOCHS[options.model] if options.epochs is None else options.epochs
    if epochs < 1 or options.batch_size < 1:
        parser.error("--epochs and --batch-size must be at least 1")
    if tqdm is None:
        print("No progress bar: tqdm is not installed (pip install tqdm).")

    lucid.manual_seed(options.seed)
    images, labels = lucid.datasets.digits("train")
    held_out = lucid.datasets.digits("test")
    model = MODELS[options.model]()
    numbers = sum(parameter.numel() for parameter in model.parameters())
    print(f"{options.model}: {numbers:,} parameters, {len(labels)} images to learn from, {len(held_out[1])} held out")

    began = time.perf_counter()
    losses, accuracies = train(
        model, images, labels, held_out, epochs=epochs, batch_size=options.batch_size, lr=options.lr
    )
    print(f"trained in {time.perf_counter() - began:.2f} s")

    options.output.mkdir(parents=True, exist_ok=True)
    checkpoint = options.output / "checkpoint.safetensors"
    lucid.save({"options": {"model": options.model, "epochs": epochs}, "model": model.state_dict()}, checkpoint)

    loaded = lucid.load(checkpoint)
    restored = MODELS[loaded["options"]["model"]]()
    restored.load_state_dict(loaded["model"])
    seen = predict(restored, held_out[0])
    result = accuracy(seen, held_out[1])
    right = int((seen == held_out[1]).sum().item())
    print(f"held out: {right} of {len(seen)} right ({result:.2%}), by the model loaded back from {checkpoint}")

    picture = options.output / "digits.png"
    try:
        draw(picture, losses, accuracies, *held_out, seen)
        print(f"picture: {picture}")
    except ImportError as missing:
        print(f"No picture: {missing.name} is not installed (pip install matplotlib).")
    return result


if __name__ == "__main__":
    main()
