// A structure of many words written by one thread while others copy it: torn copies are counted and summed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <string.h>
enum { WORDS = 16, ROUNDS = 3000 };
struct record { long words[WORDS]; };
struct record shared;
static volatile int stop;
static void *writes(void *arg) {
  (void)arg;
  for (long i = 1; i <= ROUNDS; i++) {
    struct record r;
    for (int k = 0; k < WORDS; k++) r.words[k] = i;
    shared = r;
    __asm__ volatile("" ::: "memory");
  }
  stop = 1;
  return NULL;
}
static void *copies(void *arg) {
  unsigned long torn = 0, sum = 0, n = 0;
  (void)arg;
  while (!stop) {
    struct record r;
    if (n++ % 2) r = shared;
    else memcpy(&r, &shared, sizeof r);
    __asm__ volatile("" ::: "memory");
    torn += r.words[0] != r.words[WORDS - 1];
    sum = sum * 31 + (unsigned long)(r.words[0] * 3 + r.words[WORDS / 2]);
  }
  return (void *)(sum * 1000003 + torn);
}
int main(void) {
  pthread_t t[3];
  void *value[3];
  pthread_create(&t[0], NULL, copies, NULL);
  pthread_create(&t[1], NULL, copies, NULL);
  pthread_create(&t[2], NULL, writes, NULL);
  for (int i = 0; i < 3; i++) pthread_join(t[i], &value[i]);
  printf("%lx %lx\n", (unsigned long)value[0], (unsigned long)value[1]);
  return 0;
}
