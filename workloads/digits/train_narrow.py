#!/usr/bin/env python3
"""Makes digits_w4a8.onnx and digits_w4a4.onnx: the network of train.py, trained further with narrow weights and activations.

No build step runs this; README.md says what it needs and how it was run. The float network is trained as train.py does and its batch
norms are folded; then every weight and activation is rounded in the forward pass while the gradient passes straight through, and the
scales are learned with the weights. The files hold QuantizeLinear and DequantizeLinear around float operators, weights as INT4.
"""
import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from onnx import TensorProto, helper

from train import BATCH, SEED, load, moved, train

EPOCHS = 60
CONVOLUTIONS = ["stem", "branch", "halve", "depthwise", "pointwise"]
STRIDES = {"halve": 2}
# Where the 4-bit network has 4-bit activations: the inputs of these layers. The stem reads the picture as it is; the array multiplies
# depthwise layers in 8 bits only.
NARROW_INPUTS = ["branch", "halve", "pointwise", "scores"]
# name: (type, lowest, highest, zero point)
TYPES = {"int8": (TensorProto.INT8, -128, 127, 0), "relu8": (TensorProto.INT8, -128, 127, -128), "uint4": (TensorProto.UINT4, 0, 15, 0)}
OUTPUT_TYPES = {"stem": "relu8", "branch": "int8", "sum": "relu8", "halve": "relu8", "depthwise": "relu8", "pointwise": "relu8", "scores": "int8"}


def weight_limit(name):
    return 127 if name == "depthwise" else 7


def fold(model):
    """Weights [h][w][in][out] (depthwise [h][w][c][1]) and bias [out] of each layer, batch norms folded in."""
    folded, layers = {}, model.layers
    for index, layer in enumerate(layers):
        if layer.name in CONVOLUTIONS:
            kernel = layer.get_weights()[0]
            norm = next(l for l in layers[index + 1:] if isinstance(l, tf.keras.layers.BatchNormalization))
            gamma, beta, mean, variance = norm.get_weights()
            factor = gamma / np.sqrt(variance + norm.epsilon)
            shape = [1, 1, -1, 1] if layer.name == "depthwise" else [1, 1, 1, -1]
            folded[layer.name] = (kernel * factor.reshape(shape), beta - mean * factor)
        elif layer.name == "scores":
            folded[layer.name] = tuple(layer.get_weights())
    return folded


def rounded(x, scale, lowest, highest):
    """x in whole steps of scale; the gradient is that of the clipped x, and reaches the scale too."""
    steps = tf.clip_by_value(x / scale, lowest, highest)
    return (steps + tf.stop_gradient(tf.round(steps) - steps)) * scale


class Narrow(tf.Module):
    """The network with rounded weights and activations; scales are kept as logarithms, so that they stay positive."""

    def __init__(self, folded, narrow_activations, pictures):
        super().__init__()
        self.narrow = NARROW_INPUTS if narrow_activations else []
        self.weights = {name: tf.Variable(w, name=name) for name, (w, _) in folded.items()}
        self.biases = {name: tf.Variable(b) for name, (_, b) in folded.items()}
        self.weight_scales = {name: tf.Variable(np.log(self.first_scale(name, w))) for name, (w, _) in folded.items()}
        self.scales = {}
        self(pictures)  # meets every activation once and takes its first scale from it

    @staticmethod
    def first_scale(name, w):
        axes = (0, 1, 3) if name == "depthwise" else tuple(range(w.ndim - 1))
        return (np.abs(w).max(axis=axes, keepdims=True) / weight_limit(name)).astype(np.float32)

    def weight(self, name):
        return rounded(self.weights[name], tf.exp(self.weight_scales[name]), -weight_limit(name), weight_limit(name))

    def activation(self, x, name, kind):
        _, lowest, highest, zero = TYPES[kind]
        if name not in self.scales:
            largest = np.quantile(np.abs(x.numpy()), 0.999 if kind == "uint4" else 1.0)
            self.scales[name] = tf.Variable(np.float32(np.log(largest / (highest - zero))), name=name)
        return rounded(x, tf.exp(self.scales[name]), lowest - zero, highest - zero)

    def input_of(self, x, name):
        return self.activation(x, name + "_input", "uint4") if name in self.narrow else x

    def convolution(self, x, name):
        x, stride = self.input_of(x, name), STRIDES.get(name, 1)
        if name == "depthwise":
            y = tf.nn.depthwise_conv2d(x, self.weight(name), [1, 1, 1, 1], "SAME")
        else:
            y = tf.nn.conv2d(x, self.weight(name), stride, "SAME")
        y = y + self.biases[name]
        y = y if name == "branch" else tf.nn.relu(y)
        return self.activation(y, name, OUTPUT_TYPES[name])

    def __call__(self, picture):
        stem = self.convolution(picture, "stem")
        x = tf.nn.relu(self.convolution(stem, "branch") + stem)
        x = self.convolution(self.activation(x, "sum", "relu8"), "halve")
        x = self.convolution(self.convolution(x, "depthwise"), "pointwise")
        x = tf.nn.avg_pool2d(tf.nn.max_pool2d(x, 2, 2, "VALID"), 2, 2, "VALID")
        x = rounded(x, tf.exp(self.scales["pointwise"]), 0, 255)
        x = self.input_of(tf.reshape(x, [-1, x.shape[-1]]), "scores")
        return self.activation(x @ self.weight("scores") + self.biases["scores"], "scores", "int8")


def train_further(net, pictures, labels):
    data = tf.data.Dataset.from_tensor_slices((pictures, labels)).shuffle(len(labels), seed=SEED)
    data = data.map(lambda picture, label: (moved(picture), label)).batch(BATCH)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(1e-3, EPOCHS * len(data)))
    variables = net.trainable_variables

    @tf.function
    def step(picture, label):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(label, net(picture))
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    optimizer.build(variables)
    for epoch in range(EPOCHS):
        loss = np.mean([step(*batch).numpy() for batch in data])
        print(f"epoch {epoch} loss {loss:.4f}", flush=True)


class File:
    """Collects nodes and constants of the ONNX graph."""

    def __init__(self, net):
        self.net, self.nodes, self.constants = net, [], []

    def constant(self, name, kind, value):
        value = np.asarray(value)
        self.constants.append(helper.make_tensor(name, kind, value.shape, value.flatten().tolist()))
        return name

    def node(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def rounded(self, x, name, scale, kind):
        """QuantizeLinear to the tensor `name` and DequantizeLinear from it."""
        number, _, _, zero = TYPES[kind]
        parts = [self.constant(name + "/scale", TensorProto.FLOAT, np.float32(scale)), self.constant(name + "/zero", number, zero)]
        self.node("QuantizeLinear", [x] + parts, name)
        return self.node("DequantizeLinear", [name] + parts, name + "/real")

    def weight(self, name, x_scale):
        """Weights [out][in][h][w] (fully connected [out][in]) and bias as DequantizeLinear of constants, a scale per output channel."""
        scale = np.exp(self.net.weight_scales[name].numpy())
        steps = np.clip(np.round(self.net.weights[name].numpy() / scale), -weight_limit(name), weight_limit(name))
        order = {"depthwise": (2, 3, 0, 1), "scores": (1, 0)}.get(name, (3, 2, 0, 1))
        kind = TensorProto.INT8 if weight_limit(name) == 127 else TensorProto.INT4
        scales = self.constant(f"{name}/weights/scale", TensorProto.FLOAT, scale.flatten().astype(np.float32))
        self.constant(f"{name}/weights", kind, steps.transpose(order).astype(np.int64))
        bias_scale = scale.flatten() * x_scale
        bias = np.round(self.net.biases[name].numpy() / bias_scale).astype(np.int64)
        self.constant(f"{name}/bias", TensorProto.INT32, bias)
        bias_scales = self.constant(f"{name}/bias/scale", TensorProto.FLOAT, bias_scale.astype(np.float32))
        return [self.node("DequantizeLinear", [f"{name}/weights", scales], f"{name}/weights/real", axis=0),
                self.node("DequantizeLinear", [f"{name}/bias", bias_scales], f"{name}/bias/real", axis=0)]

    def activation(self, x, name, kind):
        return self.rounded(x, name, np.exp(self.net.scales[name].numpy()), kind)

    def input_of(self, x, name, x_scale):
        if name not in self.net.narrow:
            return x, x_scale
        return self.activation(x, name + "_input", "uint4"), np.exp(self.net.scales[name + "_input"].numpy())

    def convolution(self, x, name, x_scale):
        x, x_scale = self.input_of(x, name, x_scale)
        stride = STRIDES.get(name, 1)
        pads = [0, 0, 0, 0] if name == "pointwise" else [0, 0, 1, 1] if stride == 2 else [1, 1, 1, 1]  # TensorFlow's SAME
        groups = self.net.weights[name].shape[2] if name == "depthwise" else 1
        y = self.node("Conv", [x] + self.weight(name, x_scale), name + "/sums", pads=pads, strides=[stride, stride], group=groups)
        y = y if name == "branch" else self.node("Relu", [y], name + "/relu")
        return self.activation(y, name, OUTPUT_TYPES[name]), np.exp(self.net.scales[name].numpy())


def export(net):
    file = File(net)
    scale = np.float32(1 / 255)
    parts = [file.constant("picture/scale", TensorProto.FLOAT, scale), file.constant("picture/zero", TensorProto.INT8, -128)]
    file.node("DequantizeLinear", ["picture"] + parts, "picture/real")
    x = file.node("Transpose", ["picture/real"], "picture/planes", perm=[0, 3, 1, 2])
    stem, scale = file.convolution(x, "stem", scale)
    x, _ = file.convolution(stem, "branch", scale)
    x = file.node("Relu", [file.node("Add", [x, stem], "sum/sums")], "sum/relu")
    x = file.activation(x, "sum", "relu8")
    x, scale = file.convolution(x, "halve", np.exp(net.scales["sum"].numpy()))
    x, scale = file.convolution(x, "depthwise", scale)
    x, scale = file.convolution(x, "pointwise", scale)
    x = file.rounded(file.node("MaxPool", [x], "max_pool/real_out", kernel_shape=[2, 2], strides=[2, 2]), "max_pool", scale, "relu8")
    x = file.rounded(file.node("AveragePool", [x], "average_pool/real_out", kernel_shape=[2, 2], strides=[2, 2]), "average_pool", scale, "relu8")
    x, scale = file.input_of(file.node("Flatten", [x], "flat"), "scores", scale)
    x = file.node("Gemm", [x] + file.weight("scores", scale), "scores/sums", transB=1)
    file.activation(x, "scores", "int8")
    file.nodes.pop()  # the network ends in the quantized scores
    ends = [helper.make_tensor_value_info("picture", TensorProto.INT8, [1, 8, 8, 1]),
            helper.make_tensor_value_info("scores", TensorProto.INT8, [1, 10])]
    graph = helper.make_graph(file.nodes, "digits", ends[:1], ends[1:], file.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10, producer_name="qmac workload digits")
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


# ---- the definition, evaluated without rounding errors: float64 holds all numbers here exactly ----


def windows(x, kernel, strides, pads):
    """[n][c][out h][out w][kh][kw] of x [n][c][h][w]."""
    padded = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    view = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))
    return view[:, :, :: strides[0], :: strides[1]]


def convolve(x, w, b, pads, strides, group):
    taps, groups = windows(x, w.shape[2:], strides, pads), []
    for g in range(group):
        inputs = taps[:, g * w.shape[1]:(g + 1) * w.shape[1]]
        filters = w[g * len(w) // group:(g + 1) * len(w) // group]
        groups.append(np.einsum("nchwij,ocij->nohw", inputs, filters))
    return np.concatenate(groups, axis=1) + b[:, np.newaxis, np.newaxis]


def dequantize(x, scale, zero=0, axis=1):
    shape = [-1 if d == axis else 1 for d in range(x.ndim)] if scale.ndim else []
    return (x.astype(np.float64) - zero) * scale.reshape(shape)


def quantize_to(lowest, highest):
    return lambda x, scale, zero: np.clip(np.rint(x / scale) + zero, lowest, highest)


def pool(reduce, x, kernel_shape, strides):
    return reduce(windows(x, kernel_shape, strides, [0, 0, 0, 0]), axis=(4, 5))


OPERATORS = {
    "DequantizeLinear": dequantize,
    "Conv": convolve,
    "Relu": lambda x: np.maximum(x, 0),
    "Add": lambda a, b: a + b,
    "Transpose": lambda x, perm: x.transpose(perm),
    "MaxPool": lambda x, **window: pool(np.max, x, **window),
    "AveragePool": lambda x, **window: pool(np.mean, x, **window),
    "Flatten": lambda x: x.reshape(len(x), -1),
    "Gemm": lambda x, w, b, transB: x @ w.T + b,
}


def reference(model_bytes, inputs):
    """What the operators of the file mean: [n][10]. Float engines differ where an average lies half way between two integers."""
    graph = onnx.load_model_from_string(model_bytes).graph
    values = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    kinds = {t.name: t.data_type for t in graph.initializer}
    values = {name: value.astype(np.float64) for name, value in values.items()}
    values["picture"] = inputs.astype(np.float64)
    ranges = {number: (lowest, highest) for number, lowest, highest, _ in TYPES.values()}
    for node in graph.node:
        operands = [values[name] for name in node.input]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        operator = quantize_to(*ranges[kinds[node.input[2]]]) if node.op_type == "QuantizeLinear" else OPERATORS[node.op_type]
        values[node.output[0]] = operator(*operands, **attributes)
    return values["scores"].astype(np.int8)


def onnx_runtime(model_bytes, inputs):
    """The same from ONNX Runtime in float32, operator by operator as written."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"picture": picture[np.newaxis]})[0] for picture in inputs])


def make(folder, name, folded, narrow_activations):
    pictures, labels, train_part, test_part = load()
    net = Narrow(folded, narrow_activations, pictures[train_part])
    train_further(net, pictures[train_part], labels[train_part])
    model_bytes = export(net)
    inputs = np.load(pathlib.Path(__file__).parent / "pictures.npy")  # as train.py left them
    outputs = reference(model_bytes, inputs)
    (folder / f"digits_{name}.onnx").write_bytes(model_bytes)
    np.save(folder / f"expected_output_{name}.npy", outputs[test_part])
    right, others = outputs.argmax(axis=1) == labels, onnx_runtime(model_bytes, inputs)
    print(f"{name}: {right[test_part].sum()} of {len(test_part)} held back, {right.sum()} of {len(labels)};"
          f" ONNX Runtime: {(others.argmax(axis=1) == labels)[test_part].sum()}, {np.mean(others != outputs):.2%} of the scores differ")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    folder = options.parse_args().output
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    pictures, labels, train_part, _ = load()
    folded = fold(train(pictures[train_part], labels[train_part]))
    make(folder, "w4a8", folded, False)
    make(folder, "w4a4", folded, True)


if __name__ == "__main__":
    main()
