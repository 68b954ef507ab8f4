# The command line: what scripts depend on, and every kind of bad input. tests/cli/*.sh tell how they judge.
check "help and version" tests/cli/help.sh
check "bad input is refused in one line, before anything is written" tests/cli/refuse.sh
check "verify compares something or says no, and no option does nothing" tests/cli/verify.sh
check "a network from model to files" tests/cli/network.sh
check "what is not exact is taken when asked for, with how far it is off; another rounding is named" tests/cli/accept.sh
check "float networks: outputs, accuracy, no time and no energy" tests/cli/float.sh
check "float networks are quantized: what each step gained, files that run, what is refused" tests/cli/quantize.sh
check "explore: every point is that of qmac run, and nothing is written for bad input" tests/cli/explore.sh
check "explore goes on where it was killed, interrupted or out of room" tests/cli/resume.sh
check "tables of shapes: read, priced, the same in RTL with drawn weights, or refused with their line" tests/cli/shapes.sh
check "traces are what Perfetto takes, and of the cycles of the report" tests/cli/trace.sh
check "pages in a browser: no error, every figure that of the JSON, no label over another, the keyboard" tests/cli/page.sh
check "explain and diff say what runs on the changed machines say, and add up" tests/cli/explain.sh
check "a plan takes the cycles that the compiler says, and more searching finds no slower one" tests/cli/search.sh
check "names that are not text are shown as text, on the terminal, in JSON and in CSV" tests/cli/names.sh
check "pipes are read as files are, and what has no end is refused" tests/cli/streams.sh
check "too little memory is status 3 and one line" tests/cli/memory.sh
check "large graphs and files take no longer than their size" tests/cli/large.sh
check "pages that show commands show what these print" tests/cli/pages.sh
