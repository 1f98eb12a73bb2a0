// Texts that %m makes in memory: of the errno of the recording.
//# log-below: 20000
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
static void fail(void) { errno = open("/nonexistent", O_RDONLY) < 0 ? errno : 0; }
static void say(const char *format, ...) {
  char text[100], *made;
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  fail();
  vsnprintf(text, sizeof text, format, list);
  puts(text);
  fail();
  if (vasprintf(&made, format, again) >= 0) puts(made);
  free(made);
  va_end(again);
  va_end(list);
}
int main(int argc, char **argv) {
  char text[100], *made;
  wchar_t wide[100];
  fail();
  snprintf(text, sizeof text, "%d: %m", 1);
  puts(text);
  fail();
  sprintf(text, "%m");
  puts(text);
  fail();
  if (asprintf(&made, "%s, %m", "made") >= 0) puts(made);
  free(made);
  fail();
  swprintf(wide, 100, L"%d: %m", 2);
  printf("%zu\n", wcslen(wide));
  say("%m %s", "one");
  // Not of errno: runs again, and costs no byte of the log.
  int sum = 0;
  for (int i = 0; i < 10000; i++) {
    const char *format = i % 2 ? "%d of %s" : "100%% m %d";
    snprintf(text, sizeof text, format, i, "many");
    sum += text[strlen(text) - 1] + text[0];
  }
  printf("%d\n", sum);
  return argc == 0 && argv == NULL;
}
