"""LeNet-5 in PyTorch as its tutorials write it: a Python loop over batches of tensors."""

import os

import torch
from harness import IMAGES, Train, measure
from torch import nn

if threads := os.environ.get("OMP_NUM_THREADS"):
    torch.set_num_threads(int(threads))


def lenet5() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


def prepare(batch_size: int) -> Train:
    images, labels = torch.rand(IMAGES, 1, 28, 28), torch.randint(0, 10, (IMAGES,))
    model = lenet5()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss_of = nn.CrossEntropyLoss()
    per_epoch = IMAGES // batch_size

    def train(steps: int) -> None:
        order, total, correct = torch.randperm(IMAGES), 0.0, 0
        for step in range(steps):
            if step and step % per_epoch == 0:
                order = torch.randperm(IMAGES)
            start = step % per_epoch * batch_size
            batch = order[start : start + batch_size]
            optimizer.zero_grad()
            logits = model(images[batch])
            loss = loss_of(logits, labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item()
            correct += int((logits.argmax(1) == labels[batch]).sum())

    return train


if __name__ == "__main__":
    measure(prepare, lambda: {"torch": torch.__version__})
