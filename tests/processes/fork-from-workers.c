// Several threads fork at once, while the main one and others take locks, allocate, print, start threads and end them. Each child uses what these made, forks again,
// and may start threads of its own.
//# varies: output
//# children: print
//# children: beside threads
//# processes: 25
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { WORKERS = 3, FORKS = 4, SLOTS = 16 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static char *slots[SLOTS];
static long done, count, started;
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
static void *computes(void *arg) {
  (void)arg;
  while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < WORKERS) spun++;
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
static void *of_child(void *arg) {
  *(long *)arg = (long)strlen(strdup("text")) + __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
  return arg;
}
static int child(int n) {
  char mine[96];
  long now = pthread_mutex_trylock(&lock) == 0 ? count : -1, values[2] = { 0, 0 };
  snprintf(mine, sizeof mine, "%d: %lu %ld %ld", n, look(), now, spun);
  char *copy = strdup(mine);
  pthread_t t[2];
  if (n % 2 == 0) {
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, of_child, &values[i]);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  }
  pid_t pid = fork();
  if (pid == 0) {
    printf("%s, again %lu\n", copy, look());
    fflush(stdout);
    _exit(3);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  printf("%s, %ld\n", copy, values[0] + values[1]);
  fflush(stdout);
  free(copy);
  return 10 + n + WEXITSTATUS(status);
}
static void *forks(void *arg) {
  long sum = 0;
  for (int i = 0; i < FORKS; i++) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) _exit(child((int)(long)arg * FORKS + i));
    if (waitpid(pid, &status, 0) == pid) sum += WEXITSTATUS(status);
    pthread_mutex_lock(&lock);
    count += sum;
    pthread_mutex_unlock(&lock);
  }
  __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
  return (void *)sum;
}
int main(void) {
  pthread_t t[WORKERS], other, computing;
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_create(&computing, NULL, computes, NULL);
  for (long i = 0; i < WORKERS; i++) pthread_create(&t[i], NULL, forks, (void *)i);
  for (long i = 0; __atomic_load_n(&done, __ATOMIC_ACQUIRE) < WORKERS; i++) {
    if (pthread_create(&other, NULL, brief, (void *)i) != 0) return 1;
    if (i % 2 == 0) pthread_join(other, NULL); else pthread_detach(other);
    pthread_mutex_lock(&lock);
    count++;
    pthread_mutex_unlock(&lock);
    if (i % 50 == 0) printf("main %ld\n", i);
    usleep(300);
  }
  long sum = 0;
  for (int i = 0; i < WORKERS; i++) {
    void *value;
    pthread_join(t[i], &value);
    sum += (long)value;
  }
  pthread_join(computing, NULL);
  printf("%ld\n", sum);
  fflush(stdout);
  pthread_rwlock_wrlock(&table);
  for (int i = 0; i < SLOTS; i++) free(slots[i]);
  return 0;
}
