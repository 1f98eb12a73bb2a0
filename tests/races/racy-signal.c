// A handler that changes what the interrupted code works on, without volatile or atomics, with threads beside it.
//# varies: output
#include "ticking.h"
#include <stdio.h>
long ticks, shared;
static volatile int stop;
static void on_alarm(int s) { (void)s; ticks++; shared += ticks; if (ticks >= 8) stop = 1; }
__attribute__((noinline)) static void step(long n) { shared = shared * 3 % 1000003 + n; }
static void *work(void *arg) {
  long n = 0;
  while (!stop) { step((long)arg); n++; }
  return (void *)n;
}
int main(void) {
  void *n[2];
  ticking(on_alarm, work, n);
  printf("ticks %ld shared %ld steps %ld %ld\n", ticks, shared, (long)n[0], (long)n[1]);
  return 0;
}
