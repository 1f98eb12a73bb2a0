// A ring whose sentinel lies before its head: entries are linked in and found through a structure that is not there.
//# stdin: what is read into a buffer that only few bytes of are looked at
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct elem { long key; void *what; struct { struct elem *next, *prev; } link; char *data; };
static struct head { struct elem *next, *prev; } h;
static char small[1 << 20], big[1 << 20];
static struct elem dummy = { .data = small };
#define SENTINEL ((struct elem *)((char *)&h - offsetof(struct elem, link)))
static void __attribute__((noinline)) insert(struct elem *e) {
  e->link.next = SENTINEL;
  e->link.prev = SENTINEL->link.prev;
  SENTINEL->link.prev->link.next = e;
  SENTINEL->link.prev = e;
}
int main(void) {
  h.next = h.prev = SENTINEL;
  struct elem *e = malloc(sizeof *e);
  e->data = big;
  e->key = 7;
  for (long n = 0, k; n < 1000000 && (k = read(0, big + n, 1000000 - n)) > 0; n += k) continue;
  insert(e);
  struct elem *f = h.next != SENTINEL ? h.next : &dummy;
  if (getpid() == 1) h.next = &dummy;
  printf("%c %c %ld\n", f->data[3], f->data[40], f->key);
  return 0;
}
