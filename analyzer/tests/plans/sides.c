// Functions on both sides of the cut: the environment fetches, tells how far it is, and leaves a summary.
#include <string.h>
#include <unistd.h>
struct reply {
  int code;
  int length;
  char kind[8];
};
static struct reply last;
static char body[65536];
static long total;
static void progress(int n) { total += n; }
static void fetch(struct reply *r, void (*tell)(int)) {
  long n = read(0, body, sizeof body);
  r->code = body[0];
  r->length = (int)n;
  memcpy(r->kind, body + 8, sizeof r->kind);
  tell((int)n);
}
static int decide(void) {
  fetch(&last, progress);
  unsigned sum = 0;
  for (int k = 0; k < 1000; k++)
    sum = sum * 3 + (unsigned)(last.code + last.length + last.kind[k & 7]);
  return (int)(sum & 7) + (int)total;
}
int main(void) {
  int sum = 0;
  while (decide() > 0) {
    sum += decide();
    write(1, body, (size_t)last.length);
  }
  return sum & 1;
}
