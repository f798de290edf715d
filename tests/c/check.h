// The test frame: TEST names a test, CHECK looks at something in it, DONE ends the program.
//
//     int main(void) {
//         TEST("a NULL handle is an error");
//         CHECK_STATUS(flare_server_free(NULL), FLARE_ERROR_INVALID_HANDLE);
//         return DONE();
//     }
//
// TEST and DONE are for the main thread. Checks may be made on any thread, as in a handler: they count for the test that runs.
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdbool.h>

void check_begin(const char *name);
int check_done(void);
bool check_that(bool good, const char *what, const char *file, int line);
bool check_number(int64_t found, int64_t wanted, const char *what, const char *file, int line);
bool check_status(int64_t found, int32_t wanted, const char *what, const char *file, int line);
bool check_text(const char *found, const char *wanted, const char *what, const char *file, int line);

#define TEST(name) check_begin(name)
#define DONE() check_done()

// Each gives whether it was good, so that a test can stop before it uses what is not there.
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
#define CHECK_NUMBER(found, wanted) check_number((int64_t)(found), (int64_t)(wanted), #found, __FILE__, __LINE__)
// A status code: a failure shows names, and the message of the library.
#define CHECK_STATUS(found, wanted) check_status((found), (wanted), #found, __FILE__, __LINE__)
// NUL-terminated text; either may be NULL.
#define CHECK_TEXT(found, wanted) check_text((found), (wanted), #found, __FILE__, __LINE__)

#endif
