// What threads are given: a block that is filled before its thread starts, and only read after that.
//# races: results
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
