// setjmp and longjmp, also out of nested calls, with state in volatile locals.
//# level: R3
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static jmp_buf env; static sigjmp_buf senv;
static void deep(int n) { char pad[100]; pad[n % 100] = (char)n; if (n == 0) longjmp(env, 7); deep(n - 1); if (pad[n % 100] != (char)n) abort(); }
int main(void) {
  volatile int round = 0;
  int r = setjmp(env);
  printf("%d %d\n", r, round);
  if (round++ < 3) deep(round * 10);
  if (sigsetjmp(senv, 1) == 0) { printf("%d\n", getpid() > 0); siglongjmp(senv, 2); }
  puts("end");
  return 0;
}
