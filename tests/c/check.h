// The smallest test frame for C: TEST names one, CHECK looks at something in it, DONE ends the program.
//
//     int main(void) {
//         TEST("a NULL handle is an error");
//         CHECK(flare_server_free(NULL) == FLARE_ERROR_INVALID_HANDLE);
//         return DONE();
//     }
//
// For the main thread only: other threads report by values that the main thread checks.
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static const char *check_name;  // the test that runs; NULL before the first
static int check_bad, check_failed;

// Ends the test that ran and says how it went.
static void check_end(void) {
    if (check_name) printf("%s %s\n", check_bad ? "not ok" : "ok", check_name);
    check_failed += check_bad;
    check_name = NULL;
    check_bad = 0;
}

static void check_begin(const char *name) {
    check_end();
    check_name = name;
    setvbuf(stdout, NULL, _IOLBF, 0);  // after a crash the log shows how far it came
}

static void check_that(int good, const char *what, const char *file, int line) {
    if (good) return;
    printf("# %s:%d: %s\n", file, line, what);
    check_bad = 1;
}

static int check_done(void) {
    check_end();
    return check_failed ? 1 : 0;
}

#define TEST(name) check_begin(name)
#define CHECK(condition) check_that(!!(condition), #condition, __FILE__, __LINE__)
#define DONE() check_done()

#endif
