#!/usr/bin/env python3
"""Prints the numbers of crates/model/src/parity.rs: every kind of layer, computed by PyTorch.

    pip install torch==2.9.0 && python scripts/layer_parity.py

Inputs, parameters and running statistics are filled by one formula, so nothing needs to be stored. For each layer:
checksums (dot products with the same fill) of its output in evaluation, its output in training, the gradients of all
parameters and the running statistics after one step in training. The loss is the dot product of the output with a fill.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def fill(n, start=0):
    i = torch.arange(start, start + n)
    return ((i * 37 + 11) % 101) / 101.0 - 0.5


def dot(t):
    t = t.detach().reshape(-1)
    return float((t * fill(t.numel(), 7)).sum())


class Same(nn.Module):
    """TensorFlow's SAME border before a window layer."""

    def __init__(self, layer, kernel, stride, value=0.0):
        super().__init__()
        self.layer, self.kernel, self.stride, self.value = layer, kernel, stride, value

    def forward(self, x):
        pads = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return self.layer(F.pad(x, pads, value=self.value))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return F.relu(self.conv(x) + x)


class KerasBiased(nn.BatchNorm2d):
    """Normalises as PyTorch does; the running variance is the biased one."""

    def forward(self, x):
        old = self.running_var.clone()
        y = super().forward(x)
        if self.training:
            seen = x.var((0, 2, 3), unbiased=False)
            self.running_var = ((1 - self.momentum) * old + self.momentum * seen).detach()
        return y


class Sequence(nn.Module):
    """nn.LSTM on a plane of steps and features: all outputs, or the last ones."""

    def __init__(self, inputs, hidden, layers=1, last=False):
        super().__init__()
        self.lstm, self.last = nn.LSTM(inputs, hidden, layers, batch_first=True), last

    def forward(self, x):
        y = self.lstm(x[:, 0])[0]
        return y[:, -1] if self.last else y


class Cell(nn.Module):
    """Keras' LSTM, or ConvLSTM2D with a kernel: one bias, any functions, steps of nothing but zeros left out if masked."""

    def __init__(self, inputs, hidden, kernel=None, steps=0, hard=False, relu=False, same=False, last=False, mask=False):
        super().__init__()
        taps = () if kernel is None else (kernel, kernel)
        self.weight_ih = nn.Parameter(torch.zeros(4 * hidden, inputs, *taps))
        self.weight_hh = nn.Parameter(torch.zeros(4 * hidden, hidden, *taps))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        self.kernel, self.steps, self.same, self.last, self.mask = kernel, steps, same, last, mask
        self.gate = (lambda v: (0.2 * v + 0.5).clamp(0, 1)) if hard else torch.sigmoid
        self.act = torch.relu if relu else torch.tanh

    def sums(self, x, h):
        if self.kernel is None:
            return F.linear(x, self.weight_ih, self.bias) + F.linear(h, self.weight_hh)
        z = F.conv2d(x, self.weight_ih, self.bias, padding="same" if self.same else 0)
        h = z.new_zeros(z.shape[0], z.shape[1] // 4, *z.shape[2:]) if h is None else h
        return z + F.conv2d(h, self.weight_hh, padding="same")

    def forward(self, x):
        frames = x[:, 0].unbind(1) if self.kernel is None else x.chunk(self.steps, 1)
        h = None if self.kernel else x.new_zeros(x.shape[0], self.weight_hh.shape[1])
        c, outputs = 0.0, []
        for frame in frames:
            i, f, g, o = self.sums(frame, h).chunk(4, 1)
            new_c = self.gate(f) * c + self.gate(i) * self.act(g)
            new_h = self.gate(o) * self.act(new_c)
            if self.mask:
                real = (frame != 0).any(1, keepdim=True)
                new_c, new_h = torch.where(real, new_c, c * torch.ones_like(new_c)), torch.where(real, new_h, h)
            h, c = new_h, new_c
            outputs.append(h)
        if self.last:
            return h
        return torch.stack(outputs, 1) if self.kernel is None else torch.cat(outputs, 1)


class Autoencoder(nn.Module):
    """The last output of one LSTM, repeated, decoded by another, and a linear layer for every step."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.LSTM(3, 4, batch_first=True), nn.LSTM(4, 5, batch_first=True)
        self.linear = nn.Linear(5, 3)

    def forward(self, x):
        code = self.encoder(x[:, 0])[0][:, -1:]
        return self.linear(self.decoder(code.repeat(1, x.shape[2], 1))[0])


class Fused(nn.Module):
    """Two streams of planes, their probabilities side by side."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.fuse = nn.Linear(8, 3), nn.Linear(4, 3), nn.Linear(6, 2)

    def forward(self, x):
        scores = self.a(x[:, :2].flatten(1)), self.b(x[:, 2:].flatten(1))
        return self.fuse(torch.cat([v.softmax(1) for v in scores], 1))


class Blank(nn.Module):
    """Some steps of nothing but zeros before a layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        x = x.clone()
        x[0, 0, 1], x[0, 0, 4], x[1, 0, 0] = 0, 0, 0
        return self.layer(x)


class Tokens(nn.Module):
    """A map as tokens: row by row, or block by block."""

    def __init__(self, block=None):
        super().__init__()
        self.block = block

    def forward(self, x):
        n, c, h, w = x.shape
        r, s = self.block or (h, w)
        return x.reshape(n, c, h // r, r, w // s, s).permute(0, 2, 4, 3, 5, 1).reshape(n, h * w, c)


class Maps(nn.Module):
    """Tokens as the map that they came from."""

    def __init__(self, size, block=None):
        super().__init__()
        self.size, self.block = size, block or size

    def forward(self, x):
        (h, w), (r, s) = self.size, self.block
        return x.reshape(len(x), h // r, w // s, r, s, -1).permute(0, 5, 1, 3, 2, 4).reshape(len(x), -1, h, w)


class Attention(nn.Module):
    """Self-attention among each `window` consecutive tokens, or all."""

    def __init__(self, features, heads, bias=True, window=None):
        super().__init__()
        self.heads, self.width, self.window = heads, features // heads, window
        self.qkv = nn.Linear(features, 3 * heads * self.width, bias=bias)
        self.proj = nn.Linear(heads * self.width, features)

    def forward(self, x):
        n, t, _ = x.shape
        qkv = self.qkv(x).reshape(-1, self.window or t, 3, self.heads, self.width).permute(2, 0, 3, 1, 4)
        q, k, v = qkv
        y = ((q @ k.transpose(2, 3)) / self.width**0.5).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, t, -1))


class ClassToken(nn.Module):
    """A learnt token before all others."""

    def __init__(self, features):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        return torch.cat([self.token.expand(len(x), 1, -1), x], 1)


class Places(nn.Module):
    """What is learnt of a token's place, added to it: per feature, or one value for all."""

    def __init__(self, period, features=None):
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(period, features) if features else torch.zeros(period))

    def forward(self, x):
        places = self.embedding if self.embedding.dim() == 2 else self.embedding[:, None]
        return x + places.repeat(x.shape[1] // len(places), 1)


class Block(nn.Module):
    """A transformer's block, its normalisations first."""

    def __init__(self, features, hidden, attention, eps):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(features, eps), attention
        self.norm2 = nn.LayerNorm(features, eps)
        self.mlp = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Pool(nn.Module):
    """The first token, or the mean of all."""

    def __init__(self, first=False):
        super().__init__()
        self.first = first

    def forward(self, x):
        return x[:, 0] if self.first else x.mean(1)


class SqueezeExcite(nn.Module):
    """torchvision.ops.SqueezeExcitation."""

    def __init__(self, channels, squeeze, activation, gate):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeeze, 1), nn.Conv2d(squeeze, channels, 1)
        self.activation, self.gate = activation, gate

    def forward(self, x):
        scale = F.adaptive_avg_pool2d(x, 1)
        return self.gate(self.fc2(self.activation(self.fc1(scale)))) * x


class Directions(nn.Module):
    """ArcFace's classifier: cosines of normalised features and weights, times a scale."""

    def __init__(self, features, classes):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, features))
        self.register_buffer("scale", torch.zeros(1))

    def forward(self, x):
        return self.scale * F.linear(F.normalize(x), F.normalize(self.weight))


class DropPath(nn.Module):
    """torchvision.ops.StochasticDepth in the mode "row" at rate 0.5, whose noise keeps these rows: those of Ferrotype's mask."""

    def __init__(self, kept):
        super().__init__()
        self.conv, self.kept = nn.Conv2d(2, 2, 1), kept

    def forward(self, x):
        y = self.conv(x)
        noise = torch.tensor(self.kept, dtype=x.dtype)[:, None, None, None] / 0.5
        return x + (y * noise if self.training else y)


def vit(first):
    """Patches of 3x3 of a 6x9 picture, six features, two blocks of two heads."""
    token = [ClassToken(6)] if first else []
    blocks = [Block(6, 12, Attention(6, 2), 1e-6) for _ in range(2)]
    layers = [nn.Conv2d(1, 6, 3, stride=3), Tokens(), *token, Places(6 + first, 6), *blocks]
    return nn.Sequential(*layers, nn.LayerNorm(6, 1e-6), Pool(first), nn.Linear(6, 3))


def htnet(block_size):
    """HTNet on an 8x8 picture with patches of 2x2, squares of `block_size` tokens; see wangzhifengharrison/HTNet, Model.py."""
    layers, side, before = [nn.Conv2d(1, 4, 2, stride=2)], 4, None
    for features, heads, depth in [(4, 1, 1), (6, 2, 1), (9, 2, 2)]:
        if before:
            layers += [nn.Conv2d(before, features, 3, padding=1), Tokens(), nn.LayerNorm(features), Maps((side, side))]
            layers += [nn.MaxPool2d(3, 2, padding=1)]
            side //= 2
        square = min(block_size, side)
        layers += [Tokens((square, square)), Places(square**2)]
        for _ in range(depth):
            layers += [Block(features, 2 * features, Attention(features, heads, False, square**2), 1e-5)]
        if features < 9:
            layers += [Maps((side, side), (square, square))]
        before = features
    return nn.Sequential(*layers, nn.LayerNorm(9), Pool(), nn.Linear(9, 3))


def mixed(layer, channels=2):
    """A 1x1 convolution before a layer without parameters: its gradients show that layer's."""
    return nn.Sequential(nn.Conv2d(channels, channels, 1), layer)


INF = float("inf")
LAYERS = [
    ("dense", (2, 3, 7, 6), nn.Conv2d(3, 4, 3, padding=1)),
    ("same_even", (2, 3, 7, 6), Same(nn.Conv2d(3, 4, 4), 4, 1)),
    ("same_even_stride", (2, 1, 9, 10), Same(nn.Conv2d(1, 4, 8, stride=2), 8, 2)),
    ("same_one_stride", (2, 3, 7, 6), Same(nn.Conv2d(3, 4, 1, stride=2, bias=False), 1, 2)),
    ("grouped", (2, 4, 5, 6), nn.Conv2d(4, 6, 3, groups=2)),
    ("depthwise", (2, 4, 7, 6), Same(nn.Conv2d(4, 4, 3, groups=4, bias=False), 3, 1)),
    ("depthwise_stride", (2, 4, 7, 6), Same(nn.Conv2d(4, 4, 3, stride=2, groups=4), 3, 2)),
    ("norm_pytorch", (3, 2, 4, 5), nn.BatchNorm2d(2)),
    ("norm_keras", (3, 2, 4, 5), nn.BatchNorm2d(2, eps=1e-3, momentum=0.01)),
    ("norm_keras_biased", (3, 2, 4, 5), KerasBiased(2, eps=1e-3, momentum=0.01)),
    ("norm_relu", (3, 2, 4, 5), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU())),
    ("conv_relu6", (2, 3, 5, 5), nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6())),
    ("max_pool", (2, 2, 7, 6), mixed(nn.MaxPool2d(2))),
    ("max_pool_same", (2, 2, 7, 6), mixed(Same(nn.MaxPool2d(3, 2), 3, 2, -INF))),
    ("max_pool_pad", (2, 2, 7, 6), mixed(nn.MaxPool2d(3, 2, padding=1))),
    ("avg_pool", (2, 2, 7, 6), mixed(nn.AvgPool2d(2))),
    ("avg_pool_same", (2, 2, 7, 7), mixed(nn.AvgPool2d(3, 2, padding=1, count_include_pad=False))),
    ("global_avg_pool", (2, 5, 3, 4), mixed(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 5)),
    ("linear_relu", (2, 2, 2, 3), nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU())),
    ("cosine_linear", (2, 2, 2, 3), nn.Sequential(nn.Flatten(), Directions(12, 5))),
    ("residual", (2, 2, 3, 3), Residual()),
    ("sigmoid", (2, 3, 5, 5), nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sigmoid())),
    ("hard_sigmoid", (2, 3, 5, 5), nn.Sequential(nn.Conv2d(3, 4, 3), nn.Hardsigmoid())),
    ("silu", (2, 3, 5, 5), nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU())),
    ("hard_swish", (2, 3, 5, 5), nn.Sequential(nn.Conv2d(3, 4, 3), nn.Hardswish())),
    ("squeeze_excite", (2, 6, 4, 5), mixed(SqueezeExcite(6, 3, nn.SiLU(), nn.Sigmoid()), 6)),
    ("squeeze_excite_hard", (2, 6, 4, 5), mixed(SqueezeExcite(6, 3, nn.ReLU(), nn.Hardsigmoid()), 6)),
    ("drop_path", (6, 2, 3, 3), DropPath([0, 1, 0, 1, 1, 0])),
    ("lstm", (2, 1, 5, 3), Sequence(3, 4)),
    ("lstm_last", (3, 1, 6, 2), Sequence(2, 5, last=True)),
    ("lstm_stacked", (2, 1, 5, 3), Sequence(3, 4, 2)),
    ("lstm_relu", (2, 1, 5, 3), Cell(3, 4, relu=True, last=True)),
    ("lstm_hard", (2, 1, 5, 3), Cell(3, 4, hard=True)),
    ("lstm_masked", (2, 1, 5, 3), Blank(Cell(3, 4, mask=True))),
    ("conv_lstm", (2, 6, 5, 4), Cell(2, 3, 3, 3, last=True)),
    ("conv_lstm_hard_same", (2, 6, 4, 5), Cell(3, 2, 3, 2, hard=True, same=True)),
    ("autoencoder", (2, 1, 4, 3), Autoencoder()),
    ("fused", (2, 3, 2, 2), Fused()),
    ("token_layer_norm", (2, 5, 2, 3), nn.Sequential(Tokens(), nn.LayerNorm(5))),
    ("token_gelu", (2, 3, 2, 3), nn.Sequential(Tokens(), nn.Linear(3, 5), nn.GELU())),
    ("token_attention", (2, 6, 2, 4), nn.Sequential(Tokens(), Attention(6, 2))),
    ("token_window", (2, 7, 4, 4), nn.Sequential(Tokens((2, 2)), Attention(7, 3, False, 4), Maps((4, 4), (2, 2)))),
    ("token_places", (2, 4, 2, 2), nn.Sequential(Tokens(), ClassToken(4), Places(5, 4), nn.Linear(4, 3), Pool(True))),
    ("token_vit", (2, 1, 6, 9), vit(False)),
    ("token_vit_class", (2, 1, 6, 9), vit(True)),
    ("token_htnet", (2, 1, 8, 8), htnet(1)),
    ("token_htnet_real", (2, 1, 8, 8), htnet(2)),
]


def main():
    for name, shape, layer in LAYERS:
        with torch.no_grad():
            for k, p in enumerate(layer.parameters()):
                p.copy_(2 * fill(p.numel(), 100 * (k + 1)).reshape(p.shape))
            for b in layer.buffers():
                if b.dim() == 1:
                    b.copy_(fill(b.numel(), 50) + 1.0)
        x = (4 * fill(int(torch.tensor(shape).prod()))).reshape(shape)
        evaluated = layer.eval()(x)
        trained = layer.train()(x)
        loss = (trained.reshape(-1) * fill(trained.numel(), 3)).sum()
        gradients = sum(dot(g) for g in torch.autograd.grad(loss, list(layer.parameters())))
        buffers = sum(dot(b) for b in layer.buffers() if b.dim() == 1)
        numbers = ", ".join(f"{v:.6f}" for v in (dot(evaluated), dot(trained), gradients, buffers))
        print(f'    ("{name}", [{", ".join(map(str, shape))}], [{numbers}]),')


main()
