"""Learns to write, letter by letter, what Python's own help says: an LSTM trained on parts of a long text in turn.

python examples/char_lstm.py --sample 300           with lucid
FRAMEWORK=torch python examples/char_lstm.py        the same with PyTorch
"""

import argparse
import importlib
import math
import os
import time
from pydoc_data.topics import topics

if os.environ.get("FRAMEWORK") == "torch":
    import torch
    import torch.nn.functional as F
    from torch import nn
else:
    import lucid as torch
    import lucid.nn.functional as F
    from lucid import nn


class CharLSTM(nn.Module):
    def __init__(self, vocabulary, embedding=32, hidden=128, layers=2, dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, num_layers=layers, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embedding(x), state)
        return self.head(self.dropout(out)), state


def batchify(data, batch_size, length):
    """Cuts a text into `batch_size` rows and these into parts: pairs of [batch, length]."""
    columns = (len(data) - 1) // batch_size
    inputs = data[: batch_size * columns].view(batch_size, columns)
    targets = data[1 : batch_size * columns + 1].view(batch_size, columns)
    return list(zip(inputs.split(length, dim=1), targets.split(length, dim=1), strict=True))


def detach(state):
    """The state without its history: gradients end at the border of a part."""
    return tuple(part.detach() for part in state)


def train(model, batches, criterion, optimizer, clip, device):
    model.train()
    state, total, count = None, 0.0, 0
    for x, y in batches:
        x, y = x.to(device), y.to(device)
        if state is not None:
            state = detach(state)
        optimizer.zero_grad()
        logits, state = model(x, state)
        loss = criterion(logits.reshape(-1, logits.size(-1)), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        total += loss.item() * y.numel()
        count += y.numel()
    return total / count


@torch.no_grad()
def evaluate(model, batches, criterion, device):
    model.eval()
    state, total, count = None, 0.0, 0
    for x, y in batches:
        x, y = x.to(device), y.to(device)
        logits, state = model(x, state)
        total += criterion(logits.reshape(-1, logits.size(-1)), y.reshape(-1)).item() * y.numel()
        count += y.numel()
    return total / count


@torch.no_grad()
def sample(model, start, count, temperature, device):
    """Writes `count` letters after those of `start`, a list of their numbers."""
    model.eval()
    letters, state = list(start), None
    x = torch.tensor([letters], device=device)
    for _ in range(count):
        logits, state = model(x, state)
        probabilities = F.softmax(logits[0, -1] / temperature, dim=-1)
        x = torch.multinomial(probabilities, num_samples=1).unsqueeze(0)
        letters.append(x.item())
    return letters


def main(arguments=None):
    """Trains; returns the held-out loss of each epoch, in nats for each letter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--length", type=int, default=50, help="letters between two updates (default: %(default)s)")
    parser.add_argument("--letters", type=int, default=300_000, help="how much text to use (default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradients (default: %(default)s)")
    parser.add_argument("--sample", type=int, default=0, metavar="COUNT", help="write so many letters at the end")
    parser.add_argument("--temperature", type=float, default=0.7)
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
    text = "\n".join(topics[name] for name in sorted(topics))[: args.letters]
    vocabulary = sorted(set(text))
    number = {letter: i for i, letter in enumerate(vocabulary)}
    data = torch.tensor([number[letter] for letter in text])
    border = int(0.9 * len(data))
    train_batches = batchify(data[:border], args.batch_size, args.length)
    test_batches = batchify(data[border:], args.batch_size, args.length)

    model = CharLSTM(len(vocabulary), hidden=args.hidden).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    losses = []
    if args.resume:
        checkpoint = torch.load(args.checkpoint, map_location=device)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        torch.set_rng_state(checkpoint["rng_state"])
        losses = checkpoint["losses"]
    writer = args.logdir and importlib.import_module(f"{torch.__name__}.utils.tensorboard").SummaryWriter(args.logdir)

    print(f"{torch.__name__}: {sum(p.numel() for p in model.parameters()):,} parameters, {len(data):,} letters")
    start = time.perf_counter()
    for epoch in range(len(losses), args.epochs):
        train_loss = train(model, train_batches, criterion, optimizer, args.clip, device)
        loss = evaluate(model, test_batches, criterion, device)
        scheduler.step()
        losses.append(loss)
        print(
            f"epoch {epoch + 1:3d}/{args.epochs}  train {train_loss:.4f}  test {loss:.4f}  "
            f"perplexity {math.exp(loss):.2f}"
        )
        if writer:
            writer.add_scalars("loss", {"train": train_loss, "test": loss}, epoch)
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
    if args.sample:
        letters = sample(model, data[:20].tolist(), args.sample, args.temperature, device)
        print("".join(vocabulary[i] for i in letters))
    return losses


if __name__ == "__main__":
    main()
