// A structure of which only the beginning was allocated.
//# stdin: what is read into a buffer that only few bytes of are looked at
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct message { int kind; char *text; long tail[64]; };
static char small[64] = "a text of the program's own, of more than forty characters", big[1 << 20];
static struct message full = { 1, small, {0} };
static char *__attribute__((noinline)) text(void *p) {
  struct message *m = p;
  if (m->kind == 5) return NULL;
  m = p;
  return m->text;
}
int main(void) {
  struct message *m = malloc(16);
  m->kind = 2;
  m->text = big;
  for (long n = 0, k; n < 1000000 && (k = read(0, big + n, 1000000 - n)) > 0; n += k) continue;
  printf("%c %c\n", text(m)[40], text(&full)[40]);
  return 0;
}
