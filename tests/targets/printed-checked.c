// The same of functions that check lengths.
//# target: say
#define _FORTIFY_SOURCE 2
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) static void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("say: ", stdout);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
}
int main(int argc, char **argv) {
  (void)argv;
  char *home = getenv("HOME");
  say("%d of %s", 42 + argc, home ? home : "nowhere");
  return 0;
}
