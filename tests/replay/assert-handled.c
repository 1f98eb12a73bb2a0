// A handler of SIGABRT after a failed assertion, which has said so first.
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/times.h>
#include <time.h>
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
  // What only the library boundary has to log.
  long sum = 0;
  for (int i = 0; i < 500; i++) sum += times(NULL) + clock();
  printf("%d\n", sum > 0);
  return 0;
}
