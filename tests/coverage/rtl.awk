# rtl.awk - line and toggle coverage of the RTL, out of what Verilator wrote: awk -f rtl.awk exclusions.txt MACHINE.dat... > report
#
# A line point is a block or a branch (if, else, case) of the source; one machine that runs it is enough. A toggle point is a bit of a
# signal of a module, whatever the instance, and stands for each machine: it must have changed at least twice. Names of more than 256 bits,
# and memories, have no toggle points. An exclusion (exclusions.txt says how they are written) must take away at least one point, and only
# uncovered ones. Ends with status 1 when a line point is uncovered, a machine has toggled less than `goal` percent,
# or an exclusion is idle.
BEGIN { goal = 95 }

function part(key,    at, rest) {  # of the point's description
    at = index($0, "\001" key "\002")
    if (at == 0) return ""
    rest = substr($0, at + length(key) + 2)
    match(rest, /^[^\001']*/)
    return substr(rest, 1, RLENGTH)
}

function source_line(file, line,    text, i) {
    if (!(file in read_in)) {
        for (i = 1; (getline text < file) > 0; i++) source[file, i] = text
        close(file)
        read_in[file] = 1
    }
    return source[file, line]
}

function excluded(kind, machine, file, text,    i) {
    for (i = 1; i <= exclusions; i++)
        if ((kind == kinds[i] || kind "-" machine == kinds[i]) && (file == files[i] || files[i] == "*") && text ~ patterns[i]) return i
    return 0
}

function fail(text) {
    print "  FAIL " text
    failed = 1
}

FILENAME ~ /exclusions\.txt$/ {
    if ($0 ~ /^#/ || NF == 0) next
    exclusions++
    reason = index($0, " -- ")
    if (reason == 0) fail("exclusions.txt:" FNR ": no reason")
    place = substr($0, 1, reason - 1)
    kinds[exclusions] = $1
    sub(/^[a-z0-9-]+ /, "", place)
    files[exclusions] = substr(place, 1, index(place, ":") - 1)
    patterns[exclusions] = substr(place, index(place, ":") + 1)
    where[exclusions] = "exclusions.txt:" FNR
    next
}

/^C / {
    file = part("f")
    sub(/^.*\/rtl\//, "rtl/", file)
    name = part("o")
    count = $NF
    if (part("page") ~ /^v_toggle/) {
        machine = FILENAME
        sub(/.*\//, "", machine)
        sub(/\.dat$/, "", machine)
        toggles[machine, file, name] += count
    } else {
        point = file SUBSEP part("l") SUBSEP part("n") SUBSEP name
        lines[point] += count
    }
}

END {
    for (point in lines) {
        split(point, p, SUBSEP)
        by = excluded("line", "", p[1], source_line(p[1], p[2]) " #" p[4])
        if (by && lines[point] == 0) { used[by]++; line_excluded++; continue }
        if (by) { fail(where[by] ": is covered: " p[1] ":" p[2]); continue }
        all[p[1]]++
        line_all++
        if (lines[point] > 0) { hit[p[1]]++; line_hit++; continue }
        open_lines[++line_open] = sprintf("%s:%d: %s: %s", p[1], p[2], p[4], source_line(p[1], p[2]))
    }
    for (point in toggles) {
        split(point, p, SUBSEP)
        machines[p[1]] = 1
        by = toggles[point] < 2 ? excluded("toggle", p[1], p[2], p[3]) : 0
        if (by) { used[by]++; toggle_excluded[p[1]]++; continue }
        toggle_all[p[1]]++
        file_toggles[p[1], p[2]]++
        if (toggles[point] > 1) { toggle_hit[p[1]]++; file_toggled[p[1], p[2]]++ }
        else open_toggles[++toggle_open] = sprintf("%s: %s: %s", p[1], p[2], p[3])
    }
    sorted = "sort -V"
    print "  file                          line points          toggles of each machine"
    for (file in all) {
        text = sprintf("  %-28s %5d of %5d", file, hit[file], all[file])
        for (machine in machines)
            if ((machine, file) in file_toggles)
                text = text sprintf("   %s %5d of %5d", machine, file_toggled[machine, file], file_toggles[machine, file])
        print text | sorted
    }
    close(sorted)
    printf "  lines: %d of %d points (%.2f %%), %d excluded\n", line_hit, line_all, 100 * line_hit / line_all, line_excluded
    if (line_hit < line_all) fail("line points that nothing has run:")
    for (i = 1; i <= line_open; i++) print "    " open_lines[i] | sorted
    close(sorted)
    for (machine in machines) {
        percent = 100 * toggle_hit[machine] / toggle_all[machine]
        printf "  toggles on %s: %d of %d bits both ways (%.2f %%), %d excluded, goal %d %%\n",
            machine, toggle_hit[machine], toggle_all[machine], percent, toggle_excluded[machine], goal
        if (percent < goal) fail(machine " is below the goal")
    }
    for (i = 1; i <= exclusions; i++) if (!used[i]) fail(where[i] ": takes away no uncovered point")
    print "  bits that have not toggled:"
    for (i = 1; i <= toggle_open; i++) print "    " open_toggles[i] | sorted
    close(sorted)
    exit failed
}
