# The command line: what scripts depend on, and every kind of bad input. tests/cli/*.sh tell how they judge.
check "help and version" tests/cli/help.sh
check "bad input is refused in one line, before anything is written" tests/cli/refuse.sh
check "verify compares something or says no, and no option does nothing" tests/cli/verify.sh
check "a network from model to files" tests/cli/network.sh
check "explore: every point is that of qmac run, and nothing is written for bad input" tests/cli/explore.sh
