// What nobody annotated does not run: what it could write is not logged.
//# log-below: 20000
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern int fcvt_r(double value, int digits, int *point, int *sign, char *to, size_t room);
enum { ITEMS = 300 };
struct item {
  struct item *next;
  char text[40];
  int number;
};
static struct {
  char text[64];
  struct item *items;
} all;

static unsigned long look(void) {
  unsigned long sum = 7;
  for (struct item *i = all.items; i; i = i->next) sum = sum * 31 + (unsigned long)i->number + (unsigned char)i->text[3];
  for (int i = 0; i < 64; i++) sum = sum * 31 + (unsigned char)all.text[i];
  return sum;
}

static void fill(int from) {
  if (read(from, all.text, 40) != 40) exit(1);
  for (int i = 0; i < ITEMS; i++) {
    struct item *new = calloc(1, sizeof *new);
    if (read(from, new->text, 4 + i % 30) < 4) exit(2);
    if (read(from, &new->number, sizeof new->number) != sizeof new->number) exit(3);
    new->next = all.items;
    all.items = new;
  }
}

int main(int argc, char **argv) {
  int sign = 0;
  (void)argv;
  static unsigned char bytes[16384];
  int ends[2];
  for (int i = 0; i < 16384; i++) bytes[i] = (unsigned char)(i * i >> 5);
  if (pipe(ends) != 0 || write(ends[1], bytes, sizeof bytes) != sizeof bytes) return 4;
  fill(ends[0]);
  unsigned long before = look();
  for (int i = 0; i < 1000; i++) before ^= look() * i;
  for (int i = 0; i < 1000; i++) before ^= look() * i;
  // It reaches all there is, by the list.
  int n = argc < 100 ? 0 : fcvt_r(2.71828, 4, &all.items->number, &sign, all.text, sizeof all.text);
  unsigned long after = look();
  fill(ends[0]);
  if (argc > 100) n += fcvt_r(31.4159, 3, &sign, &all.items->number, all.items->text, sizeof all.items->text);
  printf("%d %d %lu\n", n, before == after && after != look(), look());
  return 0;
}
