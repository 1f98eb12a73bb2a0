// Threads of several processes share a mutex, a condition variable, a semaphore, a read-write lock and a barrier in shared memory.
//# processes: 2
//# varies: output
#define _GNU_SOURCE
enum { PROCESSES = 2, THREADS = 2, WORKERS = PROCESSES * THREADS };
#include "shared.h"
#include <sys/wait.h>
#include <unistd.h>
static void *thread(void *arg) {
  work((int)(long)arg);
  return NULL;
}
static void process(int number) {
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, thread, (void *)(long)(number * THREADS + i));
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
}
int main(void) {
  if (!share()) return 1;
  for (int i = 1; i < PROCESSES; i++)
    if (fork() == 0) { process(i); _exit(0); }
  process(0);
  for (int i = 1; i < PROCESSES; i++) wait(NULL);
  show();
  return 0;
}
