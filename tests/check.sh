# Counts checks in the shell parts of the tests. Sourced, from the top folder of the repository.
export LC_ALL=C
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check NAME COMMAND...: passed when the command succeeds; what it prints says why it did not.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}

# totals PART: the last line of a part, and its exit status.
totals() {
    echo "$1: $passed passed, $failed failed"
    [ "$failed" = 0 ]
}
