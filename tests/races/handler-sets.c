// Linked with the promise that there are no races: a handler sets variables through a pointer and by functions of the library, and threads
// look at them.
//# races: trust
//# varies: output
#include "ticking.h"
#include <stdio.h>
#include <unistd.h>
static int flags[2], other;
static int *which = &flags[0];
static long times[4];
static char name[8];
static void on_alarm(int s) {
  static int n;
  (void)s;
  n++;
  which = n % 2 ? &other : &flags[0];
  *which = n;
  memset(times, n, sizeof times);
  if (n > 8) strcpy(name, "end");
}
static void *work(void *arg) {
  unsigned long hash = (unsigned long)arg;
  while (name[0] != 'e') {
    usleep(1);
    hash = hash * 31 + (unsigned long)(other + flags[0] * 3 + times[2]);
  }
  return (void *)hash;
}
int main(void) {
  void *hash[2];
  ticking(on_alarm, work, hash);
  printf("%lx %lx\n", (unsigned long)hash[0], (unsigned long)hash[1]);
  return 0;
}
