// A thread waits in read() for what others look at, without an order, before, while and after it arrives: in a variable, on the heap, and by
// functions of the library.
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { ROUNDS = 3000 };
static struct { long number; char text[40]; } arrived;
static char *block;
static int to[2], back[2];
static volatile int stop;
static void *sends(void *arg) {
  (void)arg;
  for (long i = 1; i <= ROUNDS; i++) {
    char line[sizeof arrived] = "";
    memcpy(line, &i, sizeof i);
    snprintf(line + sizeof i, 40, "number %ld", i);
    if (write(to[1], line, sizeof line) != sizeof line) return NULL;
    char c;
    if (read(back[0], &c, 1) != 1) return NULL;
  }
  return NULL;
}
static void *receives(void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    void *at = i % 2 ? (void *)&arrived : block;
    if (read(to[0], at, sizeof arrived) != sizeof arrived || write(back[1], "", 1) != 1) break;
  }
  stop = 1;
  return NULL;
}
static void *looks(void *arg) {
  unsigned long sum = (unsigned long)arg;
  while (!stop) {
    sum = sum * 31 + (unsigned long)arrived.number;
    sum = sum * 5 + (unsigned long)block[8 + sum % 16] + strlen(arrived.text);
    if (memcmp(block + 8, "number 7", 8) == 0) sum++;
    if (sum % 64 == 0) sched_yield();
  }
  return (void *)sum;
}
int main(void) {
  pthread_t t[4];
  void *sum[4];
  block = calloc(1, sizeof arrived);
  if (pipe(to) || pipe(back)) return 1;
  pthread_create(&t[0], NULL, sends, NULL);
  pthread_create(&t[1], NULL, receives, NULL);
  pthread_create(&t[2], NULL, looks, (void *)1);
  pthread_create(&t[3], NULL, looks, (void *)2);
  for (int i = 0; i < 4; i++) pthread_join(t[i], &sum[i]);
  printf("%lx %lx %s %s\n", (unsigned long)sum[2], (unsigned long)sum[3], arrived.text, block + 8);
  return 0;
}
