// A function without annotation is called, and handed to the library, which calls it whenever it likes: it may write what the other calls handed over.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct node {
  struct node *next;
  int value;
};
extern void mystery(struct node *first);
extern int order(const void *a, const void *b);
static struct node first, second;
int main(void) {
  int numbers[3] = {3, 1, 2};
  first.next = &second;
  if (read(0, &second.value, sizeof second.value) < 1) return 1;
  qsort(numbers, 3, sizeof *numbers, order);
  mystery(&first);
  return second.value + numbers[0];
}
