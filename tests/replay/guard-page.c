// Guard pages in blocks of the allocator: digests leave them out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { PAGE = 4096 };
int main(void) {
  char *stacks[3];
  for (int i = 0; i < 3; i++) {
    void *p;
    if (posix_memalign(&p, PAGE, 16 * PAGE) != 0) return 1;
    stacks[i] = p;
    memset(p, i + 1, 16 * PAGE);
    mprotect(stacks[i], 3 * PAGE, PROT_NONE);
  }
  mprotect(stacks[1] + PAGE, PAGE, PROT_READ | PROT_WRITE);
  stacks[1][PAGE + 5] = 9;
  mprotect(stacks[2], 3 * PAGE, PROT_READ | PROT_WRITE);
  free(stacks[2]);
  printf("%d %d %d\n", stacks[0][5 * PAGE], stacks[1][PAGE + 5], getpid() > 0);
  return 0;
}
