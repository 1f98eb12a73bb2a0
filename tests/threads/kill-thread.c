// pthread_kill: a thread in a system call is interrupted, one that computes is too; where each was is printed.
//# varies: output
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static __thread volatile sig_atomic_t got;
static __thread volatile long counter, counter_at;
static sem_t ready, done;
static void on_usr(int s, siginfo_t *info, void *context) {
  (void)context;
  got += s == SIGUSR1 && info->si_pid == getpid();
  counter_at = counter;
}
static void *sleeps(void *arg) {
  struct timespec t = {5, 0}, left;
  (void)arg;
  sem_post(&ready);
  int r = nanosleep(&t, &left);
  int e = errno;
  sem_post(&done);
  return (void *)(long)(r == -1 && e == EINTR && got >= 1);
}
static void *computes(void *arg) {
  (void)arg;
  sem_post(&ready);
  while (got < 3) counter++;
  sem_post(&done);
  return (void *)counter_at;
}
static void *reads(void *arg) {
  char c;
  sem_post(&ready);
  ssize_t n = read(*(int *)arg, &c, 1);
  int e = errno;
  sem_post(&done);
  return (void *)(long)(n == -1 && e == EINTR && got >= 1);
}
int main(void) {
  int p[2];
  struct sigaction sa;
  void *(*const works[])(void *) = { sleeps, computes, reads };
  memset(&sa, 0, sizeof sa);
  sa.sa_sigaction = on_usr;
  sa.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &sa, NULL);
  sem_init(&ready, 0, 0);
  sem_init(&done, 0, 0);
  if (pipe(p) != 0) return 1;
  for (int i = 0; i < 3; i++) {
    pthread_t t;
    void *value;
    pthread_create(&t, NULL, works[i], &p[0]);
    sem_wait(&ready);
    // Again as long as it goes on: a signal may come before the call that it should interrupt.
    do {
      usleep(3000);
      if (pthread_kill(t, SIGUSR1) != 0) return 2;
    } while (sem_trywait(&done) != 0);
    pthread_join(t, &value);
    printf("%d: %ld\n", i, (long)value);
  }
  printf("main got %d, no thread %d\n", (int)got, pthread_kill(pthread_self(), 0));
  return 0;
}
