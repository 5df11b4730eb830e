"""All update rules of lucid.optim on three surfaces: their ways as a picture, their last losses as a table.

    python examples/optimizer_race.py                     writes docs/optim/race.png
    python examples/optimizer_race.py --out race.svg --steps 100
    python examples/optimizer_race.py --search            finds the learning rates anew and prints them

Rules are found in lucid.optim. One that has no learning rate below gets the one that --search finds.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import lucid
from lucid.optim import Optimizer

OUT = Path(__file__).resolve().parent.parent / "docs" / "optim" / "race.png"


class Surface(NamedTuple):
    """A function of x and y (numbers, arrays or tensors), where to start, where its minimum is, and what to draw."""

    loss: Callable[[Any, Any], Any]
    start: tuple[float, float]
    minimum: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]


def rosenbrock(x: Any, y: Any) -> Any:
    """A bent valley: easy to find, hard to follow."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(x: Any, y: Any) -> Any:
    """A plain, nearly flat, with walls at its corners."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def ravine(x: Any, y: Any) -> Any:
    """A quadratic 100 times as steep across as along, and turned by 30 degrees: no axis is its own."""
    cosine, sine = math.cos(math.pi / 6), math.sin(math.pi / 6)
    along, across = cosine * (x - 2) + sine * (y - 2), cosine * (y - 2) - sine * (x - 2)
    return along**2 / 2 + 50 * across**2


SURFACES = {
    "Rosenbrock": Surface(rosenbrock, (-1.2, 1.0), (1, 1), (-1.8, 2.0), (-1.4, 2.2)),
    "Beale": Surface(beale, (1.0, 1.5), (3, 0.5), (-0.5, 4.3), (-1.9, 2.1)),
    "Ravine": Surface(ravine, (-1.0, 1.2), (2, 2), (-1.8, 3.4), (-1.3, 3.4)),
}

# How rules are made whose options decide what they are; the others are made with their learning rate alone.
VARIANTS: dict[str, dict[str, Callable[..., Optimizer]]] = {
    "SGD": {
        "SGD": lambda params, lr: lucid.optim.SGD(params, lr=lr),
        "SGD, momentum 0.9": lambda params, lr: lucid.optim.SGD(params, lr=lr, momentum=0.9),
    },
    "LBFGS": {
        "LBFGS, with line search": lambda params, lr: lucid.optim.LBFGS(
            params, lr=lr, max_iter=1, max_eval=25, line_search_fn="strong_wolfe"
        ),
    },
    "Lookahead": {
        "Lookahead of SGD, momentum 0.9": lambda params, lr: lucid.optim.Lookahead(
            lucid.optim.SGD(params, lr=lr, momentum=0.9)
        ),
    },
}
AS_MATRIX = {"Muon"}  # rules for matrices get the point as one of 1 x 2

# One row of pictures each. A rule in no row comes into the last one.
ROWS = {
    "gradients as they are, and curvature": ("SGD", "ASGD", "Lookahead", "LBFGS"),
    "divided by what gradients were": ("Adagrad", "Adadelta", "RMSprop", "Adafactor", "SM3"),
    "Adam": ("Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
    "Adam's relatives, and signs": ("Yogi", "AdaBelief", "Lion", "Rprop"),
    "norms of whole parameters": ("Lars", "Lamb", "NovoGrad", "Fromage", "Muon"),
}

# Of the rates below, the one with the lowest mean of log(loss) in 300 steps that stays in the picture (see --search).
RATES = [float(f"{digit}e{power}") for power in range(-6, 2) for digit in (1, 2, 5)]
LEARNING_RATES: dict[str, tuple[float, float, float]] = {
    "SGD": (0.005, 0.02, 0.01),
    "SGD, momentum 0.9": (0.002, 0.005, 0.005),
    "ASGD": (0.005, 0.02, 0.01),
    "Lookahead of SGD, momentum 0.9": (0.002, 0.01, 0.01),
    "LBFGS, with line search": (1.0, 1.0, 1.0),  # where the search begins
    "Adagrad": (1.0, 1.0, 1.0),
    "Adadelta": (10.0, 20.0, 10.0),
    "RMSprop": (0.1, 0.1, 0.1),
    "Adafactor": (1.0, 0.05, 0.5),
    "SM3": (1.0, 1.0, 1.0),
    "Adam": (1.0, 0.5, 1.0),
    "AdamW": (0.5, 0.5, 0.5),
    "Adamax": (1.0, 1.0, 1.0),
    "NAdam": (0.1, 0.5, 0.2),
    "RAdam": (0.0002, 0.01, 0.01),
    "Yogi": (1.0, 0.5, 1.0),
    "AdaBelief": (0.5, 0.5, 1.0),
    "Lion": (0.02, 0.1, 0.05),
    "Rprop": (0.05, 0.1, 0.2),
    "Lars": (10.0, 5.0, 5.0),
    "Lamb": (0.1, 0.05, 0.02),
    "NovoGrad": (0.1, 0.1, 0.1),
    "Fromage": (0.5, 0.02, 0.02),
    "Muon": (0.05, 0.1, 0.1),
}


def contestants() -> dict[str, Callable[..., Optimizer]]:
    """Every rule of lucid.optim, as functions of the parameters and the learning rate."""
    found: dict[str, Callable[..., Optimizer]] = {}
    for name in lucid.optim.__all__:
        rule = getattr(lucid.optim, name)
        if isinstance(rule, type) and issubclass(rule, Optimizer) and rule is not Optimizer:
            found |= VARIANTS.get(name, {name: rule})
    return found


def rule_of(title: str) -> str:
    """The class behind a contestant's name."""
    return next((rule for rule, variants in VARIANTS.items() if title in variants), title)


def run(title: str, make: Callable[..., Optimizer], surface: Surface, lr: float, steps: int) -> np.ndarray:
    """The points that a rule visits, [steps + 1, 2]; fewer when it gets lost."""
    start = np.array(surface.start)
    point = lucid.nn.Parameter(lucid.tensor(start[None] if rule_of(title) in AS_MATRIX else start))
    optimizer = make([point], lr=lr)

    def closure() -> lucid.Tensor:
        optimizer.zero_grad()
        x, y = point.reshape(2)
        loss = surface.loss(x, y)
        loss.backward()
        return loss

    visited = [start]
    for _ in range(steps):
        optimizer.step(closure)
        visited.append(point.detach().numpy().reshape(2).copy())
        if not np.abs(visited[-1]).max() < 100:
            break
    return np.array(visited)


def final_loss(surface: Surface, points: np.ndarray) -> float:
    """The loss at the last point; infinite for a rule that got lost."""
    loss = float(surface.loss(*points[-1]))
    return loss if np.abs(points[-1]).max() < 100 else math.inf


def stays(surface: Surface, points: np.ndarray) -> bool:
    """Whether no point is outside the picture."""
    (left, right), (bottom, top) = surface.x, surface.y
    x, y = points.T
    return bool(((left <= x) & (x <= right) & (bottom <= y) & (y <= top)).all())


def best_rate(title: str, make: Callable[..., Optimizer], surface: Surface, steps: int = 300) -> float:
    """The rate of RATES with the lowest mean of log(loss) on the way, of those that do not leave the picture."""
    outcomes = []
    for lr in RATES:
        points = run(title, make, surface, lr, steps)
        with np.errstate(all="ignore"):
            height = np.log(surface.loss(*points.T) + 1e-12).mean()
        outcomes.append((not stays(surface, points), height, lr))
        if len(points) <= steps:
            break  # lost: a larger rate will not help
    return min(outcomes)[2]


def rates_of(title: str, make: Callable[..., Optimizer], search: bool) -> tuple[float, ...]:
    """A learning rate for each surface."""
    if title in LEARNING_RATES and (not search or rule_of(title) == "LBFGS"):
        return LEARNING_RATES[title]
    return tuple(best_rate(title, make, surface) for surface in SURFACES.values())


def rows_of(titles: list[str]) -> dict[str, list[str]]:
    """The contestants of each row; rows without any are left out."""
    known = {rule for rules in ROWS.values() for rule in rules}
    rows = {row: [t for rule in rules for t in titles if rule_of(t) == rule] for row, rules in ROWS.items()}
    rows["more"] = [t for t in titles if rule_of(t) not in known]
    return {row: those for row, those in rows.items() if those}


def draw(path: Path, ways: dict[str, list[np.ndarray]], steps: int) -> None:
    """Writes the picture: a row for each kind of rule, a column for each surface."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image

    rows = rows_of(list(ways))
    figure, axes = pyplot.subplots(
        len(rows), len(SURFACES), figsize=(15, 4.8 * len(rows)), squeeze=False, layout="constrained"
    )
    for (row, titles), line in zip(rows.items(), axes, strict=True):
        line[0].set_ylabel(row, fontsize=13)
        for column, (ax, (name, surface)) in enumerate(zip(line, SURFACES.items(), strict=True)):
            x, y = np.meshgrid(np.linspace(*surface.x, 160), np.linspace(*surface.y, 160))
            heights = np.log10(surface.loss(x, y) + 1e-3)
            ax.contourf(x, y, heights, 12, cmap="Greys", alpha=0.45)
            for number, title in enumerate(titles):
                points = ways[title][column]
                label = f"{title}  {final_loss(surface, points):.0e}"
                ax.plot(*points.T, "-", color=f"C{number}", linewidth=1.3, alpha=0.85, label=label)
                ax.plot(*points[-1], "o", color=f"C{number}", markersize=6)
            ax.plot(*surface.start, "ks", markersize=5)
            ax.plot(*surface.minimum, "*", color="white", markeredgecolor="black", markersize=14)
            ax.set(xlim=surface.x, ylim=surface.y, xticks=[], yticks=[])
            ax.legend(fontsize=9, loc="lower right", title="final loss")
            if row == next(iter(rows)):
                ax.set_title(name, fontsize=14)
    note = f"{steps} steps from the square; the star is the minimum"
    matrices = sorted(AS_MATRIX & set(ways))
    if matrices:
        note += f"; {', '.join(matrices)}: the point is a 1 x 2 matrix"
    figure.suptitle(note, fontsize=13)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".svg":
        figure.savefig(path, metadata={"Date": None})
    else:
        figure.set_dpi(72)
        figure.canvas.draw()
        image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
        image.quantize(256, kmeans=2).save(path, optimize=True)  # a third of the size
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, list[float]]:
    """Runs the race. Returns the final losses: for each rule one for each surface."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="the picture to write, .png or .svg")
    parser.add_argument("--steps", type=int, default=300, help="steps of each rule (default: 300)")
    parser.add_argument("--search", action="store_true", help="find the learning rates anew and print them")
    chosen = parser.parse_args(arguments)
    if chosen.steps < 1:
        parser.error(f"--steps must be at least 1, got {chosen.steps}")
    if chosen.out.suffix not in (".png", ".svg"):
        parser.error(f"--out must end in .png or .svg, got {chosen.out}")

    ways: dict[str, list[np.ndarray]] = {}
    losses: dict[str, list[float]] = {}
    print(f"{'final loss (lr)':32}" + "".join(f"{name:>20}" for name in SURFACES))
    for title, make in contestants().items():
        rates = rates_of(title, make, chosen.search)
        arena = list(zip(SURFACES.values(), rates, strict=True))
        ways[title] = [run(title, make, surface, lr, chosen.steps) for surface, lr in arena]
        losses[title] = [final_loss(surface, way) for surface, way in zip(SURFACES.values(), ways[title], strict=True)]
        cells = [f"{loss:.1e} ({lr:g})" for loss, lr in zip(losses[title], rates, strict=True)]
        print(f"{title:32}" + "".join(f"{cell:>20}" for cell in cells))
        if chosen.search:
            print(f'    "{title}": {rates},', file=sys.stderr)
    try:
        draw(chosen.out, ways, chosen.steps)
        print(f"wrote {chosen.out}")
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed (pip install {error.name}): no picture")
    return losses


if __name__ == "__main__":
    main()
