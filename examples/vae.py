"""Learns to draw handwritten digits: a variational autoencoder (D. Kingma, M. Welling, arXiv:1312.6114).

python examples/vae.py --picture digits.png         with lucid
FRAMEWORK=torch python examples/vae.py              the same with PyTorch
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


class VAE(nn.Module):
    def __init__(self, latent=8, channels=32):
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, stride=2, padding=1),  # 4 x 4
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2, padding=1),  # 2 x 2
            nn.ReLU(),
            nn.Flatten(),
        )
        self.to_mu = nn.Linear(8 * channels, latent)
        self.to_logvar = nn.Linear(8 * channels, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 8 * channels),
            nn.ReLU(),
            nn.Unflatten(1, (2 * channels, 2, 2)),
            nn.ConvTranspose2d(2 * channels, channels, kernel_size=4, stride=2, padding=1),  # 4 x 4
            nn.ReLU(),
            nn.ConvTranspose2d(channels, 1, kernel_size=4, stride=2, padding=1),  # 8 x 8
        )

    def encode(self, x):
        h = self.encoder(x)
        return self.to_mu(h), self.to_logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + std * torch.randn_like(std)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decoder(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(logits, x, mu, logvar):
    """The negative evidence lower bound of each image, in nats: what the drawing misses, and what the code tells."""
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (reconstruction + divergence) / len(x)


def train(model, loader, optimizer, device):
    model.train()
    total = 0.0
    for (images,) in loader:
        images = images.to(device)
        logits, mu, logvar = model(images)
        loss = loss_function(logits, images, mu, logvar)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 20.0)
        optimizer.step()
        total += loss.item() * len(images)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    total = 0.0
    for (images,) in loader:
        images = images.to(device)
        logits, mu, logvar = model(images)
        total += loss_function(logits, images, mu, logvar).item() * len(images)
    return total / len(loader.dataset)


def save_picture(images, path):
    """Writes images of [rows * columns, 1, height, width] as one picture, 16 in a row."""
    from matplotlib.image import imsave

    images = F.pad(images, [1, 1, 1, 1]).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    count, _, height, width = images.shape
    rows = images.view(count // 16, 16, height, width).permute(0, 2, 1, 3)
    imsave(path, rows.reshape(-1, 16 * width).cpu().numpy(), cmap="gray_r", vmin=0, vmax=1)


def main(arguments=None):
    """Trains; returns the held-out loss of each epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--latent", type=int, default=8, help="numbers in the code of an image (default: %(default)s)")
    parser.add_argument(
        "--picture", metavar="PATH", help="draw new digits, and below them held-out ones and their copies"
    )
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
    train_images, test_images = (torch.from_numpy(digits(split)[0].numpy()) for split in ("train", "test"))
    train_loader = DataLoader(TensorDataset(train_images), args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(TensorDataset(test_images), batch_size=256)

    model = VAE(args.latent).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
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
        train_loss = train(model, train_loader, optimizer, device)
        loss = evaluate(model, test_loader, device)
        scheduler.step()
        losses.append(loss)
        print(f"epoch {epoch + 1:3d}/{args.epochs}  train {train_loss:.3f}  test {loss:.3f} nats")
        if writer:
            writer.add_scalars("loss", {"train": train_loss, "test": loss}, epoch)
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
    if args.picture:
        with torch.no_grad():
            new = torch.sigmoid(model.decoder(torch.randn(32, args.latent, device=device)))
            seen = test_images[:16].to(device)
            copies = torch.sigmoid(model.decoder(model.encode(seen)[0]))
        save_picture(torch.cat([new, seen, copies]), args.picture)
    return losses


if __name__ == "__main__":
    main()
