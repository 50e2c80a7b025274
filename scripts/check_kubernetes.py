"""Holds the manifest of `--launcher kubernetes` against the schemas of the Kubernetes API, without a cluster.

    pip install kubernetes-validate
    python scripts/check_kubernetes.py target/release/ferrotype

A sweep's workers and a group's members, each with all options and with those alone that must be given, are written by
`--dry-run` and validated strictly (no unknown fields) for every version of the API that the package carries from 1.29 on.
"""

import os
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml
from kubernetes_validate.utils import all_versions

EXPERIMENT = """name: small
data: {path: none.h5, source: {synthetic: {count: 100, seed: 1, size: 24}}, split: own, preprocess: {size: 24}}
model: tiny_xception
train: {epochs: 2, batch_size: 32, lr: 4e-3}
"""
ALL = {
    "workers": 4, "jobs": 2, "namespace": "faces", "cpus": "8", "memory": "16Gi", "gpus": 2, "notice": 90, "retries": 5,
    "node_selector": {"gpu": "a100"}, "env": {"A": "yes", "B": "1"}, "program": "/usr/local/bin/ferrotype",
}


def manifests(program, place):
    """Pairs of a name and the manifest's text."""
    must = {"image": "registry.example/ferrotype:0.1", "claim": "shared", "mount": place}
    with open(os.path.join(place, "e.yaml"), "w") as file:
        file.write(EXPERIMENT)
    for name, options in [("all options", {**must, **ALL}), ("few options", must)]:
        sweep = {"name": "A_b.c", "experiment": "e.yaml", "space": {"train.lr": {"log": [1e-3, 1e-2]}}, "kubernetes": options}
        with open(os.path.join(place, "s.yaml"), "w") as file:
            yaml.safe_dump(sweep, file)
        with open(os.path.join(place, "o.yaml"), "w") as file:
            yaml.safe_dump(options, file)
        words = "--launcher kubernetes --dry-run"
        group = f"train --config e.yaml --seeds 0..3 --launcher-options o.yaml {words}"
        for kind, line in [("sweep", f"sweep --config s.yaml --out study {words}"), ("group", group)]:
            done = subprocess.run([program, *line.split()], cwd=place, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            yield f"{kind}, {name}", done.stdout


def main():
    program = os.path.abspath(sys.argv[1])
    known = sorted({tuple(map(int, v.split(".")[:2])) for v in all_versions()})
    versions = [f"{major}.{minor}" for major, minor in known if (major, minor) >= (1, 29)]
    with tempfile.TemporaryDirectory() as place:
        for name, text in manifests(program, os.path.realpath(place)):
            manifest = yaml.safe_load(text)
            for version in versions:
                kubernetes_validate.validate(manifest, version, strict=True)
            job = manifest["spec"]
            container = job["template"]["spec"]["containers"][0]
            print(f"{name}: valid for {versions[0]} to {versions[-1]}; {job['completions']} pods run", *container["command"], *container["args"])
    manifest["spec"]["completionsMode"] = "Indexed"
    try:
        kubernetes_validate.validate(manifest, versions[-1], strict=True)
    except kubernetes_validate.ValidationError:
        return
    sys.exit("error: the schema lets a misspelt field pass")


main()
