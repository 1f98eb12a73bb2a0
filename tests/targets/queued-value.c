// A handler finds a pointer in what came with its signal, and writes there.
//# level: R3
//# target: main:!handler
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
struct item { int n; };
static volatile int got;
static void handler(int signal, siginfo_t *info, void *context) {
  struct item *i = info->si_value.sival_ptr;
  i->n++;
  got++;
}
int main(void) {
  struct item *first = malloc(sizeof *first), *second = malloc(sizeof *second);
  struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
  union sigval value = { .sival_ptr = first };
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_ptr = second };
  struct itimerspec once = { { 0, 0 }, { 0, 1000000 } };
  timer_t timer;
  int before = getpid();
  first->n = second->n = before;
  sigaction(SIGRTMIN, &action, NULL);
  if (sigqueue(before, SIGRTMIN, value)) return 1;
  printf("%d %d\n", first->n - before, got);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &once, NULL)) return 1;
  while (got < 2) usleep(500);
  timer_delete(timer);
  printf("%d %d\n", second->n - before, got);
  return 0;
}
