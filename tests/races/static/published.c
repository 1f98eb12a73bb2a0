// Blocks that the library fills, and an argument passed in memory, found by another thread through pointers that race: what it reads there may
// not be there yet.
//# races: block, filled, heap:fill:10, heap:fill:11+1, passed, show:s.words
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
struct big { long words[8]; };
static long *volatile block; static char *volatile filled; static struct big *volatile passed;
static void fill(void) {
  block = calloc(1, 8);
  filled = strdup("text");
}
static void show(struct big s) { passed = &s; for (;;) {} }
static void *work(void *arg) {
  struct big own = {{1}};
  fill();
  show(own);
  return NULL;
}
int main(void) {
  pthread_t t;
  pthread_create(&t, NULL, work, NULL);
  return (int)(*block + filled[1] + passed->words[2]);
}
