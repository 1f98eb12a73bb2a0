// A structure that most code guards by a lock and one function does not; bit-fields beside one another; a pointer that is freed late.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { ROUNDS = 4000 };
static struct state { long total, writes; unsigned low : 12, high : 12, on : 1; } state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *volatile name = "initial";
static unsigned long peeks[2];
static void *locked(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    state.total += i;
    state.writes++;
    state.low++;
    pthread_mutex_unlock(&lock);
    if (i % 500 == 0) {
      char *fresh = malloc(20);
      snprintf(fresh, 20, "%s %d", arg ? "b" : "a", i);
      name = fresh;
    }
  }
  return NULL;
}
__attribute__((noinline)) static unsigned long peek(void) {
  state.high++;
  return (unsigned long)(state.total * 3 + state.writes) + (unsigned char)name[2];
}
static void *unlocked(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < ROUNDS; i++) sum = sum * 31 + peek();
  peeks[(long)arg] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[4];
  for (long i = 0; i < 2; i++) { pthread_create(&t[i], NULL, locked, (void *)i); pthread_create(&t[2 + i], NULL, unlocked, (void *)i); }
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  printf("%ld %ld %u %u %lx %lx %s\n", state.total, state.writes, state.low, state.high, peeks[0], peeks[1], name);
  return 0;
}
