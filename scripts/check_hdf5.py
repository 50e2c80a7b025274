#!/usr/bin/env python3
"""Reads HDF5 files of Ferrotype with the HDF Group's library: every dataset, all values.

    pip install numpy h5py
    scripts/check_hdf5.py faces.h5 clips.h5 ...

Prints one JSON object: of each file its datasets with shape, type, number of values and sum (of text: the texts). Exit code 1
where a digest that a file carries is not that of the values read. `tests/hdf5.rs` runs it on every kind of file.
"""
import hashlib
import json
import sys

import h5py
import numpy as np


def described(dataset):
    values = dataset[()]
    if h5py.check_string_dtype(dataset.dtype):
        return {"shape": list(dataset.shape), "type": "text", "texts": [str(v) for v in dataset.asstr()[()].ravel()]}
    return {"shape": list(dataset.shape), "type": str(values.dtype), "sum": float(np.asarray(values, np.float64).sum())}


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def carried(file):
    """Pairs of a digest that the file carries and the one of its values."""
    attributes = file.attrs
    if "shard_files" in file:
        folder = file.filename + ".shards"
        parts = [open(f"{folder}/{name}", "rb").read() for name in file["shard_files"].asstr()[()]]
        yield attributes["images_sha256"], sha256(*parts)
        yield from zip(file["shard_sha256"].asstr()[()], map(sha256, parts))
        stored, lengths = b"".join(parts), file["picture_bytes"][()].astype(np.int64)
        for end, length, digest in zip(np.cumsum(lengths), lengths, file["picture_sha256"][()]):
            if attributes["storage"] == "raw":
                sides = np.array([attributes[side] for side in ("height", "width", "channels")], "<u8")
                yield digest.tobytes().hex(), sha256(sides.tobytes(), stored[end - length : end])
    elif "images_sha256" in attributes:
        yield attributes["images_sha256"], sha256(file["images"][()].tobytes())
    if "part_sha256" in file:
        for name, digest in zip(file["parts"].asstr()[()], file["part_sha256"].asstr()[()]):
            yield digest, sha256(file[f"part_{name}"][()].tobytes())
    if "values_sha256" in attributes:
        parts = []
        for dataset in sorted(file.values(), key=lambda d: h5py.h5o.get_info(d.id).addr):
            values = dataset[()].astype("<f4")
            parts += [values.size.to_bytes(8, "little"), values.tobytes()]
        yield attributes["values_sha256"], sha256(*parts)


def main():
    found, wrong = {}, []
    for path in sys.argv[1:]:
        with h5py.File(path, "r") as file:
            datasets = {}
            file.visititems(lambda name, item: datasets.update({name: described(item)} if isinstance(item, h5py.Dataset) else {}))
            found[path] = {"format": str(file.attrs["format"]), "datasets": datasets}
            wrong += [path for there, here in carried(file) if str(there) != here]
    print(json.dumps(found))
    if wrong:
        sys.exit(f"digests differ in {', '.join(wrong)}")


if __name__ == "__main__":
    main()
