// Functions that are not replayed jump by copies of a buffer, which only they have: a replay knows the frame by where it is.
//# target: main:!jumps
//# target: main:!jumps:!jumps_from_heap
//# target: !jumps:!jumps_from_heap
//# target: !tries
//# target: !main
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static jmp_buf here, copy;
static sigjmp_buf with_mask;
static int depth;
__attribute__((noinline)) static void jumps(int n) {
  memcpy(&copy, &here, sizeof copy);
  longjmp(copy, n);
}
__attribute__((noinline)) static void jumps_from_heap(int n) {
  jmp_buf *moved = malloc(sizeof *moved);
  memcpy(moved, n % 2 ? &here : &with_mask, sizeof *moved);
  longjmp(*moved, n);
}
__attribute__((noinline)) static int tries(int n) {
  int r = setjmp(here);
  if (r) return r + depth;
  if (n > 0) jumps(n);
  jumps_from_heap(-n | 1);
  return -1;
}
__attribute__((noinline)) static int tries_with_mask(int n) {
  volatile int seen = n;
  int r = sigsetjmp(with_mask, 1);
  if (r) return r + seen * 100;
  jumps_from_heap(n * 2);
  return -1;
}
int main(void) {
  int sum = 0;
  char text[20];
  for (int i = 1; i < 5; i++) {
    depth = i;
    sum += tries(i);
    sum += tries(-i) * 7;
    sum += tries_with_mask(i) * 13;
    snprintf(text, sizeof text, "%d", sum);
    sum = atoi(text) + 1;
    printf("%d: %s\n", i, text);
  }
  return 0;
}
