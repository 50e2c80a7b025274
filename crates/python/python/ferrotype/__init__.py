"""Ferrotype trains and benchmarks facial-expression models from one YAML file.

>>> import ferrotype
>>> run = ferrotype.train("configs/quickstart.yaml", {"train.epochs": 3})
>>> run.metrics["accuracy"], run.predict("face.jpg").label

``ferrotype init my-experiments`` on the command line writes a folder with configs to start from. Numbers are those of the command
line, bit for bit: both are one native library.
"""

from ferrotype._analysis import Analysis, analyze
from ferrotype._dataset import Dataset
from ferrotype._experiment import Epoch, Experiment, train
from ferrotype._native import (
    AnalysisError,
    DatasetError,
    Error,
    ExperimentError,
    ExportError,
    Interrupted,
    PictureError,
    PredictionError,
    RunError,
    TrainingError,
    __version__,
)
from ferrotype._run import Plot, Prediction, Predictor, Run
from ferrotype._table import Table

__all__ = [
    "Analysis",
    "AnalysisError",
    "Dataset",
    "DatasetError",
    "Epoch",
    "Error",
    "Experiment",
    "ExperimentError",
    "ExportError",
    "Interrupted",
    "PictureError",
    "Plot",
    "Prediction",
    "PredictionError",
    "Predictor",
    "Run",
    "RunError",
    "Table",
    "TrainingError",
    "__version__",
    "analyze",
    "train",
]
