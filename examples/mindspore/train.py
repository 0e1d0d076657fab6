"""A MindSpore model on rondo: which of two tones a padded series holds, learnt by a bidirectional GRU.

Only the import of GRU names rondo; the checkpoint at the end loads into mindspore.nn.GRU as it is."""

import os
import tempfile

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

import rondo.mindspore as rnn


class Classifier(nn.Cell):
    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent(1, 16, 1, batch_first=True, bidirectional=True)
        self.out = nn.Dense(32, 2)

    def construct(self, x, lengths):
        _, h = self.recurrent(x, None, lengths)
        return self.out(ops.concat((h[0], h[1]), 1))


def batch(rows, steps=40):
    """Noisy sines of one of two frequencies, each as long as it happens to be, zeros after that."""
    kind = np.random.randint(0, 2, rows)
    lengths = np.random.randint(steps // 2, steps + 1, rows)
    time = np.arange(steps) + 10 * np.random.rand(rows, 1)
    x = np.sin(time * np.where(kind, 0.9, 0.5)[:, None]) + 0.3 * np.random.standard_normal((rows, steps))
    x[np.arange(steps) >= lengths[:, None]] = 0
    return Tensor(x[:, :, None].astype(np.float32)), Tensor(lengths.astype(np.int32)), Tensor(kind.astype(np.int32))


def main():
    ms.set_seed(1)
    net = Classifier(rnn.GRU).set_train()
    optimizer = nn.Adam(net.trainable_params(), 0.01)
    entropy = nn.CrossEntropyLoss()

    def loss(x, lengths, kind):
        return entropy(net(x, lengths), kind)

    step = ms.value_and_grad(loss, None, optimizer.parameters)
    for number in range(60):
        value, gradients = step(*batch(32))
        optimizer(gradients)
        if number % 10 == 9:
            print(f"step {number + 1}: loss {float(value.asnumpy()):.3f}")

    net.set_train(False)
    x, lengths, kind = batch(200)
    found = net(x, lengths).asnumpy()
    right = float((found.argmax(1) == kind.asnumpy()).mean())
    print(f"right: {100 * right:.0f}% of {len(kind)}")

    theirs = Classifier(nn.GRU)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.ckpt")
        ms.save_checkpoint(net, path)
        ms.load_param_into_net(theirs, ms.load_checkpoint(path))
    apart = np.abs(theirs(x, lengths).asnumpy() - found).max()
    print(f"mindspore.nn.GRU from this checkpoint: outputs apart by {apart:.0e}")
    return 0 if right > 0.9 and apart < 1e-4 else 1


if __name__ == "__main__":
    raise SystemExit(main())
