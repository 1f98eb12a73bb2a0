// Stacks for handlers in a variable, in a block of the heap and in a mapping: what the kernel keeps there is nobody's business.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/times.h>
#include <time.h>
enum { SIZE = 65536 };
static char area[SIZE];
static sigjmp_buf back;
static int *volatile nowhere;
static void jumps(int s) { siglongjmp(back, s); }
static int fault_on(void *stack) {
  stack_t new = { .ss_sp = stack, .ss_size = SIZE };
  if (sigaltstack(&new, NULL) != 0) return -1;
  int r = sigsetjmp(back, 1);
  if (r == 0) *nowhere = 1;
  return r;
}
int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = jumps;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGSEGV, &action, NULL);
  void *block = malloc(SIZE), *mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%d\n", fault_on(area));
  printf("%d\n", fault_on(block));
  printf("%d\n", fault_on(mapping));
  stack_t none = { .ss_flags = SS_DISABLE };
  printf("%d\n", sigaltstack(&none, NULL));
  free(block);
  // What only the library boundary has to log.
  long sum = 0;
  for (int i = 0; i < 200; i++) sum += times(NULL) + clock();
  printf("%d\n", sum > 0);
  return 0;
}
