// Blocks that one thread hands to another through the kernel, each by calls of its own, and goes on to write to: what both do there races.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
enum { ROUNDS = 1500, WAYS = 10 };
struct item { volatile long n; };
struct message { int op; struct item *item; };
struct typed { long type; struct item *item; };
static int fd[WAYS][2], file;
static unsigned long work(struct item *i) {
  unsigned long hash = 0;
  for (int k = 0; k < ROUNDS; k++) {
    i->n = i->n * 3 + 1;
    hash = hash * 31 + (unsigned long)i->n;
    if (k % 300 == 0) usleep(1);
  }
  return hash;
}
static void *plain(void *arg) { struct message m; return read(fd[0][0], &m, sizeof m) > 0 ? (void *)work(m.item) : arg; }
static void *received(void *arg) { struct message m; return recv(fd[1][0], &m, sizeof m, 0) > 0 ? (void *)work(m.item) : arg; }
static void *received_from(void *arg) { struct item *i; return recvfrom(fd[2][0], &i, sizeof i, 0, NULL, NULL) > 0 ? (void *)work(i) : arg; }
static void *placed(void *arg) {
  struct message m;
  char c;
  return read(fd[3][0], &c, 1) == 1 && pread(file, &m, sizeof m, 64) > 0 ? (void *)work(m.item) : arg;
}
static void *gathered(void *arg) {
  struct message m;
  struct iovec v[2] = { { &m, 4 }, { (char *)&m + 4, sizeof m - 4 } };
  return readv(fd[4][0], v, 2) > 0 ? (void *)work(m.item) : arg;
}
static void *with_header(void *arg) {
  struct message m;
  struct iovec v = { &m, sizeof m };
  struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
  return recvmsg(fd[5][0], &h, 0) > 0 ? (void *)work(m.item) : arg;
}
static void *queued(void *arg) { struct typed m; return msgrcv(fd[6][0], &m, sizeof m.item, 0, 0) > 0 ? (void *)work(m.item) : arg; }
static void *looped(void *arg) {
  struct message m;
  size_t got = 0;
  while (got < sizeof m) {
    ssize_t n = read(fd[7][0], (char *)&m + got, sizeof m - got);
    if (n <= 0) return arg;
    got += (size_t)n;
  }
  return (void *)work(m.item);
}
static void *event(void *arg) { struct epoll_event e[4]; return epoll_wait(fd[8][0], e, 4, -1) > 0 ? (void *)work(e[0].data.ptr) : arg; }
static void *signalled(void *arg) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  return sigwaitinfo(&set, &info) > 0 ? (void *)work(info.si_value.sival_ptr) : arg;
}
static unsigned long go_on(struct item *i) {
  unsigned long hash = 0;
  for (int k = 0; k < ROUNDS; k++) {
    i->n++;
    hash = hash * 31 + (unsigned long)i->n;
    if (k % 300 == 0) usleep(1);
  }
  return hash;
}
int main(void) {
  void *(*workers[WAYS])(void *) = { plain, received, received_from, placed, gathered, with_header, queued, looped, event, signalled };
  pthread_t t[WAYS];
  void *value;
  unsigned long hash = 0;
  FILE *f = tmpfile();
  sigset_t set;
  if (!f) return 1;
  file = fileno(f);
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < WAYS; i++)
    if (i == 1 || i == 2 || i == 5 ? socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd[i]) : pipe(fd[i])) return 1;
  fd[6][0] = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
  fd[8][0] = epoll_create1(0);
  fd[8][1] = eventfd(1, 0);
  for (int i = 0; i < WAYS; i++) pthread_create(&t[i], NULL, workers[i], NULL);
  // Each block comes from a place of its own, so that one way does not answer for another.
  struct item *a = calloc(1, sizeof *a);
  struct message m = { 1, a };
  if (write(fd[0][1], &m, sizeof m) < 0) return 1;
  hash += go_on(a);
  struct item *b = calloc(1, sizeof *b);
  m = (struct message){ 1, b };
  if (send(fd[1][1], &m, sizeof m, 0) < 0) return 1;
  hash += go_on(b);
  struct item *c = calloc(1, sizeof *c);
  if (sendto(fd[2][1], &c, sizeof c, 0, NULL, 0) < 0) return 1;
  hash += go_on(c);
  struct item *d = calloc(1, sizeof *d);
  struct message placed_at = { 1, d };
  if (pwrite(file, &placed_at, sizeof placed_at, 64) < 0 || write(fd[3][1], "x", 1) < 0) return 1;
  hash += go_on(d);
  struct item *e = calloc(1, sizeof *e);
  struct message in_parts = { 1, e };
  struct iovec v = { &in_parts, sizeof in_parts };
  if (writev(fd[4][1], &v, 1) < 0) return 1;
  hash += go_on(e);
  struct item *g = calloc(1, sizeof *g);
  struct message headed = { 1, g };
  struct iovec w = { &headed, sizeof headed };
  struct msghdr h = { .msg_iov = &w, .msg_iovlen = 1 };
  if (sendmsg(fd[5][1], &h, 0) < 0) return 1;
  hash += go_on(g);
  struct item *q = calloc(1, sizeof *q);
  struct typed typed = { 1, q };
  if (msgsnd(fd[6][0], &typed, sizeof q, 0)) return 1;
  hash += go_on(q);
  struct item *l = calloc(1, sizeof *l);
  struct message long_one = { 1, l };
  for (size_t sent = 0; sent < sizeof long_one;) {
    ssize_t n = write(fd[7][1], (char *)&long_one + sent, sizeof long_one - sent < 5 ? sizeof long_one - sent : 5);
    if (n <= 0) return 1;
    sent += (size_t)n;
  }
  hash += go_on(l);
  struct item *p = calloc(1, sizeof *p);
  struct epoll_event ev = { EPOLLIN, { .ptr = p } };
  if (epoll_ctl(fd[8][0], EPOLL_CTL_ADD, fd[8][1], &ev)) return 1;
  hash += go_on(p);
  struct item *s = calloc(1, sizeof *s);
  union sigval of = { .sival_ptr = s };
  if (sigqueue(getpid(), SIGRTMIN, of)) return 1;
  hash += go_on(s);
  for (int i = 0; i < WAYS; i++) {
    pthread_join(t[i], &value);
    hash = hash * 31 + (unsigned long)value;
  }
  msgctl(fd[6][0], IPC_RMID, NULL);
  printf("%lx\n", hash);
  return 0;
}
