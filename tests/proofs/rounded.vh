    // docs/numerics.md, Scaling, from the product on: quotients and rests of exact numbers. Fraction bits are 31 - shift, or 31 in TFLITE.
    function signed [31:0] saturated(input signed [65:0] value);
        saturated = value > 66'sd2147483647 ? 32'h7fffffff : value < -66'sd2147483648 ? 32'h80000000 : value[31:0];
    endfunction

    // What the product gets: nothing but in ADDEND and OFFSET, where it counts parts of the result, 2^21 to one as far as 31 bits go.
    function signed [63:0] added(input signed [31:0] addend, input [5:0] fraction_bits, input [2:0] rounding);
        case (rounding)
            `QM_ROUNDING_ADDEND: added = addend;
            `QM_ROUNDING_OFFSET: added = fraction_bits <= 21 ? addend
                                       : addend * (64'sd1 <<< (fraction_bits >= 52 ? 6'd31 : fraction_bits - 6'd21));
            default:             added = 64'sd0;
        endcase
    endfunction

    // Towards zero, as C divides.
    function signed [65:0] divided(input signed [65:0] value, input [5:0] bits);
        divided = value < 0 ? -((-value) >>> bits) : value >>> bits;
    endfunction

    function signed [31:0] rounded(input signed [63:0] product, input [5:0] fraction_bits, input [4:0] right, input [2:0] rounding);
        reg signed [65:0] p;
        reg signed [65:0] quotient;   // towards minus infinity
        reg signed [65:0] twice_rest;
        reg signed [65:0] unit;
        reg signed [65:0] h;
        begin
            p          = product;
            unit       = 66'sd1 <<< fraction_bits;
            quotient   = p >>> fraction_bits;
            twice_rest = (p - (quotient <<< fraction_bits)) <<< 1;
            case (rounding)
                `QM_ROUNDING_TFLITE: begin
                    // The product of two times -2^31, and of nothing else (requantize_product.smt2), is 2^62.
                    h = p == 66'sd1 <<< 62 ? 66'sd2147483647
                                           : divided(p + (p >= 0 ? 66'sd1073741824 : 66'sd1 - 66'sd1073741824), 6'd31);
                    quotient = h >>> right;
                    rounded  = quotient[31:0] + (h - (quotient <<< right) > ((66'sd1 <<< right) - 66'sd1 >>> 1)
                             + (h < 0 ? 66'sd1 : 66'sd0));
                end
                `QM_ROUNDING_EVEN, `QM_ROUNDING_OFFSET:
                    rounded = saturated(quotient + (twice_rest > unit || (twice_rest == unit && quotient[0]) ? 66'sd1 : 66'sd0));
                `QM_ROUNDING_AWAY:
                    rounded = saturated(quotient + (twice_rest > unit || (twice_rest == unit && p > 0) ? 66'sd1 : 66'sd0));
                `QM_ROUNDING_FLOOR, `QM_ROUNDING_ADDEND:
                    rounded = saturated(quotient);
                default:
                    rounded = saturated(fraction_bits == 0 ? p : p + (unit >>> 1) >>> fraction_bits);
            endcase
        end
    endfunction
