// Functions on both sides: with the target `main`, `fetch` is cheaper in the environment, `parse` replayed.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static char response[1 << 20];
struct status {
  int code;
  int minor;
};

static int fetch(int fd) {
  ssize_t n, got = 0;
  while ((n = read(fd, response + got, sizeof response - got)) > 0)
    got += n;
  return (int)got;
}

static void parse(struct status *s) {
  s->minor = response[7] - '0';
  s->code = (response[9] - '0') * 100 + (response[10] - '0') * 10 + response[11] - '0';
}

int main(void) {
  int n;
  n = fetch(0);

  struct status s;
  parse(&s);
  printf("%d %d %d\n", n, s.minor, s.code);
  return s.code != 200;
}
