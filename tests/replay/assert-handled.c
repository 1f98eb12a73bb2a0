// A handler of SIGABRT after a failed assertion, which has said so first.
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
static sigjmp_buf back;
static void jumps(int s) { siglongjmp(back, s); }
// What only the library boundary has to log.
__attribute__((noinline)) static long read_all(void) {
  unsigned char bytes[4096];
  long sum = 0;
  FILE *f = fopen("/proc/self/exe", "r");
  size_t n = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  for (size_t i = 0; i < n; i++) sum += bytes[i];
  return sum;
}
int main(void) {
  // It has the name of the program.
  freopen("/dev/null", "w", stderr);
  signal(SIGABRT, jumps);
  if (sigsetjmp(back, 1) == 0) assert(time(NULL) == 1);
  printf("after\n");
  if (sigsetjmp(back, 1) == 0) assert(time(NULL) == 2);
  printf("and after\n");
  printf("%d\n", read_all() > 0);
  return 0;
}
