// The library writes for the program: buffers that are read into, copied to, sorted.
//# races: copied, line, sorted
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char line[64], copied[64];
static int sorted[8];
static int less(const void *a, const void *b) { return *(int *)a - *(int *)b; }
static void *work(void *arg) {
  read(0, line, sizeof line);
  strcpy(copied, arg);
  qsort(sorted, 8, sizeof *sorted, less);
  return NULL;
}
int main(int argc, char **argv) {
  pthread_t t;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, argv[0]);
  return 0;
}
