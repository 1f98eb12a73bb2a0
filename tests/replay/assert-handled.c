// A handler of SIGABRT after a failed assertion, which has said so first.
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include "outside.h"
static sigjmp_buf back;
static void jumps(int s) { siglongjmp(back, s); }
int main(void) {
  // It has the name of the program.
  freopen("/dev/null", "w", stderr);
  signal(SIGABRT, jumps);
  if (sigsetjmp(back, 1) == 0) assert(time(NULL) == 1);
  printf("after\n");
  if (sigsetjmp(back, 1) == 0) assert(time(NULL) == 2);
  printf("and after\n");
  printf("%d\n", read_all());
  return 0;
}
