// Handlers get a pointer with their signal: from another thread, and from a timer. What they write there races.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
struct item { int n; };
static volatile int stop;
static void handler(int signal, siginfo_t *info, void *context) {
  struct item *i = info->si_value.sival_ptr;
  i->n++;
}
static void *work(void *arg) {
  while (!stop) nanosleep(&(struct timespec){ 0, 100000 }, NULL);
  return arg;
}
int main(void) {
  struct item *sent = calloc(1, sizeof *sent), *timed = calloc(1, sizeof *timed);
  struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_ptr = timed };
  struct itimerspec every = { { 0, 300000 }, { 0, 300000 } };
  pthread_t t;
  timer_t timer;
  sigset_t set;
  unsigned hash = 0;
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGRTMIN + 1, &action, NULL);
  pthread_create(&t, NULL, work, NULL);
  // The other thread alone gets the timer's.
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, NULL)) return 1;
  for (int i = 0; i < 300; i++) {
    pthread_sigqueue(t, SIGRTMIN, (union sigval){ .sival_ptr = sent });
    for (int k = 0; k < 200; k++) {
      hash = hash * 31 + (unsigned)sent->n + 7 * (unsigned)timed->n;
      __asm__ volatile("" ::: "memory");
    }
    if (i % 3 == 0) nanosleep(&(struct timespec){ 0, 1000 }, NULL);
  }
  timer_delete(timer);
  stop = 1;
  pthread_join(t, NULL);
  printf("%x %d %d\n", hash, sent->n, timed->n);
  return 0;
}
