"""Reads handwritten digits with a multilayer perceptron.

python examples/mlp.py                       with lucid
FRAMEWORK=torch python examples/mlp.py       the same with PyTorch
"""

import argparse
import importlib
import os
import time

from lucid.datasets import digits

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


class MLP(nn.Module):
    def __init__(self, in_features=64, hidden=128, classes=10, dropout=0.3):
        super().__init__()
        self.fc1 = nn.Linear(in_features, hidden)
        self.norm1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.norm2 = nn.BatchNorm1d(hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x):
        x = torch.flatten(x, 1)
        x = self.dropout(F.relu(self.norm1(self.fc1(x))))
        x = self.dropout(F.relu(self.norm2(self.fc2(x))))
        return self.head(x)


def dataset(split):
    images, labels = digits(split)
    return TensorDataset(torch.from_numpy(images.numpy()), torch.from_numpy(labels.numpy()))


def train(model, loader, criterion, optimizer, scheduler, device):
    model.train()
    total = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(images)
    return total / len(loader.dataset)


def evaluate(model, loader, device):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(dim=1) == labels).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main(arguments=None):
    """Trains; returns the held-out loss of each epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-2, help="the highest of the cycle (default: %(default)s)")
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
    train_loader = DataLoader(dataset("train"), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(dataset("test"), batch_size=256)

    model = MLP().to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, epochs=args.epochs, steps_per_epoch=len(train_loader)
    )
    losses = []
    if args.resume:
        checkpoint = torch.load(args.checkpoint, map_location=device)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        torch.set_rng_state(checkpoint["rng_state"])
        losses = checkpoint["losses"]
    writer = args.logdir and importlib.import_module(f"{torch.__name__}.utils.tensorboard").SummaryWriter(args.logdir)

    print(f"{torch.__name__}: {sum(p.numel() for p in model.parameters()):,} parameters")
    start = time.perf_counter()
    for epoch in range(len(losses), args.epochs):
        train_loss = train(model, train_loader, criterion, optimizer, scheduler, device)
        loss, accuracy = evaluate(model, test_loader, device)
        losses.append(loss)
        print(f"epoch {epoch + 1:3d}/{args.epochs}  train {train_loss:.4f}  test {loss:.4f}  accuracy {accuracy:.1%}")
        if writer:
            writer.add_scalars("loss", {"train": train_loss, "test": loss}, epoch)
            writer.add_scalar("accuracy", accuracy, epoch)
            writer.add_scalar("lr", scheduler.get_last_lr()[0], epoch)
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
