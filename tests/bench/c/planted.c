// A slow-down that is planted into a server from outside, to see that the gate finds it: loaded before libc, each wait for events burns some
// 600 instructions more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/epoll.h>

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    static int (*real)(int, struct epoll_event *, int, int);
    if (!real) real = (int (*)(int, struct epoll_event *, int, int))dlsym(RTLD_NEXT, "epoll_wait");
    for (volatile int left = 100; left > 0; left--) {}
    return real(epoll, events, most, timeout);
}
