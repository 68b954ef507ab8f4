    // docs/numerics.md, Scaling, in words as plain as they are there: wide numbers, real divisions.
    function signed [31:0] saturate(input signed [127:0] value);
        saturate = value > 2147483647 ? 32'h7fffffff : value < -128'sd2147483648 ? 32'h80000000 : value[31:0];
    endfunction

    function signed [127:0] floor_div(input signed [127:0] a, input signed [127:0] b);  // b > 0
        floor_div = a >= 0 ? a / b : -((-a + b - 1) / b);
    endfunction

    function signed [31:0] scale(input signed [31:0] x, input signed [31:0] multiplier, input integer shift_field, input integer rounding);
        scale = scale_addend(x, multiplier, shift_field, rounding, 0);
    endfunction

    // addend is added to the product, in rounding OFFSET in its unit; it is 0 but in ADDEND and OFFSET
    function signed [31:0] scale_addend(input signed [31:0] x, input signed [31:0] multiplier, input integer shift_field,
                                        input integer rounding, input signed [31:0] addend);
        integer            shift;
        integer            total;
        integer            right;
        reg signed [127:0] p;
        reg signed [127:0] unit;
        reg signed [127:0] rest;
        reg signed [31:0]  a;
        reg signed [127:0] h;
        reg signed [127:0] threshold;
        begin
            shift = shift_field < -31 ? -31 : shift_field > 31 ? 31 : shift_field;
            total = 31 - shift;
            right = shift < 0 ? -shift : 0;
            if (rounding == `QM_ROUNDING_TFLITE) begin
                a = shift > 0 ? x << shift : x;
                p = a;
                p = p * multiplier;
                if (a == 32'sh80000000 && multiplier == 32'sh80000000) h = 2147483647;
                else h = (p + (p >= 0 ? 128'sd1073741824 : 1 - 128'sd1073741824)) / 128'sd2147483648;
                unit      = 128'sd1 << right;
                rest      = h - floor_div(h, unit) * unit;  // h & mask
                threshold = (unit - 1) / 2 + (h < 0 ? 1 : 0);
                scale_addend = floor_div(h, unit) + (rest > threshold ? 1 : 0);
            end else begin
                p    = x;
                unit = addend;
                if (rounding == `QM_ROUNDING_OFFSET && total > 21) unit = unit * (128'sd1 << (total > 52 ? 31 : total - 21));
                p    = p * multiplier + unit;
                unit = 128'sd1 << total;
                h    = floor_div(p, unit);
                rest = p - h * unit;
                if (total != 0)
                    case (rounding)
                        `QM_ROUNDING_SINGLE: h = floor_div(p + unit/2, unit);
                        `QM_ROUNDING_EVEN, `QM_ROUNDING_OFFSET:
                            if (2*rest > unit || (2*rest == unit && h[0])) h = h + 1;
                        `QM_ROUNDING_AWAY:   h = p >= 0 ? (p + unit/2) / unit : -((-p + unit/2) / unit);
                        default:             h = h;
                    endcase
                scale_addend = saturate(h);
            end
        end
    endfunction
