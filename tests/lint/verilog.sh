#!/bin/sh
# verilog.sh - every file of the RTL is in one hand: its first line says what the module of its name is, a sentence below names the text
# that it follows, nets are declared and macros included at the same place, parameters have a type, and a port of one bit says when it is
# true. AXI pins, clock and reset mean what they always mean.
set -u
files=$(git ls-files -- 'rtl/*.v')
# shellcheck disable=SC2086
awk '
    function fault(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
    FNR == 1 {
        finish()
        file = FILENAME
        name = FILENAME
        gsub(/^.*\/|\.v$/, "", name)
        head = 1
        source = 0
        if (index($0, "// " name ".v - ") != 1) fault("does not begin with \"// " name ".v - what it is\"")
    }
    FNR == 2 && $0 != "//" { fault("the second line is not //") }
    head && /docs\/[a-z]+\.md/ { source = 1 }
    head && !/^\/\// { head = 0; if (!source) fault("the head names no text of docs/"); next_is = /^`include/ ? FNR + 1 : FNR }
    FNR == next_is && !head && $0 != "`default_nettype none" { fault("`default_nettype none does not follow the head") }
    /^module / && $2 !~ "^" name "(;|$)" { fault("the module is not " name) }
    /^ *(parameter|localparam) / && !/^ *(parameter|localparam) (integer |(signed )?\[)/ { fault("a constant without a type") }
    /^ *(input|output) +(wire|reg) +[a-z]/ && !/ signed / && !/ (clk_i|rst_ni)[,;]?$/ && !/ [sm]_axil?_/ && !/\/\// {
        fault("a port of one bit does not say when it is true")
    }
    { last = $0 }
    function finish() {
        if (file == "" || last == "`default_nettype wire") return
        print file ": does not end with `default_nettype wire"
        bad = 1
    }
    END { finish(); exit bad }
' $files
