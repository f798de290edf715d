// rate: requests at a fixed rate, and how long each took (HTTP/1.1). The load is open: each request has a time at which it is meant to be sent, whatever
// became of those before it, and its latency counts from that time. So a server, or a machine, that stalls is charged for all that
// had to wait meanwhile (no coordinated omission).
//   rate -p PORT -r REQUESTS_PER_SECOND [-d SECONDS] [-c CONNECTIONS] [-u PATH] [-l LENGTH]
// A connection has one request at a time. When all are busy, what is due waits, and its latency grows.
// Every answer must be 200 with LENGTH bytes of content (13). The first tenth of the time is warming up and does not count.
// Prints: "answers p50 p90 p99 p99.9 longest, late50 late99" in microseconds; `late` is how much later than meant requests were sent, which is
// the generator's own part, or that of connections that were busy.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define ROOM (1 << 16)
typedef struct { int fd; long got, want; int64_t meant; char head[1024]; } Conn;

static int port = 8080, C = 64, free_count;
static long rate, length = 13, answers, counted;
static int64_t *latencies, *late;
static Conn *conns, **free_list;
static char request[512], scratch[ROOM];

static void die(const char *why) { fprintf(stderr, "rate: %s after %ld answers (%s)\n", why, answers, strerror(errno)); exit(1); }

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

static int dial(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (void *)&a, sizeof a)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

// Sends a request that was meant to go at this time.
static void ask(Conn *c, int64_t meant) {
  ssize_t size = strlen(request);
  c->meant = meant; c->got = c->want = 0;
  if (send(c->fd, request, size, MSG_NOSIGNAL) != size) die("send");
}

// The length of the whole answer, once its head is there; 0 before.
static long answer_length(Conn *c) {
  char *end = strstr(c->head, "\r\n\r\n"), *field = strcasestr(c->head, "\r\ncontent-length:");
  if (!end) return c->got >= (long)sizeof c->head - 1 ? die("a head that is too long"), 0 : 0;
  if (memcmp(c->head, "HTTP/1.1 200", 12) || !field || field > end || atol(field + 17) != length) die("a wrong answer");
  return end + 4 - c->head + length;
}

// Reads what came. 1 when the answer is whole.
static int take(Conn *c) {
  ssize_t k = recv(c->fd, scratch, ROOM, 0);
  if (k < 0 && errno == EAGAIN) return 0;
  if (k <= 0) die("closed by peer");
  if (!c->want) {
    long room = sizeof c->head - 1 - c->got, part = k < room ? k : room;
    memcpy(c->head + c->got, scratch, part);
    c->head[c->got + part] = 0;
    c->got += k;
    c->want = answer_length(c);
  } else c->got += k;
  if (c->want && c->got > c->want) die("bytes behind the answer");
  return c->want && c->got == c->want;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}
// In microseconds.
static double quantile(const int64_t *sorted, double part) {
  long at = (long)(part * counted);
  return sorted[at < counted ? at : counted - 1] / 1e3;
}

int main(int argc, char **v) {
  const char *path = "/plaintext";
  double seconds = 5;
  int o;
  while ((o = getopt(argc, v, "p:r:d:c:u:l:")) != -1) switch (o) {
    case 'p': port = atoi(optarg); break;
    case 'r': rate = atol(optarg); break;
    case 'd': seconds = atof(optarg); break;
    case 'c': C = atoi(optarg); break;
    case 'u': path = optarg; break;
    case 'l': length = atol(optarg); break;
    default: return 2;
  }
  if (rate <= 0 || C <= 0 || seconds <= 0 || strlen(path) > 300) { fputs("rate: -r, -c and -d are above 0, and a path is short\n", stderr); return 2; }
  sprintf(request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
  prctl(PR_SET_TIMERSLACK, 1);  // wake up when it is time, and not 50 us later
  long total = (long)(rate * seconds), warm = total / 10, sent = 0;
  latencies = malloc(total * sizeof *latencies); late = malloc(total * sizeof *late);
  conns = calloc(C, sizeof *conns); free_list = calloc(C, sizeof *free_list);
  if (total <= warm || !latencies || !late || !conns || !free_list) die("too few requests, or too little memory");
  int ep = epoll_create1(0);
  for (int i = 0; i < C; i++) {
    conns[i].fd = dial();
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &conns[i]};
    epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &ev);
    free_list[free_count++] = &conns[i];
  }
  int64_t begin = now() + SECOND / 100, heard = begin;
  struct epoll_event evs[256];
  while (answers < total) {
    int64_t at = now();
    while (sent < total && free_count) {
      int64_t meant = begin + (int64_t)((double)sent * SECOND / rate);
      if (meant > at) break;
      if (sent >= warm) late[sent - warm] = at - meant;
      ask(free_list[--free_count], meant);
      sent++;
      at = now();
    }
    int64_t wait = SECOND;
    if (sent < total && free_count) wait = begin + (int64_t)((double)sent * SECOND / rate) - at;
    struct timespec pause = {.tv_sec = wait > 0 ? wait / SECOND : 0, .tv_nsec = wait > 0 ? wait % SECOND : 0};
    int n = epoll_pwait2(ep, evs, 256, &pause, NULL);
    if (n < 0 && errno != EINTR) die("epoll");
    for (int i = 0; i < n; i++) {
      Conn *c = evs[i].data.ptr;
      if (!take(c)) continue;
      heard = now();
      // Of the requests behind the first tenth, in the order in which they are answered.
      if (c->meant >= begin + (int64_t)((double)warm * SECOND / rate)) latencies[counted++] = heard - c->meant;
      free_list[free_count++] = c;
      answers++;
    }
    if (free_count < C && now() - heard > 10 * SECOND) die("no answer for ten seconds");
  }
  qsort(latencies, counted, sizeof *latencies, compare);
  qsort(late, total - warm, sizeof *late, compare);
  printf("%ld %.1f %.1f %.1f %.1f %.1f, %.1f %.1f\n", counted, quantile(latencies, .5), quantile(latencies, .9), quantile(latencies, .99),
         quantile(latencies, .999), latencies[counted - 1] / 1e3, quantile(late, .5), quantile(late, .99));
  return 0;
}
