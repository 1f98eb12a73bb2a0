// A timer's signal reaches any thread: which one, and how far it had come, is printed. Also a timer for one thread.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
enum { THREADS = 3 };
static __thread int me;
static volatile sig_atomic_t alarms[THREADS + 1], directed[THREADS + 1];
static volatile long progress[THREADS + 1];
static void on_alarm(int s) { if (s == SIGALRM) alarms[me]++; else directed[me]++; }
static int total(void) { int n = 0; for (int i = 0; i <= THREADS; i++) n += alarms[i]; return n; }
static void *work(void *arg) {
  me = (int)(long)arg;
  timer_t timer;
  struct sigevent e;
  memset(&e, 0, sizeof e);
  e.sigev_notify = SIGEV_THREAD_ID;
  e.sigev_signo = SIGRTMIN;
  e._sigev_un._tid = (pid_t)syscall(SYS_gettid);
  if (timer_create(CLOCK_MONOTONIC, &e, &timer) != 0) return (void *)1;
  struct itimerspec t = {{0, 2000000}, {0, 1000000}};
  timer_settime(timer, 0, &t, NULL);
  while (total() < 15 || directed[me] < 3) progress[me]++;
  timer_delete(timer);
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  struct sigaction sa;
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_alarm;
  sigaction(SIGALRM, &sa, NULL);
  sigaction(SIGRTMIN, &sa, NULL);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)(i + 1));
  struct itimerval every = {{0, 1500}, {0, 1500}};
  setitimer(ITIMER_REAL, &every, NULL);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
  for (int i = 0; i <= THREADS; i++) printf("%d: alarms %d directed %d progress %ld\n", i, (int)alarms[i], (int)directed[i], progress[i]);
  return 0;
}
