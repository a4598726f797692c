"""Networks of the shapes that people use, with random weights: what test_exports.py exports and bench/network.py times.

make(NAME) gives (module, shape of one sample). Their normalisations hold the statistics of random data, so that activations
keep their scale through the depth, as in a trained network."""
import math

import torch
import torch.nn.functional as F
from torch import nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(torch.sigmoid(self.conv2(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc3(F.elu(self.fc2(x))), 1)


class Vgg(nn.Module):
    def __init__(self, widths=(16, "pool", 32, "pool", 64, 64, "pool"), classes=10):
        super().__init__()
        layers, before = [], 3
        for width in widths:
            if width == "pool":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                before = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(nn.Linear(4 * before, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


class Block(nn.Module):
    """The basic block of ResNet-18, or the bottleneck of ResNet-50."""

    def __init__(self, before, width, stride, bottleneck):
        super().__init__()
        after = 4 * width if bottleneck else width
        sizes = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)] if bottleneck else \
            [(before, width, 3, stride), (width, after, 3, 1)]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, k, s, k // 2, bias=False) for a, b, k, s in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b, _, _ in sizes)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = None if stride == 1 and before == after else \
            nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        out = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            out = norm(conv(out))
            if i + 1 < len(self.convs):
                out = self.relu(out)
        return self.relu(out + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    def __init__(self, blocks, bottleneck, classes=1000):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        layers, before = [], 64
        for stage, count in enumerate(blocks):
            for i in range(count):
                layers.append(Block(before, 64 << stage, 2 if stage and not i else 1, bottleneck))
                before = (64 << stage) * (4 if bottleneck else 1)
        self.layers = nn.Sequential(*layers)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(before, classes)

    def forward(self, x):
        x = self.layers(self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class DenseNet(nn.Module):
    """Pre-activation, concatenation of all that came before, average pools between."""

    def __init__(self, blocks=(3, 4, 3), growth=12, classes=10):
        super().__init__()
        width = 2 * growth
        self.first = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.dense, self.transitions = nn.ModuleList(), nn.ModuleList()
        for count in blocks:
            layers = nn.ModuleList()
            for _ in range(count):
                layers.append(nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 4 * growth, 1, bias=False),
                                            nn.BatchNorm2d(4 * growth), nn.ReLU(),
                                            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)))
                width += growth
            self.dense.append(layers)
            self.transitions.append(nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(),
                                                  nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)))
            width //= 2
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        x = self.first(x)
        for layers, transition in zip(self.dense, self.transitions):
            seen = [x]
            for layer in layers:
                seen.append(layer(torch.cat(seen, 1)))
            x = transition(torch.cat(seen, 1))
        return self.fc(x.mean((2, 3)))


class Inverted(nn.Sequential):
    def __init__(self, before, after, stride, expand):
        width, layers = before * expand, []
        if expand != 1:
            layers += [nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU6()]
        layers += [nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False), nn.BatchNorm2d(width), nn.ReLU6(),
                   nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after)]
        super().__init__(*layers)
        self.adds = stride == 1 and before == after

    def forward(self, x):
        return x + super().forward(x) if self.adds else super().forward(x)


class MobileNetV2(nn.Module):
    plan = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, classes=1000):
        super().__init__()
        layers, before = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()], 32
        for expand, width, count, stride in self.plan:
            for i in range(count):
                layers.append(Inverted(before, width, 1 if i else stride, expand))
                before = width
        layers += [nn.Conv2d(before, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class UNet(nn.Module):
    """up: transpose (ConvTranspose), bilinear or nearest (Resize)."""

    def __init__(self, up, width=8, classes=3):
        super().__init__()
        def double(before, after):
            return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(2, after), nn.LeakyReLU(0.1),
                                 nn.Conv2d(after, after, 3, padding=1), nn.InstanceNorm2d(after, affine=True), nn.SiLU())
        self.down1, self.down2, self.bottom = double(1, width), double(width, 2 * width), double(2 * width, 4 * width)
        self.up2, self.up1 = (nn.ConvTranspose2d(w, w // 2, 2, 2) if up == "transpose" else nn.Sequential(
            nn.Upsample(scale_factor=2, mode=up, **({} if up == "nearest" else {"align_corners": False})),
            nn.Conv2d(w, w // 2, 1)) for w in (4 * width, 2 * width))
        self.right2, self.right1 = double(4 * width, 2 * width), double(2 * width, width)
        self.out = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        x = self.bottom(F.max_pool2d(b, 2))
        x = self.right2(torch.cat([self.up2(x), b], 1))
        return F.softmax(self.out(self.right1(torch.cat([self.up1(x), a], 1))), 1)


class Attention(nn.Module):
    """As people write it by hand: one matrix for queries, keys and values."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.project = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)).softmax(-1)
        return self.project((weights @ v).transpose(1, 2).reshape(n, length, width))


class Encoder(nn.Module):
    def __init__(self, width, heads, by_hand):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads) if by_hand else nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        y = self.norm1(x)
        x = x + (self.attention(y) if isinstance(self.attention, Attention)
                 else self.attention(y, y, y, need_weights=False)[0])
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, by_hand, side=32, patch=8, width=32, depth=2, heads=4, classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Encoder(width, heads, by_hand) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width)
        self.wide, self.gelu, self.narrow = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.rand(width))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.narrow(self.gelu(self.wide(y)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, widths=(16, 32), classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 4, 4)
        self.stages = nn.ModuleList(nn.Sequential(ConvNeXtBlock(w), ConvNeXtBlock(w)) for w in widths)
        self.down = nn.Conv2d(widths[0], widths[1], 2, 2)
        self.norm, self.head = nn.LayerNorm(widths[1]), nn.Linear(widths[1], classes)

    def forward(self, x):
        x = self.stages[1](self.down(self.stages[0](self.stem(x))))
        return self.head(self.norm(x.mean((-2, -1))))


class Cnn1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(2, 8, 7, stride=2, padding=3), nn.BatchNorm1d(8)
        self.conv2, self.bn2 = nn.Conv1d(8, 16, 5, padding=4, dilation=2, groups=2), nn.BatchNorm1d(16)
        self.up, self.prelu, self.fc = nn.ConvTranspose1d(16, 8, 4, 2, 1), nn.PReLU(8), nn.Linear(8, 4)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = F.avg_pool1d(F.softplus(self.bn2(self.conv2(x))), 2, ceil_mode=True)
        return self.fc(self.prelu(self.up(x)).amax(2))


class Cnn3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4)
        self.conv2, self.bn2 = nn.Conv3d(4, 8, (3, 1, 3), stride=(1, 2, 2), groups=2), nn.BatchNorm3d(8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.avg_pool3d(F.hardswish(self.bn2(self.conv2(x))), (1, 2, 2))
        return self.fc(F.adaptive_avg_pool3d(x, 1).flatten(1))


TABLE = {
    "lenet": (LeNet, (1, 28, 28)),
    "vgg": (Vgg, (3, 32, 32)),
    "resnet18": (lambda: ResNet((2, 2, 2, 2), False), (3, 64, 64)),
    "resnet18-224": (lambda: ResNet((2, 2, 2, 2), False), (3, 224, 224)),
    "resnet50": (lambda: ResNet((3, 4, 6, 3), True), (3, 64, 64)),
    "densenet": (DenseNet, (3, 32, 32)),
    "mobilenet-v2": (MobileNetV2, (3, 64, 64)),
    "mobilenet-v2-224": (MobileNetV2, (3, 224, 224)),
    "unet-transpose": (lambda: UNet("transpose"), (1, 32, 48)),
    "unet-bilinear": (lambda: UNet("bilinear"), (1, 32, 48)),
    "unet-nearest": (lambda: UNet("nearest"), (1, 32, 48)),
    "vit": (lambda: ViT(False), (3, 32, 32)),
    "vit-by-hand": (lambda: ViT(True), (3, 32, 32)),
    "convnext": (ConvNeXt, (3, 64, 64)),
    "cnn-1d": (Cnn1d, (2, 64)),
    "cnn-3d": (Cnn3d, (1, 8, 20, 20)),
}


def make(name, seed=0):
    torch.manual_seed(seed)
    build, shape = TABLE[name]
    model = build()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif getattr(module, "affine", False) or isinstance(module, nn.LayerNorm):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.2)
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        for module in model.modules():
            # Else every block of an untrained network magnifies rounding.
            if isinstance(module, Block):
                module.norms[-1].weight *= 0.3
            elif isinstance(module, Inverted) and module.adds:
                module[-1].weight *= 0.3
        model.train()(torch.rand(16 if max(shape) < 100 else 4, *shape))
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # channels that hardly vary would only magnify rounding
                module.running_var.clamp_(min=0.1 * module.running_var.mean())
    return model.eval(), shape
