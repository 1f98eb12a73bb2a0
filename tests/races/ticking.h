// Two threads that work, while a timer sends SIGALRM every millisecond.
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
static void ticking(void (*handler)(int), void *(*work)(void *), void *results[2]) {
  pthread_t t[2];
  struct sigaction sa;
  struct itimerval every = {{0, 1000}, {0, 1000}};
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = handler;
  sigaction(SIGALRM, &sa, NULL);
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)(i + 1));
  setitimer(ITIMER_REAL, &every, NULL);
  for (int i = 0; i < 2; i++) pthread_join(t[i], &results[i]);
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
}
