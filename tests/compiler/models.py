"""Training steps to be compared, eager and compiled: each `make()` gives a new step, and the tensors it changes."""

import lucid
import lucid.nn.functional as F
from lucid import nn

TOKENS, LENGTH = 30, 7


def step_of(model, optimizer, loss):
    def step(x, y):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return step


def training(build, loss=F.cross_entropy, optimizer=lambda p: lucid.optim.AdamW(p, lr=1e-3)):
    def make():
        model = build()
        return step_of(model, optimizer(model.parameters()), loss), [*model.parameters(), *model.buffers()]

    return make


def of_tokens(output, target):
    return F.cross_entropy(output.reshape(-1, TOKENS), target.reshape(-1))


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, 8)
        self.layer = kind(8, 16, batch_first=True, **options)
        self.head = nn.Linear(16, TOKENS)

    def forward(self, x):
        return self.head(self.layer(self.embedding(x))[0])


class Block(nn.Module):
    def __init__(self, width=16, heads=2, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.qkv(self.before(x)).chunk(3, dim=-1)
        q, k, v = (p.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for p in parts)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.dropout)
        x = x + self.out(seen.transpose(1, 2).contiguous().view(batch, length, width))
        return x + self.mlp(self.after(x))


class GPT(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.tokens, self.places = nn.Embedding(TOKENS, 16), nn.Embedding(LENGTH, 16)
        self.blocks = nn.ModuleList([Block(dropout=dropout) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, TOKENS, bias=False)

    def forward(self, x):
        x = self.tokens(x) + self.places(lucid.arange(x.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def clipped():
    model = nn.Linear(20, 10)
    optimizer = lucid.optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        return loss.detach() + norm

    return step, list(model.parameters())


def with_accuracy():
    model = nn.Linear(20, 10)
    optimizer = lucid.optim.RMSprop(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        return loss.detach() + (out.argmax(1) == y).float().mean()

    return step, list(model.parameters())


def accumulating():
    """Two backwards into the same gradients, which are not set to None."""
    model = nn.Linear(20, 10)
    optimizer = lucid.optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad(set_to_none=False)
        for part in (slice(0, 8), slice(8, 16)):
            loss = F.cross_entropy(model(x[part]), y[part])
            loss.backward()
        optimizer.step()
        return loss

    return step, list(model.parameters())


def image_layers():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def batches(kind, count=3):
    lucid.manual_seed(3)
    if kind == "images":
        return [(lucid.randn(4, 1, 12, 12), lucid.randint(0, 10, (4,))) for _ in range(count)]
    if kind == "tokens":
        shape = (4, LENGTH)
        return [(lucid.randint(0, TOKENS, shape), lucid.randint(0, TOKENS, shape)) for _ in range(count)]
    return [(lucid.randn(16, 20), lucid.randint(0, 10, (16,))) for _ in range(count)]


def layers(*inner, width=32):
    return lambda: nn.Sequential(nn.Linear(20, width), *(make() for make in inner), nn.Linear(width, 10))


def momentum(p):
    return lucid.optim.SGD(p, lr=0.1, momentum=0.9, grad_clip_norm=1.0)


MODELS = {
    "mlp": ("rows", training(layers(nn.ReLU))),
    "clip in the optimizer": ("rows", training(layers(nn.GELU), optimizer=momentum)),
    "dropout": ("rows", training(layers(nn.ReLU, nn.Dropout))),
    "batch norm": ("rows", training(layers(lambda: nn.BatchNorm1d(32), nn.ReLU))),
    "layer norm": ("rows", training(layers(lambda: nn.LayerNorm(32), nn.SiLU))),
    "prelu": ("rows", training(layers(nn.PReLU, nn.ELU))),
    "cnn": ("images", training(image_layers)),
    "rnn": ("tokens", training(lambda: Recurrent(nn.RNN), of_tokens)),
    "lstm": ("tokens", training(lambda: Recurrent(nn.LSTM, num_layers=2), of_tokens)),
    "gru": ("tokens", training(lambda: Recurrent(nn.GRU), of_tokens)),
    "gpt": ("tokens", training(GPT, of_tokens)),
    "gpt with dropout": ("tokens", training(lambda: GPT(0.1), of_tokens)),
    "clip_grad_norm_": ("rows", clipped),
    "accuracy": ("rows", with_accuracy),
    "accumulating": ("rows", accumulating),
}
