// Blocks that one thread hands to another through a pipe, and goes on to write to: what both do there races.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
enum { BLOCKS = 10, ROUNDS = 5000 };
struct item { volatile long n; };
static int fd[2];
static void *work(void *arg) {
  struct item *i;
  unsigned long hash = (unsigned long)arg;
  while (read(fd[0], &i, sizeof i) == sizeof i && i)
    for (int k = 0; k < ROUNDS; k++) {
      i->n = i->n * 3 + 1;
      hash = hash * 31 + (unsigned long)i->n;
    }
  return (void *)hash;
}
int main(void) {
  pthread_t t;
  void *value;
  unsigned long hash = 0;
  struct item *i = NULL;
  if (pipe(fd)) return 1;
  pthread_create(&t, NULL, work, (void *)1);
  for (int r = 0; r < BLOCKS; r++) {
    i = calloc(1, sizeof *i);
    if (write(fd[1], &i, sizeof i) != sizeof i) return 1;
    for (int k = 0; k < ROUNDS; k++) {
      i->n++;
      hash = hash * 31 + (unsigned long)i->n;
      if (k % 500 == 0) usleep(1);
    }
  }
  i = NULL;
  if (write(fd[1], &i, sizeof i) != sizeof i) return 1;
  pthread_join(t, &value);
  printf("%lx %lx\n", hash, (unsigned long)value);
  return 0;
}
