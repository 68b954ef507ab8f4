"""quantizers.py - float networks quantized by onnxruntime's static quantizer and by the LiteRT quantizer, beside the files of qmac.

usage: quantizers.py FOLDER PRECISION NETWORK FLOAT.tflite, where FOLDER is what quantize_networks has written. Each half of the examples
calibrates once and is judged once. Prints the SQNR of what goes into a last softmax, or of the output, and agreement with the float network.
Files run in onnxruntime without optimizations, operator by operator, because its fused operators saturate on some processors.
"""
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
from onnxruntime import quantization

HALVES = 2
BITS = {"w8a8": 8, "w4a8": 4}
OPSET_INT4 = 21
SAME = 1e-5  # of the largest output: the softmax's floats may differ, but no integer
# Sums in float32 are not exact, as those of the machine are: where one is near half a step its integer may be the next one, and what is
# computed of it another. So few examples may differ.
MOST_DIFFERENT = 0.25


def logits_of(graph):
    """The input of a softmax that makes the output, or the output."""
    made = {output: node for node in graph.node for output in node.output}
    name = graph.output[0].name
    node = made.get(name)
    while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear", "Reshape", "Transpose"):
        node = made.get(node.input[0])
    return node.input[0] if node is not None and node.op_type == "Softmax" else name


def run_onnx(file, examples, name=None):
    """A tensor for each example, or what logits_of names."""
    model = onnx.load(file)
    name = name or logits_of(model.graph)
    if name != model.graph.output[0].name:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name
    return np.concatenate([session.run([name], {given: example[np.newaxis]})[0].reshape(1, -1) for example in examples])


class Reader(quantization.CalibrationDataReader):
    def __init__(self, name, examples):
        self.feeds = iter([{name: example[np.newaxis]} for example in examples])

    def get_next(self):
        return next(self.feeds, None)


def by_onnxruntime(network, examples, bits, work):
    """Weights symmetric by channel, activations asymmetric of 8 bits, smallest to largest: its defaults but for the channels."""
    model = onnx.load(network)
    if bits == 4 and model.opset_import[0].version < OPSET_INT4:
        model = onnx.version_converter.convert_version(model, OPSET_INT4)
    kind = {8: quantization.QuantType.QInt8, 4: quantization.QuantType.QInt4}[bits]
    file = os.path.join(work, "onnxruntime.onnx")
    quantization.quantize_static(model, file, Reader(model.graph.input[0].name, examples), per_channel=True, weight_type=kind)
    return file


def with_signature(file):
    """A .tflite with a signature of input x and output y, without which the LiteRT quantizer cannot calibrate."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    with open(file, "rb") as read:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(read.read()), 0))
    signature, graph = schema.SignatureDefT(), model.subgraphs[0]
    signature.signatureKey, signature.subgraphIndex = b"main", 0
    signature.inputs, signature.outputs = [schema.TensorMapT()], [schema.TensorMapT()]
    signature.inputs[0].name, signature.inputs[0].tensorIndex = b"x", graph.inputs[0]
    signature.outputs[0].name, signature.outputs[0].tensorIndex = b"y", graph.outputs[0]
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def by_litert(network, examples, bits, work):
    """Its static recipe, with all operators that it takes at these bits; others stay in float."""
    from ai_edge_quantizer import qtyping, quantizer, recipe_manager

    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(regex=".*", operation_name=qtyping.TFLOperationName.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=bits)
    tool = quantizer.Quantizer(with_signature(network), recipe.get_quantization_recipe())
    shown = tool.calibrate({"main": [{"x": example[np.newaxis]} for example in examples]})
    file = os.path.join(work, "litert.tflite")
    with open(file, "wb") as out:
        out.write(tool.quantize(shown, enable_progress_report=False).quantized_model)
    return file


def run_litert(file, examples):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_path=file, experimental_preserve_all_tensors=True,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    softmax = [op for op in interpreter._get_ops_details() if op["op_name"] == "SOFTMAX"]
    tensor = softmax[-1]["inputs"][0] if softmax else interpreter.get_output_details()[0]["index"]
    detail = next(t for t in interpreter.get_tensor_details() if t["index"] == tensor)
    rows = []
    for example in examples:
        fed = example[np.newaxis]
        if given["dtype"] != np.float32:
            scale, zero = given["quantization"]
            limits = np.iinfo(given["dtype"])
            fed = np.clip(np.rint(fed / scale) + zero, limits.min, limits.max).astype(given["dtype"])
        interpreter.set_tensor(given["index"], fed)
        interpreter.invoke()
        row = interpreter.get_tensor(tensor).astype(np.float64).reshape(1, -1)
        if detail["dtype"] != np.float32:
            row = (row - detail["quantization"][1]) * detail["quantization"][0]
        rows.append(row)
    return np.concatenate(rows)


def figures(real, rounded):
    """SQNR in dB, and the share of examples whose largest is the same."""
    noise = np.sum((real - rounded) ** 2)
    return 10 * np.log10(np.sum(real**2) / noise), np.mean(real.argmax(1) == rounded.argmax(1))


def compare_engines(file, examples, work):
    """Whether a file's outputs are the same in qmac and in onnxruntime, of each example."""
    np.save(os.path.join(work, "x.npy"), examples)
    command = ["build/qmac", "run", file, "--input", os.path.join(work, "x.npy"), "--output", os.path.join(work, "y")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ours = np.load(next(pathlib.Path(work, "y").glob("*.npy"))).reshape(len(examples), -1)
    theirs = run_onnx(file, examples, onnx.load(file).graph.output[0].name)
    return list(np.max(np.abs(ours - theirs), axis=1) <= SAME * np.max(np.abs(theirs)))


def judge_tools(source, tflite, learned, judged, bits, work):
    """The figures of the other tools; what one refuses is a line on stderr."""
    tools = {"onnxruntime": (source, by_onnxruntime, run_onnx), "LiteRT quantizer": (tflite, by_litert, run_litert)}
    real, found = run_onnx(source, judged), {}
    for name, (network, quantize, run) in tools.items() if bits else ():
        try:
            found[name] = figures(real, run(quantize(network, learned, bits, work), judged))
        except Exception as error:
            print(f"  {name}: {error!r:.120}", file=sys.stderr)
    return found


def main():
    folder, precision, network, tflite = sys.argv[1:]
    rows, same = {}, []
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    for half in range(HALVES):
        learned, judged = (np.load(os.path.join(folder, f"{network}-{h}.npy")) for h in (half, 1 - half))
        source, made = (os.path.join(folder, network + end) for end in (".onnx", f"-{half}-{precision}.onnx"))
        with tempfile.TemporaryDirectory() as work:
            found = {"qmac": figures(run_onnx(source, judged), run_onnx(made, judged))}
            found.update(judge_tools(source, tflite, learned, judged, BITS.get(precision), work))
            same += compare_engines(made, judged, work)
        for name, figure in found.items():
            rows.setdefault(name, []).append(figure)
    for name, halves in rows.items():
        line = ", ".join(f"{sqnr:5.1f} dB {100 * agreement:5.1f} %" for sqnr, agreement in halves)
        print(f"  {network:24s} {precision} {name:18s} {line}")
    print(f"  {network:24s} {precision} the same file in qmac and onnxruntime: outputs of {sum(same)} of {len(same)} examples are the same")
    return int(sum(same) < (1 - MOST_DIFFERENT) * len(same))


sys.exit(main())
