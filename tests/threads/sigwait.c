// A thread for signals: all are blocked elsewhere, sigwait, sigwaitinfo and sigtimedwait take them.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static sigset_t set;
static sem_t taken;
static void *takes(void *arg) {
  int s, n = 0;
  (void)arg;
  while (sigwait(&set, &s) == 0 && s != SIGTERM) {
    n = n * 100 + s;
    sem_post(&taken);
  }
  siginfo_t info;
  sem_post(&taken);
  n += sigwaitinfo(&set, &info) == SIGRTMIN + 1 ? 1000000 * info.si_value.sival_int : 0;
  return (void *)(long)n;
}
int main(void) {
  pthread_t t;
  void *value;
  sigset_t old, pending;
  struct timespec none = {0, 1000};
  sem_init(&taken, 0, 0);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGRTMIN + 1);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  pthread_create(&t, NULL, takes, NULL);
  kill(getpid(), SIGUSR1);
  sem_wait(&taken);
  kill(getpid(), SIGHUP);
  sem_wait(&taken);
  pthread_kill(t, SIGTERM);
  sem_wait(&taken);
  union sigval v = { .sival_int = 4 };
  sigqueue(getpid(), SIGRTMIN + 1, v);
  pthread_join(t, &value);
  printf("%ld\n", (long)value);
  raise(SIGUSR1);
  sigpending(&pending);
  printf("pending %d\n", sigismember(&pending, SIGUSR1));
  printf("timed %d\n", sigtimedwait(&set, NULL, &none) == SIGUSR1);
  printf("none %d\n", sigtimedwait(&set, NULL, &none) == -1 && errno == EAGAIN);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return 0;
}
