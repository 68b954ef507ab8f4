# The command line: what scripts depend on, and every kind of bad input. tests/cli/*.sh tell how they judge.
check "help and version" tests/cli/help.sh
check "bad input is refused in one line, before anything is written" tests/cli/refuse.sh
check "a network from model to files" tests/cli/network.sh
