// A server in a loop of epoll: one descriptor stands for all it does, deadlines included. No thread is made for it.
#include "host.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static int32_t work(flare_server *server, int watch) {
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(watch, EPOLL_CTL_ADD, flare_server_fd(server), &event) != 0) return FLARE_ERROR_IO;
    while (flare_server_drained(server) == 0) {
        if (epoll_wait(watch, &event, 1, -1) < 0 && errno != EINTR) return FLARE_ERROR_IO;
        // It does a bounded piece of work. If more is left, the descriptor stays readable.
        int32_t more = flare_server_poll(server, 0);
        if (more < 0) return more;
    }
    return FLARE_OK;
}

static int32_t loop(flare_server *server) {
    int watch = epoll_create1(EPOLL_CLOEXEC);
    if (watch < 0) return FLARE_ERROR_IO;
    int32_t status = work(server, watch);
    close(watch);
    return status;
}

int main(int count, char **arguments) { return host_run(count, arguments, loop); }
