#!/usr/bin/env python3
"""Makes digits_int8.tflite and the .npy files beside it. No build step runs this; README.md says what it needs and how it was run.

The idea: a network small enough to commit, with every operator that the machine is about, trained on data that may be passed on.
Training fixes every seed, but floating point differs between machines, so a second run gives a network as good, not the same bytes.
"""
import argparse
import pathlib

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tflite_micro import runtime

SEED = 1998
HELD_BACK = 360
CALIBRATION = 200  # of the pictures that were trained on, for qmac quantize
EPOCHS = 80
BATCH = 32
BRIGHTEST = 16  # pictures hold 0..16


def load():
    """The pictures as float32 [1797][8][8][1] in 0..1, their digits, and the indices of the two parts."""
    digits = load_digits()
    pictures = (digits.images / BRIGHTEST).astype(np.float32)[..., np.newaxis]
    labels = digits.target.astype(np.int32)
    train, test = train_test_split(np.arange(len(labels)), test_size=HELD_BACK, stratify=labels, random_state=SEED)
    return pictures, labels, np.sort(train), np.sort(test)


def convolution(x, name, channels, size, stride=1, relu=True):
    layers = tf.keras.layers
    x = layers.Conv2D(channels, size, strides=stride, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if relu else x


def network():
    layers = tf.keras.layers
    picture = tf.keras.Input((8, 8, 1))
    stem = convolution(picture, "stem", 16, 3)
    x = convolution(stem, "branch", 16, 3, relu=False)
    x = layers.ReLU()(layers.Add()([x, stem]))
    x = convolution(x, "halve", 32, 3, stride=2)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = convolution(x, "pointwise", 32, 1)
    x = layers.MaxPooling2D(2)(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.2)(x)
    return tf.keras.Model(picture, layers.Dense(10, activation="softmax", name="scores")(x))


def moved(picture):
    """One pixel or none in each direction: the same digit, written elsewhere."""
    padded = tf.pad(picture, [[1, 1], [1, 1], [0, 0]])
    return tf.image.random_crop(padded, [8, 8, 1])


def train(pictures, labels):
    data = tf.data.Dataset.from_tensor_slices((pictures, labels)).shuffle(len(labels), seed=SEED)
    data = data.map(lambda picture, label: (moved(picture), label)).batch(BATCH)
    model = network()
    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * len(data))
    model.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(data, epochs=EPOCHS, verbose=2)
    return model


def converter_of(model):
    call = tf.function(lambda picture: model(picture, training=False))
    function = call.get_concrete_function(tf.TensorSpec([1, 8, 8, 1], tf.float32, "picture"))
    return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(function)])


def quantize(model, pictures):
    """Post-training quantization to int8, input and output included; batch 1; one scale for the fully connected weights."""
    converter = converter_of(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[np.newaxis]] for picture in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return converter.convert()


NAMES = ["stem", "branch", "sum", "halve", "depthwise", "pointwise", "max_pool", "average_pool", "scores", "probabilities"]


def tidy(model_bytes):
    """Names the tensors after the layers and drops what no reader needs: metadata, signatures, unused buffers."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(model_bytes))
    graph = model.subgraphs[0]
    assert len(graph.operators) == len(NAMES), [model.operatorCodes[op.opcodeIndex].builtinCode for op in graph.operators]
    graph.tensors[graph.inputs[0]].name = "picture"
    for op, name in zip(graph.operators, NAMES):
        graph.tensors[op.outputs[0]].name = name
        for tensor, part in zip(op.inputs[1:], ["weights", "bias"]):
            if model.buffers[graph.tensors[tensor].buffer].data is not None:
                graph.tensors[tensor].name = f"{name}/{part}"
    empty = type(model.buffers[0])()
    buffers = [empty]
    for tensor in graph.tensors:
        buffer = model.buffers[tensor.buffer]
        tensor.buffer = 0 if buffer.data is None else len(buffers)
        if tensor.buffer:
            buffers.append(buffer)
    model.buffers, model.metadata, model.metadataBuffer, model.signatureDefs = buffers, None, None, None
    model.description, graph.name = "qmac workload digits", "main"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def as_input(model_bytes, pictures):
    detail = tf.lite.Interpreter(model_content=model_bytes).get_input_details()[0]
    scale, zero = detail["quantization"]
    return np.clip(np.round(pictures / scale) + zero, -128, 127).astype(np.int8)


def reference(model_bytes, inputs):
    """What TFLite Micro's reference kernels compute: the output bytes, [n][10]."""
    interpreter = runtime.Interpreter.from_bytes(model_bytes)
    outputs = []
    for picture in inputs:
        interpreter.set_input(picture[np.newaxis], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    return np.array(outputs)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    folder = options.parse_args().output
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    pictures, labels, train_part, test_part = load()
    model = train(pictures[train_part], labels[train_part])
    model_bytes = tidy(quantize(model, pictures[train_part]))
    float_bytes = tidy(converter_of(model).convert())
    inputs = as_input(model_bytes, pictures)
    outputs = reference(model_bytes, inputs)

    (folder / "digits_float32.tflite").write_bytes(float_bytes)
    (folder / "digits_int8.tflite").write_bytes(model_bytes)
    np.save(folder / "pictures.npy", inputs)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "test_pictures.npy", inputs[test_part])
    np.save(folder / "test_labels.npy", labels[test_part])
    np.save(folder / "expected_output.npy", outputs[test_part])
    np.save(folder / "calibration_float32.npy", pictures[train_part][:CALIBRATION])
    np.save(folder / "test_float32.npy", pictures[test_part])
    real = model.predict(pictures, verbose=0).argmax(axis=1) == labels
    right = outputs.argmax(axis=1) == labels
    for name, part in [("train", train_part), ("held back", test_part), ("all", np.arange(len(labels)))]:
        print(f"{name}: {len(part)} pictures, float {real[part].sum()} right, int8 {right[part].sum()} right ({right[part].mean():.4f})")


if __name__ == "__main__":
    main()
