#include "check.h"

#include <flare.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *running;  // the name of the test that runs; NULL before the first
static bool bad;
static int passed, failed;
static int told;  // lines of the test that runs: a loop that fails is not told in full
enum { MOST_LINES = 10 };

// Ends the test that ran and says how it went.
static void end(void) {
    if (running) printf("%s %s\n", bad ? "not ok" : "ok", running);
    if (running) *(bad ? &failed : &passed) += 1;
    running = NULL;
    bad = false;
}

void check_begin(const char *name) {
    pthread_mutex_lock(&lock);
    end();
    running = name;
    told = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);  // after a crash the log shows how far it came
    pthread_mutex_unlock(&lock);
}

int check_done(void) {
    pthread_mutex_lock(&lock);
    end();
    printf("%d passed, %d failed\n", passed, failed);
    int status = failed ? 1 : 0;
    pthread_mutex_unlock(&lock);
    return status;
}

static void tell(const char *text, const char *file, int line) {
    pthread_mutex_lock(&lock);
    if (told++ < MOST_LINES) printf("# %s:%d: %s\n", file, line, text);
    bad = true;
    pthread_mutex_unlock(&lock);
}

bool check_that(bool good, const char *what, const char *file, int line) {
    if (!good) tell(what, file, line);
    return good;
}

bool check_number(int64_t found, int64_t wanted, const char *what, const char *file, int line) {
    if (found == wanted) return true;
    char text[512];
    snprintf(text, sizeof text, "%s is %" PRId64 ", not %" PRId64, what, found, wanted);
    tell(text, file, line);
    return false;
}

bool check_status(int64_t found, int32_t wanted, const char *what, const char *file, int line) {
    if (found == wanted) return true;
    char message[256], text[1024];
    flare_last_error(message, sizeof message);
    const char *name = found > 0 ? "more than 0" : flare_status_name((int32_t)found);
    snprintf(text, sizeof text, "%s is %s (%s), not %s", what, name, message, flare_status_name(wanted));
    tell(text, file, line);
    return false;
}

bool check_text(const char *found, const char *wanted, const char *what, const char *file, int line) {
    if (found == wanted || (found && wanted && !strcmp(found, wanted))) return true;
    char text[1024];
    snprintf(text, sizeof text, "%s is \"%s\", not \"%s\"", what, found ? found : "(NULL)", wanted ? wanted : "(NULL)");
    tell(text, file, line);
    return false;
}
