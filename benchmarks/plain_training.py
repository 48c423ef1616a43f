"""The usual training loops around the plain network: peers of the benchmarks."""

import numpy as np
import torch
from sklearn.metrics import f1_score, jaccard_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.plain import PlainCNN
from model.training import Data, Training, batch_order


class PlainTraining:
    """Dense text matrices, PyTorch's modules and optimiser.

    Args:
        ours: whose first arm's initial values and texts are taken.
        data: the corpus.
    """

    def __init__(self, ours: Training, data: Data) -> None:
        self.table, self.batch_size = ours.table, ours.batch_size
        self.words = {
            name: torch.tensor(split.words, device=ours.device, dtype=torch.long)
            for name, split in data.splits.items()
        }
        self.labels = {name: split.labels for name, split in data.splits.items()}
        self.targets = ours.targets
        self.network = PlainCNN(ours.network).to(ours.device)
        self.loss = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.RMSprop(
            self.network.parameters(), lr=1e-3, alpha=0.9, eps=1e-7
        )

    def step(self, words: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """One optimiser step on texts `[b, n]`; the loss."""
        self.optimizer.zero_grad()
        loss: torch.Tensor = self.loss(self.network(self.table[words]), targets)
        loss.backward()
        self.optimizer.step()
        return loss

    def steps(self, texts: torch.Tensor) -> None:
        """A step for every mini-batch of the texts given by number, `[m]`."""
        for batch in texts.split(self.batch_size):
            self.step(self.words["train"][batch], self.targets[batch])

    def epoch(self) -> None:
        """One pass over train, then the logits of every split."""
        self.network.train()
        self.steps(torch.from_numpy(batch_order(0, 1, len(self.targets))).to(self.table.device))
        for name in self.words:
            self.predict(name, 256)

    def predict(self, split: str, texts: int) -> torch.Tensor:
        """Logits of a split, some texts at a time."""
        self.network.eval()
        with torch.no_grad():
            chunks = self.words[split].split(texts)
            return torch.cat([self.network(self.table[words]) for words in chunks])

    def fit_epoch(self) -> None:
        """An epoch as `Model.fit` with callbacks does it.

        A shuffled loader, the running loss read at every step; then every split predicted in
        batches of 32 and scored by scikit-learn.
        """
        self.network.train()
        train = TensorDataset(self.words["train"], self.targets)
        losses = [
            float(self.step(words, targets).detach())
            for words, targets in DataLoader(train, self.batch_size, shuffle=True)
        ]
        assert np.isfinite(np.mean(losses))
        for name, gold in self.labels.items():
            predicted = (self.predict(name, 32) >= 0).cpu().numpy()
            jaccard_score(gold, predicted, average="samples", zero_division=1)
            for average in ("micro", "macro"):
                f1_score(gold, predicted, average=average, zero_division=0)
