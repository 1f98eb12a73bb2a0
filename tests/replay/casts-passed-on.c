// Pointers to functions that are cast as they are passed on, stored and returned: called by other types than they were declared by.
//# args: 5
#include <stdio.h>
#include <stdlib.h>
struct shape { int sides; };
struct square { int sides, width; };
struct name { char text[8]; };
typedef long any(void *, void *);
typedef long shapes(struct shape *, struct name *);
static struct { any *compare; } table;
__attribute__((noinline)) static long call(any *f, void *x, void *y) { return f(x, y); }
static long wrap(shapes *f, struct shape *x, struct name *y) { return call((any *)f, x, y); }
static long first(struct shape *x, struct name *y) { return x->sides * 10L + y->text[0]; }
static long second(struct shape *x, struct name *y) { return x->sides + y->text[1]; }
static void keep(shapes *f) { table.compare = (any *)f; }
static any *give(shapes *f) { return (any *)f; }
static long third(struct square *x, struct name *y) { return x->width + y->text[2]; }
int main(int argc, char **argv) {
  struct square square = { 4, argc > 1 ? atoi(argv[1]) : 1 };
  struct name name = { "abcdef" };
  printf("%ld\n", wrap(first, (struct shape *)&square, &name));
  keep(second);
  printf("%ld\n", table.compare(&square, &name));
  printf("%ld\n", give(first)(&square, &name));
  shapes *other = (shapes *)third;
  printf("%ld\n", wrap(other, (struct shape *)&square, &name));
  return 0;
}
