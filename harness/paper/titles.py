"""A short sentence for each claim, for headings and lists; only the catalogue says what is judged."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {  # by the claim's id
    "error-rate": "The error on ILSVRC-2010 is as published",
    "error-rate-2012": "The error on ILSVRC-2012 is as published",
    "ten-view": "Ten views beat one centre view",
    "relu-speedup": "ReLU reaches 25 % training error sooner than tanh",
    "lrn": "Local response normalisation lowers the error",
    "lrn-cifar": "Local response normalisation lowers the CIFAR-10 error",
    "overlapping-pooling": "Overlapping pooling lowers the error",
    "two-gpu-error": "Two columns beat one with half the kernels",
    "two-gpu-time": "The two-GPU network trains in less time",
    "colour-augmentation": "Colour augmentation lowers the error",
    "crop-flip": "Without crops and flips the network overfits",
    "dropout-overfitting": "Without dropout the network overfits",
    "dropout-iterations": "Dropout needs more iterations",
    "weight-decay": "Weight decay lowers even the training error",
    "bias-init": "Biases of 1 speed up early training",
    "depth": "Removing any middle layer costs accuracy",
    "ensemble": "Averaging five networks beats one",
    "pretraining": "The error after pre-training is as published",
    "fall-2009": "The error on Fall 2009 is as published",
    "kernel-specialisation": "First-layer kernels split into grey and colour by column",
    "feature-neighbours": "Neighbours in feature space are alike",
    "architecture": "The network has the stated size",
    "training-time": "90 epochs take five to six days",
    "augmentation-cost": "Augmentation takes no time",
}
