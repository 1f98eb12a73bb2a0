// What nobody annotated runs late: what it may write is the program's own until then, and the library's to write from then on.
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

#ifndef LOOKS
#define LOOKS 0
#define RUNS argc > 0
#endif

int main(int argc, char **argv) {
  static unsigned char bytes[16384];
  int ends[2], sign = 0, n = 0;
  (void)argv;
  for (int i = 0; i < 16384; i++) bytes[i] = (unsigned char)(i * i >> 5);
  if (pipe(ends) != 0 || write(ends[1], bytes, sizeof bytes) != sizeof bytes) return 4;
  fill(ends[0]);
  unsigned long sum = look();
  for (int i = 0; i < LOOKS; i++) sum = sum * 3 + look();
  // It reaches all there is, by the list.
  if (RUNS) n += fcvt_r(2.71828, 4, &all.items->number, &sign, all.text, sizeof all.text);
  sum = sum * 3 + look();
  fill(ends[0]);
  if (RUNS) n += fcvt_r(31.4159, 3, &sign, &all.items->number, all.items->text, sizeof all.items->text);
  printf("%d %lu\n", n, sum * 3 + look());
  return 0;
}
