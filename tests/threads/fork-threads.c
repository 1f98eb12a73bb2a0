// fork in a program with threads: handlers around it, the child has one thread and its own copy; many forks at once. They are recorded, unless races are ordered.
//# processes: 4
//# children: beside threads
//# children: unrecorded if ordered
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { THREADS = 3 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char trail[64];
static volatile int stop;
static long count;
static void before(void) { pthread_mutex_lock(&lock); strcat(trail, "b"); }
static void parent(void) { strcat(trail, "p"); pthread_mutex_unlock(&lock); }
static void child(void) { strcat(trail, "c"); pthread_mutex_unlock(&lock); }
static void *work(void *arg) {
  (void)arg;
  while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
    pthread_mutex_lock(&lock);
    count++;
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
static void *forks(void *arg) {
  int p[2], status;
  char text[64];
  if (pipe(p) != 0) return NULL;
  pid_t pid = fork();
  if (pid == 0) {
    pthread_mutex_lock(&lock);
    int n = snprintf(text, sizeof text, "child %ld %c", (long)arg, trail[strlen(trail) - 1]);
    if (write(p[1], text, (size_t)n + 1) < 0) _exit(1);
    _exit(10 + (int)(long)arg);
  }
  ssize_t n = read(p[0], text, sizeof text);
  waitpid(pid, &status, 0);
  close(p[0]);
  close(p[1]);
  return n > 0 ? (void *)(long)(WEXITSTATUS(status) * 100 + text[n - 2]) : NULL;
}
int main(void) {
  pthread_t t[THREADS], f[3];
  void *value;
  pthread_atfork(before, parent, child);
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, NULL);
  for (long i = 0; i < 3; i++) pthread_create(&f[i], NULL, forks, (void *)i);
  for (int i = 0; i < 3; i++) { pthread_join(f[i], &value); printf("%ld\n", (long)value); }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%s\n", trail);
  return 0;
}
