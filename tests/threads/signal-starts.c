// Signals to threads that have just been started, and to the process while threads come and go: none is lost.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
enum { THREADS = 100, SIGNALS = 200 };
static sem_t handled;
static volatile int stop, senders[2];
static void on_signal(int s, siginfo_t *info, void *context) {
  (void)context;
  __atomic_add_fetch(&senders[s == SIGUSR2], info->si_pid == getpid() && info->si_code == (s == SIGUSR1 ? SI_TKILL : SI_USER), __ATOMIC_RELAXED);
  sem_post(&handled);
}
static void *waits(void *arg) {
  while (!__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE)) usleep(50);
  return NULL;
}
static void *nothing(void *arg) { return arg; }
static void *starts(void *arg) {
  while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
    pthread_t t[3];
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, nothing, NULL);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  }
  return arg;
}
int main(void) {
  struct sigaction sa;
  sigset_t set;
  pthread_t t;
  memset(&sa, 0, sizeof sa);
  sa.sa_sigaction = on_signal;
  sa.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGUSR1, &sa, NULL);
  sigaction(SIGUSR2, &sa, NULL);
  sem_init(&handled, 0, 0);
  for (int i = 0; i < THREADS; i++) {
    int end = 0;
    pthread_create(&t, NULL, waits, &end);
    pthread_kill(t, SIGUSR1);
    while (sem_wait(&handled) != 0) { }
    __atomic_store_n(&end, 1, __ATOMIC_RELEASE);
    pthread_join(t, NULL);
  }
  // Main takes none: they go to the others.
  pthread_create(&t, NULL, starts, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < SIGNALS; i++) {
    kill(getpid(), SIGUSR2);
    while (sem_wait(&handled) != 0) { }
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  pthread_join(t, NULL);
  printf("%d %d\n", senders[0], senders[1]);
  return 0;
}
