// Threads race for what was the main thread's own before: a variable, a block, a member of another one, a buffer that the library fills.
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
struct pair {
  int raced;
  int locked;
};
static int counter;
static char buffer[64];
static int *block;
static struct pair *pair;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *unused) {
  counter++;
  buffer[0]++;
  (*block)++;
  pair->raced++;
  pthread_mutex_lock(&lock);
  pair->locked++;
  pthread_mutex_unlock(&lock);
  return unused;
}
int main(void) {
  pthread_t threads[2];
  block = malloc(sizeof *block);
  *block = 1;
  pair = calloc(1, sizeof *pair);
  if (read(0, buffer, sizeof buffer) < 1) return 1;
  if (read(0, block, sizeof *block) < 1) return 2;
  pthread_create(&threads[0], NULL, work, NULL);
  pthread_create(&threads[1], NULL, work, NULL);
  work(NULL);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  return counter + buffer[0] + *block + pair->raced;
}
