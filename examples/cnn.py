"""Reads handwritten digits with a small residual convolutional network; images are shifted at random as it learns.

python examples/cnn.py                       with lucid
FRAMEWORK=torch python examples/cnn.py       the same with PyTorch
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
    from torch.utils.data import DataLoader, Dataset
else:
    import lucid as torch
    import lucid.nn.functional as F
    from lucid import nn
    from lucid.utils.data import DataLoader, Dataset


class Digits(Dataset):
    """Images of 8 by 8; with `shift`, each is moved by up to so many pixels, another way every time."""

    def __init__(self, split, shift=0):
        images, labels = digits(split)
        self.images, self.labels = torch.from_numpy(images.numpy()), torch.from_numpy(labels.numpy())
        self.shift = shift

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.shift:
            down, right = torch.randint(0, 2 * self.shift + 1, (2,)).tolist()
            image = F.pad(image, [self.shift] * 4)[:, down : down + 8, right : right + 8]
        return image, self.labels[index]


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


class CNN(nn.Module):
    def __init__(self, channels=16, classes=10):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.block1 = Block(channels)
        self.down = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(2 * channels),
        )
        self.block2 = Block(2 * channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2 * channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.block1(self.stem(x))
        x = self.block2(self.down(x))
        x = self.pool(x)
        return self.fc(x.view(x.size(0), -1))


def train(model, loader, criterion, optimizer, device):
    model.train()
    total = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * images.size(0)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    loss, correct = 0.0, 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        logits = model(images)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        _, predicted = logits.max(1)
        correct += predicted.eq(labels).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main(arguments=None):
    """Trains; returns the held-out loss of each epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare images (default: %(default)s)")
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
    train_loader = DataLoader(Digits("train", shift=1), args.batch_size, shuffle=True, num_workers=args.workers)
    test_loader = DataLoader(Digits("test"), batch_size=256)

    model = CNN().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.lr, momentum=args.momentum, weight_decay=args.weight_decay, nesterov=True
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
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
        train_loss = train(model, train_loader, criterion, optimizer, device)
        scheduler.step()
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
