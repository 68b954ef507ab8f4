# rooms.awk - sums what `gcov -n` prints for each source file into rooms: gcov -n FILES | awk -v goal=PERCENT -f rooms.awk
# Only .c files of the rooms count. Ends with status 1 when all together are below the goal.
/^File / {
    file = substr($2, 2, length($2) - 2)
    next
}

/^Lines executed:/ && file ~ /^(common|compiler|driver|sim)\/.*\.c$/ {
    split($0, words, /[:% ]+/)
    room = file
    sub(/\/[^\/]*$/, "", room)
    count = words[5]
    run = words[3] * count / 100
    lines[room] += count
    ran[room] += run
    all += count
    all_ran += run
    if (run < count - 0.5) partial[++partials] = sprintf("    %6.2f %% of %4d  %s", words[3], count, file)
}

{ file = "" }

END {
    sorted = "LC_ALL=C sort"
    for (room in lines) printf("  %-20s %5d of %5d  %6.2f %%\n", room, ran[room] + 0.5, lines[room], 100 * ran[room] / lines[room]) | sorted
    close(sorted)
    printf("  %-20s %5d of %5d  %6.2f %%, goal %d %%\n", "all", all_ran + 0.5, all, all == 0 ? 0 : 100 * all_ran / all, goal)
    for (i = 1; i <= partials; i++) print partial[i] | sorted
    close(sorted)
    exit all == 0 || 100 * all_ran / all < goal
}
