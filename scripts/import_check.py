#!/usr/bin/env python3
"""Files as Keras and torchvision write them, and what their own code computes from them, to check `ferrotype import`.

    pip install numpy h5py torch==2.9.0 torchvision==0.24.0 onnxruntime
    python scripts/import_check.py write FOLDER
    ferrotype import --model big_xception --from FOLDER/big_xception.hdf5 --out FOLDER/big
    ferrotype import --model mobilenet_v2 --from FOLDER/mobilenet_v2.pth --out FOLDER/mobilenet --set data.preprocess.size=64
    ferrotype import --model resnet18 --from FOLDER/resnet18.pth --out FOLDER/resnet18 --set data.preprocess.size=64
    ferrotype import --model efficientnet_b0 --from FOLDER/efficientnet_b0.pth --out FOLDER/efficientnet_b0 --set data.preprocess.size=64
    ferrotype import --model mobilenet_v3 --from FOLDER/mobilenet_v3_small.pth --out FOLDER/mobilenet_v3_small --set data.preprocess.size=64
    ferrotype export --run FOLDER/big --data H5 --out FOLDER/big.onnx
    ferrotype export --run FOLDER/mobilenet --data H5 --common-classes --out FOLDER/mobilenet.onnx
    ferrotype export --run FOLDER/efficientnet_b0 --out FOLDER/efficientnet_b0.onnx        # without data, on drawn faces
    ferrotype export --run FOLDER/mobilenet_v3_small --out FOLDER/mobilenet_v3_small.onnx
    python scripts/import_check.py compare FOLDER

`write` makes random weights. big_XCEPTION's file has the groups, names and attributes of Keras 2 (layers sorted by depth,
arbitrary counters); its network is written out here in PyTorch. `compare` runs the ONNX files on random pixels.
"""
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
import torchvision

SEED = 5
CLASSES = 7


def same(x, kernel, stride, value=0.0):
    """TensorFlow's SAME border."""
    total = max((-(-x.shape[2] // stride) - 1) * stride + kernel - x.shape[2], 0)
    a, b = total // 2, total - total // 2
    return F.pad(x, [a, b, a, b], value=value)


def big_xception_layers(rng):
    """Keras' layers in the order of `model.layers`, with their weights."""
    def conv(name, h, i, o, bias=False):
        w = {"kernel": rng.normal(0, (2 / (h * h * i)) ** 0.5, (h, h, i, o))}
        return (name, w | ({"bias": rng.normal(0, 0.1, o)} if bias else {}))

    def sep(name, i, o):
        return (name, {"depthwise_kernel": rng.normal(0, 0.4, (3, 3, i, 1)), "pointwise_kernel": rng.normal(0, (2 / i) ** 0.5, (1, 1, i, o))})

    def norm(name, c):
        return (name, {"gamma": rng.uniform(0.5, 1.5, c), "beta": rng.normal(0, 0.2, c),
                       "moving_mean": rng.normal(0, 0.2, c), "moving_variance": rng.uniform(0.5, 1.5, c)})

    return [
        ("input_9", {}), conv("conv2d_31", 3, 1, 32), norm("block1_conv1_bn", 32), ("block1_conv1_act", {}),
        conv("conv2d_32", 3, 32, 64), norm("block1_conv2_bn", 64), ("block1_conv2_act", {}),
        sep("separable_conv2d_12", 64, 128), norm("block2_sepconv1_bn", 128), ("block2_sepconv2_act", {}),
        sep("separable_conv2d_13", 128, 128), norm("block2_sepconv2_bn", 128), conv("conv2d_33", 1, 64, 128),
        ("max_pooling2d_4", {}), norm("batch_normalization_99", 128), ("add_4", {}), ("block3_sepconv1_act", {}),
        sep("separable_conv2d_14", 128, 256), norm("block3_sepconv1_bn", 256), ("block3_sepconv2_act", {}),
        sep("separable_conv2d_15", 256, 256), norm("block3_sepconv2_bn", 256), conv("conv2d_34", 1, 128, 256),
        ("max_pooling2d_5", {}), norm("batch_normalization_100", 256), ("add_5", {}),
        conv("conv2d_35", 3, 256, CLASSES, bias=True), ("global_average_pooling2d_3", {}), ("predictions", {}),
    ]


def write_keras(path, layers):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.0.5", "tensorflow"
        model = file.create_group("model_weights")
        model.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, weights in layers:
            group = model.create_group(name)
            group.attrs["weight_names"] = [f"{name}_1/{w}:0".encode() for w in weights]
            for w, value in weights.items():
                group[f"{name}_1/{w}:0"] = value.astype(np.float32)
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = [b"iterations:0"]
        group["iterations:0"] = np.float32(7)


def big_xception(layers, x):
    w = {name: {k: torch.tensor(v, dtype=torch.float64) for k, v in weights.items()} for name, weights in layers}

    def conv(x, name, stride=1, border=False):
        kernel = w[name]["kernel"].permute(3, 2, 0, 1)
        x = same(x, kernel.shape[2], stride) if border else x
        return F.conv2d(x, kernel, w[name].get("bias"), stride)

    def sep(x, name):
        x = F.conv2d(same(x, 3, 1), w[name]["depthwise_kernel"].permute(2, 3, 0, 1), groups=x.shape[1])
        return F.conv2d(x, w[name]["pointwise_kernel"].permute(3, 2, 0, 1))

    def norm(x, name):
        n = w[name]
        return F.batch_norm(x, n["moving_mean"], n["moving_variance"], n["gamma"], n["beta"], eps=1e-3)

    def pool(x):
        return F.max_pool2d(same(x, 3, 2, -torch.inf), 3, 2)

    x = F.relu(norm(conv(x, "conv2d_31", 2), "block1_conv1_bn"))
    x = F.relu(norm(conv(x, "conv2d_32"), "block1_conv2_bn"))
    r = norm(conv(x, "conv2d_33", 2, True), "batch_normalization_99")
    x = F.relu(norm(sep(x, "separable_conv2d_12"), "block2_sepconv1_bn"))
    x = pool(norm(sep(x, "separable_conv2d_13"), "block2_sepconv2_bn")) + r
    r = norm(conv(x, "conv2d_34", 2, True), "batch_normalization_100")
    x = F.relu(norm(sep(F.relu(x), "separable_conv2d_14"), "block3_sepconv1_bn"))
    x = pool(norm(sep(x, "separable_conv2d_15"), "block3_sepconv2_bn")) + r
    return conv(x, "conv2d_35", 1, True).mean((2, 3))


def torch_model(name):
    torch.manual_seed(SEED)
    model = getattr(torchvision.models, name)(num_classes=CLASSES).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.copy_(torch.rand_like(p) + (0.5 if name.endswith("weight") else -0.5))
            elif "classifier" not in name and "fc" not in name:
                p.normal_(0, (2 / (p.numel() / p.shape[0])) ** 0.5)
        for name, b in model.named_buffers():
            if b.dim() == 1:
                b.copy_(torch.rand_like(b) + (0.5 if name.endswith("var") else -0.5))
    return model


def main():
    command, folder = sys.argv[1], Path(sys.argv[2])
    layers = big_xception_layers(np.random.default_rng(SEED))
    if command == "write":
        folder.mkdir(parents=True, exist_ok=True)
        write_keras(folder / "big_xception.hdf5", layers)
        for name in ["mobilenet_v2", "efficientnet_b0", "mobilenet_v3_small"]:
            torch.save(torch_model(name).state_dict(), folder / f"{name}.pth")
        checkpoint = {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in torch_model("resnet18").state_dict().items()}}
        torch.save(checkpoint, folder / "resnet18.pth")
        return
    import onnxruntime

    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    rng = np.random.default_rng(SEED)
    for name in ["big", "mobilenet", "resnet18", "efficientnet_b0", "mobilenet_v3_small"]:
        path = folder / f"{name}.onnx"
        if not path.exists():
            continue
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        pixels = rng.uniform(0, 255, (4, *session.get_inputs()[0].shape[1:])).astype(np.float32)
        (ours,) = session.run(["logits"], {"pixels": pixels})
        x = torch.tensor(pixels).double() / 255
        with torch.no_grad():
            if name == "big":
                theirs = big_xception(layers, (x - 0.5) * 2)
            else:
                model = torch_model({"mobilenet": "mobilenet_v2"}.get(name, name)).double()
                theirs = model((x - mean) / std)
        theirs = theirs.numpy()
        difference, spread = np.abs(ours - theirs).max(), np.ptp(theirs)
        print(f"{name}: largest difference of a logit {difference:.1e} ({difference / spread:.1e} of their range)")


main()
