// Functions of the environment that leave: what runs at exit is replayed, and the status is that of the recording.
//# status: 3
//# target: !die:!error_out
//# target: !main
//# target: main:!die
#include <err.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
static void bye(void) { puts("handler"); }
__attribute__((noinline)) void error_out(int status, const char *what) { error(status, 0, "%s", what); }
__attribute__((noinline)) void die(int status) {
  if (status) errx(status, "status %d", status);
}
int main(void) {
  atexit(bye);
  puts("start");
  error_out(0, "only said");
  die(0);
  die(3);
  return 0;
}
