// epoll with eventfd, timerfd, signalfd and a pipe between threads; the order of events is printed.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
enum { EVENT, TIMER, SIGNAL, PIPE, KINDS };
struct source { int fd, kind; long count; };
static struct source sources[KINDS];
static int pipes[2], seen;
static char order[400];
static void *raises(void *arg) {
  (void)arg;
  for (int i = 0; i < 20; i++) {
    uint64_t one = (uint64_t)i + 1;
    if (write(sources[EVENT].fd, &one, sizeof one) != sizeof one) return NULL;
    if (i % 5 == 0) kill(getpid(), SIGUSR1);
    if (i % 4 == 0) usleep(300);
  }
  return NULL;
}
static void *writes(void *arg) {
  (void)arg;
  for (int i = 0; i < 20; i++) {
    char text[16];
    int n = snprintf(text, sizeof text, "line %02d\n", i);
    if (write(pipes[1], text, (size_t)n) != n) return NULL;
    if (i % 6 == 0) usleep(200);
  }
  close(pipes[1]);
  return NULL;
}
static void handle(struct source *s, int *open_) {
  union { uint64_t n; struct signalfd_siginfo info; char text[256]; } u;
  ssize_t n = read(s->fd, &u, s->kind == PIPE ? sizeof u.text : s->kind == SIGNAL ? sizeof u.info : sizeof u.n);
  if (n <= 0) { if (s->kind == PIPE) { *open_ = 0; close(s->fd); } return; }
  s->count += s->kind == PIPE ? n : s->kind == SIGNAL ? (long)u.info.ssi_signo : (long)u.n;
  if (seen < (int)sizeof order - 1) order[seen++] = "etsp"[s->kind];
}
int main(void) {
  pthread_t t[2];
  sigset_t set;
  struct itimerspec every = {{0, 400000}, {0, 400000}};
  int loop = epoll_create1(EPOLL_CLOEXEC), open_ = 1;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (pipe(pipes) != 0) return 1;
  sources[EVENT].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  sources[TIMER].fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  sources[SIGNAL].fd = signalfd(-1, &set, SFD_NONBLOCK);
  sources[PIPE].fd = pipes[0];
  timerfd_settime(sources[TIMER].fd, 0, &every, NULL);
  for (int i = 0; i < KINDS; i++) {
    struct epoll_event e = { .events = EPOLLIN | (i == EVENT ? EPOLLET : 0), .data.ptr = &sources[i] };
    sources[i].kind = i;
    epoll_ctl(loop, EPOLL_CTL_ADD, sources[i].fd, &e);
  }
  pthread_create(&t[0], NULL, raises, NULL);
  pthread_create(&t[1], NULL, writes, NULL);
  while (open_ || sources[EVENT].count < 210 || sources[SIGNAL].count == 0) {
    struct epoll_event e[3];
    int n = epoll_wait(loop, e, 3, 1000);
    if (n <= 0) break;
    for (int i = 0; i < n; i++) handle(e[i].data.ptr, &open_);
  }
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  timerfd_gettime(sources[TIMER].fd, &every);
  printf("%s\nevent %ld timer %d signal %d pipe %ld left %d\n", order, sources[EVENT].count, sources[TIMER].count > 0,
         sources[SIGNAL].count >= SIGUSR1, sources[PIPE].count, every.it_value.tv_nsec > 0);
  return 0;
}
