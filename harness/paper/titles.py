"""A title and a finding in words for each claim; only the catalogue says what is judged."""

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

# What was measured for a claim, its estimate and metric in braces; must read well with either sign.
MEASURED: Mapping[str, str] = {
    "error-rate": "the {1} was {0}",
    "error-rate-2012": "the {1} was {0}",
    "ten-view": "the gain of ten views over one was {} of {}",
    "relu-speedup": "tanh needed {} as many epochs as ReLU",
    "lrn": "the gain from normalisation was {} of {}",
    "lrn-cifar": "the gain from normalisation was {} of {}",
    "overlapping-pooling": "the gain from overlapping windows was {} of {}",
    "two-gpu-error": "the gain of two columns over one was {} of {}",
    "two-gpu-time": "a step of the two-GPU network took {} as long as the one-GPU network's",
    "colour-augmentation": "the gain from colour noise was {} of {}",
    "crop-flip": "crops and flips narrowed the gap between test and training error by {}",
    "dropout-overfitting": "dropout narrowed the gap between test and training error by {}",
    "dropout-iterations": "with dropout, training took {} as many epochs to its first plateau",
    "weight-decay": "weight decay lowered the training loss by {}",
    "bias-init": "biases of 1 gave {} the area between chance loss and the training loss",
    "depth": "removing the least costly middle layer cost {} of {}",
    "ensemble": "the gain from averaging five networks was {} of {}",
    "kernel-specialisation": "the first layer's columns specialised in {} of the networks",
    "feature-neighbours": "neighbours by features shared the query's class more often than by pixels, by {}",
    "training-time": "90 epochs would take {}",
    "augmentation-cost": "a step with augmentation took {} the time of one without",
}
