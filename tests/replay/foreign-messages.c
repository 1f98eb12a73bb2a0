// Messages whose texts lie in memory of the library, by functions that print on stderr or on a descriptor without being given a stream.
//# status: 3
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void message(int fd, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vdprintf(fd, format, list);
  va_end(list);
  printf("%d\n", n);
}

int main(void) {
  DIR *d = opendir("/");
  struct dirent *e = d ? readdir(d) : NULL;
  if (!e) return 1;
  const char *name = e->d_name;
  program_invocation_name = program_invocation_short_name = "messages";
  errno = ENOENT;
  perror(name);
  error(0, 0, "%s: plain", name);
  error(0, EACCES, "%s of %d", name, 1);
  errno = EEXIST;
  warn("%s", name);
  warnx("%s and %s", name, "own text");
  printf("%d\n", dprintf(2, "%s\n", name) > 1);
  fflush(stdout);
  printf("%d\n", dprintf(1, "%s\n", name) > 1);
  message(2, "<%s>\n", name);
  fflush(stdout);
  message(1, "<%s>\n", name);
  printf("%u messages\n", error_message_count);
  // What is printed later is shown as before.
  fprintf(stderr, "still there\n");
  perror("own text");
  error(3, 0, "the last: %s", name);
}
