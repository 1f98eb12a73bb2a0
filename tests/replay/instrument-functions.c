// Hooks that the compiler calls at the beginning and end of all functions.
//# level: R3
//# libs: -finstrument-functions
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#define HOOK __attribute__((no_instrument_function))
static int depth, deepest, calls;
static void **last;
HOOK void __cyg_profile_func_enter(void *function, void *from) {
  if (!last) last = malloc(sizeof *last);
  *last = function;
  calls++;
  if (++depth > deepest) deepest = depth;
}
HOOK void __cyg_profile_func_exit(void *function, void *from) {
  depth--;
}
__attribute__((noinline)) static int down(int n) {
  return n ? down(n - 1) + 1 : getpid() > 0;
}
int main(void) {
  printf("%d\n", down(9));
  printf("%d %d %d %d\n", depth, deepest, calls, *last == (void *)down);
  return 0;
}
