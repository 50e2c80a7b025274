"""The networks of crates/model/src/zoo that scripts/bench_pytorch.py measures, written for PyTorch.

Weights have the same names as ours. Keras-style borders that PyTorch has no option for are made with F.pad.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    """A network whose modules have dotted names, so that its weights have the names of ours."""

    l2 = {}  # parameter name -> coefficient of Keras' L2 regulariser

    def add(self, name, module):
        *path, last = name.split(".")
        place = self
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, nn.Module())
            place = getattr(place, part)
        place.add_module(last, module)
        return module

    def dropout(self, rate):
        """A layer that train() and eval() reach: those in plain lists are not registered."""
        self.dropouts = getattr(self, "dropouts", 0) + 1
        return self.add(f"drop.after{self.dropouts}", nn.Dropout(rate))


def keras_norm(width):
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


class SameConv(nn.Conv2d):
    """TensorFlow's SAME border where it is not symmetric: `before` pixels before, `after` behind."""

    def __init__(self, i, o, k, before, after, **options):
        super().__init__(i, o, k, **options)
        self.border = (before, after, before, after)

    def forward(self, x):
        return super().forward(F.pad(x, self.border))


class Vgg13(Net):
    shape, classes = (1, 64, 64), 8

    def __init__(self):
        super().__init__()
        layers, width = [], 1
        for block, (out, convs) in enumerate([(64, 2), (128, 2), (256, 3), (256, 3)], 1):
            for i in range(1, convs + 1):
                layers += [self.add(f"features.conv{block}_{i}", nn.Conv2d(width, out, 3, padding=1)), nn.ReLU(True)]
                width = out
            layers += [nn.MaxPool2d(2), self.dropout(0.25)]
        layers.append(nn.Flatten())
        for i, inputs in [(1, 4096), (2, 1024)]:
            layers += [self.add(f"head.fc{i}", nn.Linear(inputs, 1024)), nn.ReLU(True), self.dropout(0.5)]
        layers.append(self.add("head.logits", nn.Linear(1024, self.classes)))
        self.run = [layers]

    def forward(self, x):
        for layer in self.run[0]:
            x = layer(x)
        return x


class EmopyCnn(Net):
    shape, classes = (1, 64, 64), 8
    l2 = {"block1.conv1.weight": 0.01}
    forward = Vgg13.forward

    def __init__(self):
        super().__init__()
        same = lambda: SameConv(32, 32, 4, 1, 2)
        layers = [self.add("block1.conv1", nn.Conv2d(1, 32, 4)), nn.ReLU(True)]
        layers += [self.add("block1.conv2", same()), nn.ReLU(True), self.add("block1.bn2", keras_norm(32))]
        layers += [nn.MaxPool2d(2), self.dropout(0.5)]
        for block in (2, 3):
            for i in (1, 2):
                layers += [self.add(f"block{block}.conv{i}", same()), nn.ReLU(True)]
                layers.append(self.add(f"block{block}.bn{i}", keras_norm(32)))
            layers += [nn.MaxPool2d(2), self.dropout(0.5)]
        layers += [nn.Flatten(), self.add("head.logits", nn.Linear(32 * 7 * 7, self.classes))]
        self.run = [layers]


class MiniXception(Net):
    shape, classes = (1, 64, 64), 7
    l2 = {"base.conv1.weight": 0.01, "base.conv2.weight": 0.01}

    def __init__(self):
        super().__init__()
        base = []
        for i, inputs in [(1, 1), (2, 8)]:
            base += [self.add(f"base.conv{i}", nn.Conv2d(inputs, 8, 3, bias=False))]
            base += [self.add(f"base.bn{i}", keras_norm(8)), nn.ReLU(True)]
        modules, width, size = [], 8, 60
        for i, out in enumerate((16, 32, 64, 128), 1):
            modules.append(self.module(f"module{i}", width, out, size))
            width, size = out, -(-size // 2)
        self.run = [base, modules, self.add("head.conv", nn.Conv2d(width, self.classes, 3, padding=1))]

    def module(self, name, width, out, size):
        side = [self.add(f"{name}.residual.conv", nn.Conv2d(width, out, 1, stride=2, bias=False))]
        side.append(self.add(f"{name}.residual.bn", keras_norm(out)))
        main = []
        for i, inputs in [(1, width), (2, out)]:
            depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
            main.append(self.add(f"{name}.sep{i}.depthwise", depthwise))
            main.append(self.add(f"{name}.sep{i}.pointwise", nn.Conv2d(inputs, out, 1, bias=False)))
            main.append(self.add(f"{name}.bn{i}", keras_norm(out)))
            main += [nn.ReLU(True)] if i == 1 else []
        # SAME for a window of 3 and a stride of 2: an even size has one pixel more after, which is what a window that
        # hangs over the edge sees (ceil_mode, no copy); an odd size has one on each side.
        main.append(nn.MaxPool2d(3, 2, ceil_mode=True) if size % 2 == 0 else nn.MaxPool2d(3, 2, padding=1))
        return [side, main]

    def forward(self, x):
        base, modules, head = self.run
        for layer in base:
            x = layer(x)
        for side, main in modules:
            s = x
            for layer in side:
                s = layer(s)
            for layer in main:
                x = layer(x)
            x = x + s
        return head(x).mean((2, 3))


class Resnet18(Net):
    shape, classes = (1, 48, 48), 7

    def __init__(self):
        super().__init__()
        stem = [self.conv("conv1", 1, 64, 3, 1), self.add("bn1", nn.BatchNorm2d(64)), nn.ReLU(True)]
        blocks, width = [], 64
        for stage, out in enumerate((64, 128, 256, 512), 1):
            for i in (0, 1):
                blocks.append(self.block(f"layer{stage}.{i}", width, out, 2 if stage > 1 and i == 0 else 1))
                width = out
        self.run = [stem, blocks, self.add("fc", nn.Linear(512, self.classes))]

    def conv(self, name, i, o, k, stride):
        return self.add(name, nn.Conv2d(i, o, k, stride=stride, padding=k // 2, bias=False))

    def block(self, name, width, out, stride):
        main = []
        for i, inputs, step in [(1, width, stride), (2, out, 1)]:
            main += [self.conv(f"{name}.conv{i}", inputs, out, 3, step), self.add(f"{name}.bn{i}", nn.BatchNorm2d(out))]
            main += [nn.ReLU(True)] if i == 1 else []
        side = []
        if stride != 1 or width != out:
            side = [self.conv(f"{name}.downsample.0", width, out, 1, stride)]
            side.append(self.add(f"{name}.downsample.1", nn.BatchNorm2d(out)))
        return [side, main]

    def forward(self, x):
        stem, blocks, fc = self.run
        for layer in stem:
            x = layer(x)
        for side, main in blocks:
            s = x
            for layer in side:
                s = layer(s)
            for layer in main:
                x = layer(x)
            x = F.relu(x.add_(s), True)
        return fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Ferronet(Net):
    shape, classes = (1, 48, 48), 8

    def __init__(self):
        super().__init__()
        stages, width = [self.conv("stem", 1, 24)], 24
        for stage, (out, blocks) in enumerate([(48, 0), (96, 1), (192, 1)], 1):
            stages += [nn.MaxPool2d(2), self.conv(f"stage{stage}", width, out)]
            for block in range(blocks):
                stages.append(self.block(f"stage{stage}.block{block}", out))
            width = out
        self.run = [stages, self.dropout(0.2), self.add("fc", nn.Linear(width, self.classes))]

    def conv(self, name, i, o, last=True):
        layers = [self.add(f"{name}.conv", nn.Conv2d(i, o, 3, padding=1, bias=False)), self.add(f"{name}.bn", nn.BatchNorm2d(o))]
        return nn.Sequential(*layers, *[nn.ReLU(True)] * last)

    def block(self, name, width):
        return Residual(self.conv(f"{name}.1", width, width), self.conv(f"{name}.2", width, width, last=False))

    def forward(self, x):
        stages, dropout, fc = self.run
        for layer in stages:
            x = layer(x)
        return fc(dropout(F.adaptive_avg_pool2d(x, 1).flatten(1)))


class Residual(nn.Sequential):
    def forward(self, x):
        return F.relu(super().forward(x).add_(x), True)


class DepthwiseSeparable(Net):
    shape, classes = (1, 64, 64), 7
    forward = Vgg13.forward

    def __init__(self):
        super().__init__()
        layers = [self.add("stem.conv", nn.Conv2d(1, 32, 3, padding=1, bias=False))]
        layers += [self.add("stem.bn", nn.BatchNorm2d(32)), nn.ReLU(True)]
        blocks = [(64, True), (128, False), (128, True), (256, False), (256, True), (512, False), (512, False)]
        width = 32
        for i, (out, pooled) in enumerate(blocks, 1):
            depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
            layers += [self.add(f"block{i}.depthwise", depthwise)]
            layers += [self.add(f"block{i}.bn1", nn.BatchNorm2d(width)), nn.ReLU(True)]
            layers += [self.add(f"block{i}.pointwise", nn.Conv2d(width, out, 1, bias=False))]
            layers += [self.add(f"block{i}.bn2", nn.BatchNorm2d(out)), nn.ReLU(True)]
            layers += [nn.MaxPool2d(2)] if pooled else []
            width = out
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), self.add("head.logits", nn.Linear(512, self.classes))]
        self.run = [layers]


class MicroExpNet(Net):
    shape, classes = (1, 84, 84), 8
    forward = Vgg13.forward

    def __init__(self):
        super().__init__()
        layers = [self.add("conv1", nn.Conv2d(1, 16, 8, stride=2, padding=3)), nn.ReLU(True), nn.MaxPool2d(2)]
        layers += [self.add("conv2", SameConv(16, 32, 4, 1, 2, stride=2)), nn.ReLU(True)]
        layers += [nn.MaxPool2d(2, ceil_mode=True), nn.Flatten()]  # 11 -> 6: SAME, the border after
        layers += [self.add("fc1", nn.Linear(32 * 6 * 6, 48)), nn.ReLU(True), self.dropout(0.5)]
        layers += [self.add("logits", nn.Linear(48, self.classes))]
        self.run = [layers]


class Places(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.embedding = nn.Parameter(0.02 * torch.randn(tokens, dim))

    def forward(self, x):
        return x + self.embedding


class Vit(Net):
    """Attention by PyTorch's own fused operation."""

    shape, classes = (1, 48, 48), 7
    patch, dim, depth, heads = 6, 128, 4, 4

    def __init__(self):
        super().__init__()
        dim = self.dim
        self.add("patch_embed.proj", nn.Conv2d(1, dim, self.patch, stride=self.patch))
        self.add("pos_embed", Places((48 // self.patch) ** 2, dim))
        for i in range(self.depth):
            self.add(f"blocks.{i}.norm1", nn.LayerNorm(dim, eps=1e-6))
            self.add(f"blocks.{i}.attn.qkv", nn.Linear(dim, 3 * dim))
            self.add(f"blocks.{i}.attn.proj", nn.Linear(dim, dim))
            self.add(f"blocks.{i}.norm2", nn.LayerNorm(dim, eps=1e-6))
            self.add(f"blocks.{i}.mlp.fc1", nn.Linear(dim, 4 * dim))
            self.add(f"blocks.{i}.mlp.fc2", nn.Linear(4 * dim, dim))
        self.add("norm", nn.LayerNorm(dim, eps=1e-6))
        self.add("head", nn.Linear(dim, self.classes))

    def forward(self, x):
        x = self.pos_embed(self.patch_embed.proj(x).flatten(2).transpose(1, 2))
        n, t, d = x.shape
        for block in self.blocks.children():
            qkv = block.attn.qkv(block.norm1(x)).reshape(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(*qkv).transpose(1, 2).reshape(n, t, d)
            x = x + block.attn.proj(y)
            x = x + block.mlp.fc2(F.gelu(block.mlp.fc1(block.norm2(x))))
        return self.head(self.norm(x).mean(1))


NETS = {
    "vgg13": Vgg13,
    "emopy_cnn": EmopyCnn,
    "mini_xception": MiniXception,
    "resnet18": Resnet18,
    "ferronet": Ferronet,
    "depthwise_separable": DepthwiseSeparable,
    "micro_exp_net": MicroExpNet,
    "vit": Vit,
}
