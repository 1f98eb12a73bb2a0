// A handler that changes what the interrupted code works on, without volatile or atomics, with threads beside it.
//# varies: output
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
long ticks, shared;
static volatile int stop;
static void on_alarm(int s) { (void)s; ticks++; shared += ticks; if (ticks >= 8) stop = 1; }
__attribute__((noinline)) static void step(long n) { shared = shared * 3 % 1000003 + n; }
static void *work(void *arg) {
  long n = 0;
  while (!stop) { step((long)arg); n++; }
  return (void *)n;
}
int main(void) {
  pthread_t t[2];
  void *n[2];
  struct sigaction sa;
  struct itimerval every = {{0, 1000}, {0, 1000}};
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_alarm;
  sigaction(SIGALRM, &sa, NULL);
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)(i + 1));
  setitimer(ITIMER_REAL, &every, NULL);
  for (int i = 0; i < 2; i++) pthread_join(t[i], &n[i]);
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
  printf("ticks %ld shared %ld steps %ld %ld\n", ticks, shared, (long)n[0], (long)n[1]);
  return 0;
}
