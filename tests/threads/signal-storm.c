// A storm of signals on threads that lock, allocate and print; handlers post semaphores.
//# varies: output
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { THREADS = 3, SIGNALS = 600 };
static pthread_t t[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t handled[3];
static volatile int stop;
static long count;
static sem_t posted;
static void on_signal(int s) {
  __atomic_add_fetch(&handled[s == SIGUSR1 ? 0 : s == SIGUSR2 ? 1 : 2], 1, __ATOMIC_RELAXED);
  sem_post(&posted);
}
static void *work(void *arg) {
  (void)arg;
  while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
    char *p = malloc(100);
    pthread_mutex_lock(&lock);
    count++;
    snprintf(p, 100, "%ld", count);
    pthread_mutex_unlock(&lock);
    free(p);
  }
  return NULL;
}
int main(void) {
  struct sigaction sa;
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_signal;
  sa.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &sa, NULL);
  sigaction(SIGUSR2, &sa, NULL);
  sigaction(SIGWINCH, &sa, NULL);
  sem_init(&posted, 0, 0);
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, NULL);
  for (int i = 0; i < SIGNALS; i++) {
    if (i % 3 == 2) kill(getpid(), SIGWINCH);
    else pthread_kill(t[i % THREADS], i % 2 ? SIGUSR1 : SIGUSR2);
    if (i % 50 == 0) while (sem_wait(&posted) != 0) { }
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%d %d %d of %d, count %ld\n", (int)handled[0], (int)handled[1], (int)handled[2], SIGNALS, count);
  return 0;
}
