#!/bin/sh
# faults.sh [slow] - each proof can fail: a fault planted in a copy of the RTL must be REFUTED, not broken.
# `slow`: those of the slow proofs.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
status=0

refuted() { # file, sed command, then the proof as for run.sh
    file=$1 fault=$2
    shift 2
    rm -rf "$work/rtl" && cp -r rtl "$work/rtl"
    sed -i "$fault" "$work/rtl/$file"
    cmp -s "rtl/$file" "$work/rtl/$file" && echo "$fault changes nothing in $file" && status=1
    RTL=$work/rtl tests/proofs/run.sh "$@"
    [ $? = 1 ] || { echo "$fault in $file was not refuted by $*" && status=1; }
}

if [ "${1:-}" = slow ]; then
    refuted fetch.v "s/held <= 32'd8/held <= 32'd9/" induction fetch AxiBytes=64
    refuted fetch.v "s/fifo\[delivered_q/fifo[requested_q/" induction fetch AxiBytes=4
    refuted fetch.v "/burst_end_o/s/2'd3/2'd1/" induction fetch AxiBytes=4
    exit $status
fi
refuted mac_cell.v '/w0 = /s/ && !bytes//' values product Mode=0
refuted mac_cell.v '/ a = /s/ && !unsigned_i//' values product Mode=0 Bits=8
refuted mac_cell.v '/w1 = /s/weight\[7\],/1'"'"'b0,/' values product Mode=1
refuted mac_cell.v '/pair = /s/p3\[8\]/p2[8]/' values product Mode=2
refuted mac_cell.v 's/load_i \&\& !load_buffer_i/load_i/' induction mac_cell
refuted mac_cell.v 's/sampled_i ?/sampled_o ?/' induction mac_cell
refuted mac_cell.v 's/sample1_q <= sample0_q/sample1_q <= sample_i/' induction mac_cell
refuted requantize.v '/ROUNDING_EVEN/s/ \&\& rounded\[0\]//' induction requantize_round Rounding=2
refuted requantize.v '/ROUNDING_AWAY/s/!product_q/product_q/' induction requantize_round Rounding=4
refuted requantize.v 's/threshold = (mask >> 1) + .*/threshold = mask >> 1;/' induction requantize_round Rounding=0
refuted requantize.v 's/5.d10 - wanted/5'"'"'d11 - wanted/' induction requantize_operands
refuted requantize.v 's/shift_i > 8.sd31/shift_i > 8'"'"'sd30/; s/? 6.sd31/? 6'"'"'sd30/' induction requantize_operands
refuted queue.v 's/~taken_q\[Bits\]/taken_q[Bits]/' induction queue Depth=2
refuted queue.v 's/slots\[started_q/slots[taken_q/' induction queue Depth=2
refuted lib/delay_line.v 's/if (valid_o) read_q/if (valid_i) read_q/' induction delay_line Cycles=5
refuted lib/delay_line.v 's/LastSlot = Cycles - 1/LastSlot = Cycles - 2/' induction delay_line Cycles=2
refuted weight_expand.v 's/data_i\[8\*c + 6/data_i[8*c + 5/' values weight_expand
refuted weight_expand.v 's/c\[8:0\] >= n_i/c[8:0] > n_i/' values weight_expand
refuted token.v 's/if (take \&\& !give)/if (take)/' induction token
refuted token.v "s/count_q != 16'hffff) count_q/count_q != 16'hfffe) count_q/" induction token
exit $status
