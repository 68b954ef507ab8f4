/* operators.c - operators of ONNX that work on real numbers, read from a file: folded when their inputs are constants, and evaluated when
 * they are computed. The numbers are onnxruntime's for the same node.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "compiler/frontend/frontend.h"
#include "evaluate/evaluate.h"
#include "tests/support/onnx_build.h"

enum { FLOAT = 1, INT64 = 7, INPUTS = 5, NUMBERS = 24 };

struct array {
    int32_t type; /* 0: absent */
    struct onnx_build_shape shape;
    double numbers[NUMBERS];
};

static const struct row {
    const char *name, *op, *attributes; /* name=number, name=1.5, name=[numbers] or name=text, with spaces between */
    int64_t opset;
    struct array inputs[INPUTS];
    struct onnx_build_shape shape;
    double numbers[NUMBERS];
} rows[] = {
    /* clang-format off */
    {"softmax along the last axis", "Softmax", "", 18, {{FLOAT, {3, {1, 2, 3}}, {-1.875, -0.875, -0.625, 0.25, -0.5, 1.125}}}, {3, {1, 2,
     3}}, {0.138722703, 0.377087414, 0.484189808, 0.258315027, 0.122019388, 0.619665563}},
    {"softmax, flattened before opset 13", "Softmax", "axis=1", 12, {{FLOAT, {3, {2, 2, 2}}, {2.25, 2.375, -2.5, -2.75, -2, 2.25, -2.375,
     -0.5}}}, {3, {2, 2, 2}}, {0.465432763, 0.527404428, 0.0040267827, 0.00313606136, 0.0131105604, 0.919121206, 0.00901074708,
     0.0587574504}},
    {"softmax along an axis", "Softmax", "axis=1", 18, {{FLOAT, {3, {1, 3, 2}}, {2.75, 0.25, 1.125, -1.125, 1.125, 2}}}, {3, {1, 3, 2}},
     {0.717451036, 0.142705426, 0.141274482, 0.0360815823, 0.141274482, 0.821213007}},
    {"log softmax", "LogSoftmax", "axis=0", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}}, {2, {2, 3}},
     {-0.428700656, -0.0297504161, -0.974076986, -1.05370069, -3.52975035, -0.474076986}},
    {"Sigmoid", "Sigmoid", "", 20, {{FLOAT, {2, {1, 5}}, {-2.875, 1.5, 2.875, 1.5, -1.375}}}, {2, {1, 5}}, {0.0534033477, 0.817574441,
     0.946596622, 0.817574441, 0.201813221}},
    {"Tanh", "Tanh", "", 20, {{FLOAT, {2, {1, 5}}, {1.75, -2.375, -0.375, 2.5, -1.25}}}, {2, {1, 5}}, {0.941375554, -0.982844949,
     -0.3583574, 0.986614347, -0.848283648}},
    {"Elu alpha=0.5", "Elu", "alpha=0.5", 20, {{FLOAT, {2, {1, 5}}, {-1.25, -2.25, -2.875, 1.125, -1.75}}}, {2, {1, 5}}, {-0.356747597,
     -0.447300375, -0.471791923, 1.125, -0.413113028}},
    {"Selu", "Selu", "", 20, {{FLOAT, {2, {1, 5}}, {-1.375, 0, -2.625, 0.5, -2.125}}}, {2, {1, 5}}, {-1.3135823, 0, -1.63074303,
     0.525350511, -1.54812431}},
    {"Celu alpha=2.0", "Celu", "alpha=2.0", 20, {{FLOAT, {2, {1, 5}}, {0.5, 1.25, -2.375, -0.5, 1.125}}}, {2, {1, 5}}, {0.5, 1.25,
     -1.39003444, -0.442398429, 1.125}},
    {"Gelu", "Gelu", "", 20, {{FLOAT, {2, {1, 5}}, {-0.5, -2.75, 0.25, 1, 0.125}}}, {2, {1, 5}}, {-0.154268771, -0.00819432735,
     0.149676576, 0.841344714, 0.0687172785}},
    {"Gelu approximate=tanh", "Gelu", "approximate=tanh", 20, {{FLOAT, {2, {1, 5}}, {2.625, 0.5, 2.375, -2.125, -2.125}}}, {2, {1, 5}},
     {2.61409616, 0.345714003, 2.35454464, -0.0354804061, -0.0354804061}},
    {"Erf", "Erf", "", 20, {{FLOAT, {2, {1, 5}}, {1.875, -0.625, -2, 2.625, -0.875}}}, {2, {1, 5}}, {0.991990089, -0.623240888,
     -0.995322287, 0.999794602, -0.784075081}},
    {"Softplus", "Softplus", "", 20, {{FLOAT, {2, {1, 5}}, {1.5, 1.375, 2.25, 0.75, 1.5}}}, {2, {1, 5}}, {1.70141327, 1.60041261,
     2.35020661, 1.13687098, 1.70141327}},
    {"Softsign", "Softsign", "", 20, {{FLOAT, {2, {1, 5}}, {-0.875, -1.375, 2.375, -0.375, 2.75}}}, {2, {1, 5}}, {-0.466666698,
     -0.578947365, 0.703703701, -0.272727281, 0.733333349}},
    {"Mish", "Mish", "", 20, {{FLOAT, {2, {1, 5}}, {1, 0.75, -2.25, 2.75, -0.25}}}, {2, {1, 5}}, {0.865098476, 0.610018373, -0.224713117,
     2.73021436, -0.129926965}},
    {"HardSigmoid alpha=0.25", "HardSigmoid", "alpha=0.25", 20, {{FLOAT, {2, {1, 5}}, {0.5, -0.5, -1.625, 2.375, 0.5}}}, {2, {1, 5}},
     {0.625, 0.375, 0.09375, 1, 0.625}},
    {"HardSwish", "HardSwish", "", 20, {{FLOAT, {2, {1, 5}}, {-3, 0.75, -1, 0.125, 2.375}}}, {2, {1, 5}}, {0, 0.46875, -0.333333313,
     0.0651041642, 2.12760425}},
    {"LeakyRelu alpha=0.125", "LeakyRelu", "alpha=0.125", 20, {{FLOAT, {2, {1, 5}}, {-0.875, 2.5, 0.75, -2.875, 2.625}}}, {2, {1, 5}},
     {-0.109375, 2.5, 0.75, -0.359375, 2.625}},
    {"Abs", "Abs", "", 20, {{FLOAT, {2, {1, 5}}, {1.125, 3, -2, -2.125, 2.625}}}, {2, {1, 5}}, {1.125, 3, 2, 2.125, 2.625}},
    {"Neg", "Neg", "", 20, {{FLOAT, {2, {1, 5}}, {1.125, -2.625, 1.5, 1.5, 2.5}}}, {2, {1, 5}}, {-1.125, 2.625, -1.5, -1.5, -2.5}},
    {"Exp", "Exp", "", 20, {{FLOAT, {2, {1, 5}}, {1.25, -2.25, -2.875, -2.875, -2.875}}}, {2, {1, 5}}, {3.49034286, 0.105399229,
     0.056416139, 0.056416139, 0.056416139}},
    {"Floor", "Floor", "", 20, {{FLOAT, {2, {1, 5}}, {-1.5, 2.125, 0.25, 0.375, 2}}}, {2, {1, 5}}, {-2, 2, 0, 0, 2}},
    {"Ceil", "Ceil", "", 20, {{FLOAT, {2, {1, 5}}, {-2.25, -1.375, 0.5, 2.875, 0.375}}}, {2, {1, 5}}, {-2, -1, 1, 3, 1}},
    {"Round", "Round", "", 20, {{FLOAT, {2, {1, 5}}, {-2.875, 1.75, -1.625, 1.875, -0.625}}}, {2, {1, 5}}, {-3, 2, -2, 2, -1}},
    {"Reciprocal", "Reciprocal", "", 20, {{FLOAT, {2, {1, 5}}, {2.625, 2.25, 1.75, 0.625, 0.375}}}, {2, {1, 5}}, {0.380952388,
     0.444444448, 0.571428597, 1.60000002, 2.66666675}},
    {"Relu", "Relu", "", 20, {{FLOAT, {2, {1, 5}}, {-2.25, -2.75, -2.375, -1.625, 1.25}}}, {2, {1, 5}}, {0, 0, 0, 0, 1.25}},
    {"Log", "Log", "", 18, {{FLOAT, {2, {1, 4}}, {1.75, 0.25, 0.5, 2.875}}}, {2, {1, 4}}, {0.559615791, -1.38629436, -0.693147182,
     1.05605268}},
    {"Sqrt", "Sqrt", "", 18, {{FLOAT, {2, {1, 4}}, {1.75, 0.75, 1, 2.25}}}, {2, {1, 4}}, {1.32287562, 0.866025388, 1, 1.5}},
    {"biased gelu", "BiasGelu", "", 18, {{FLOAT, {2, {2, 2}}, {-1.875, 0.5, 2.875, 2.125}}, {FLOAT, {1, {2}}, {-1.5, 0}}}, {2, {2, 2}},
     {-0.00124561787, 0.345731229, 1.25872207, 2.08931422}},
    {"fast gelu", "FastGelu", "", 18, {{FLOAT, {2, {1, 4}}, {0.75, 2, -2, -2.875}}}, {2, {1, 4}}, {0.579960585, 1.95459771, -0.045402348,
     -0.00535724685}},
    {"quick gelu", "QuickGelu", "alpha=1.5", 18, {{FLOAT, {2, {1, 4}}, {-2.625, -0.125, 0.625, 0.375}}}, {2, {1, 4}}, {-0.0502005033,
     -0.0566577315, 0.449121475, 0.238886535}},
    {"prelu by channel", "PRelu", "", 18, {{FLOAT, {3, {1, 2, 2}}, {-1.125, 2.875, 0.5, -0.75}}, {FLOAT, {2, {2, 1}}, {0.25, 1.5}}}, {3,
     {1, 2, 2}}, {-0.28125, 2.875, 0.5, -1.125}},
    {"a tensor less a row", "Sub", "", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {FLOAT, {1, {3}}, {1, -1.375,
     -2.625}}}, {2, {2, 3}}, {-1.5, 2.75, -0.375, -2.125, -0.75, 0.125}},
    {"a number over a tensor", "Div", "", 18, {{FLOAT, {1, {1}}, {2}}, {FLOAT, {2, {1, 4}}, {2, 0.875, 2.375, 0.375}}}, {2, {1, 4}}, {1,
     2.28571439, 0.842105269, 5.33333349}},
    {"a tensor over a column", "Div", "", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {FLOAT, {2, {2, 1}}, {1,
     2.5}}}, {2, {2, 3}}, {-0.5, 1.375, -3, -0.449999988, -0.850000024, -1}},
    {"power of 2", "Pow", "", 18, {{FLOAT, {2, {1, 3}}, {0.75, 2, 1.75}}, {FLOAT, {0, {0}}, {2}}}, {2, {1, 3}}, {0.5625, 4, 3.0625}},
    {"power of 0.5", "Pow", "", 18, {{FLOAT, {2, {1, 3}}, {2.75, 1, 0.375}}, {FLOAT, {0, {0}}, {0.5}}}, {2, {1, 3}}, {1.65831244, 1,
     0.612372458}},
    {"power of -1", "Pow", "", 18, {{FLOAT, {2, {1, 3}}, {2.25, 2.375, 2.75}}, {FLOAT, {0, {0}}, {-1}}}, {2, {1, 3}}, {0.444444448,
     0.421052635, 0.363636374}},
    {"power of 3", "Pow", "", 18, {{FLOAT, {2, {1, 3}}, {2.875, 0.25, 0.875}}, {FLOAT, {0, {0}}, {3}}}, {2, {1, 3}}, {23.7636719,
     0.015625, 0.669921875}},
    {"power of 1", "Pow", "", 18, {{FLOAT, {2, {1, 3}}, {2, 2.875, 2.875}}, {FLOAT, {0, {0}}, {1}}}, {2, {1, 3}}, {2, 2.875, 2.875}},
    {"computed powers", "Pow", "", 18, {{FLOAT, {2, {1, 3}}, {1.75, 2.75, 2}}, {FLOAT, {2, {1, 3}}, {-0.625, -0.125, 0.625}}}, {2, {1,
     3}}, {0.704857349, 0.881218135, 1.54221082}},
    {"largest of three", "Max", "", 18, {{FLOAT, {2, {2, 2}}, {0.25, 2.5, 2.5, -0.625}}, {FLOAT, {1, {2}}, {2.75, -2}}, {FLOAT, {2, {2,
     1}}, {-2.25, -2.25}}}, {2, {2, 2}}, {2.75, 2.5, 2.75, -0.625}},
    {"smallest of three", "Min", "", 18, {{FLOAT, {2, {2, 2}}, {0, -2.875, 2.75, 2}}, {FLOAT, {1, {1}}, {-2.875}}, {FLOAT, {2, {2, 2}},
     {-2, -1, -2.25, 1.875}}}, {2, {2, 2}}, {-2.875, -2.875, -2.875, -2.875}},
    {"sum of three", "Sum", "", 18, {{FLOAT, {2, {2, 2}}, {-0.875, 2.625, 0.5, 2.25}}, {FLOAT, {1, {2}}, {2.125, 2.375}}, {FLOAT, {2, {2,
     2}}, {-0.25, 0.25, 1.75, -1.25}}}, {2, {2, 2}}, {1, 5.25, 4.375, 3.375}},
    {"mean of two", "Mean", "", 18, {{FLOAT, {2, {2, 2}}, {0, 0.625, -2.875, 0.5}}, {FLOAT, {1, {2}}, {-0.375, 1.875}}}, {2, {2, 2}},
     {-0.1875, 1.25, -1.625, 1.1875}},
    {"a clip", "Clip", "", 18, {{FLOAT, {2, {1, 5}}, {-1.125, 2.375, 0.5, -1.875, 1.75}}, {FLOAT, {0, {0}}, {-1}}, {FLOAT, {0, {0}},
     {1.5}}}, {2, {1, 5}}, {-1, 1.5, 0.5, -1, 1.5}},
    {"joined", "Concat", "axis=-1", 18, {{FLOAT, {2, {2, 1}}, {0.625, -2.625}}, {FLOAT, {2, {2, 2}}, {-0.5, 1.125, 2.5, -3}}}, {2, {2,
     3}}, {0.625, -0.5, 1.125, -2.625, 2.5, -3}},
    {"transposed convolution in groups with bias", "ConvTranspose", "group=2 strides=[2,1] pads=[1,0,0,1]", 18, {{FLOAT, {4, {1, 2, 2,
     2}}, {0.5, 1.5, 2.125, 1.5, 1.25, 2.125, -1.125, 1}}, {FLOAT, {4, {2, 1, 2, 2}}, {2.875, -0.75, 2.875, 0.625, 2, 0.5, 0.75, -1.25}},
     {FLOAT, {1, {2}}, {-0.25, -0.75}}}, {4, {1, 2, 3, 2}}, {1.1875, 4.375, 5.859375, 2.46875, 5.859375, 5.390625, 0.1875, -0.71875, -3,
     0.6875, -1.59375, 1.40625}},
    {"transposed convolution, padded at the end", "ConvTranspose", "strides=[2,2] output_padding=[1,1] pads=[1,1,1,1]", 18, {{FLOAT, {4,
     {1, 1, 2, 2}}, {-0.5, -0.625, -1.125, 0.75}}, {FLOAT, {4, {1, 1, 3, 3}}, {-0.375, 2.875, 1.125, -1.75, -0.5, -1, 1.75, 2.25,
     2.375}}}, {4, {1, 1, 4, 4}}, {0.25, 1.59375, 0.3125, 0.625, -4.359375, -3.828125, 0.75, -0.640625, 0.5625, -0.1875, -0.375, -0.75,
     -2.53125, -1.359375, 1.6875, 1.78125}},
    {"transposed convolution to a shape", "ConvTranspose", "strides=[2,2] output_shape=[4,4]", 18, {{FLOAT, {4, {1, 1, 2, 2}}, {1, -1.375,
     -1.5, 2.125}}, {FLOAT, {4, {1, 1, 3, 3}}, {0.125, 1.875, 0.375, 1.375, 0.125, 1.625, 0.375, -0.25, -1}}}, {4, {1, 1, 4, 4}}, {0.125,
     -0.265625, -0.171875, -2.234375, -3.0625, -1.8125, 4.328125, 2.171875, -0.1875, 0.484375, 0.265625, 3.453125, 0.375, 2.296875,
     -0.53125, -2.125}},
    {"transposed convolution, same", "ConvTranspose", "strides=[2,2] auto_pad=SAME_LOWER", 18, {{FLOAT, {4, {1, 1, 2, 2}}, {-2.625, -0.75,
     -2.5, 2.875}}, {FLOAT, {4, {1, 1, 3, 3}}, {-1.875, 1.875, 2.25, 1.125, 0.375, -2, -0.25, -0.875, -1.625}}}, {4, {1, 1, 4, 4}},
     {-0.984375, 4.40625, -0.28125, 1.5, -2.390625, -6.5625, 6.046875, 7.6875, -0.9375, 8.234375, 1.078125, -5.75, 2.1875, 3.34375,
     -2.515625, -4.671875}},
    {"transposed convolution, dilated", "ConvTranspose", "dilations=[2,1]", 18, {{FLOAT, {4, {1, 1, 2, 2}}, {0.5, -1.125, 2.5, 2.5}},
     {FLOAT, {4, {1, 1, 2, 2}}, {-1.5, -2.375, -1.875, 0}}}, {4, {1, 1, 4, 3}}, {-0.75, 0.5, 2.671875, -3.75, -9.6875, -5.9375, -0.9375,
     2.109375, 0, -4.6875, -4.6875, 0}},
    {"convolution of one dimension", "Conv", "pads=[1,1] strides=[2]", 18, {{FLOAT, {3, {1, 2, 4}}, {0.25, 0.875, -2.125, 1.5, -1.625,
     0.125, 1.75, -2.875}}, {FLOAT, {3, {1, 2, 3}}, {-1, 2.25, 2.125, 0.25, 2.25, 2.75}}, {FLOAT, {1, {1}}, {2}}}, {3, {1, 1, 2}},
     {1.109375, -4.40625}},
    {"means with pads, which do not count", "AveragePool", "kernel_shape=[2,2] pads=[1,1,0,0]", 18, {{FLOAT, {4, {1, 1, 3, 4}}, {1.375,
     -1.75, -1.5, 2.125, -0.5, 0.75, -1.625, -2.375, 0.125, -0.125, -2.125, 0.75}}}, {4, {1, 1, 3, 4}}, {1.375, -0.1875, -1.625, 0.3125,
     0.4375, -0.03125, -1.03125, -0.84375, -0.1875, 0.0625, -0.78125, -1.34375}},
    {"means with pads, which count", "AveragePool", "kernel_shape=[2,2] pads=[1,1,0,0] count_include_pad=1", 18, {{FLOAT, {4, {1, 1, 3,
     4}}, {1.375, -1.75, -1.5, 2.125, -0.5, 0.75, -1.625, -2.375, 0.125, -0.125, -2.125, 0.75}}}, {4, {1, 1, 3, 4}}, {0.34375, -0.09375,
     -0.8125, 0.15625, 0.21875, -0.03125, -1.03125, -0.84375, -0.09375, 0.0625, -0.78125, -1.34375}},
    {"means, ceiled", "AveragePool", "kernel_shape=[2,3] strides=[2,2] ceil_mode=1", 18, {{FLOAT, {4, {1, 1, 3, 4}}, {1.375, -1.75, -1.5,
     2.125, -0.5, 0.75, -1.625, -2.375, 0.125, -0.125, -2.125, 0.75}}}, {4, {1, 1, 2, 2}}, {-0.541666687, -0.84375, -0.708333313,
     -0.6875}},
    {"largest, ceiled", "MaxPool", "kernel_shape=[2,3] strides=[2,2] ceil_mode=1", 18, {{FLOAT, {4, {1, 1, 3, 4}}, {1.375, -1.75, -1.5,
     2.125, -0.5, 0.75, -1.625, -2.375, 0.125, -0.125, -2.125, 0.75}}}, {4, {1, 1, 2, 2}}, {1.375, 2.125, 0.125, 0.75}},
    {"largest, dilated", "MaxPool", "kernel_shape=[2,2] dilations=[2,2]", 18, {{FLOAT, {4, {1, 1, 3, 4}}, {1.375, -1.75, -1.5, 2.125,
     -0.5, 0.75, -1.625, -2.375, 0.125, -0.125, -2.125, 0.75}}}, {4, {1, 1, 1, 2}}, {1.375, 2.125}},
    {"largest of all", "GlobalMaxPool", "", 18, {{FLOAT, {4, {1, 2, 2, 3}}, {-1.75, 2.25, -2.875, 1, -0.5, 0.375, -2.125, -1.75, 1.75,
     2.75, -1.125, 1.125}}}, {4, {1, 2, 1, 1}}, {2.25, 2.75}},
    {"mean of all", "GlobalAveragePool", "", 18, {{FLOAT, {4, {1, 2, 2, 3}}, {-1.75, 2.25, -2.875, 1, -0.5, 0.375, -2.125, -1.75, 1.75,
     2.75, -1.125, 1.125}}}, {4, {1, 2, 1, 1}}, {-0.25, 0.104166664}},
    {"means over odd axes", "ReduceMean", "axes=[0,2] keepdims=0", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75,
     -2.75, 1.625, 1.375, -1.5, -1.5, 0.75}}}, {1, {2}}, {0.145833328, 0.229166672}},
    {"sums by an input of axes", "ReduceSum", "", 18, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625,
     1.375, -1.5, -1.5, 0.75}}, {INT64, {1, {1}}, {-1}}}, {3, {2, 2, 1}}, {0.625, 3.625, 0.25, -2.25}},
    {"sum of all", "ReduceSum", "keepdims=0", 18, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625, 1.375,
     -1.5, -1.5, 0.75}}}, {0, {0}}, {2.25}},
    {"nothing summed", "ReduceSum", "noop_with_empty_axes=1", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}}, {2, {2,
     3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}},
    {"largest along", "ReduceMax", "axes=[1]", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625, 1.375,
     -1.5, -1.5, 0.75}}}, {3, {2, 1, 3}}, {2.125, 0.625, 1.75, -1.5, 1.625, 1.375}},
    {"smallest along", "ReduceMin", "axes=[0]", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625,
     1.375, -1.5, -1.5, 0.75}}}, {3, {1, 2, 3}}, {-2.75, -2.375, 0.875, -1.5, -1.5, 0.75}},
    {"products along", "ReduceProd", "axes=[2]", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625,
     1.375, -1.5, -1.5, 0.75}}}, {3, {2, 2, 1}}, {-4.41601562, 1.3671875, -6.14453125, 1.6875}},
    {"sums of magnitudes", "ReduceL1", "axes=[2]", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625,
     1.375, -1.5, -1.5, 0.75}}}, {3, {2, 2, 1}}, {5.375, 3.625, 5.75, 3.75}},
    {"lengths", "ReduceL2", "axes=[2] keepdims=0", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625,
     1.375, -1.5, -1.5, 0.75}}}, {2, {2, 2}}, {3.30482602, 2.23955917, 3.47760701, 2.25}},
    {"sums of squares", "ReduceSumSquare", "axes=[1,2]", 13, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75,
     1.625, 1.375, -1.5, -1.5, 0.75}}}, {3, {2, 1, 1}}, {15.9375, 17.15625}},
    {"place of the largest", "ArgMax", "axis=1", 18, {{FLOAT, {2, {2, 3}}, {1, 3, 3, 2, 2, -1}}}, {2, {2, 1}}, {1, 0}},
    {"place of the last largest", "ArgMax", "axis=1 keepdims=0 select_last_index=1", 18, {{FLOAT, {2, {2, 3}}, {1, 3, 3, 2, 2, -1}}}, {1,
     {2}}, {2, 1}},
    {"place of the smallest", "ArgMin", "axis=0", 18, {{FLOAT, {2, {2, 3}}, {1, 3, 3, 2, 2, -1}}}, {2, {1, 3}}, {0, 1, 1}},
    {"depth to space", "DepthToSpace", "blocksize=2", 18, {{FLOAT, {4, {1, 8, 1, 2}}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
     15}}}, {4, {1, 2, 2, 4}}, {0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15}},
    {"depth to space by columns", "DepthToSpace", "blocksize=2 mode=CRD", 18, {{FLOAT, {4, {1, 8, 1, 2}}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
     10, 11, 12, 13, 14, 15}}}, {4, {1, 2, 2, 4}}, {0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15}},
    {"space to depth", "SpaceToDepth", "blocksize=2", 18, {{FLOAT, {4, {1, 2, 2, 4}}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
     15}}}, {4, {1, 8, 1, 2}}, {0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15}},
    {"nearest half_pixel", "Resize", "mode=nearest coordinate_transformation_mode=half_pixel", 18, {{FLOAT, {4, {1, 1, 1, 4}}, {1, 2, 3,
     4}}, {0}, {FLOAT, {1, {4}}, {1, 1, 1, 1.75}}}, {4, {1, 1, 1, 7}}, {1, 1, 2, 2, 3, 4, 4}},
    {"nearest of version 10, shorter", "Resize", "mode=nearest", 10, {{FLOAT, {4, {1, 1, 2, 4}}, {1, 2, 3, 4, 5, 6, 7, 8}}, {FLOAT,
     {1, {4}}, {1, 1, 0.6, 0.6}}}, {4, {1, 1, 1, 2}}, {1, 3}},
    {"nearest of version 10, longer", "Resize", "mode=nearest", 10, {{FLOAT, {4, {1, 1, 1, 4}}, {1, 2, 3, 4}}, {FLOAT, {1, {4}},
     {1, 1, 1, 1.75}}}, {4, {1, 1, 1, 7}}, {1, 1, 2, 2, 3, 3, 4}},
    {"linear half_pixel", "Resize", "mode=linear coordinate_transformation_mode=half_pixel", 18, {{FLOAT, {4, {1, 1, 2, 2}}, {-0.875,
     1.75, -0.375, 1.75}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 3, 4}}}, {4, {1, 1, 3, 4}}, {-0.875, -0.21875, 1.09375, 1.75, -0.625,
     -0.03125, 1.15625, 1.75, -0.375, 0.15625, 1.21875, 1.75}},
    {"nearest asymmetric", "Resize", "mode=nearest coordinate_transformation_mode=asymmetric", 18, {{FLOAT, {4, {1, 1, 1, 4}}, {1, 2, 3,
     4}}, {0}, {FLOAT, {1, {4}}, {1, 1, 1, 1.75}}}, {4, {1, 1, 1, 7}}, {1, 2, 2, 3, 3, 4, 4}},
    {"linear asymmetric", "Resize", "mode=linear coordinate_transformation_mode=asymmetric", 18, {{FLOAT, {4, {1, 1, 2, 2}}, {-0.875,
     1.75, -0.375, 1.75}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 3, 4}}}, {4, {1, 1, 3, 4}}, {-0.875, 0.4375, 1.75, 1.75, -0.541666627,
     0.604166687, 1.75000012, 1.75000012, -0.375, 0.6875, 1.75, 1.75}},
    {"nearest align_corners", "Resize", "mode=nearest coordinate_transformation_mode=align_corners", 18, {{FLOAT, {4, {1, 1, 1, 4}}, {1,
     2, 3, 4}}, {0}, {FLOAT, {1, {4}}, {1, 1, 1, 1.75}}}, {4, {1, 1, 1, 7}}, {1, 1, 2, 2, 3, 3, 4}},
    {"linear align_corners", "Resize", "mode=linear coordinate_transformation_mode=align_corners", 18, {{FLOAT, {4, {1, 1, 2, 2}},
     {-0.875, 1.75, -0.375, 1.75}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 3, 4}}}, {4, {1, 1, 3, 4}}, {-0.875, 5.96046448e-08, 0.875000119,
     1.75, -0.625, 0.166666716, 0.958333433, 1.75, -0.375, 0.333333373, 1.04166675, 1.75}},
    {"nearest pytorch_half_pixel", "Resize", "mode=nearest coordinate_transformation_mode=pytorch_half_pixel", 18, {{FLOAT, {4, {1, 1, 1,
     4}}, {1, 2, 3, 4}}, {0}, {FLOAT, {1, {4}}, {1, 1, 1, 1.75}}}, {4, {1, 1, 1, 7}}, {1, 1, 2, 2, 3, 4, 4}},
    {"linear pytorch_half_pixel", "Resize", "mode=linear coordinate_transformation_mode=pytorch_half_pixel", 18, {{FLOAT, {4, {1, 1, 2,
     2}}, {-0.875, 1.75, -0.375, 1.75}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 3, 4}}}, {4, {1, 1, 3, 4}}, {-0.875, -0.21875, 1.09375, 1.75,
     -0.625, -0.03125, 1.15625, 1.75, -0.375, 0.15625, 1.21875, 1.75}},
    {"nearest by floor", "Resize", "mode=nearest nearest_mode=floor coordinate_transformation_mode=asymmetric", 18, {{FLOAT, {4, {1, 1, 1,
     4}}, {1, 2, 3, 4}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 2, 6}}}, {4, {1, 1, 2, 6}}, {1, 1, 2, 3, 3, 4, 1, 1, 2, 3, 3, 4}},
    {"nearest by ceil", "Resize", "mode=nearest nearest_mode=ceil coordinate_transformation_mode=asymmetric", 18, {{FLOAT, {4, {1, 1, 1,
     4}}, {1, 2, 3, 4}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 2, 6}}}, {4, {1, 1, 2, 6}}, {1, 2, 3, 3, 4, 4, 1, 2, 3, 3, 4, 4}},
    {"nearest by round_prefer_ceil", "Resize", "mode=nearest nearest_mode=round_prefer_ceil coordinate_transformation_mode=asymmetric",
     18, {{FLOAT, {4, {1, 1, 1, 4}}, {1, 2, 3, 4}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 2, 6}}}, {4, {1, 1, 2, 6}}, {1, 2, 2, 3, 4, 4, 1,
     2, 2, 3, 4, 4}},
    {"nearest by round_prefer_floor", "Resize", "mode=nearest nearest_mode=round_prefer_floor coordinate_transformation_mode=asymmetric",
     18, {{FLOAT, {4, {1, 1, 1, 4}}, {1, 2, 3, 4}}, {0}, {0}, {INT64, {1, {4}}, {1, 1, 2, 6}}}, {4, {1, 1, 2, 6}}, {1, 2, 2, 3, 4, 4, 1,
     2, 2, 3, 4, 4}},
    {"linear, smaller", "Resize", "mode=linear", 18, {{FLOAT, {4, {1, 1, 1, 6}}, {3, -1.25, -2.125, 2.375, 0.25, 2.875}}, {0}, {0},
     {INT64, {1, {4}}, {1, 1, 1, 3}}}, {4, {1, 1, 1, 3}}, {0.875, 0.125, 1.5625}},
    {"upsampled", "Upsample", "mode=nearest", 9, {{FLOAT, {4, {1, 1, 2, 2}}, {-0.875, 1.75, -0.375, 1.75}}, {FLOAT, {1, {4}}, {1, 1, 2,
     3}}}, {4, {1, 1, 4, 6}}, {-0.875, -0.875, -0.875, 1.75, 1.75, 1.75, -0.875, -0.875, -0.875, 1.75, 1.75, 1.75, -0.375, -0.375, -0.375,
     1.75, 1.75, 1.75, -0.375, -0.375, -0.375, 1.75, 1.75, 1.75}},
    {"gathered", "Gather", "axis=1", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {INT64, {2, {1, 2}}, {2, -3}}},
     {3, {2, 1, 2}}, {-3, -0.5, -2.5, -1.125}},
    {"tiled", "Tile", "", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {INT64, {1, {2}}, {2, 1}}}, {2, {4, 3}},
     {-0.5, 1.375, -3, -1.125, -2.125, -2.5, -0.5, 1.375, -3, -1.125, -2.125, -2.5}},
    {"expanded", "Expand", "", 18, {{FLOAT, {2, {2, 1}}, {0.875, 3}}, {INT64, {1, {3}}, {2, 2, 3}}}, {3, {2, 2, 3}}, {0.875, 0.875, 0.875,
     3, 3, 3, 0.875, 0.875, 0.875, 3, 3, 3}},
    {"padded", "Pad", "", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {INT64, {1, {4}}, {0, 1, 1, 0}}, {FLOAT, {0,
     {0}}, {0.5}}}, {2, {3, 4}}, {0.5, -0.5, 1.375, -3, 0.5, -1.125, -2.125, -2.5, 0.5, 0.5, 0.5, 0.5}},
    {"reflected", "Pad", "mode=reflect", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {INT64, {1, {4}}, {1, 2, 0,
     1}}}, {2, {3, 6}}, {-2.5, -2.125, -1.125, -2.125, -2.5, -2.125, -3, 1.375, -0.5, 1.375, -3, 1.375, -2.5, -2.125, -1.125, -2.125,
     -2.5, -2.125}},
    {"edges repeated", "Pad", "mode=edge", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {INT64, {1, {4}}, {0, 1, 1,
     2}}}, {2, {3, 6}}, {-0.5, -0.5, 1.375, -3, -3, -3, -1.125, -1.125, -2.125, -2.5, -2.5, -2.5, -1.125, -1.125, -2.125, -2.5, -2.5,
     -2.5}},
    {"backwards", "Slice", "", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}}, {INT64, {1, {2}}, {-1, 5}}, {INT64, {1,
     {2}}, {-3, -9}}, {INT64, {1, {2}}, {0, 1}}, {INT64, {1, {2}}, {-1, -2}}}, {2, {2, 2}}, {-2.5, -1.125, -3, -0.5}},
    {"halves", "Split", "axis=1 num_outputs=2", 18, {{FLOAT, {2, {2, 4}}, {0.25, 0.125, -2.125, -0.875, -2.875, -2, 1.5, -2.875}}}, {2,
     {2, 2}}, {0.25, 0.125, -2.875, -2}},
    {"normalized rows", "LayerNormalization", "axis=-1 epsilon=0.01", 18, {{FLOAT, {2, {2, 3}}, {-0.5, 1.375, -3, -1.125, -2.125, -2.5}},
     {FLOAT, {1, {3}}, {-0.75, 2.125, 1.125}}, {FLOAT, {1, {3}}, {1.125, -1.875, -0.375}}}, {2, {2, 3}}, {1.03794968, 0.591425896,
     -1.8113302, 0.116767764, -2.62675238, -1.48936212}},
    {"normalized layers", "LayerNormalization", "axis=1", 18, {{FLOAT, {3, {1, 2, 3}}, {0.5, 3, -1.75, -1.5, -1.375, 1.5}}, {FLOAT, {2,
     {2, 3}}, {-0.25, -2.625, 0, -1.75, 1.75, -1.25}}, {0}}, {3, {1, 2, 3}}, {-0.0619880818, -4.37015963, 0, 1.54970205, -1.42572582,
     -1.01837564}},
    {"normalized instances", "InstanceNormalization", "epsilon=0.001", 18, {{FLOAT, {4, {1, 2, 2, 3}}, {-1.75, 2.25, -2.875, 1, -0.5,
     0.375, -2.125, -1.75, 1.75, 2.75, -1.125, 1.125}}, {FLOAT, {1, {2}}, {-2.875, 0.5}}, {FLOAT, {1, {2}}, {2.125, -0.75}}}, {4, {1, 2,
     2, 3}}, {4.65649652, -2.09416056, 6.55511856, 0.0154197216, 2.54691601, 1.07020986, -1.35043025, -1.24942327, -0.306691706,
     -0.0373398066, -1.08107841, -0.475036621}},
    {"normalized batches", "BatchNormalization", "", 14, {{FLOAT, {4, {1, 2, 2, 3}}, {-1.75, 2.25, -2.875, 1, -0.5, 0.375, -2.125, -1.75,
     1.75, 2.75, -1.125, 1.125}}, {FLOAT, {1, {2}}, {1.5, 0.125}}, {FLOAT, {1, {2}}, {0.25, 2.75}}, {FLOAT, {1, {2}}, {1.875, -2.75}},
     {FLOAT, {1, {2}}, {2.25, 1.5}}}, {4, {1, 2, 2, 3}}, {-3.37499189, 0.624999166, -4.49998951, -0.624998033, -2.12499475, -1.24999666,
     2.81378841, 2.85206175, 3.20927763, 3.31133938, 2.91585016, 3.14548922}},
    {"stacks of matrices, broadcast", "MatMul", "", 18, {{FLOAT, {4, {2, 1, 2, 2}}, {2.625, -1.625, -1.375, -2.5, -0.375, -2.375, 0.75,
     1.875}}, {FLOAT, {3, {3, 2, 1}}, {1.125, 1.625, -1, 2.125, -0.375, 2}}}, {4, {2, 3, 2, 1}}, {0.3125, -5.609375, -6.078125, -3.9375,
     -4.234375, -4.484375, -4.28125, 3.890625, -4.671875, 3.234375, -4.609375, 3.46875}},
    {"a row of a matrix", "MatMul", "", 18, {{FLOAT, {1, {3}}, {0.75, -2.125, -2.5}}, {FLOAT, {2, {3, 2}}, {-2.875, -2.625, -0.25, -2.375,
     -2.875, 1.5}}}, {1, {2}}, {5.5625, -0.671875}},
    {"a row by a stack", "MatMul", "", 18, {{FLOAT, {2, {2, 2}}, {-0.625, 1.5, -0.25, -0.25}}, {FLOAT, {3, {2, 2, 2}}, {-0.125, -0.125,
     1.875, -0.625, 2.375, -2.75, 1.625, -2.25}}}, {3, {2, 2, 2}}, {2.890625, -0.859375, -0.4375, 0.1875, 0.953125, -1.65625, -1, 1.25}},
    {"a product with a bias", "Gemm", "alpha=0.5 beta=2.0 transA=1", 18, {{FLOAT, {2, {3, 2}}, {0.75, -3, 0.25, -3, 2.75, 2.375}}, {FLOAT,
     {2, {3, 2}}, {1.75, 2.5, -2.125, -2, -1.875, 0.75}}, {FLOAT, {1, {2}}, {2.375, 3}}}, {2, {2, 2}}, {2.5625, 7.71875, 3.0859375,
     6.140625}},
    {"transposed", "Transpose", "perm=[2,0,1]", 18, {{FLOAT, {3, {2, 2, 3}}, {2.125, -2.375, 0.875, 1.25, 0.625, 1.75, -2.75, 1.625,
     1.375, -1.5, -1.5, 0.75}}}, {3, {3, 2, 2}}, {2.125, 1.25, -2.75, -1.5, -2.375, 0.625, 1.625, -1.5, 0.875, 1.75, 1.375, 0.75}},
    /* clang-format on */
};

static struct qm_arena *arena;
static struct onnx_build build;

static void setup(void) {
    arena = qm_arena_create();
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_operators, .init = setup, .fini = teardown);

/* ---- a model of one node ---- */

static void add_list(Onnx__NodeProto *node, const char *name, const char *list) {
    int64_t numbers[8];
    uint32_t count = 0;
    for (const char *at = list; at[0] != ']'; at += strcspn(at + 1, ",]") + 1) numbers[count++] = strtoll(at + 1, NULL, 10);
    onnx_build_ints(&build, node, name, count, numbers);
}

static void add_attribute(Onnx__NodeProto *node, const char *name, const char *value) {
    bool is_number = strchr("-0123456789", value[0]) != NULL;
    if (value[0] == '[')
        add_list(node, name, value);
    else if (is_number && strchr(value, '.') != NULL)
        onnx_build_float(&build, node, name, strtof(value, NULL));
    else if (is_number)
        onnx_build_int(&build, node, name, strtoll(value, NULL, 10));
    else
        onnx_build_string(&build, node, name, value);
}

static void add_attributes(Onnx__NodeProto *node, const char *attributes) {
    char *rest = qm_arena_strdup(arena, attributes);
    for (char *word; (word = strsep(&rest, " ")) != NULL && word[0] != '\0';) {
        char *value = strchr(word, '=');
        *value = '\0';
        add_attribute(node, word, value + 1);
    }
}

/* Inputs of floats whose bits are set in `computed` are inputs of the network. NULL: refused, which is told. */
static struct qm_graph *read_row(const struct row *row, uint32_t computed) {
    static const struct qm_model_options options;
    static const char *const names[INPUTS] = {"a", "b", "c", "d", "e"};
    const char *inputs = "";
    uint32_t count = INPUTS;
    while (row->inputs[count - 1].type == 0) count--;
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
    onnx_build_opset(&build, row->opset);
    for (uint32_t i = 0; i < count; i++) {
        const struct array *input = &row->inputs[i];
        inputs = qm_arena_printf(arena, "%s %s", inputs, input->type == 0 ? "-" : names[i]);
        if (input->type == FLOAT && (computed >> i & 1) != 0)
            onnx_build_input(&build, names[i], FLOAT, input->shape);
        else if (input->type != 0)
            onnx_build_constant(&build, names[i], input->type, input->shape, input->numbers);
    }
    if (build.graph.n_input == 0) onnx_build_input(&build, "unused", FLOAT, (struct onnx_build_shape){1, {1}});
    Onnx__NodeProto *node = onnx_build_node(&build, row->op, inputs, strcmp(row->op, "Split") == 0 ? "y z" : "y");
    const char *gelu = strstr(row->op, "Gelu"); /* with a word in front of it, of another domain */
    node->domain = qm_arena_strdup(arena, gelu == NULL || gelu == row->op ? "" : "com.microsoft");
    add_attributes(node, row->attributes);
    onnx_build_output(&build, "y");
    struct file_bytes bytes = onnx_build_pack(&build);
    const struct model_file file = {bytes.data, bytes.size, row->name, &options};
    struct qm_graph *graph = QM_ARENA_NEW(arena, struct qm_graph, 1);
    struct qm_diag diag = {.text = ""};
    cr_assert(onnx_parse(&file, arena, graph, &diag) == QM_OK, "%s", diag.text);
    cr_expect(graph->problems.count == 0, "%s: %s", row->name, graph->problems.list[0].text);
    return graph->problems.count == 0 ? graph : NULL;
}

/* ---- its numbers ---- */

static void expect_numbers(const struct row *row, const struct qm_graph_tensor *y, const double *numbers) {
    bool same = y->rank == row->shape.rank, near = true;
    for (uint32_t d = 0; d < y->rank && same; d++) same = y->dims[d] == row->shape.dims[d];
    for (size_t i = 0; same && near && i < qm_graph_elements(y); i++) {
        double want = row->numbers[i];
        near = fabs(numbers[i] - want) <= 1e-5 * fmax(1, fabs(want));
        cr_expect(near, "%s: number %zu is %.9g, not %.9g", row->name, i, numbers[i], want);
    }
    cr_expect(same, "%s: another shape", row->name);
}

static const struct qm_graph_tensor *output_of(const struct qm_graph *graph) {
    return &graph->tensors[graph->outputs[0]];
}

/* Numbers of y, of inputs that have those of the row. */
static const double *evaluated(const struct row *row, const struct qm_graph *graph) {
    const void *inputs[INPUTS];
    const char *problem = evaluate_check_graph(graph);
    struct qm_graph_tensor y = *output_of(graph);
    void *output = qm_arena_alloc(arena, NUMBERS * sizeof(double));
    cr_assert(problem == NULL, "%s: %s", row->name, problem);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        uint32_t at = (uint32_t)(graph->tensors[graph->inputs[i]].name[0] - 'a');
        float *numbers = QM_ARENA_NEW(arena, float, NUMBERS);
        for (int e = 0; e < NUMBERS; e++) numbers[e] = (float)row->inputs[at].numbers[e];
        inputs[i] = numbers;
    }
    cr_assert(evaluate_graph(graph, inputs, &output), "%s", row->name);
    y.data = output;
    return evaluate_numbers(&y, arena);
}

/* Whether the row's operator may compute with all of its inputs. */
static bool takes_computed(const struct row *row) {
    static const char *const ops[] = {"BiasGelu", "Concat", "Div", "MatMul", "Max", "Mean", "Min", "PRelu", "Pow", "Sub", "Sum"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (strcmp(ops[i], row->op) == 0) return true;
    return false;
}

enum { ROWS = sizeof rows / sizeof *rows };

Test(onnx_operators, fold) {
    for (int i = 0; i < ROWS; i++) {
        const struct qm_graph *graph = read_row(&rows[i], 0);
        if (graph == NULL) continue;
        const struct qm_graph_tensor *y = output_of(graph);
        cr_assert(y->data != NULL, "%s", rows[i].name);
        expect_numbers(&rows[i], y, evaluate_numbers(y, arena));
    }
}

Test(onnx_operators, are_evaluated) {
    for (int i = 0; i < ROWS; i++) {
        uint32_t computed = takes_computed(&rows[i]) ? UINT32_MAX : 1;
        const struct qm_graph *graph = read_row(&rows[i], computed);
        if (graph != NULL) expect_numbers(&rows[i], output_of(graph), evaluated(&rows[i], graph));
    }
}
