// Bugs that are planted into a server from outside, to see that the soak finds them: loaded before libc, it leaks with each connection. And a fault
// that is none of the server's: a wall clock that jumps.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static atomic_uint accepted;

static int is_planted(const char *what) {
    const char *planted = getenv("PLANTED");
    return planted != NULL && strcmp(planted, what) == 0;
}

// Keeps something of every connection: memory that is touched, one descriptor of ten, or a little time that grows.
static void plant(int connection) {
    unsigned count = atomic_fetch_add(&accepted, 1);
    if (is_planted("memory")) {
        volatile char *kept = malloc(256 << 10);
        for (int at = 0; kept != NULL && at < 256 << 10; at += 4096) kept[at] = 1;
    } else if (is_planted("descriptors") && count % 10 == 0) {
        if (dup(connection) < 0) abort();
    } else if (is_planted("latency")) {
        nanosleep(&(struct timespec){.tv_nsec = (long)(count < 4000 ? count : 4000) * 20000}, NULL);
    }
}

// The wall clock jumps by an hour, and back, all the time.
int clock_gettime(clockid_t clock, struct timespec *now) {
    static _Thread_local unsigned calls;
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);
    if (status == 0 && clock == CLOCK_REALTIME && is_planted("clock") && calls++ % 2 == 0) now->tv_sec -= 3600;
    return status;
}

int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
    int (*real)(int, struct sockaddr *, socklen_t *, int) = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT, "accept4");
    int connection = real(listener, address, length, flags);
    if (connection >= 0) plant(connection);
    return connection;
}
