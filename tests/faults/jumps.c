// A buffer of setjmp that a library may look at: it is kept, and brought back, by copies.
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
void keeps(void *);
struct frame { int depth; jmp_buf at; };
struct frame now;
static int inner(void) {
  struct frame saved;
  memcpy(&saved, &now, sizeof now);
  now.depth++;
  if (setjmp(now.at)) {
    puts("the inner one");
    return 1;
  }
  memcpy(&now, &saved, sizeof now);
  longjmp(now.at, 7);
}
int main(void) {
  keeps(&now);
  now.depth = 1;
  int r = setjmp(now.at);
  if (r) {
    printf("the outer one, %d %d\n", r, now.depth);
    return 0;
  }
  return inner();
}
