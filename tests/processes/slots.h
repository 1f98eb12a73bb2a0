// Texts under a lock that short threads put there, for children to look at (fork-in-a-crowd.c, fork-from-workers.c).
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { SLOTS = 16 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static char *slots[SLOTS];
static long started;
static volatile long spun;
static void *brief(void *arg) {
  char text[32];
  snprintf(text, sizeof text, "thread %ld", (long)arg);
  pthread_rwlock_wrlock(&table);
  free(slots[(long)arg % SLOTS]);
  slots[(long)arg % SLOTS] = strdup(text);
  started++;
  pthread_rwlock_unlock(&table);
  return NULL;
}
static unsigned long look(void) {
  unsigned long sum = 0;
  if (pthread_rwlock_tryrdlock(&table) != 0) return 0;
  for (int i = 0; i < SLOTS; i++)
    for (const char *p = slots[i]; p != NULL && *p != 0; p++) sum = sum * 31 + (unsigned char)*p;
  sum += (unsigned long)started;
  pthread_rwlock_unlock(&table);
  return sum;
}
// Forks a child that looks, too; its status.
static int again(const char *text) {
  pid_t pid = fork();
  if (pid == 0) {
    printf("%s, again %lu\n", text, look());
    fflush(stdout);
    _exit(3);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}
static void free_slots(void) {
  pthread_rwlock_wrlock(&table);
  for (int i = 0; i < SLOTS; i++) free(slots[i]);
}
