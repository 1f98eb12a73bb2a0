/* A function that is not replayed jumps by a copy of what a buffer was filled with before it was filled again in the same frame. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
static jmp_buf here, copy;
__attribute__((noinline)) static void keeps(void) { memcpy(&copy, &here, sizeof copy); }
__attribute__((noinline)) static void jumps(void) { longjmp(copy, 7); }
int main(void) {
  volatile int rounds = 0;
  for (volatile int i = 0; i < 2; i++) {
    int r = setjmp(here);
    if (r != 0) {
      printf("%d after %d\n", r, rounds);
      return 0;
    }
    if (rounds++ == 0) keeps();
  }
  puts("before");
  fflush(stdout);
  jumps();
}
