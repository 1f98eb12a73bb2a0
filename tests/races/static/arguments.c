// What threads are given: a block of each thread's own is shared with the one that starts it.
//# races: heap:main:15+0, heap:main:15+8, results
#include <pthread.h>
#include <stdlib.h>
struct task { int number; long result; };
static long results[3];
static void *work(void *arg) {
  struct task *task = arg;
  results[task->number] = task->result;
  return NULL;
}
int main(void) {
  pthread_t t;
  for (int i = 0; i < 3; i++) {
    struct task *task = malloc(sizeof *task);
    task->number = i;
    task->result = 1;
    pthread_create(&t, NULL, work, task);
  }
  return 0;
}
