// Several threads fork at once, while the main one and others take locks, allocate, print, start threads and end them. Each child uses what these made, forks again,
// and may start threads of its own.
//# varies: output
//# children: print
//# children: beside threads
//# processes: 25
#include "slots.h"
enum { WORKERS = 3, FORKS = 4 };
static long done, count;
static void *computes(void *arg) {
  (void)arg;
  while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < WORKERS) spun++;
  return NULL;
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
  int status = again(copy);
  printf("%s, %ld\n", copy, values[0] + values[1]);
  fflush(stdout);
  free(copy);
  return 10 + n + status;
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
  free_slots();
  return 0;
}
