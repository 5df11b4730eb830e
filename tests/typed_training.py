"""A training program as users write it, with types: test_types.py checks and runs it."""

from __future__ import annotations

import lucid
import lucid.nn.functional as F
from lucid import nn, optim
from lucid.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(4 * 4 * 4, width)
        self.fc2 = nn.Linear(width, 10)
        self.dropout = nn.Dropout(0.1)
        nn.init.kaiming_uniform_(self.fc1.weight, nonlinearity="relu")

    def forward(self, x: lucid.Tensor) -> lucid.Tensor:
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        x = self.dropout(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)


@lucid.no_grad()
def accuracy(model: nn.Module, loader: DataLoader[tuple[lucid.Tensor, ...]]) -> float:
    model.eval()
    right = 0
    for images, labels in loader:
        right += int((model(images).argmax(dim=1) == labels).sum().item())
    return right / len(loader)


def train(path: str, epochs: int = 1) -> float:
    lucid.manual_seed(0)
    images, labels = lucid.randn(32, 1, 8, 8), lucid.randint(0, 10, (32,))
    loader = DataLoader(TensorDataset(images, labels), batch_size=8, shuffle=True)
    model = Net()
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = nn.CrossEntropyLoss()
    total = 0.0
    for _ in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets) + F.nll_loss(model(inputs), targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * inputs.size(0)
        scheduler.step()
    lucid.save(model.state_dict(), path)
    model.load_state_dict(lucid.load(path))
    best = model(images).exp().max(dim=1)
    sequence = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    mixed = 2 * sequence(lucid.ones(3, 4)) - 1
    mask = lucid.where(best.values > 0.5, best.values, lucid.zeros_like(best.values))
    gram = images.reshape(32, -1) @ images.reshape(32, -1).T
    gram += lucid.eye(32)
    w = lucid.tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    if w.grad is not None:
        print(w.grad.numpy(), best.indices[:3].tolist(), mixed.shape, mask.dtype, gram.to(lucid.float64).mean().item())
    return total + accuracy(model, loader)
