"""Fits a function of ten numbers, five of which matter, from noisy samples (J. Friedman's benchmark of 1991).

python examples/regression.py                       with lucid
FRAMEWORK=torch python examples/regression.py       the same with PyTorch
"""

import argparse
import importlib
import os
import time

import numpy as np

if os.environ.get("FRAMEWORK") == "torch":
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
else:
    import lucid as torch
    import lucid.nn.functional as F
    from lucid import nn
    from lucid.utils.data import DataLoader, TensorDataset


def friedman(count, seed):
    """Samples (x, y): x uniform in [0, 1], y of mean 0 and variance about 1, of which 0.04 is noise."""
    random = np.random.RandomState(seed)
    x = random.rand(count, 10)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = (y - 14.4 + random.randn(count)) / 5
    return TensorDataset(torch.from_numpy(x).float(), torch.from_numpy(y).float().unsqueeze(1))


class Regressor(nn.Module):
    def __init__(self, in_features=10, hidden=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.layers(x)


def train(model, loader, optimizer, device):
    model.train()
    total = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
        optimizer.step()
        total += loss.item() * len(x)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    squares, values = 0.0, []
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        squares += F.mse_loss(model(x), y, reduction="sum").item()
        values.append(y)
    loss = squares / len(loader.dataset)
    return loss, 1 - loss / torch.cat(values).var(unbiased=False).item()


def main(arguments=None):
    """Trains; returns the held-out loss of each epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--samples", type=int, default=2000, help="how many to learn from (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--checkpoint", metavar="PATH", help="file to write after each epoch")
    parser.add_argument("--resume", action="store_true", help="go on from --checkpoint")
    parser.add_argument("--logdir", metavar="DIR", help="write curves for TensorBoard")
    args = parser.parse_args(arguments)
    if args.resume and not args.checkpoint:
        parser.error("--resume needs --checkpoint")

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    train_loader = DataLoader(friedman(args.samples, seed=0), args.batch_size, shuffle=True)
    test_loader = DataLoader(friedman(1000, seed=1), batch_size=500)

    model = Regressor().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    losses = []
    if args.resume:
        checkpoint = torch.load(args.checkpoint, map_location=device)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        torch.set_rng_state(checkpoint["rng_state"])
        losses = checkpoint["losses"]
    writer = args.logdir and importlib.import_module(f"{torch.__name__}.utils.tensorboard").SummaryWriter(args.logdir)

    print(f"{torch.__name__}: {sum(p.numel() for p in model.parameters()):,} parameters, {args.samples} samples")
    start = time.perf_counter()
    for epoch in range(len(losses), args.epochs):
        train_loss = train(model, train_loader, optimizer, device)
        loss, r2 = evaluate(model, test_loader, device)
        scheduler.step(loss)
        losses.append(loss)
        lr = optimizer.param_groups[0]["lr"]
        print(f"epoch {epoch + 1:3d}/{args.epochs}  lr {lr:.4f}  train {train_loss:.4f}  test {loss:.4f}  R2 {r2:.3f}")
        if writer:
            writer.add_scalars("loss", {"train": train_loss, "test": loss}, epoch)
            writer.add_scalar("lr", lr, epoch)
        if args.checkpoint:
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
                "rng_state": torch.get_rng_state(),
                "losses": losses,
            }
            torch.save(state, args.checkpoint)
    print(f"trained in {time.perf_counter() - start:.1f} s")
    if writer:
        writer.close()
    return losses


if __name__ == "__main__":
    main()
