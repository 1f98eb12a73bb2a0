// Threads go through the variables of a section from its beginning to its end, which only the linker knows: they race.
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
struct counter { const char *name; long value; };
#define COUNTER(name) static struct counter name __attribute__((used, section("counters"))) = { #name, 0 }
COUNTER(first);
COUNTER(second);
extern struct counter __start_counters[], __stop_counters[];
static void *work(void *arg) {
  for (int i = 0; i < 3000; i++) {
    for (struct counter *c = __start_counters; c < __stop_counters; c++) c->value = c->value * 3 + i + (long)arg;
    if (i % 100 == 0) sched_yield();
  }
  return NULL;
}
int main(void) {
  pthread_t t[3];
  unsigned hash = 0;
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < 2000; i++) {
    hash = hash * 31 + (unsigned)first.value;
    __asm__ volatile("" ::: "memory");
    if (i % 50 == 0) sched_yield();
  }
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  printf("%x %ld %ld\n", hash, first.value, second.value);
  return 0;
}
