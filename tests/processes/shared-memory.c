// Memory shared by processes: atomics, a process-shared mutex, condition variable, semaphore, read-write lock and barrier in it.
//# processes: 3
//# varies: output
#define _GNU_SOURCE
enum { WORKERS = 3 };
#include "shared.h"
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  if (!share()) return 1;
  for (int i = 1; i < WORKERS; i++)
    if (fork() == 0) { work(i); _exit(0); }
  work(0);
  for (int i = 1; i < WORKERS; i++) wait(NULL);
  show();
  return 0;
}
