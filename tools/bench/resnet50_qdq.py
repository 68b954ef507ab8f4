"""resnet50_qdq.py - the network of resnet50.c as a QDQ ONNX model with random weights, run by onnxruntime on one thread.

Prints the fastest of several runs in milliseconds. Activations are int8 or uint8, whichever onnxruntime runs faster here.
"""
import math
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
SCALE = np.float32(0.05)
RUNS = 10


class Builder:
    def __init__(self, zero):
        self.rng = np.random.default_rng(1)
        self.nodes, self.constants = [], []
        self.scale, self.zero = self.constant(SCALE), self.constant(zero)

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(self, kind, *inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def quantize(self, x):
        return self.op("DequantizeLinear", self.op("QuantizeLinear", x, self.scale, self.zero), self.scale, self.zero)

    def weights(self, shape, depth):
        """Random 8-bit weights with a scale per output channel that keeps outputs within their range, and biases of zero."""
        channels, scale = shape[0], 0.01 / math.sqrt(depth)
        scales = [self.constant(np.full(channels, s, np.float32)) for s in (scale, scale * SCALE)]
        values = self.constant(self.rng.integers(-127, 128, shape, dtype=np.int8))
        biases = self.constant(np.zeros(channels, np.int32))
        return self.op("DequantizeLinear", values, scales[0], axis=0), self.op("DequantizeLinear", biases, scales[1], axis=0)

    def conv(self, x, depth, channels, kernel, stride):
        weights, biases = self.weights((channels, depth, kernel, kernel), kernel * kernel * depth)
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        return self.quantize(self.op("Relu", self.op("Conv", x, weights, biases, **shape)))

    def bottleneck(self, x, depth, channels, stride):
        y = self.conv(self.conv(x, depth, channels, 1, 1), channels, channels, 3, stride)
        y = self.conv(y, channels, 4 * channels, 1, 1)
        shortcut = x if depth == 4 * channels and stride == 1 else self.conv(x, depth, 4 * channels, 1, stride)
        return self.quantize(self.op("Relu", self.op("Add", y, shortcut)))


def build(zero):
    b = Builder(zero)
    x, depth = b.conv(b.quantize("x"), 3, 64, 7, 2), 64
    x = b.quantize(b.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
    for stage, (channels, blocks) in enumerate(STAGES):
        for block in range(blocks):
            x = b.bottleneck(x, depth, channels, 2 if stage > 0 and block == 0 else 1)
            depth = 4 * channels
    x = b.op("Flatten", b.quantize(b.op("GlobalAveragePool", x)))
    weights, biases = b.weights((1000, depth), depth)
    y = b.quantize(b.op("Gemm", x, weights, biases, transB=1))
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 224, 224]), (y, [1, 1000]))]
    graph = helper.make_graph(b.nodes, "resnet50", ports[:1], ports[1:], b.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def fastest_ms(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    image = {"x": np.random.default_rng(2).standard_normal((1, 3, 224, 224), dtype=np.float32)}
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(None, image)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


print(f"{min(fastest_ms(build(np.int8(-4))), fastest_ms(build(np.uint8(124)))):.1f}")
