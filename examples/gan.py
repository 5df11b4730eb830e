"""Two networks play against each other until one draws handwritten digits (A. Radford and others, arXiv:1511.06434).

python examples/gan.py --picture digits.png         with lucid
FRAMEWORK=torch python examples/gan.py              the same with PyTorch
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


class Generator(nn.Module):
    def __init__(self, latent=32, features=32):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(latent, 2 * features, 2, bias=False),  # 2 x 2
            nn.BatchNorm2d(2 * features),
            nn.ReLU(True),
            nn.ConvTranspose2d(2 * features, features, 4, 2, 1, bias=False),  # 4 x 4
            nn.BatchNorm2d(features),
            nn.ReLU(True),
            nn.ConvTranspose2d(features, 1, 4, 2, 1),  # 8 x 8
            nn.Sigmoid(),
        )

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self, features=32, dropout=0.3):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, features, 4, 2, 1),  # 4 x 4
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(features, 2 * features, 4, 2, 1, bias=False),  # 2 x 2
            nn.BatchNorm2d(2 * features),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(2 * features, 1, 2),  # 1 x 1
        )

    def forward(self, x):
        return self.main(x).view(-1)


def init_weights(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.05)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.05)
        nn.init.zeros_(module.bias)


def energy_distance(a, b):
    """How far two sets of images are apart, 0 when they come from one distribution (G. Szekely, M. Rizzo, 2013)."""
    a, b = a.flatten(1), b.flatten(1)

    def within(x):
        return torch.cdist(x, x).sum() / (len(x) * (len(x) - 1))

    return (2 * torch.cdist(a, b).mean() - within(a) - within(b)).item()


def train(generator, discriminator, loader, criterion, optimizer_g, optimizer_d, latent, device):
    generator.train()
    discriminator.train()
    loss_g = loss_d = 0.0
    for (real,) in loader:
        real = real.to(device)
        real_label = torch.full((len(real),), 0.9, device=device)
        fake_label = torch.zeros(len(real), device=device)

        # the discriminator: real images are real, generated ones are not
        discriminator.zero_grad()
        error_real = criterion(discriminator(real), real_label)
        error_real.backward()
        fake = generator(torch.randn(len(real), latent, 1, 1, device=device))
        error_fake = criterion(discriminator(fake.detach()), fake_label)
        error_fake.backward()
        optimizer_d.step()

        # the generator: what it draws is to be taken for real
        generator.zero_grad()
        error = criterion(discriminator(fake), torch.ones_like(fake_label))
        error.backward()
        optimizer_g.step()

        loss_d += (error_real + error_fake).item() / len(loader)
        loss_g += error.item() / len(loader)
    return loss_g, loss_d


@torch.no_grad()
def evaluate(generator, test_images, noise):
    generator.eval()
    return energy_distance(generator(noise), test_images)


def save_picture(images, path):
    """Writes images of [rows * columns, 1, height, width] as one picture, 16 in a row."""
    from matplotlib.image import imsave

    images = F.pad(images, [1, 1, 1, 1]).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    count, _, height, width = images.shape
    rows = images.view(count // 16, 16, height, width).permute(0, 2, 1, 3)
    imsave(path, rows.reshape(-1, 16 * width).cpu().numpy(), cmap="gray_r", vmin=0, vmax=1)


def main(arguments=None):
    """Trains; returns the energy distance from held-out digits after each epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument(
        "--latent", type=int, default=32, help="numbers that a digit is drawn from (default: %(default)s)"
    )
    parser.add_argument("--picture", metavar="PATH", help="draw new digits")
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
    loader = DataLoader(TensorDataset(train_images), args.batch_size, shuffle=True, drop_last=True)
    test_images = test_images.to(device)
    noise = torch.randn(512, args.latent, 1, 1, generator=torch.Generator().manual_seed(0)).to(device)

    generator = Generator(args.latent).to(device)
    discriminator = Discriminator().to(device)
    generator.apply(init_weights)
    discriminator.apply(init_weights)
    criterion = nn.BCEWithLogitsLoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=args.lr, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=args.lr, betas=(0.5, 0.999))
    schedulers = [
        torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, total_iters=args.epochs) for o in (optimizer_g, optimizer_d)
    ]
    distances = []
    if args.resume:
        checkpoint = torch.load(args.checkpoint, map_location=device)
        generator.load_state_dict(checkpoint["generator"])
        discriminator.load_state_dict(checkpoint["discriminator"])
        optimizer_g.load_state_dict(checkpoint["optimizer_g"])
        optimizer_d.load_state_dict(checkpoint["optimizer_d"])
        for scheduler, state in zip(schedulers, checkpoint["schedulers"], strict=True):
            scheduler.load_state_dict(state)
        torch.set_rng_state(checkpoint["rng_state"])
        distances = checkpoint["distances"]
    writer = args.logdir and importlib.import_module(f"{torch.__name__}.utils.tensorboard").SummaryWriter(args.logdir)

    for name, model in (("generator", generator), ("discriminator", discriminator)):
        print(f"{torch.__name__}: {sum(p.numel() for p in model.parameters()):,} parameters in the {name}")
    start = time.perf_counter()
    for epoch in range(len(distances), args.epochs):
        loss_g, loss_d = train(
            generator, discriminator, loader, criterion, optimizer_g, optimizer_d, args.latent, device
        )
        for scheduler in schedulers:
            scheduler.step()
        distances.append(evaluate(generator, test_images, noise))
        print(
            f"epoch {epoch + 1:3d}/{args.epochs}  loss of generator {loss_g:.3f}, of discriminator {loss_d:.3f}  "
            f"distance from digits {distances[-1]:.4f}"
        )
        if writer:
            writer.add_scalars("loss", {"generator": loss_g, "discriminator": loss_d}, epoch)
            writer.add_scalar("distance", distances[-1], epoch)
            writer.add_images("drawn", generator(noise[:16]).detach(), epoch)
        if args.checkpoint:
            state = {
                "generator": generator.state_dict(),
                "discriminator": discriminator.state_dict(),
                "optimizer_g": optimizer_g.state_dict(),
                "optimizer_d": optimizer_d.state_dict(),
                "schedulers": [scheduler.state_dict() for scheduler in schedulers],
                "rng_state": torch.get_rng_state(),
                "distances": distances,
            }
            torch.save(state, args.checkpoint)
    print(f"trained in {time.perf_counter() - start:.1f} s")
    if writer:
        writer.close()
    if args.picture:
        with torch.no_grad():
            save_picture(generator(noise[:64]), args.picture)
    return distances


if __name__ == "__main__":
    main()
