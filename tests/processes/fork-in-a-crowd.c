// The main thread forks while others start and end threads, wait in calls, compute, and allocate; children use what these made, and fork again.
//# varies: output
//# children: print
//# children: beside threads
//# processes: 13
#include "slots.h"
#include <semaphore.h>
enum { FORKS = 6 };
static sem_t go;
static int pipes[2];
static long stop, got;
static void *starts(void *arg) {
  (void)arg;
  for (long i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, brief, (void *)i) != 0) return NULL;
    if (i % 2 == 0) pthread_join(t, NULL); else pthread_detach(t);
    if (i % 8 == 7) sem_post(&go);
    usleep(200);
  }
  return NULL;
}
static void *reads(void *arg) {
  char c;
  (void)arg;
  while (read(pipes[0], &c, 1) == 1 && c != 'q') {
    pthread_mutex_lock(&lock);
    got += c;
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
static void *computes(void *arg) {
  (void)arg;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) spun++;
  return NULL;
}
static int child(int i) {
  char mine[64];
  long now = pthread_mutex_trylock(&lock) == 0 ? got : -1;
  snprintf(mine, sizeof mine, "%d: %lu %ld %ld", i, look(), now, spun);
  char *copy = strdup(mine);
  int status = again(copy);
  printf("%s\n", copy);
  free(copy);
  return 10 + i + status;
}
int main(void) {
  pthread_t t[4];
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (pipe(pipes) != 0 || sem_init(&go, 0, 0) != 0) return 1;
  pthread_create(&t[0], NULL, starts, NULL);
  pthread_create(&t[1], NULL, starts, NULL);
  pthread_create(&t[2], NULL, reads, NULL);
  pthread_create(&t[3], NULL, computes, NULL);
  int sum = 0;
  for (int i = 0; i < FORKS; i++) {
    sem_wait(&go);
    if (write(pipes[1], "abc", 3) != 3) return 2;
    pid_t pid = fork();
    if (pid == 0) exit(child(i));
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) return 3;
    sum += WEXITSTATUS(status);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  if (write(pipes[1], "q", 1) != 1) return 4;
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  printf("%d\n", sum);
  fflush(stdout);
  free_slots();
  return 0;
}
